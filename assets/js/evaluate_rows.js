// Every row of an evaluation: searched, filtered, sorted, paged, and taken away as a file. Texts by textContent only.

import { difference } from "./evaluate_result.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const PAGE = matchMedia("(max-width: 760px)").matches ? 5 : 10;
const LONG = 420; // letters of a text that is shown whole
const SAME = 0.05; // points of BLEU that count as no change, as shown with one digit
const ORDERS = ["row.up", "difference.down", "difference.up", "tuned.down", "tuned.up", "base.down", "base.up", "row.down"];
const SHOWN = ["all", "better", "worse", "same"];
const COLUMNS = ["row", "question", "reference", "base", "tuned", "gain"];
const SORTED_BY = { row: "row", base: "base", tuned: "tuned", gain: "difference" };

const VALUE = {
  row: ({ row }) => row,
  base: ({ scores }) => scores.base.bleu,
  tuned: ({ scores }) => scores.tuned.bleu,
  difference: (row) => gain(row),
};

export const gain = ({ scores }) => scores.tuned.bleu - scores.base.bleu;

const FITS = {
  all: () => true,
  better: (row) => gain(row) >= SAME,
  worse: (row) => gain(row) <= -SAME,
  same: (row) => Math.abs(gain(row)) < SAME,
};

/** Rows that fit, in order; rows of equal value stay in the order of the data. */
export function chosen(rows, { search, shown, order }) {
  const wanted = search.trim().toLowerCase();
  const texts = (row) => [row.instruction, row.input, row.reference, row.base, row.tuned].join("\n").toLowerCase();
  const [by, way] = order.split(".");
  const sign = way === "down" ? -1 : 1;
  return rows
    .filter((row) => FITS[shown](row) && (!wanted || texts(row).includes(wanted)))
    .sort((one, other) => sign * (VALUE[by](one) - VALUE[by](other)) || one.row - other.row);
}

/** The columns that the course's files have, with the tuned answer as `model_response`, then the rest. */
export function exported(rows) {
  return rows.map((row) => ({
    instruction: row.instruction, input: row.input, output: row.reference, model_response: row.tuned, base_response: row.base,
    row: row.row, bleu: row.scores.tuned.bleu, base_bleu: row.scores.base.bleu,
  }));
}

