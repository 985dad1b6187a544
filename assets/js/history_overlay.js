// One metric of several runs in one chart, by step or by time; it grows while they do.

import { Chart } from "./charts.js";
import { csv, save } from "./files.js";
import { Curves } from "./history_curves.js";
import { selection, swatch } from "./history_selection.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
// In this order, with the unit that the Train tab gives them; others follow by their own names.
const METRICS = {
  "objective/scores": "ppo_reward", "eval_objective/scores": "ppo_reward", "rewards/accuracies": "accuracy", "eval_rewards/accuracies": "accuracy",
  accuracy: "accuracy", eval_accuracy: "accuracy", "rewards/margins": "dpo_margin", "eval_rewards/margins": "dpo_margin",
  loss: "loss", eval_loss: "loss", mean_token_accuracy: "accuracy", eval_mean_token_accuracy: "accuracy",
  learning_rate: "rate", grad_norm: "gradient", entropy: "loss", tokens_per_second: "speed", memory_gb: "memory",
};
const HIDDEN = new Set(["eta_seconds", "epoch"]); // of the run's clock, not of what it learns
const DENSE = 30; // points from which on markers would hide the dashes

export class Overlay {
  constructor(version) {
    this.version = version;
    this.curves = new Map(); // id -> Curves
    this.metric = "loss";
    this.wanted = ""; // the metric that a person chose
    this.by = "step";
    this.chart = null;
    this.build();
  }

  build() {
    this.choice = element("select");
    this.choice.id = "history-metric";
    this.choice.addEventListener("change", () => this.change({ wanted: this.choice.value }));
    this.across = element("select");
    this.across.id = "history-across";
    for (const by of ["step", "seconds"]) {
      const option = element("option", "", say(`history.across.${by}`));
      option.value = by;
      this.across.append(option);
    }
    this.across.addEventListener("change", () => this.change({ by: this.across.value }));
    const take = element("button", "pe-button", say("history.csv"));
    Object.assign(take, { type: "button", id: "history-csv", title: say("history.csv.help") });
    take.addEventListener("click", () => save(`${this.metric}.csv`, "text/csv;charset=utf-8", csv(this.rows())));
    this.take = take;
    const tools = element("div", "pe-tools");
    tools.append(field("metric", this.choice), field("across", this.across), take);
    this.box = element("div", "ph-plot");
    this.box.id = "history-chart";
    this.body = element("tbody");
    const legend = element("table", "ph-legend");
    const heads = element("tr");
    for (const name of ["run", "last", "lowest", "highest"]) {
      const cell = element("th", "", say(`history.legend.${name}`));
      cell.scope = "col";
      heads.append(cell);
    }
    const head = element("thead");
    head.append(heads);
    legend.append(head, this.body);
    this.element = element("section", "ph-overlay");
    this.element.append(tools, this.box, legend);
  }

  /** Draws these runs and no others. */
  show(entries) {
    this.element.hidden = !entries.length;
    if (!entries.length) return this.leave();
    const wanted = new Set(entries.map(({ run }) => run));
    for (const [run, curves] of this.curves) {
      if (wanted.has(run)) continue;
      curves.leave();
      this.curves.delete(run);
    }
    for (const entry of entries) {
      const known = this.curves.get(entry.run);
      if (known) known.listed(entry);
      else this.curves.set(entry.run, new Curves(entry, (news) => this.receive(entry.run, news)));
    }
    const drawn = JSON.stringify(entries.map(({ run, name }) => [run, name, selection.line(run).colour]));
    if (drawn !== this.drawn) this.redraw();
    this.drawn = drawn;
    return undefined;
  }

  leave() {
    for (const curves of this.curves.values()) curves.leave();
    this.curves.clear();
    this.chart?.remove();
    this.chart = null;
    this.drawn = "";
  }

  change(news) {
    Object.assign(this, news);
    this.redraw();
  }

