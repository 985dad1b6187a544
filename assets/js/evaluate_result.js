// What came out of an evaluation: everybody's scores, how they were computed, what judges say, and two models row by row.

import { plotly } from "./charts.js";
import { dots } from "./evaluate_dots.js";
import { verdicts } from "./evaluate_judges.js";
import { confusions, scores } from "./evaluate_scores.js";
import { explained } from "./distribution_page.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const FEW = 30; // rows below which a difference is not to be trusted
const FIGURES = ["rows", "differences"];

export class Result {
  /** @param {Object} found  what `/playground/evaluation` gives */
  constructor(found, version) {
    this.found = found;
    this.version = version;
    this.element = element("div", "pe-result");
    const { settings, result, names } = found;
    const { strategy, max_new_tokens: tokens } = settings.generation;
    const of = say("evaluate.of", { run: settings.run, split: say(`choice.evaluation.split.${settings.split}`), strategy: say(`choice.generation.strategy.${strategy}`), tokens });
    const few = element("p", "pe-few", say("evaluate.few", { count: result.examples }));
    few.setAttribute("role", "note");
    this.element.append(
      element("p", "pp-note", of),
      scores(result, names),
      ...(result.labels_by === "probability" ? [element("p", "pp-note", say("evaluate.labels_by.probability"))] : []),
      ...confusions(result.models, names),
      ...verdicts(result.judges, names),
      element("p", "pp-note", say("evaluate.count", { count: result.examples.toLocaleString(), models: result.models.length })),
      ...(result.examples < FEW ? [few] : []),
      signature(result.signature),
      dots(result.models, names),
      this.figures(),
    );
    this.pairChosen = ({ detail }) => this.drawPair(detail);
    window.addEventListener("playground:evaluation-pair", this.pairChosen);
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

  /** Draws two models row by row; the element must be in the page. A later choice overtakes an earlier one. */
  async drawPair({ first, second, metric }) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const asked = new URLSearchParams({ id: this.found.evaluation, first, second, metric, language: playground.language() });
    try {
      const [Plotly, answer] = await Promise.all([plotly(this.version), fetch(playground.url(`evaluation/figures?${asked}`), { cache: "no-store" })]);
      if (!answer.ok) throw new Error();
      const figures = await answer.json();
      if (this.removed || turn !== this.turn) return;
      this.Plotly = Plotly;
      await Promise.all(FIGURES.map((name, index) => this.drawOne(this.boxes[index], figures[name])));
      if (this.observer) return;
      this.boxes[0].on("plotly_click", ({ points }) => this.pointClicked(points[0]));
      // A figure drawn in a tab that is not open has no width yet.
      this.observer = new ResizeObserver((entries) => entries.forEach(({ target }) => target.clientWidth && Plotly.Plots.resize(target)));
      this.boxes.forEach((box) => this.observer.observe(box));
    } catch {
      if (turn === this.turn && !this.observer) this.boxes.forEach((box) => (box.textContent = say("evaluate.plot.failed")));
    }
  }

  drawOne(box, { data, layout }) {
    const family = getComputedStyle(document.body).getPropertyValue("--font").trim() || "sans-serif";
    const own = { ...layout, height: 280, autosize: true, font: { ...layout.font, family, size: 12 }, margin: { l: 52, r: 12, t: 34, b: 48 } };
    return this.Plotly.react(box, data, own, { displaylogo: false, displayModeBar: false });
  }

  pointClicked(point) {
    if (point.customdata) window.dispatchEvent(new CustomEvent("playground:evaluation-row", { detail: point.customdata[0] }));
  }

  remove() {
    this.removed = true;
    window.removeEventListener("playground:evaluation-pair", this.pairChosen);
    this.observer?.disconnect();
    if (this.Plotly) this.boxes.forEach((box) => this.Plotly.purge(box));
  }
}

function signature(text) {
  const box = element("div", "pe-signature");
  const word = element("span", "pe-term", say("evaluate.signature"));
  explained(word, () => say("evaluate.signature.help"));
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
