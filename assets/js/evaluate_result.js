// What came out of an evaluation: the scores of both sides, how they were computed, and its figures.

import { plotly } from "./charts.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const FEW = 30; // rows below which a difference is not to be trusted
const METRICS = [
  ["bleu", 1],
  ["chrf", 1],
  ["rougeL", 1],
  ["exact_match", 2],
]; // with the digits shown
const FIGURES = ["metrics", "rows", "differences"];

export class Result {
  /** @param {Object} found  what `/playground/evaluation` gives */
  constructor(found, version) {
    this.found = found;
    this.version = version;
    this.element = element("div", "pe-result");
    const { settings, result } = found;
    const { strategy, max_new_tokens: tokens } = settings.generation;
    const of = say("evaluate.of", { run: settings.run, split: say(`choice.evaluation.split.${settings.split}`), strategy: say(`choice.generation.strategy.${strategy}`), tokens });
    const few = element("p", "pe-few", say("evaluate.few", { count: result.examples }));
    few.setAttribute("role", "note");
    const parts = [element("p", "pp-note", of), scores(result), element("p", "pp-note", say("evaluate.count", { count: result.examples.toLocaleString() }))];
    this.element.append(...parts, ...(result.examples < FEW ? [few] : []), signature(result.signature), this.figures());
  }

  figures() {
    const grid = element("div", "pe-figures");
    this.boxes = FIGURES.map((name) => {
      const figure = element("figure", `pt-chart pe-figure pe-figure-${name}`);
      const box = element("div", "pe-plot");
      box.id = `evaluate-plot-${name}`;
      figure.append(element("figcaption", "", say(`evaluate.plot.${name}`)), box);
      if (name === "rows") figure.append(element("p", "pp-note", say("evaluate.plot.rows.help")));
      grid.append(figure);
      return box;
    });
    return grid;
  }

  /** Starts to draw the figures; the element must be in the page. */
  async draw() {
    try {
      const Plotly = await plotly(this.version);
      if (this.removed) return;
      this.Plotly = Plotly;
      await Promise.all(FIGURES.map((name, index) => this.drawOne(this.boxes[index], this.found.figures[name])));
      this.boxes[1].on("plotly_click", ({ points }) => this.pointClicked(points[0]));
      // A figure drawn in a tab that is not open has no width yet.
      this.observer = new ResizeObserver((entries) => entries.forEach(({ target }) => target.clientWidth && Plotly.Plots.resize(target)));
      this.boxes.forEach((box) => this.observer.observe(box));
    } catch {
      this.boxes.forEach((box) => (box.textContent = say("evaluate.plot.failed")));
    }
  }

  drawOne(box, { data, layout }) {
    const family = getComputedStyle(document.body).getPropertyValue("--font").trim() || "sans-serif";
    const own = { ...layout, height: 280, autosize: true, font: { ...layout.font, family, size: 12 }, margin: { l: 52, r: 12, t: 34, b: 48 } };
    return this.Plotly.newPlot(box, data, own, { displaylogo: false, displayModeBar: false });
  }

  pointClicked(point) {
    if (point.customdata) window.dispatchEvent(new CustomEvent("playground:evaluation-row", { detail: point.customdata[0] }));
  }

  remove() {
    this.removed = true;
    this.observer?.disconnect();
    if (this.Plotly) this.boxes.forEach((box) => this.Plotly.purge(box));
  }
}

function scores({ base, tuned }) {
  const table = element("table", "pe-scores");
  table.id = "evaluate-scores";
  table.append(element("caption", "pe-unseen", say("evaluate.scores")));
  const head = element("tr");
  for (const name of ["metric", "base", "tuned", "difference"]) head.append(headed("col", say(`evaluate.${name}`), `pe-${name}`));
  const body = element("tbody");
  for (const [name, digits] of METRICS) body.append(scoreRow(name, base[name], tuned[name], digits));
  const top = element("thead");
  top.append(head);
  table.append(top, body);
  return table;
}

function headed(scope, text, className) {
  const cell = element("th", className, text);
  cell.scope = scope;
  return cell;
}

function scoreRow(name, base, tuned, digits) {
  const row = element("tr");
  row.dataset.metric = name;
  const title = headed("row", "", "");
  const word = element("span", "pe-term", say(`evaluate.metric.${name}`));
  word.title = say(`evaluate.metric.${name}.help`);
  title.append(word);
  row.append(title, element("td", "", base.toFixed(digits)), element("td", "", tuned.toFixed(digits)));
  const cell = element("td");
  cell.append(difference(tuned - base, digits));
  row.append(cell);
  return row;
}

/** A difference with its sign, an arrow, and the word for those who do not see either. */
export function difference(value, digits) {
  const shown = Math.abs(value).toFixed(digits);
  const way = Number(shown) === 0 ? "same" : value > 0 ? "better" : "worse";
  const box = element("span", `pe-way pe-${way}`);
  const arrow = element("span", "", { better: "▲ ", worse: "▼ ", same: "" }[way]);
  arrow.setAttribute("aria-hidden", "true");
  box.append(arrow, `${{ better: "+", worse: "−", same: "" }[way]}${shown}`, element("span", "pe-unseen", ` ${say(`evaluate.${way}`)}`));
  return box;
}

function signature(text) {
  const box = element("div", "pe-signature");
  const word = element("span", "pe-term", say("evaluate.signature"));
  word.title = say("evaluate.signature.help");
  const code = element("code", "", text);
  code.id = "evaluate-signature";
  const button = element("button", "pe-button", say("evaluate.copy"));
  Object.assign(button, { type: "button", id: "evaluate-copy" });
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = say("evaluate.copied");
    } catch {
      // Over plain http browsers keep the clipboard to themselves.
      getSelection().selectAllChildren(code);
      button.textContent = say("evaluate.selected");
    }
  });
  box.append(word, code, button);
  return box;
}
