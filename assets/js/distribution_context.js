/**
 * What the model reads: the prompt's tokens and those after it, shaded by how likely each was. Every token shows what
 * else the model had in mind in its place, and one can go back there, or branch off.
 */

import { count, explained, fixed, make, percent, text, visible } from "./distribution_page.js";
import { shade, shadeLabels } from "./distribution_trace.js";

const KINDS = ["probability", "entropy", "none"];

export class Context {
  /**
   * @param {{goTo: (drawn: number[]) => void, branch: (place: number, id: number) => void}} acts  `goTo` asks for the
   *   distribution after the prompt and these tokens, `branch` for that after the text up to a place and another token
   */
  constructor(acts) {
    this.acts = acts;
    this.tokens = make("div", { class: "pgd-tokens", role: "toolbar", "aria-label": text("distribution.text_label") });
    this.count = explained(make("span", { class: "pgd-count" }), () => text("distribution.reads_help"));
    this.kind = make("select", { id: "pgd-heat" }, ...KINDS.map((kind) => make("option", { value: kind }, text(`distribution.heat_${kind}`))));
    this.legend = make("span", { class: "pgd-shades" });
    this.undo = this.button("undo", () => acts.goTo(this.drawn.slice(0, -1)));
    this.restart = this.button("restart", () => acts.goTo([]));
    this.step = make("div", { class: "pgd-step" });
    const label = make("label", { for: "pgd-heat" }, text("distribution.heat"));
    const heat = make("span", { class: "pgd-heat" }, label, this.kind, this.legend);
    const head = make("div", { class: "pgd-context-head" }, this.count, heat, make("span", { class: "pgd-back" }, this.undo, this.restart));
    this.element = make("div", { class: "pgd-context" }, head, this.tokens, this.step);
    this.kind.addEventListener("change", () => this.shadeAll());
    this.tokens.addEventListener("keydown", (event) => this.move(event));
  }

  /** Chooses what the text is shaded by; what is none of the choices, as a link may have it, changes nothing. */
  shadeBy(kind) {
    if (KINDS.includes(kind)) this.kind.value = kind;
  }

  button(name, act) {
    return make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": name, onclick: act }, text(`distribution.${name}`));
  }

  /**
   * @param {{ids: number[], drawn: number[], chat: boolean}} value
   * @param {string[]} texts  the vocabulary's
   * @param {import("./distribution_trace.js").Trace} trace
   */
  draw({ ids, drawn, chat }, texts, trace) {
    Object.assign(this, { ids, drawn, chat, texts, trace, pinned: null });
    this.first = trace.start - 1;
    this.chips = ids.slice(this.first).map((id, place) => this.chip(this.first + place, id));
    const earlier = this.first > 0 ? [make("span", { class: "pgd-earlier" }, text("distribution.earlier", { count: count(this.first) }))] : [];
    // A line break within the text is one on the screen too, so that a page of it can be read.
    const lines = this.chips.flatMap((chip, at) => (texts[ids[this.first + at]]?.includes("\n") ? [chip, make("br")] : [chip]));
    this.tokens.replaceChildren(...earlier, ...lines, make("span", { class: "pgd-next", "aria-hidden": "true" }, "?"));
    this.chips.at(-1).tabIndex = 0;
    this.tokens.scrollTop = this.tokens.scrollHeight;
    this.count.textContent = text("distribution.reads", { count: count(ids.length) });
    this.undo.disabled = this.restart.disabled = drawn.length === 0;
    this.shadeAll();
    this.step.replaceChildren(make("p", { class: "pgd-hint" }, text("distribution.step_hint")));
  }

  chip(place, id) {
    const drawn = place >= this.ids.length - this.drawn.length;
    const made = make("button", { type: "button", tabindex: -1, class: drawn ? "pgd-chip pgd-drawn" : "pgd-chip" }, visible(this.texts[id]));
    const found = this.trace.at(place);
    if (found) made.setAttribute("aria-label", `${made.textContent}: ${summary(found)}`);
    const look = () => this.pinned === null && this.show(place);
    made.addEventListener("pointerenter", look);
    made.addEventListener("focus", look);
    made.addEventListener("click", () => this.pin(this.pinned === place ? null : place));
    return made;
  }

  pin(place) {
    for (const chip of this.chips) chip.removeAttribute("aria-pressed");
    this.pinned = place;
    if (place === null) return;
    this.chips[place - this.first].setAttribute("aria-pressed", "true");
    this.show(place);
  }

  move(event) {
    const at = this.chips.indexOf(document.activeElement);
    if (event.key === "Escape") this.pin(null);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: this.chips.length - 1 }[event.key];
    if (at < 0 || to === undefined || !this.chips[to]) return;
    event.preventDefault();
    this.chips[at].tabIndex = -1;
    this.chips[to].tabIndex = 0;
    this.chips[to].focus();
  }

  shadeAll() {
    const kind = this.kind.value;
    this.chips?.forEach((chip, at) => {
      const found = kind === "none" ? null : this.trace.at(this.first + at);
      if (found) chip.dataset.shade = shade(found, kind);
      else delete chip.dataset.shade;
    });
    const labels = kind === "none" ? [] : shadeLabels(kind);
    this.legend.replaceChildren(...labels.map((words, level) => make("span", { class: "pgd-shade", "data-shade": level }, words)));
  }

  /** The token at a place, and what else could have stood there. */
  show(place) {
    const found = this.trace.at(place);
    const name = make("span", { class: "pgd-step-token" }, visible(this.texts[this.ids[place]]));
    if (!found) {
      this.step.replaceChildren(make("p", { class: "pgd-step-facts" }, name, " ", text("distribution.step_first")));
      return;
    }
    const since = place - (this.ids.length - this.drawn.length);
    const facts = make("p", { class: "pgd-step-facts" }, name, " ", summary(found));
    if (since >= 0) facts.append(" ", this.button("back", () => this.acts.goTo(this.drawn.slice(0, since))));
    // A chat's message stands within a template, which cannot be broken off in the middle.
    const fixedText = this.chat && since < 0;
    const others = found.alternatives.map(({ id, probability }, at) => this.alternative(place, since, { id, probability, at, fixedText }));
    this.step.replaceChildren(facts, make("ol", { class: "pgd-others", "aria-label": text("distribution.others_label") }, ...others));
  }

  alternative(place, since, { id, probability, at, fixedText }) {
    const chosen = id === this.ids[place];
    const words = [make("small", {}, `${at + 1}`), make("b", {}, visible(this.texts[id])), make("span", {}, percent(probability))];
    const button = make("button", { type: "button", class: "pgd-other", disabled: fixedText || chosen, "data-chosen": chosen }, ...words);
    button.addEventListener("click", () => {
      if (since >= 0) this.acts.goTo([...this.drawn.slice(0, since), id]);
      else this.acts.branch(place, id);
    });
    return make("li", {}, button);
  }
}

function summary({ probability, rank, entropy }) {
  return text("distribution.step_facts", { probability: percent(probability), rank: count(rank), entropy: fixed(entropy, 2) });
}
