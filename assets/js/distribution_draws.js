/** Drawing from the distribution: one token that goes on with the text, or a thousand to hold against the theory. */

import { count, explained, fixed, help, make, percent, text, visible } from "./distribution_page.js";
import { draw, generator, probabilityAt } from "./sampling.js";
import { goodnessOfFit } from "./statistics.js";

const MANY = 1000;
const MANY_STREAM = 0x7f4a7c15; // one token at step n uses stream n, so this is far from all of them
const LARGEST_SEED = 2 ** 32 - 1;

export class Draws {
  /**
   * @param {() => import("./sampling.js").Distribution} current
   * @param {{one: (rank: number) => void, many: (samples: ?Object) => void}} told
   */
  constructor(current, told) {
    this.current = current;
    this.told = told;
    this.step = 0;
    this.seed = make("input", { type: "number", min: 0, max: LARGEST_SEED, step: 1, value: 0, id: "pgd-seed", inputmode: "numeric" });
    this.one = this.button("one", () => this.drawOne());
    this.many = this.button("many", () => this.drawMany());
    this.another = this.button("seed", () => this.reseed());
    this.note = make("p", { class: "pgd-note", role: "status", "data-fact": "draws" });
    const seedLabel = make("label", { for: "pgd-seed" }, text("distribution.seed"));
    this.element = make(
      "div", { class: "pgd-draws" },
      make("h2", {}, text("distribution.draw")),
      make("div", { class: "pgd-buttons" }, this.one, this.many),
      make("div", { class: "pgd-seedline" }, seedLabel, help(text("distribution.seed"), () => text("distribution.seed_help")), this.seed, this.another),
      this.note,
    );
    this.seed.addEventListener("input", () => this.clear());
    this.clear();
  }

  button(name, act) {
    const kind = name === "seed" ? "pgd-button pgd-quiet" : "pgd-button";
    const made = make("button", { type: "button", class: kind, "data-action": name }, text(`distribution.draw_${name}`));
    made.addEventListener("click", act);
    return name === "seed" ? made : explained(made, () => text(`distribution.draw_${name}_help`), { acts: true });
  }

  /** The seed as it is used: a whole number from 0 to 2^32 - 1, whatever was typed. */
  get number() {
    const typed = Math.trunc(this.seed.valueAsNumber);
    return Number.isFinite(typed) ? Math.min(Math.max(typed, 0), LARGEST_SEED) : 0;
  }

  reseed() {
    this.seed.value = crypto.getRandomValues(new Uint32Array(1))[0] % 10000;
    this.clear();
  }

  /** Forgets the samples: they belong to a distribution that is no more. */
  clear() {
    const had = this.samples;
    this.samples = null;
    this.note.textContent = text(had ? "distribution.draw_again" : "distribution.draw_hint");
    if (had) this.told.many(null);
  }

  drawOne() {
    const [at] = draw(this.current(), generator(this.number, this.step), 1);
    this.told.one(at);
  }

  /** A thousand more, `times` over. */
  drawMany(times = 1) {
    const distribution = this.current();
    this.samples ??= { counts: new Uint32Array(distribution.weights.length), total: 0, random: generator(this.number, MANY_STREAM) };
    for (const at of draw(distribution, this.samples.random, MANY * times)) this.samples.counts[at]++;
    this.samples.total += MANY * times;
    this.told.many(this.samples);
  }

  /** Says how far the samples are from the theory, and how far chance alone would take them. */
  report(ranking, tokens) {
    const { counts, total } = this.samples;
    const distribution = this.current();
    let widest = { gap: -1 };
    for (let at = distribution.first; at < distribution.end; at++) {
      const { final } = probabilityAt(distribution, at);
      const gap = Math.abs(counts[at] / total - final);
      if (gap > widest.gap) widest = { gap, at, final };
    }
    const { gap, at, final } = widest;
    const gaps = text("distribution.samples", {
      total: count(total),
      seed: this.number,
      token: visible(tokens[ranking.order[at]]),
      seen: percent(counts[at] / total),
      final: percent(final),
      gap: fixed(gap * 100, 2),
      error: fixed(Math.sqrt((final * (1 - final)) / total) * 100, 2),
    });
    const test = goodnessOfFit(counts, total, distribution);
    this.note.replaceChildren(make("span", {}, gaps), " ", explained(make("span", { "data-fact": "chi" }, verdict(test)), () => text("distribution.chi_help")));
  }
}

/** The χ² test in words. */
function verdict(test) {
  if (!test) return text("distribution.chi_none");
  const p = test.p < 0.001 ? `p = ${test.p.toExponential(1)}` : `p = ${fixed(test.p, 3)}`;
  const values = { statistic: fixed(test.statistic, 1), freedom: count(test.freedom), p, share: percent(test.p) };
  return text("distribution.chi", values);
}
