// What is ticked in the History tab, shared by the table and the comparison; the first six have a line of their own.

// Told apart by colour and by dash, so that also those who see no colours can.
const LINES = [
  { colour: "--pp-blue", dash: "solid", pattern: "" },
  { colour: "--pp-vermillion", dash: "dash", pattern: "7 4" },
  { colour: "--pp-green", dash: "dot", pattern: "2 3" },
  { colour: "--pp-orange", dash: "dashdot", pattern: "7 3 2 3" },
  { colour: "--pp-purple", dash: "longdash", pattern: "12 4" },
  { colour: "--pp-sky", dash: "longdashdot", pattern: "12 3 2 3" },
];
export const MOST = LINES.length;

export class Selection extends EventTarget {
  constructor() {
    super();
    this.lines = new Map(); // id -> number of its line, or null for one too many
    this.entries = new Map(); // id -> the entry as last listed
  }

  get ids() {
    return [...this.lines.keys()];
  }

  /** What is ticked, as last listed. */
  get chosen() {
    return this.ids.map((id) => this.entries.get(id));
  }

  has(id) {
    return this.lines.has(id);
  }

  /** How a ticked run is drawn; undefined for one that is not ticked, or one too many. */
  line(id) {
    return LINES[this.lines.get(id)];
  }

  set(ids, on) {
    for (const id of ids) {
      if (on && !this.has(id)) this.lines.set(id, this.freeLine());
      else if (!on) this.lines.delete(id);
    }
    this.promote();
    this.tell();
  }

  /** Takes the newest list: what is gone is not ticked any more. */
  listed(entries) {
    this.entries = new Map(entries.map((entry) => [entry.run, entry]));
    const gone = this.ids.filter((id) => !this.entries.has(id));
    for (const id of gone) this.lines.delete(id);
    this.promote();
    this.tell();
  }

  freeLine() {
    const taken = new Set(this.lines.values());
    const free = LINES.findIndex((_, number) => !taken.has(number));
    return free < 0 ? null : free;
  }

  /** Gives lines that have become free to those that had none. */
  promote() {
    for (const [id, number] of this.lines) if (number === null) this.lines.set(id, this.freeLine());
  }

  tell() {
    this.dispatchEvent(new Event("change"));
  }
}

export const selection = new Selection();

/** A short piece of a run's line, as in the chart. */
export function swatch(line) {
  const box = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  box.setAttribute("class", "ph-swatch");
  box.setAttribute("viewBox", "0 0 26 10");
  box.setAttribute("aria-hidden", "true");
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "line");
  for (const [name, value] of Object.entries({ x1: 0, x2: 26, y1: 5, y2: 5, "stroke-width": 3, "stroke-dasharray": line.pattern })) drawn.setAttribute(name, value);
  drawn.style.stroke = `var(${line.colour})`;
  box.append(drawn);
  return box;
}
