/** The two next-token distributions at one place of an answer, bar under bar, under the same sliders. */

import { Controls } from "./distribution_controls.js";
import { fixed, make, percent, text as say, visible } from "./distribution_page.js";
import { decode } from "./distribution_trace.js";
import { probabilities, rank, rawProbability, transform } from "./sampling.js";
import { distance, likeliest } from "./shift_facts.js";

const ROWS = 12;
const SIDES = ["base", "tuned"];
const NEUTRAL = { temperature: 1, top_k: 0, top_p: 1, min_p: 0, typical_p: 1 };

export class Pair {
  constructor(settings) {
    this.controls = new Controls(settings, () => this.moved(), "pgs");
    this.rows = make("ol", { class: "pgs-rows" });
    this.facts = make("p", { class: "pgs-facts", role: "status" });
    const key = (side) => make("span", { class: `pgs-key pgs-key-${side}` }, make("i", {}), say(`compare.${side}`));
    const raw = make("span", { class: "pgs-key pgs-key-raw" }, make("i", {}), say("shift.raw"));
    const legend = make("p", { class: "pgs-legend" }, ...SIDES.map(key), raw);
    const main = make("div", { class: "pgs-bars" }, make("h4", {}, say("shift.pair")), legend, this.rows, this.facts);
    this.element = make("div", { class: "pgs-pair" }, main, this.controls.element);
  }

  /** @param {{base: string, tuned: string}} given  packed logits @param {string[]} tokens  the vocabulary's texts */
  show(given, tokens) {
    this.tokens = tokens;
    this.sides = SIDES.map((name) => {
      const ranking = rank(decode(given[name]));
      return { name, ranking, weights: new Float64Array(ranking.sorted.length) };
    });
    this.element.removeAttribute("data-waits");
    this.draw();
  }

  /** What is shown is of another place; the right one is under way. */
  wait() {
    this.element.dataset.waits = "";
  }

  /** At most one drawing per frame, the last position wins. */
  moved() {
    if (this.pending || !this.sides) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = null;
      this.draw();
    });
  }

  draw() {
    const values = { ...NEUTRAL, ...this.controls.values };
    for (const side of this.sides) {
      side.distribution = transform(side.ranking, values, side.weights);
      side.final = probabilities(side.ranking, side.distribution);
      side.first = side.distribution.first;
    }
    this.controls.report(this.sides[1].distribution);
    const ids = likeliest(this.sides, ROWS);
    const scale = Math.max(...ids.flatMap((id) => this.sides.map(({ ranking, final }) => Math.max(final[id], rawProbability(ranking, id)))));
    this.rows.replaceChildren(...ids.map((id) => this.row(id, scale)));
    const [base, tuned] = this.sides.map(({ distribution }) => ({ entropy: fixed(distribution.entropy, 2), kept: distribution.kept.toLocaleString() }));
    const apart = distance(this.sides[0].final, this.sides[1].final);
    this.facts.textContent = say("shift.pair_facts", { base: base.entropy, tuned: tuned.entropy, base_kept: base.kept, tuned_kept: tuned.kept, share: percent(apart) });
  }

  row(id, scale) {
    const bars = this.sides.map(({ name, ranking, final }) => {
      const raw = make("i", { class: "pgs-raw", style: `width: ${(100 * rawProbability(ranking, id)) / scale}%` });
      const bar = make("i", { class: `pgs-bar pgs-bar-${name}`, style: `width: ${(100 * final[id]) / scale}%` });
      const label = final[id] ? percent(final[id]) : say("distribution.cut");
      return make("span", { class: "pgs-line" }, make("span", { class: "pgs-track" }, raw, bar), make("span", { class: "pgs-value" }, make("span", { class: "pgs-unseen" }, `${say(`compare.${name}`)} `), label));
    });
    return make("li", {}, make("span", { class: "pgs-token" }, visible(this.tokens[id])), make("span", { class: "pgs-lines" }, ...bars));
  }
}