/** RFC 4180; begins with a byte order mark, without which spreadsheets misread anything but English. */
export function csv(objects) {
  const cell = (value) => (/[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  const lines = [Object.keys(objects[0]), ...objects.map(Object.values)].map((cells) => cells.map(cell).join(","));
  return `\ufeff${lines.join("\r\n")}\r\n`;
}

/** Gives the reader a file. */
export function save(name, kind, text) {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([text], { type: kind }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export class Rows {
  constructor(panel) {
    this.panel = panel;
  }

  /** @param {Object|null} found  what `/playground/evaluation` gives; null for nothing to show */
  show(found) {
    this.found = found;
    if (!found) return this.panel.replaceChildren();
    this.state = { search: "", shown: "all", order: "row.up" };
    this.page = 0;
    this.build();
    return this.draw();
  }

  /** Turns to the page that has this row, with nothing filtered away. */
  reveal(number) {
    if (!this.found) return;
    Object.assign(this.state, { search: "", shown: "all" });
    this.search.value = "";
    this.filter.value = "all";
    const place = chosen(this.found.rows, this.state).findIndex(({ row }) => row === number);
    this.page = Math.floor(place / PAGE);
    this.draw();
    const line = this.body.querySelector(`[data-row="${number}"]`);
    line.classList.add("pe-revealed");
    line.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  build() {
    this.search = element("input");
    Object.assign(this.search, { type: "search", id: "evaluate-rows-search", placeholder: say("evaluate.rows.search.hint") });
    this.search.addEventListener("input", () => this.change({ search: this.search.value }));
    this.filter = choice("evaluate-rows-show", SHOWN, (name) => say(`evaluate.rows.show.${name}`));
    this.filter.addEventListener("change", () => this.change({ shown: this.filter.value }));
    this.order = choice("evaluate-rows-order", ORDERS, (name) => say(`evaluate.rows.order.${name}`));
    this.order.addEventListener("change", () => this.change({ order: this.order.value }));
    const tools = element("div", "pe-tools");
    tools.append(labelled("search", this.search), labelled("show", this.filter), labelled("order", this.order), this.downloads());
    const table = element("table", "pe-rows");
    const head = element("thead");
    this.heads = element("tr");
    head.append(this.heads);
    this.body = element("tbody");
    table.append(head, this.body);
    this.none = element("p", "pp-note", say("evaluate.rows.none"));
    this.panel.replaceChildren(element("h3", "pt-runs-title", say("evaluate.rows")), tools, table, this.none, this.pager());
  }

  downloads() {
    const box = element("div", "pe-downloads");
    const { evaluation, rows } = this.found;
    const offer = (kind, type, write) => {
      const button = element("button", "pe-button", say(`evaluate.rows.${kind}`));
      Object.assign(button, { type: "button", id: `evaluate-rows-${kind}` });
      button.addEventListener("click", () => save(`${evaluation}.${kind}`, type, write(exported(rows))));
      box.append(button);
    };
    offer("csv", "text/csv;charset=utf-8", csv);
    offer("json", "application/json", (objects) => `${JSON.stringify(objects, null, 2)}\n`);
    return box;
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
    this.page = 0;
    this.draw();
  }

  draw() {
    const fitting = chosen(this.found.rows, this.state);
    const first = this.page * PAGE;
    const shown = fitting.slice(first, first + PAGE);
    this.order.value = this.state.order;
    this.heads.replaceChildren(...COLUMNS.map((name) => this.headed(name)));
    this.body.replaceChildren(...shown.map(line));
    this.none.hidden = fitting.length > 0;
    this.body.parentElement.hidden = !fitting.length;
    this.back.disabled = this.page === 0;
    this.next.disabled = first + PAGE >= fitting.length;
    this.count.textContent = fitting.length ? say("evaluate.rows.count", { from: first + 1, to: first + shown.length, total: fitting.length.toLocaleString() }) : "";
  }

  /** A column's head; where one can sort by it, a button that first puts the best on top. */
  headed(name) {
    const cell = element("th", `pe-column-${name}`);
    cell.scope = "col";
    const by = SORTED_BY[name];
    if (!by) {
      cell.textContent = say(`evaluate.rows.${name}`);
      return cell;
    }
    const [current, way] = this.state.order.split(".");
    const sorted = current === by;
    cell.setAttribute("aria-sort", !sorted ? "none" : way === "up" ? "ascending" : "descending");
    const button = element("button", "pe-sort", `${say(`evaluate.rows.${name}`)}${!sorted ? "" : way === "up" ? " ↑" : " ↓"}`);
    button.type = "button";
    button.title = name === "gain" ? say("evaluate.rows.gain.help") : say("evaluate.rows.sort", { name: say(`evaluate.rows.${name}`) });
    const other = sorted ? (way === "up" ? "down" : "up") : name === "row" ? "up" : "down";
    button.addEventListener("click", () => {
      this.change({ order: `${by}.${other}` });
      this.heads.querySelector(`.pe-column-${name} button`).focus();
    });
    cell.append(button);
    return cell;
  }
}

function choice(id, values, words) {
  const box = element("select");
  box.id = id;
  for (const value of values) {
    const option = element("option", "", words(value));
    option.value = value;
    box.append(option);
  }
  return box;
}

function labelled(name, field) {
  const box = element("label", `pe-field pe-field-${name}`);
  box.append(element("span", "", say(`evaluate.rows.${name}`)), field);
  return box;
}

function line(row) {
  const made = element("tr");
  made.dataset.row = row.row;
  const cell = (name, ...parts) => {
    const box = element("td", `pe-column-${name}`);
    box.dataset.label = say(`evaluate.rows.${name}`);
    box.append(...parts);
    made.append(box);
  };
  cell("row", String(row.row));
  cell("question", passage(row.instruction), ...(row.input ? [passage(row.input, "pe-input")] : []));
  cell("reference", passage(row.reference));
  for (const side of ["base", "tuned"]) {
    const score = element("span", "pe-score", say("evaluate.rows.bleu", { score: row.scores[side].bleu.toFixed(1) }));
    score.title = say("evaluate.rows.bleu.help");
    cell(side, passage(row[side]), score);
  }
  cell("gain", difference(gain(row), 1));
  return made;
}

/** A text with its line breaks; a long one opens on demand. */
function passage(text, className = "") {
  const box = element("div", `pe-passage ${className}`);
  if (!text.trim()) {
    box.append(element("p", "pp-note", say("evaluate.rows.nothing")));
    return box;
  }
  const words = element("p", "", text);
  box.append(words);
  if (text.length <= LONG) return box;
  let open = false;
  const more = element("button", "pe-more");
  more.type = "button";
  const draw = () => {
    words.textContent = open ? text : `${text.slice(0, LONG - 60).trimEnd()}…`;
    more.textContent = say(open ? "evaluate.rows.less" : "evaluate.rows.more");
    more.setAttribute("aria-expanded", String(open));
  };
  more.addEventListener("click", () => {
    open = !open;
    draw();
  });
  draw();
  box.append(more);
  return box;
}
