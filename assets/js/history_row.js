// One line of the table of runs. It is made once and kept: a refresh changes only what is different, so that focus,
// ticks and a name being typed stay.

import { ENDED } from "./follow.js";
import { selection, swatch } from "./history_selection.js";
import { clock, element } from "./status.js";
import { phaseBadge } from "./train.js";

const say = (key, values) => playground.text(key, values);
export const COLUMNS = ["name", "method", "model", "data", "owner", "phase", "created", "seconds", "steps", "loss", "headline", "bytes"];
const NUMBERS = new Set(["seconds", "steps", "loss", "headline", "bytes"]);
const LONGEST_NAME = 80;
const SHORT_OWNER = 6; // digits of an owner's id that are shown

/** 1234567 -> "1.2 MB" */
export function size(bytes) {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} KB`;
  const large = bytes >= 1e9;
  const number = bytes / (large ? 1e9 : 1e6);
  return `${number.toFixed(number < 100 ? 1 : 0)} ${large ? "GB" : "MB"}`;
}

/** Seconds that every attempt took, up to now where one goes on. */
export function seconds({ phase, started, seconds: spent }) {
  if (ENDED.has(phase)) return spent;
  return started ? spent + Math.max(0, Date.now() / 1000 - started) : null;
}

export function ownerOf(entry, viewer) {
  if (entry.owner === viewer.owner) return say("history.owner.mine");
  return entry.owner ? entry.owner.slice(0, SHORT_OWNER) : say("history.owner.host");
}

const day = (at) => {
  const date = new Date(at * 1000);
  const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  return date.toLocaleString(playground.language(), { ...year, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
};

const number = (value) => (typeof value === "number" ? value.toLocaleString(undefined, { maximumFractionDigits: 3 }) : "");
const headlineValue = ({ metric, value }) => (metric.includes("accura") ? `${(100 * value).toFixed(1)} %` : number(value));

const WORDS = {
  method: ({ method, kind }) => (kind === "evaluation" ? say("history.evaluation") : say(`method.${method}`)),
  data: ({ data, kind }) => (kind === "evaluation" && data ? say(`choice.evaluation.split.${data}`) : data),
  created: ({ started, created }) => day(started ?? created),
  seconds: (entry) => (seconds(entry) === null ? "" : clock(seconds(entry))),
  steps: ({ steps, kind }) => (kind === "run" ? steps.toLocaleString() : ""),
  loss: ({ loss }) => number(loss),
  bytes: ({ bytes }) => size(bytes),
};

export class Row {
  /** @param {{look: (entry) => void, rename: (run, name) => void, names: Map<string, Object>, viewer: Object}} context */
  constructor(entry, context) {
    this.context = context;
    this.element = element("tr");
    this.element.dataset.run = entry.run;
    this.tick = element("input");
    this.tick.type = "checkbox";
    this.tick.addEventListener("change", () => selection.set([entry.run], this.tick.checked));
    this.cells = {};
    this.cell("tick").append(this.tick);
    for (const name of COLUMNS) this.cell(name);
    this.buildName();
    this.update(entry);
  }

  cell(name) {
    const made = element("td", `ph-${name}${NUMBERS.has(name) ? " ph-number" : ""}`);
    if (name !== "tick") made.dataset.label = say(`history.column.${name}`);
    this.cells[name] = made;
    this.element.append(made);
    return made;
  }

  buildName() {
    this.line = element("span", "ph-line");
    this.open = element("button", "ph-open");
    this.open.type = "button";
    this.open.addEventListener("click", () => this.context.look(this.entry));
    this.pencil = element("button", "ph-pencil", "✎");
    this.pencil.type = "button";
    this.pencil.title = say("history.rename");
    this.pencil.addEventListener("click", () => this.edit());
    this.title = element("div", "ph-title");
    this.title.append(this.line, this.open, this.pencil);
    this.facts = element("div", "ph-facts");
    this.cells.name.append(this.title, this.facts);
  }

  /** Shows an entry; the table calls it with every list. */
  update(entry) {
    const { viewer, names } = this.context;
    this.entry = entry;
    const base = entry.on && (names.get(entry.on)?.name || entry.on);
    const shown = JSON.stringify([entry, base, viewer.owner, viewer.host, playground.language()]);
    if (shown === this.shown) return;
    this.shown = shown;
    const name = entry.name || entry.run;
    this.open.textContent = name;
    this.open.title = `${name}\n${say(`history.look.${entry.kind}`)}`;
    this.tick.setAttribute("aria-label", say("history.tick", { name }));
    this.pencil.setAttribute("aria-label", say("history.rename.of", { name }));
    this.pencil.hidden = !(viewer.host || viewer.owner === entry.owner);
    const bleu = entry.bleu && say("history.bleu", { base: entry.bleu.base.toFixed(1), tuned: entry.bleu.tuned.toFixed(1) });
    this.facts.replaceChildren(...[entry.run, bleu].filter(Boolean).map((words) => element("span", "", words)));
    for (const [column, words] of Object.entries(WORDS)) this.write(column, words(entry));
    this.result(entry.headline);
    this.write("model", base ? say(names.has(entry.on) ? "history.on" : "history.on.gone", { name: base }) : entry.model);
    this.write("owner", ownerOf(entry, viewer));
    this.cells.owner.title = entry.owner;
    this.cells.created.title = new Date(entry.created * 1000).toLocaleString(playground.language());
    this.cells.bytes.title = entry.checkpoints ? say("history.bytes.checkpoints", { size: size(entry.checkpoints) }) : "";
    if (this.cells.phase.firstChild?.dataset.phase !== entry.phase) this.cells.phase.replaceChildren(phaseBadge(entry.phase));
  }

  write(column, words) {
    const cell = this.cells[column];
    if (cell.textContent !== words) cell.textContent = words;
    cell.classList.toggle("ph-nothing", !words);
    if (column === "model" || column === "data") cell.title = words;
  }

  result(headline) {
    const cell = this.cells.headline;
    const words = headline ? [element("span", "", headlineValue(headline)), element("small", "", say(`history.headline.${headline.metric}`))] : [];
    cell.replaceChildren(...words);
    cell.classList.toggle("ph-nothing", !headline);
  }

  /** A second has gone by. */
  age() {
    if (!ENDED.has(this.entry.phase)) this.write("seconds", WORDS.seconds(this.entry));
  }

  mark() {
    const on = selection.has(this.entry.run);
    this.tick.checked = on;
    this.element.classList.toggle("ph-ticked", on);
    const line = selection.line(this.entry.run);
    if (line === this.drawn) return;
    this.drawn = line;
    this.line.replaceChildren(...(line ? [swatch(line)] : []));
  }

  /** Waits for the server: it may not be pressed twice. */
  busy(on) {
    this.element.toggleAttribute("aria-busy", on);
    this.element.classList.toggle("ph-busy", on);
  }

  edit() {
    if (this.field) return this.field.focus();
    const field = element("input", "ph-field");
    Object.assign(field, { type: "text", maxLength: LONGEST_NAME, value: this.entry.name });
    field.setAttribute("aria-label", say("history.rename.of", { name: this.entry.name || this.entry.run }));
    const close = (keep) => {
      if (!this.field) return;
      this.field = null;
      const name = field.value.trim();
      field.replaceWith(this.open);
      this.pencil.hidden = false;
      if (keep && name !== this.entry.name) {
        this.open.textContent = name || this.entry.name;
        this.shown = "";
        this.context.rename(this.entry.run, name);
      }
    };
    // A moment later: a refresh that moves the row takes the focus away and gives it back.
    field.addEventListener("blur", () => setTimeout(() => document.activeElement === field || close(true)));
    field.addEventListener("keydown", (event) => {
      if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return; // Korean is composed
      event.preventDefault();
      close(event.key === "Enter");
      this.pencil.focus();
    });
    this.field = field;
    this.open.replaceWith(field);
    this.pencil.hidden = true;
    field.focus();
    return field.select();
  }
}
