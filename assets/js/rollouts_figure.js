/** A figure on the page: its title and explanation, a picture that is as wide as there is room, and the files of it. */

import { png, save } from "./distribution_figure.js";
import { help, make, text as say } from "./distribution_page.js";
import { standalone } from "./rollouts_chart.js";

export class Figure {
  /**
   * @param {string} name  of its files, and the end of its keys: `rollouts.figure_NAME` and `…_help`
   * @param {{draw: (width: number) => ?SVGElement, csv: () => string, caption: () => string[]}} made
   *   `draw` gives null where there is nothing to see
   */
  constructor(name, { draw, csv, caption }) {
    Object.assign(this, { name, draw, csv, caption });
    const title = say(`rollouts.figure_${name}`);
    const buttons = ["csv", "svg", "png"].map((kind) => {
      const label = say("rollouts.take", { kind: kind.toUpperCase(), name: title });
      return make("button", { type: "button", class: "pgr-take", "data-take": kind, "aria-label": label, onclick: () => this.take(kind) }, kind.toUpperCase());
    });
    const about = help(title, () => say(`rollouts.figure_${name}_help`));
    this.note = make("p", { class: "pgr-note", role: "status" });
    this.picture = make("div", { class: "pgr-picture" });
    const head = make("div", { class: "pgr-figure-head" }, make("h2", {}, title), about, make("span", { class: "pgr-takes" }, ...buttons));
    this.element = make("section", { class: "pgr-figure", "data-figure": name }, head, this.picture, this.note);
    new ResizeObserver(() => this.width !== this.picture.clientWidth && this.refresh()).observe(this.picture);
  }

  /** Draws anew, if there is room: a figure on a page that is not shown has none. */
  refresh() {
    this.width = this.picture.clientWidth;
    if (!this.width) return;
    const svg = this.draw(this.width);
    this.picture.replaceChildren(...(svg ? [svg] : []));
  }

  say(sentence) {
    this.note.textContent = sentence;
  }

  async take(kind) {
    if (kind === "csv") return save(this.csv(), "text/csv", `${this.name}.csv`);
    const svg = this.draw(Math.max(560, this.width ?? 0));
    // What is on the page must stay the last that was drawn: it is what answers to keys and pointers.
    this.refresh();
    if (!svg) return undefined;
    const whole = standalone(svg, [say(`rollouts.figure_${this.name}`), ...this.caption()]);
    if (kind === "svg") return save(whole, "image/svg+xml", `${this.name}.svg`);
    return save(await png(whole), "image/png", `${this.name}.png`);
  }
}

/** Lines of a table: numbers as they are, texts as JSON, so that no table program takes one for a formula. */
export function table(head, rows) {
  const cell = (value) => (typeof value === "string" ? `"${JSON.stringify(value).replaceAll('"', '""')}"` : value === undefined || Number.isNaN(value) ? "" : String(value));
  return `${[head.join(","), ...rows.map((row) => row.map(cell).join(","))].join("\r\n")}\r\n`;
}
