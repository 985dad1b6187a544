// The line charts of a run in their grid, and those for a second look in another one, `later`.

import { Chart } from "./charts.js";
import { help } from "./distribution_page.js";
import { WhenSeen } from "./seen.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);

export class Charts {
  /** @param {Object[]} specs  see `CHARTS` in train_figures.js @param {string} version  of Plotly */
  constructor(specs, version) {
    this.element = element("div", "pt-charts");
    this.later = element("div", "pt-charts");
    this.all = specs.map((spec) => new Framed(spec, version));
    const second = specs.findIndex(({ later }) => later);
    this.second = second < 0 ? specs.length : second;
    this.arrange();
  }

  /** How many points the first series has. */
  get points() {
    return this.all[0].chart.points.values().next().value.x.length;
  }

  add({ kind, step, values }) {
    if (kind !== "metric") return;
    for (const [name, value] of Object.entries(values)) for (const { chart } of this.all) chart.add(name, step, value);
  }

  cut(step) {
    for (const { chart } of this.all) chart.cut(step);
  }

  /** Draws what was added since the last time. */
  draw() {
    if (this.all.some((framed) => framed.shown !== framed.wanted)) this.arrange();
    for (const { seen } of this.all) seen.want();
  }

  arrange() {
    for (const framed of this.all) framed.shown = framed.wanted;
    const shown = (part) => part.filter((framed) => framed.shown).map((framed) => framed.element);
    this.element.replaceChildren(...shown(this.all.slice(0, this.second)));
    this.later.replaceChildren(...shown(this.all.slice(this.second)));
  }

  remove() {
    for (const { chart, seen } of this.all) {
      seen.remove();
      chart.remove();
    }
  }
}

/** A chart with its title and explanation; it asks for the library when it is first seen. */
class Framed {
  constructor(spec, version) {
    Object.assign(this, { spec, version });
    const name = say(`train.chart.${spec.key}`);
    const caption = element("figcaption", "", name);
    caption.append(help(name, () => say(`train.chart.${spec.key}.help`)));
    this.box = element("div", "pt-plot");
    this.box.id = `train-chart-${spec.key}`;
    this.element = element("figure", `pt-chart pt-chart-${spec.key}`);
    this.element.append(caption, this.box);
    const series = spec.series.map(([metric, colour, symbol, dash]) => ({ metric, colour, symbol, dash, name: say(`train.metric.${metric}`) }));
    this.chart = new Chart(this.box, { ...spec, unit: say(`train.chart.${spec.key}.unit`), series });
    this.seen = new WhenSeen(this.box, () => this.draw());
  }

  /** Whether it has a place in the grid. */
  get wanted() {
    return !this.spec.optional || this.chart.hasPoints;
  }

  draw() {
    if (this.begun) return this.chart.grow();
    this.begun = true;
    return this.chart.draw(this.version).catch(() => (this.box.textContent = say("train.chart.failed")));
  }
}
