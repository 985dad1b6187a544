/** Every rollout: sorted, in pages, each to be read whole. */

import { save } from "./distribution_figure.js";
import { count, explained, fixed, make, percent, text as say } from "./distribution_page.js";
import { short } from "./rollouts_chart.js";
import { table } from "./rollouts_figure.js";

const PAGE = 10;
const COLUMNS = ["row", "text", "reward", "log", "perplexity", "length", "end", "weight"];
const RISING = new Set(["row", "text", "perplexity"]);

/**
 * @typedef {Object} Row
 * @property {number} row  from 0
 * @property {string} text
 * @property {number} reward
 * @property {number} log     ln of the probability of its tokens under the policy that drew it
 * @property {number} rawLog  the same under the model's own distribution
 * @property {number} perplexity
 * @property {number} length  tokens
 * @property {boolean} ended
 * @property {number} weight  under π*, as a multiple of 1/n
 * @property {{name: string, weight: number, value: number}[]} parts  of the reward
 */

export class Table {
  constructor() {
    this.order = { column: "row", falling: false };
    this.page = 0;
    this.opened = new Set();
    this.body = make("tbody");
    this.heads = new Map(COLUMNS.map((name) => [name, this.head(name)]));
    this.range = make("span", { class: "pgr-range", role: "status" });
    this.buttons = [["previous", -1], ["next", 1]].map(([name, by]) =>
      make("button", { type: "button", class: "pgd-button pgd-quiet", "data-page": name, onclick: () => this.turn(by) }, say(`rollouts.${name}`)),
    );
    this.picker = make("select", { "aria-label": say("rollouts.sort"), onchange: () => this.sort(...this.picker.value.split(".")) },
      ...COLUMNS.flatMap((name) => ["up", "down"].map((way) => make("option", { value: `${name}.${way}` }, `${say(`rollouts.column_${name}`)} ${way === "up" ? "↑" : "↓"}`))),
    );
    const title = say("rollouts.figure_rollouts");
    const take = make("button", { type: "button", class: "pgr-take", "data-take": "csv", "aria-label": say("rollouts.take", { kind: "CSV", name: title }), onclick: () => this.take() }, "CSV");
    const top = make("div", { class: "pgr-figure-head" }, make("h2", {}, title), make("label", { class: "pgr-sort" }, say("rollouts.sort"), this.picker), make("span", { class: "pgr-takes" }, take));
    const grid = make("table", { class: "pgr-table" }, make("thead", {}, make("tr", {}, ...this.heads.values())), this.body);
    const foot = make("div", { class: "pgr-pages" }, ...this.buttons, this.range);
    this.element = make("section", { class: "pgr-figure", "data-figure": "rollouts" }, top, make("div", { class: "pgr-scroll", tabindex: "0", role: "region", "aria-label": title }, grid), foot);
  }

  head(name) {
    const button = make("button", { type: "button", onclick: () => this.press(name) }, say(`rollouts.column_${name}`));
    explained(button, () => say(`rollouts.column_${name}_help`), { acts: true });
    return make("th", { scope: "col", "data-column": name }, button);
  }

  /** @param {Row[]} rows */
  show(rows) {
    this.rows = rows;
    this.page = 0;
    this.opened.clear();
    this.draw();
  }

  /** Writes other weights into the rows; their order changes only where they are sorted by it. */
  weigh(weights) {
    this.rows.forEach((row, at) => (row.weight = weights[at] * this.rows.length));
    if (this.order.column === "weight") this.draw();
    else this.body.querySelectorAll("tr[data-row]").forEach((line) => (line.querySelector("[data-cell=weight]").textContent = times(this.rows[line.dataset.row].weight)));
  }

  press(name) {
    const same = this.order.column === name;
    this.sort(name, (same ? !this.order.falling : !RISING.has(name)) ? "down" : "up");
  }

  sort(column, way) {
    this.order = { column, falling: way === "down" };
    this.page = 0;
    this.draw();
  }

