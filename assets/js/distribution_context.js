/** What the model reads: the prompt's tokens and those drawn after it, with undo. */

import { count, explained, make, text, visible } from "./distribution_page.js";

const LAST = 48;

export class Context {
  /** @param {(drawn: number[]) => void} goTo  asks for the distribution after the prompt and these drawn tokens */
  constructor(goTo) {
    this.tokens = make("span", { class: "pgd-tokens" });
    this.count = explained(make("span", { class: "pgd-count" }), () => text("distribution.reads_help"));
    this.undo = make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": "undo" }, text("distribution.undo"));
    this.restart = make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": "restart" }, text("distribution.restart"));
    this.undo.addEventListener("click", () => goTo(this.drawn.slice(0, -1)));
    this.restart.addEventListener("click", () => goTo([]));
    const back = make("span", { class: "pgd-back" }, this.undo, this.restart);
    this.element = make("div", { class: "pgd-context" }, this.count, this.tokens, back);
  }

  draw({ ids, drawn }, texts) {
    this.drawn = drawn;
    const first = Math.max(0, ids.length - LAST);
    const chips = ids.slice(first).map((id, place) => {
      const isDrawn = first + place >= ids.length - drawn.length;
      return make("span", { class: isDrawn ? "pgd-chip pgd-drawn" : "pgd-chip", title: `id ${id}` }, visible(texts[id]));
    });
    const earlier = first > 0 ? [make("span", { class: "pgd-earlier" }, text("distribution.earlier", { count: count(first) }))] : [];
    this.tokens.replaceChildren(...earlier, ...chips, make("span", { class: "pgd-next", "aria-hidden": "true" }, "?"));
    this.count.textContent = text("distribution.reads", { count: count(ids.length) });
    this.undo.disabled = this.restart.disabled = drawn.length === 0;
  }
}
