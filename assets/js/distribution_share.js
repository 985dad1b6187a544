/** What a reader takes away: an address that shows the same again, the data, and the picture. */

import { csv, png, save, svg } from "./distribution_figure.js";
import { written } from "./distribution_link.js";
import { make, text } from "./distribution_page.js";

export const KINDS = { link: "distribution.share_link", csv: "distribution.share_csv", svg: "distribution.share_svg", png: "distribution.share_png" };

export class Share {
  /**
   * @param {() => {view: Object, shown: Object, rows: number, caption: string[]}} current
   * @param {string} name  of the files
   * @param {Object<string, string>} kinds  key of each button's text by the method that it calls
   */
  constructor(current, name = "next-token-distribution", kinds = KINDS) {
    this.current = current;
    this.name = name;
    this.note = make("span", { class: "pgd-share-note", role: "status" });
    const buttons = Object.entries(kinds).map(([kind, key]) =>
      make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": kind, onclick: () => this[kind]() }, text(key)),
    );
    this.element = make("div", { class: "pgd-share" }, make("span", {}, text("distribution.share")), ...buttons, this.note);
  }

  /** Copies the address, and puts it into the address bar, where it can be copied by hand. */
  async link() {
    const address = new URL(location.href);
    address.search = "";
    address.hash = this.address();
    history.replaceState(history.state, "", address.hash);
    window.playground.followed = location.hash;
    const copied = await Promise.resolve(navigator.clipboard?.writeText(address.href)).then(() => Boolean(navigator.clipboard), () => false);
    this.note.textContent = text(copied ? "distribution.share_copied" : "distribution.share_in_bar");
  }

  csv() {
    save(this.table(), "text/csv", `${this.name}.csv`);
  }

  svg() {
    save(this.figure(), "image/svg+xml", `${this.name}.svg`);
  }

  async png() {
    save(await png(this.figure()), "image/png", `${this.name}.png`);
  }

  address() {
    return written(this.current().view);
  }

  table() {
    return csv(this.current().shown);
  }

  figure() {
    const { shown, rows, caption } = this.current();
    return svg(shown, rows, caption);
  }
}