  /** News of one run: points to add, or null where some were taken back. */
  receive(run, news) {
    this.offer();
    if (news === null || !this.chart) return this.redraw();
    for (const point of news[this.metric] ?? []) this.chart.add(run, point[this.by], point.value);
    if (!this.dense && this.curves.get(run).points(this.metric).length > DENSE) return this.redraw();
    this.chart.grow();
    return this.legend();
  }

  offer() {
    const names = new Set(["loss"]);
    for (const curves of this.curves.values()) for (const name of curves.metrics) if (!HIDDEN.has(name)) names.add(name);
    const known = Object.keys(METRICS).filter((name) => names.delete(name));
    const offered = [...known, ...[...names].sort()];
    this.metric = this.best(offered);
    if (offered.join() === this.offered && this.choice.value === this.metric) return;
    this.offered = offered.join();
    this.choice.replaceChildren(...offered.map((name) => Object.assign(element("option", "", metricName(name)), { value: name })));
    this.choice.value = this.metric;
  }

  /** What was chosen, or else what says most of these runs together (in training, where it has more points), or else the loss. */
  best(offered) {
    const heads = new Set([...this.curves.values()].map(({ entry }) => entry.headline?.metric.replace(/^eval_/, "")));
    return [this.wanted, heads.size === 1 ? [...heads][0] : ""].find((name) => offered.includes(name)) ?? "loss";
  }

  redraw() {
    this.offer();
    this.chart?.remove();
    // A place of its own for every chart: one that is still on its way would draw over the next.
    const place = element("div");
    this.box.replaceChildren(place);
    const longest = Math.max(0, ...[...this.curves.values()].map((curves) => curves.points(this.metric).length));
    this.dense = longest > DENSE;
    const series = [...this.curves].map(([run, { entry }]) => ({ metric: run, name: entry.name || run, ...selection.line(run) }));
    const unit = METRICS[this.metric] ? say(`train.chart.${METRICS[this.metric]}.unit`) : this.metric;
    const chart = new Chart(place, { height: 340, unit, across: say(`history.across.${this.by}`), legend: false, mode: this.dense ? "lines" : "lines+markers", series });
    this.chart = chart;
    for (const [run, curves] of this.curves) for (const point of curves.points(this.metric)) chart.add(run, point[this.by], point.value);
    chart.draw(this.version).then(() => chart === this.chart || chart.remove(), () => (place.textContent = say("train.chart.failed")));
    this.legend();
  }

  legend() {
    this.body.replaceChildren(...[...this.curves].map(([run, curves]) => this.line(run, curves)));
    this.take.disabled = ![...this.curves.values()].some((curves) => curves.points(this.metric).length);
  }

  line(run, curves) {
    const made = element("tr");
    made.dataset.run = run;
    const head = element("th");
    head.scope = "row";
    head.append(swatch(selection.line(run)), element("span", "", curves.entry.name || run));
    const values = curves.points(this.metric).map(({ value }) => value);
    const numbers = values.length ? [values.at(-1), values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))] : [null, null, null];
    made.append(head, ...numbers.map((value) => element("td", "", value === null ? "–" : shown(value))));
    return made;
  }

  rows() {
    return [...this.curves].flatMap(([run, curves]) =>
      curves.points(this.metric).map(({ step, seconds, value }) => ({ run, name: curves.entry.name, metric: this.metric, step, seconds: seconds.toFixed(3), value })),
    );
  }
}

const shown = (value) => (value !== 0 && (Math.abs(value) < 0.001 || Math.abs(value) >= 1e6) ? value.toExponential(2) : value.toLocaleString(undefined, { maximumSignificantDigits: 4 }));


function metricName(name) {
  return name in METRICS ? say(`history.metric.${name}`) : name;
}

function field(name, input) {
  const box = element("label", "pe-field");
  box.append(element("span", "", say(`history.${name}`)), input);
  return box;
}
