// The table of runs and evaluations: filtered, sorted and paged in the browser, refreshed in place.

import { ENDED } from "./follow.js";
import { COLUMNS, Row, seconds, size } from "./history_row.js";
import { selection } from "./history_selection.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const NARROW = matchMedia("(max-width: 760px)");
const PHASES = ["done", "stopped", "failed", "interrupted"];
const FIRST_UP = new Set(["name", "method", "model", "data", "owner", "phase", "loss"]);

const VALUE = {
  name: ({ name, run }) => (name || run).toLowerCase(),
  created: ({ created }) => created,
  seconds,
  owner: ({ owner }) => owner,
  headline: ({ headline }) => headline?.value ?? null,
};
const valueOf = (by) => VALUE[by] ?? ((entry) => entry[by]);

/** Entries that fit, in order; what has no value stands last whichever way, and equals by their age, newest first. */
export function chosen(entries, viewer, { search, kind, phase, method, whose, by, way }) {
  const wanted = search.trim().toLowerCase();
  const texts = ({ run, name, method: how, model, data, owner, on }) => [run, name, how, model, data, owner, on].join("\n").toLowerCase();
  const fits = (entry) =>
    (kind === "all" || entry.kind === kind) &&
    Boolean(entry.archived) === (phase === "archived") &&
    (["all", "archived"].includes(phase) || (phase === "live" ? !ENDED.has(entry.phase) : entry.phase === phase)) &&
    (method === "all" || entry.method === method) &&
    (whose === "all" || entry.owner === viewer.owner) &&
    (!wanted || texts(entry).includes(wanted));
  const sign = way === "down" ? -1 : 1;
  const value = valueOf(by);
  return entries.filter(fits).sort((one, other) => {
    const [a, b] = [value(one) ?? null, value(other) ?? null];
    if (a === null || b === null) return (a === null) - (b === null) || other.created - one.created;
    return sign * (a < b ? -1 : a > b ? 1 : 0) || other.created - one.created;
  });
}

export class Table {
  /** @param {{look: Function, rename: Function}} acts */
  constructor(acts) {
    this.context = { ...acts, names: new Map(), viewer: null };
    this.entries = null; // until the first list is here
    this.rows = new Map();
    this.page = 0;
    this.state = { search: "", kind: "all", phase: "all", method: "all", whose: "mine", by: "created", way: "down" };
    this.build();
    selection.addEventListener("change", () => this.mark());
    NARROW.addEventListener("change", () => this.draw());
  }

  build() {
    this.search = element("input");
    Object.assign(this.search, { type: "search", id: "history-search", placeholder: say("history.search.hint") });
    this.search.addEventListener("input", () => this.change({ search: this.search.value }));
    this.kind = this.choice("kind", ["all", "run", "evaluation"]);
    this.phase = this.choice("phase", ["all", "live"]);
    for (const phase of PHASES) this.phase.append(option(phase, say(`phase.${phase}`)));
    this.phase.append(option("archived", say("history.phase.archived")));
    this.method = this.choice("method", ["all"]);
    this.whose = this.choice("whose", ["mine", "all"]);
    this.order = element("select");
    this.order.id = "history-order";
    for (const by of COLUMNS) this.order.append(option(by, say(`history.column.${by}`)));
    this.order.addEventListener("change", () => this.sort(this.order.value));
    this.tools = element("div", "pe-tools ph-tools");
    for (const [name, field] of Object.entries({ search: this.search, whose: this.whose, kind: this.kind, phase: this.phase, method: this.method, order: this.order })) this.tools.append(labelled(name, field));
    this.table = element("table", "ph-table");
    this.table.append(element("caption", "pe-unseen", say("history.table")));
    const head = element("thead");
    this.heads = element("tr");
    head.append(this.heads);
    this.body = element("tbody");
    this.table.append(head, this.body);
    this.buildHeads();
    const scroll = element("div", "ph-scroll");
    scroll.append(this.table);
    this.none = element("p", "pp-note ph-none");
    this.none.hidden = true;
    this.element = element("div", "ph-list");
    this.element.append(scroll, this.none, this.pager());
  }

  choice(name, values) {
    const box = element("select");
    box.id = `history-${name}`;
    for (const value of values) box.append(option(value, say(`history.${name}.${value}`)));
    box.addEventListener("change", () => this.change({ [name]: box.value }));
    return box;
  }

  buildHeads() {
    this.all = element("input");
    this.all.type = "checkbox";
    this.all.setAttribute("aria-label", say("history.tick.page"));
    this.all.addEventListener("change", () => selection.set(this.shown.map(({ run }) => run), this.all.checked));
    const tick = element("td", "ph-tick");
    tick.append(this.all);
    this.heads.append(tick);
    for (const name of COLUMNS) {
      const cell = element("th", `ph-${name}`);
      cell.scope = "col";
      const button = element("button", "pe-sort");
      button.type = "button";
      button.title = say(`history.column.${name}.help`);
      button.append(element("span", "", say(`history.column.${name}`)), element("span", "ph-way"));
      button.addEventListener("click", () => this.sort(name));
      cell.append(button);
      cell.dataset.by = name;
      this.heads.append(cell);
    }
  }

