// Every row of an evaluation with two models' answers side by side: searched, filtered, sorted, paged, and taken away.

import { difference, digitsOf, metricsOf, nameOf, shown } from "./evaluate_metrics.js";
import { chosen } from "./evaluate_order.js";
import { passage } from "./evaluate_passage.js";
import { Tools } from "./evaluate_tools.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const PAGE = matchMedia("(max-width: 760px)").matches ? 5 : 10;
const COLUMNS = ["row", "question", "reference", "first", "second", "gain"];
const SORTED_BY = { row: "row", first: "first", second: "second", gain: "gain" };
const EVERYTHING = { search: "", shown: "all" };

export class Rows {
  constructor(panel) {
    this.panel = panel;
  }

  /** @param {Object|null} found  what `/playground/evaluation` gives; null for nothing to show */
  show(found) {
    this.found = found;
    if (!found) return this.panel.replaceChildren();
    const [{ id: first }, { id: second }] = found.result.models;
    const [metric] = metricsOf(found.rows[0]?.scores[first] ?? {});
    this.state = { ...EVERYTHING, order: "row.up", first, second, metric, marks: true };
    this.page = 0;
    this.words = new Map();
    this.build();
    this.announce();
    return this.draw();
  }

  /** Turns to the page that has this row, with nothing filtered away. */
  reveal(number) {
    if (!this.found) return;
    Object.assign(this.state, EVERYTHING);
    const place = chosen(this.found.rows, this.state).findIndex(({ row }) => row === number);
    this.page = Math.floor(place / PAGE);
    this.draw();
    const line = this.body.querySelector(`[data-row="${number}"]`);
    line.classList.add("pe-revealed");
    line.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  build() {
    this.tools = new Tools(this.found, this.state, (news) => this.change(news));
    const table = element("table", "pe-rows");
    const head = element("thead");
    this.heads = element("tr");
    head.append(this.heads);
    this.body = element("tbody");
    table.append(head, this.body);
    this.none = element("p", "pp-note", say("evaluate.rows.none"));
    this.panel.replaceChildren(element("h3", "pt-runs-title", say("evaluate.rows")), this.tools.element, table, this.none, this.pager());
  }

  pager() {
    const box = element("nav", "pe-pager");
    box.setAttribute("aria-label", say("evaluate.rows"));
    const turn = (name, by) => {
      const button = element("button", "pe-button", say(`evaluate.rows.${name}`));
      Object.assign(button, { type: "button", id: `evaluate-rows-${name}` });
      button.addEventListener("click", () => {
        this.page += by;
        this.draw();
      });
      return button;
    };
    this.back = turn("back", -1);
    this.next = turn("next", 1);
    this.count = element("p", "pp-note");
    this.count.id = "evaluate-rows-count";
    this.count.setAttribute("role", "status");
    box.append(this.back, this.count, this.next);
    return box;
  }

  change(news) {
    Object.assign(this.state, news);
    if (!("marks" in news)) this.page = 0;
    if ("first" in news || "second" in news) this.words.clear();
    if ("first" in news || "second" in news || "metric" in news) this.announce();
    this.draw();
  }

  /** Tells the figures which two models are looked at, and by what. */
  announce() {
    const { first, second, metric } = this.state;
    window.dispatchEvent(new CustomEvent("playground:evaluation-pair", { detail: { first, second, metric } }));
  }

  draw() {
    const fitting = chosen(this.found.rows, this.state);
    const first = this.page * PAGE;
    this.visible = fitting.slice(first, first + PAGE);
    this.tools.show(this.state);
    this.heads.replaceChildren(...COLUMNS.map((name) => this.headed(name)));
    this.body.replaceChildren(...this.visible.map((row) => this.line(row)));
    this.none.hidden = fitting.length > 0;
    this.body.parentElement.hidden = !fitting.length;
    this.back.disabled = this.page === 0;
    this.next.disabled = first + PAGE >= fitting.length;
    this.count.textContent = fitting.length ? say("evaluate.rows.count", { from: first + 1, to: first + this.visible.length, total: fitting.length.toLocaleString() }) : "";
    this.fetchWords();
  }

  /** Has the words compared that are on this page, and marks them once they are there. */
  async fetchWords() {
    const { first, second, marks } = this.state;
    const wanted = this.visible.map(({ row }) => row).filter((row) => !this.words.has(row));
    if (!marks || first === second || !wanted.length) return;
    const asked = new URLSearchParams({ id: this.found.evaluation, first, second, rows: wanted.join(",") });
    try {
      const answer = await fetch(playground.url(`evaluation/words?${asked}`), { cache: "no-store" });
      if (!answer.ok) return;
      const { words } = await answer.json();
      if (first !== this.state.first || second !== this.state.second) return;
      for (const [row, stretches] of Object.entries(words)) this.words.set(Number(row), stretches);
      for (const row of this.visible) {
        if (!wanted.includes(row.row)) continue;
        const line = this.body.querySelector(`[data-row="${row.row}"]`);
        line?.querySelector(".pe-column-second").replaceChildren(...this.answer(row, "second"));
      }
    } catch {
      // Without the marks both answers can still be read.
    }
  }

  title(name) {
    return name in { first: 1, second: 1 } ? this.found.names[this.state[name]] : say(`evaluate.rows.${name}`);
  }

  /** A column's head; where one can sort by it, a button that first puts the best on top. */
  headed(name) {
    const cell = element("th", `pe-column-${name}`);
    cell.scope = "col";
    const by = SORTED_BY[name];
    if (!by) {
      cell.textContent = this.title(name);
      return cell;
    }
    const [current, way] = this.state.order.split(".");
    const sorted = current === by;
    cell.setAttribute("aria-sort", !sorted ? "none" : way === "up" ? "ascending" : "descending");
    const button = element("button", "pe-sort", `${this.title(name)}${!sorted ? "" : way === "up" ? " ↑" : " ↓"}`);
    button.type = "button";
    button.title = say("evaluate.rows.sort", { name: this.title(name) });
    const other = sorted ? (way === "up" ? "down" : "up") : name === "row" ? "up" : "down";
    button.addEventListener("click", () => {
      this.change({ order: `${by}.${other}` });
      this.heads.querySelector(`.pe-column-${name} button`).focus();
    });
    cell.append(button);
    return cell;
  }

  line(row) {
    const made = element("tr");
    made.dataset.row = row.row;
    const cell = (name, ...parts) => {
      const box = element("td", `pe-column-${name}`);
      box.dataset.label = this.title(name);
      box.append(...parts);
      made.append(box);
    };
    const { first, second, metric } = this.state;
    cell("row", String(row.row));
    cell("question", passage(row.instruction), ...(row.input ? [passage(row.input, "pe-input")] : []), ...this.others(row));
    cell("reference", passage(row.reference));
    for (const side of ["first", "second"]) cell(side, ...this.answer(row, side));
    cell("gain", difference(metric, row.scores[first][metric], row.scores[second][metric]));
    return made;
  }

  /** One model's answer with its score; the second's marked where it differs from the first's. */
  answer(row, side) {
    const model = this.state[side];
    const marked = side === "second" && this.state.marks ? this.words.get(row.row) : undefined;
    return [passage(marked ?? row.answers[model]), this.score(row, model)];
  }

  score({ scores }, model) {
    const { metric } = this.state;
    const line = element("span", "pe-score", `${nameOf(metric, this.found.result.judges)}: ${shown(scores[model][metric], digitsOf(metric))}`);
    line.title = say("evaluate.rows.score.help");
    return line;
  }

  /** What the models answered that are not side by side, on demand. */
  others(row) {
    const rest = Object.entries(this.found.names).filter(([id]) => id !== this.state.first && id !== this.state.second);
    if (!rest.length) return [];
    const box = element("details", "pe-others");
    box.append(element("summary", "", say("evaluate.rows.others", { count: rest.length })));
    for (const [id, name] of rest) box.append(element("p", "pe-other-name", name), passage(row.answers[id]), this.score(row, id));
    return [box];
  }
}
