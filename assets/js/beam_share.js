/** What a reader takes away of a search: an address that repeats it, all candidates, and the tree as a picture. */

import { reason } from "./beam_facts.js";
import { written } from "./beam_link.js";
import { joined } from "./beam_search.js";
import { save } from "./distribution_figure.js";
import { KINDS, Share as Taken } from "./distribution_share.js";

const NAME = "beam-search";
const { link, csv: table, ...pictures } = KINDS;
const BUTTONS = { link, csv: table, json: "beam.share_json", ...pictures };
const HEAD = 64;
const JSONED = new Set(["token", "text"]);
const SVG = "http://www.w3.org/2000/svg";
const INK = "#161b21";
/** Always light, for paper and slides; the later ones win. */
const LOOKS = [
  ["", { fill: "#ffffff", stroke: "#98a2ae", "stroke-width": 1 }],
  ["pgb-kept", { stroke: "#0072b2" }],
  ["pgb-alive", { fill: "#e3eff7", stroke: "#0072b2", "stroke-width": 1.5 }],
  ["pgb-pruned", { stroke: "#98a2ae", "stroke-dasharray": "3 2" }],
  ["pgb-late", { stroke: "#98a2ae", "stroke-dasharray": "3 2" }],
  ["pgb-beaten", { stroke: "#009e73", "stroke-dasharray": "3 2" }],
  ["pgb-finished", { fill: "#e5f5f0", stroke: "#009e73", "stroke-width": 2.5 }],
  ["pgb-path", { fill: "#00527f", stroke: "#00527f", "stroke-width": 2.5 }],
];

export class Share extends Taken {
  /** @param {() => {view: Object, search: Object, tree: Object, caption: string[]}} current */
  constructor(current) {
    super(current, NAME, BUTTONS);
  }

  address() {
    return written(this.current().view);
  }

  table() {
    return csv(this.current().search);
  }

  json() {
    const { view, search } = this.current();
    const { model, prompt, chat, run } = view;
    const rivals = { greedy: search.greedy, drawn: search.drawn };
    const told = { model, prompt, chat, run, settings: search.settings, prompt_ids: search.ids, outcome: search.outcome, final: search.finished, ...rivals };
    save(JSON.stringify({ ...told, candidates: rows(search) }, null, 1), "application/json", `${NAME}.json`);
  }

  figure() {
    const { tree, caption } = this.current();
    return figure(tree, caption);
  }
}

/** Every candidate of every step; `place` names it, `parent` the one it continues, -1 the prompt. */
export function rows(search) {
  return Array.from(search.tokens, (id, at) => ({
    place: at,
    step: search.step(at),
    rank: search.rank(at),
    parent: search.parents[at],
    id,
    token: search.texts[id] ?? "",
    text: joined(search.line(at), search.texts),
    log_probability: rounded(search.logs[at]),
    text_log_probability: rounded(search.scores[at]),
    score: rounded(search.normalised(at)),
    probability: Math.exp(search.scores[at]),
    fate: search.fate(at, search.steps),
    final_place: search.finished.includes(at) ? search.finished.indexOf(at) + 1 : null,
    reason: reason(search, at, search.steps),
  }));
}

/** As many digits as a float32 has. */
const rounded = (number) => Number(number.toPrecision(7));

/** Tokens and texts are written as JSON: white space is seen, and a table program takes none for a formula. */
export function csv(search) {
  const found = rows(search);
  const quoted = (words) => `"${words.replaceAll('"', '""')}"`;
  const cell = ([name, value]) => (JSONED.has(name) ? quoted(JSON.stringify(value)) : typeof value === "string" ? quoted(value) : (value ?? ""));
  const lines = [Object.keys(found[0]).join(","), ...found.map((row) => Object.entries(row).map(cell).join(","))];
  return `${lines.join("\r\n")}\r\n`;
}

function figure(tree, caption) {
  const { width, height } = tree.size;
  const whole = Math.max(width, 640);
  const made = document.createElementNS(SVG, "svg");
  const set = (element, attributes) => Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  set(made, { viewBox: `0 0 ${whole} ${height + HEAD}`, width: whole, height: height + HEAD, "font-family": "ui-monospace, monospace", "font-size": 12 });
  const ground = made.appendChild(document.createElementNS(SVG, "rect"));
  set(ground, { width: whole, height: height + HEAD, fill: "#ffffff" });
  caption.forEach((line, at) => {
    const words = made.appendChild(document.createElementNS(SVG, "text"));
    set(words, { x: 12, y: 24 + at * 20, fill: INK, "font-family": "system-ui, sans-serif", "font-size": at ? 12 : 15, "font-weight": at ? 400 : 600 });
    words.textContent = line;
  });
  const copy = tree.root.cloneNode(true);
  for (const later of copy.querySelectorAll(".pgb-later")) later.remove();
  for (const element of copy.querySelectorAll("path, rect, text")) paint(element);
  const moved = made.appendChild(document.createElementNS(SVG, "g"));
  moved.setAttribute("transform", `translate(0 ${HEAD})`);
  moved.append(copy);
  for (const element of copy.querySelectorAll("g, path")) for (const name of ["class", "style", "role", "tabindex", "data-at", "aria-label"]) element.removeAttribute(name);
  return new XMLSerializer().serializeToString(made);
}

function paint(element) {
  const classes = (element.matches("path") ? element : element.parentNode).getAttribute("class")?.split(" ") ?? [];
  const look = Object.assign({}, ...LOOKS.filter(([name]) => !name || classes.includes(name)).map(([, attributes]) => attributes));
  if (element.matches("text")) {
    element.setAttribute("fill", classes.includes("pgb-path") ? "#ffffff" : INK);
    if (element.matches(".pgb-number")) element.setAttribute("font-size", 10.5);
    return;
  }
  for (const [name, value] of Object.entries(look)) element.setAttribute(name, value);
  if (element.matches("path")) element.setAttribute("fill", "none");
}