  pager() {
    const box = element("nav", "pe-pager");
    box.setAttribute("aria-label", say("history.table"));
    const turn = (name, by) => {
      const button = element("button", "pe-button", say(`evaluate.rows.${name}`));
      Object.assign(button, { type: "button", id: `history-${name}` });
      button.addEventListener("click", () => {
        this.page += by;
        this.draw();
      });
      return button;
    };
    this.back = turn("back", -1);
    this.next = turn("next", 1);
    this.count = element("p", "pp-note");
    this.count.id = "history-count";
    this.count.setAttribute("role", "status");
    box.append(this.back, this.count, this.next);
    return box;
  }

  /** A host begins with everybody's runs, everyone else with their own. */
  setViewer(viewer) {
    if (!this.context.viewer) this.state.whose = this.whose.value = viewer.host ? "all" : "mine";
    this.context.viewer = viewer;
    this.draw();
  }

  show(entries) {
    this.entries = entries;
    this.context.names = new Map(entries.map((entry) => [entry.run, entry]));
    const methods = [...new Set(entries.map(({ method, kind }) => (kind === "run" ? method : "")))].filter(Boolean).sort();
    if (methods.join() !== this.methods) {
      this.methods = methods.join();
      this.method.replaceChildren(option("all", say("history.method.all")), ...methods.map((name) => option(name, say(`method.${name}`))));
      this.method.value = methods.includes(this.state.method) ? this.state.method : "all";
    }
    for (const run of this.rows.keys()) if (!this.context.names.has(run)) this.rows.delete(run);
    selection.listed(entries);
    this.draw();
  }

  change(news) {
    Object.assign(this.state, news);
    this.page = 0;
    this.draw();
  }

  sort(by) {
    const up = FIRST_UP.has(by) ? "up" : "down";
    const way = this.state.by !== by ? up : this.state.way === "up" ? "down" : "up";
    this.change({ by, way });
  }

  get most() {
    return NARROW.matches ? 10 : 25;
  }

  draw() {
    if (!this.context.viewer || !this.entries) return;
    const fitting = chosen(this.entries, this.context.viewer, this.state);
    const { most } = this;
    this.page = Math.max(0, Math.min(this.page, Math.ceil(fitting.length / most) - 1));
    const first = this.page * most;
    this.shown = fitting.slice(first, first + most);
    this.place(this.shown.map((entry) => this.row(entry).element));
    for (const cell of this.heads.querySelectorAll("th")) {
      const way = cell.dataset.by === this.state.by ? this.state.way : "";
      cell.setAttribute("aria-sort", { up: "ascending", down: "descending" }[way] ?? "none");
      cell.querySelector(".ph-way").textContent = { up: " ↑", down: " ↓" }[way] ?? "";
    }
    this.order.value = this.state.by;
    this.table.hidden = !fitting.length;
    this.none.hidden = fitting.length > 0;
    const { owner } = this.context.viewer;
    const any = this.state.whose === "mine" ? this.entries.some((entry) => entry.owner === owner) : this.entries.length;
    this.none.textContent = any ? say("history.none.fits") : say(this.entries.length ? "history.none.mine" : "history.none");
    this.back.parentElement.hidden = !fitting.length;
    this.back.disabled = this.page === 0;
    this.next.disabled = first + most >= fitting.length;
    const bytes = fitting.reduce((sum, entry) => sum + entry.bytes, 0);
    this.count.textContent = fitting.length ? say("history.count", { from: first + 1, to: first + this.shown.length, total: fitting.length.toLocaleString(), size: size(bytes) }) : "";
    this.mark();
  }

  row(entry) {
    const known = this.rows.get(entry.run);
    if (known) {
      known.update(entry);
      return known;
    }
    const made = new Row(entry, this.context);
    this.rows.set(entry.run, made);
    return made;
  }

  /** Puts the rows into the page where they are not there already, in this order; what had the focus keeps it. */
  place(lines) {
    const now = [...this.body.children];
    if (now.length === lines.length && now.every((line, at) => line === lines[at])) return;
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    this.body.replaceChildren(...lines);
    if (focused?.isConnected) focused.focus({ preventScroll: true });
  }

  mark() {
    for (const { run } of this.shown ?? []) this.rows.get(run)?.mark();
    const ticked = (this.shown ?? []).filter(({ run }) => selection.has(run)).length;
    this.all.checked = ticked > 0 && ticked === this.shown.length;
    this.all.indeterminate = ticked > 0 && ticked < this.shown.length;
  }

  age() {
    for (const { run } of this.shown ?? []) this.rows.get(run)?.age();
  }

  busy(runs, on) {
    for (const run of runs) this.rows.get(run)?.busy(on);
  }

  /** Turns to the page that has this run, with nothing filtered away where it would not be there otherwise. */
  edit(run) {
    const place = () => chosen(this.entries, this.context.viewer, this.state).findIndex((entry) => entry.run === run);
    if (place() < 0) {
      Object.assign(this.state, { search: "", kind: "all", phase: "all", method: "all", whose: "all" });
      this.search.value = "";
      for (const name of ["kind", "phase", "method", "whose"]) this[name].value = "all";
    }
    this.page = Math.floor(place() / this.most);
    this.draw();
    this.rows.get(run).edit();
  }
}

function option(value, words) {
  const made = element("option", "", words);
  made.value = value;
  return made;
}

function labelled(name, field) {
  const box = element("label", `pe-field pe-field-${name}`);
  box.append(element("span", "", say(`history.${name}`)), field);
  return box;
}
