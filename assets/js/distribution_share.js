/** What a reader takes away: an address that shows the same again, the data, and the picture. */

import { csv, png, save, svg } from "./distribution_figure.js";
import { written } from "./distribution_link.js";
import { make, text } from "./distribution_page.js";

const NAME = "next-token-distribution";

export class Share {
  /** @param {() => {view: Object, shown: Object, rows: number, caption: string[]}} current */
  constructor(current) {
    this.current = current;
    this.note = make("span", { class: "pgd-share-note", role: "status" });
    const buttons = ["link", "csv", "svg", "png"].map((kind) =>
      make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": kind, onclick: () => this[kind]() }, text(`distribution.share_${kind}`)),
    );
    this.element = make("div", { class: "pgd-share" }, make("span", {}, text("distribution.share")), ...buttons, this.note);
  }

  /** Copies the address, and puts it into the address bar, where it can be copied by hand. */
  async link() {
    const address = new URL(location.href);
    address.search = "";
    address.hash = written(this.current().view);
    history.replaceState(history.state, "", address.hash);
    window.playground.followed = location.hash;
    const copied = await Promise.resolve(navigator.clipboard?.writeText(address.href)).then(() => Boolean(navigator.clipboard), () => false);
    this.note.textContent = text(copied ? "distribution.share_copied" : "distribution.share_in_bar");
  }

  csv() {
    save(csv(this.current().shown), "text/csv", `${NAME}.csv`);
  }

  svg() {
    save(this.figure(), "image/svg+xml", `${NAME}.svg`);
  }

  async png() {
    save(await png(this.figure()), "image/png", `${NAME}.png`);
  }

  figure() {
    const { shown, rows, caption } = this.current();
    return svg(shown, rows, caption);
  }
}