  turn(by) {
    this.page += by;
    this.draw();
  }

  /** Turns to a rollout and opens it. */
  reveal(row) {
    this.opened.add(row);
    this.page = Math.floor(this.sorted().findIndex((one) => one.row === row) / PAGE);
    this.draw();
    const line = this.body.querySelector(`tr[data-row="${row}"]`);
    line?.scrollIntoView({ block: "center" });
    line?.querySelector("button")?.focus();
  }

  sorted() {
    const { column, falling } = this.order;
    const key = (row) => (column === "end" ? Number(row.ended) : row[column]);
    const compare = (one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0);
    return [...this.rows].sort((one, other) => (falling ? -compare(one, other) : compare(one, other)) || one.row - other.row);
  }

  draw() {
    const start = this.page * PAGE;
    const page = this.sorted().slice(start, start + PAGE);
    this.body.replaceChildren(...page.flatMap((row) => this.line(row)));
    for (const [name, head] of this.heads) {
      if (name === this.order.column) head.setAttribute("aria-sort", this.order.falling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    this.picker.value = `${this.order.column}.${this.order.falling ? "down" : "up"}`;
    this.range.textContent = say("rollouts.range", { from: count(start + 1), to: count(start + page.length), total: count(this.rows.length) });
    this.buttons[0].disabled = this.page === 0;
    this.buttons[1].disabled = start + PAGE >= this.rows.length;
  }

  line(row) {
    const open = this.opened.has(row.row);
    const words = make("button", { type: "button", class: "pgr-text", "aria-expanded": String(open), onclick: () => this.unfold(row.row) }, row.text || say("rollouts.nothing"));
    const cells = {
      row: String(row.row + 1), text: words, reward: short(row.reward), log: fixed(row.log, 2), perplexity: short(row.perplexity),
      length: String(row.length), end: say(row.ended ? "rollouts.ended" : "rollouts.cut"), weight: times(row.weight),
    };
    const named = (name) => (name === "text" || name === "end" ? {} : { "data-label": say(`rollouts.column_${name}`) });
    const made = COLUMNS.map((name) => (name === "row" ? make("th", { scope: "row", "data-cell": name }, cells.row) : make("td", { "data-cell": name, ...named(name) }, cells[name])));
    const line = make("tr", { "data-row": row.row, class: open ? "pgr-open" : "" }, ...made);
    return open ? [line, make("tr", { class: "pgr-more" }, make("td", { colspan: COLUMNS.length }, this.details(row)))] : [line];
  }

  details(row) {
    const parts = row.parts.length > 1 ? [make("p", {}, row.parts.map(({ name, weight, value }) => `${short(weight)} × ${say(`reward.${name}`)} ${short(value)}`).join("  +  "))] : [];
    const likely = say("rollouts.row_more", { probability: percent(Math.exp(row.log)), log: fixed(row.log, 3), raw: fixed(row.rawLog, 3), rawPerplexity: short(Math.exp(-row.rawLog / row.length)) });
    return make("div", {}, make("pre", {}, row.text), make("p", {}, likely), ...parts);
  }

  unfold(row) {
    if (!this.opened.delete(row)) this.opened.add(row);
    this.draw();
    this.body.querySelector(`tr[data-row="${row}"] button`)?.focus();
  }

  take() {
    const rows = this.rows.map((row) => [row.row + 1, row.text, row.reward, row.log, row.rawLog, row.perplexity, row.length, row.ended ? "ended" : "cut", row.weight / this.rows.length]);
    save(table(["rollout", "text", "reward", "log_probability", "raw_log_probability", "perplexity", "tokens", "end", "optimal_weight"], rows), "text/csv", "rollouts.csv");
  }
}

const times = (weight) => `× ${weight >= 100 ? Math.round(weight) : weight >= 0.01 ? weight.toPrecision(2) : "< 0.01"}`;
