/** The best policy near the one that drew: β on a slider, what it makes of the rollouts, and the plane it lies in. */

import { count, explained, fixed, help, make, text as say } from "./distribution_page.js";
import { measured, short } from "./rollouts_chart.js";
import { plane } from "./rollouts_figures.js";
import { Figure, table } from "./rollouts_figure.js";
import { bestOf, curve, optimum, running } from "./rollouts_statistics.js";

/** From far below what the slider offers: there the curve tells rewards apart that are almost the same. */
const BETAS = Array.from({ length: 241 }, (_, at) => 10 ** (-6 + at / 30));
const MOST_DRAWS = 1024;
const FEW = 10; // effective rollouts below which an average is little more than these few

export class Optimum {
  /** @param {{changed: (best: Object) => void, caption: () => string[]}} wanted  `changed` hears of every new β */
  constructor({ changed, caption }) {
    this.changed = changed;
    this.beta = 1;
    this.tiles = new Map(["reference", "optimal", "divergence", "effective"].map((name) => [name, tile(name)]));
    this.warning = make("p", { class: "pgr-warning", role: "status", "data-fact": "collapse" });
    this.figure = new Figure("plane", { draw: (width) => (this.best ? plane(width, this) : null), csv: () => this.csv(), caption });
    this.list = make("tbody");
    const formula = explained(make("p", { class: "pgd-temperature pgr-formula" }, "π*(y) ∝ π_ref(y) · exp(r(y) / β)"), () => say("rollouts.formula_help"));
    const title = make("div", { class: "pgr-figure-head" }, make("h2", {}, say("rollouts.optimum")), help(say("rollouts.optimum"), () => say("rollouts.optimum_help")));
    const tiles = make("div", { class: "pgd-tiles" }, ...Array.from(this.tiles.values(), ({ element }) => element));
    this.element = make("section", { class: "pgr-figure pgr-optimum", "data-figure": "optimum" }, title, formula, this.slider(), tiles, this.warning, this.figure.element, this.draws());
  }

  slider() {
    this.range = make("input", { type: "range", id: "pgr-beta", min: -2, max: 2, step: 0.02, "aria-label": "β" });
    this.number = make("input", { type: "number", min: 0.01, max: 100, step: "any", inputmode: "decimal", "aria-label": "β" });
    this.range.addEventListener("input", () => this.set(10 ** Number(this.range.value)));
    this.number.addEventListener("change", () => this.set(this.number.valueAsNumber));
    this.number.addEventListener("input", () => this.number.valueAsNumber > 0 && this.set(this.number.valueAsNumber, false));
    const ends = make("span", { class: "pgr-ends" }, make("small", {}, say("rollouts.beta_small")), make("small", {}, say("rollouts.beta_large")));
    return make("div", { class: "pgr-beta" }, make("label", { for: "pgr-beta" }, "β"), make("span", { class: "pgr-range-field" }, this.range, ends), this.number);
  }

  draws() {
    const head = ["n", "best_reward", "best_divergence", "best_bound"].map((name) => {
      const cell = make("th", { scope: "col" }, name === "n" ? "n" : say(`rollouts.${name}`));
      return name === "n" ? cell : explained(cell, () => say(`rollouts.${name}_help`));
    });
    const title = say("rollouts.best_of");
    const grid = make("table", { class: "pgr-table pgr-best" }, make("thead", {}, make("tr", {}, ...head)), this.list);
    return make("details", {}, make("summary", {}, title), make("div", { class: "pgr-scroll", tabindex: "0", role: "region", "aria-label": title }, grid));
  }

  /** @param {number[]} rewards @param {Object[]} series  other policies in the plane, see `plane` */
  show(rewards, series) {
    Object.assign(this, { rewards, series, frontier: curve(rewards, BETAS), several: [] });
    for (let number = 1; number <= Math.min(MOST_DRAWS, rewards.length); number *= 2) this.several.push(bestOf(rewards, number));
    const { means, errors } = running(rewards);
    const { mean, error } = measured(means.at(-1), errors.at(-1));
    this.tiles.get("reference").write(mean, rewards.length > 1 ? `± ${error}` : "");
    this.list.replaceChildren(
      ...this.several.map(({ draws: number, reward, divergence, bound }) =>
        make("tr", {}, make("th", { scope: "row" }, count(number)), ...[short(reward), fixed(divergence, 3), fixed(bound, 3)].map((value) => make("td", {}, value))),
      ),
    );
    this.set(this.beta);
  }

  /** β moved: at most one update per frame, the last position wins. */
  set(beta, write = true) {
    if (!(beta > 0) || !Number.isFinite(beta)) return this.set(this.beta);
    this.beta = Math.min(100, Math.max(0.01, beta));
    this.range.value = Math.log10(this.beta);
    this.range.style.setProperty("--share", (Math.log10(this.beta) + 2) / 4);
    if (write) this.number.value = Number(this.beta.toPrecision(3));
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      if (this.rewards) this.update();
    });
    return undefined;
  }

  update() {
    const started = performance.now();
    const total = this.rewards.length;
    this.best = optimum(this.rewards, this.beta);
    const { reward, divergence, effective } = this.best;
    const gain = reward - this.several[0].reward;
    this.tiles.get("optimal").write(short(reward), `${gain >= 0 ? "+" : "−"} ${short(Math.abs(gain))}`);
    this.tiles.get("divergence").write(say("train.fact.nats", { value: fixed(divergence, 3) }), say("rollouts.at_most", { value: fixed(Math.log(total), 2) }));
    this.tiles.get("effective").write(fixed(effective, 1), say("rollouts.of_rollouts", { total: count(total) }));
    this.warning.textContent = this.concern();
    this.figure.refresh();
    this.changed(this.best);
    performance.measure("playground:optimum", { start: started });
  }

  /** What is not to be believed, in a sentence. */
  concern() {
    if (Math.min(...this.rewards) === Math.max(...this.rewards)) return say("rollouts.same_rewards");
    if (this.best.effective >= Math.min(FEW, this.rewards.length / 4)) return "";
    return say("rollouts.collapse", { effective: fixed(this.best.effective, 1), total: count(this.rewards.length) });
  }

  csv() {
    const rows = [
      ...this.frontier.map(({ beta, divergence, reward }) => ["optimum", beta, divergence, reward, NaN]),
      ...this.several.map(({ draws: n, divergence, reward, bound }) => ["best_of_n", n, divergence, reward, bound]),
      ...this.series.flatMap(({ name, points }) => points.map(({ divergence, reward, label }) => [name, label ?? "", divergence, reward, NaN])),
    ];
    return table(["policy", "beta_or_n", "divergence_nats", "expected_reward", "divergence_bound"], rows);
  }
}

/** A number with its name and a note, explained on hover. */
export function tile(name) {
  const value = make("strong", { "data-fact": name });
  const note = make("small", {});
  const element = make("div", { class: "pgd-tile" }, make("span", {}, say(`rollouts.tile_${name}`)), value, note);
  explained(element, () => say(`rollouts.tile_${name}_help`));
  return { element, write: (words, small) => ((value.textContent = words), (note.textContent = small)) };
}
