/** What is said of a search in words and numbers: of one candidate, of one step, of the final beams. */

import { joined } from "./beam_search.js";
import { count, explained, fixed, make, percent, text, visible } from "./distribution_page.js";

/** A log-probability or a score, with a minus as wide as a plus, and none before a zero. */
export function nats(value, digits) {
  const written = fixed(Math.abs(value), digits);
  return value < 0 && Number(Math.abs(value).toFixed(digits)) > 0 ? `−${written}` : written;
}

const RAISED = new Map(Array.from("-0123456789", (letter, at) => [letter, "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"[at]]));

/** The probability that belongs to a log-probability: "12.3 %", or "3.1 × 10⁻¹³" where percent would be all zeros. */
export function chance(log) {
  return log > Math.log(1e-5) ? percent(Math.exp(log)) : scientific(log);
}

/** How many times as much: "3.2", "4,100", "1.2 × 10⁹". */
export function times(log) {
  const factor = Math.exp(log);
  if (factor >= 1e6) return scientific(log);
  return factor >= 100 ? count(Math.round(factor)) : fixed(factor, factor < 10 ? 2 : 1);
}

/** e to the power of `log` in powers of ten, even where it is too small or too large for a number. */
function scientific(log) {
  const power = Math.floor(log / Math.LN10);
  const raised = Array.from(String(power), (letter) => RAISED.get(letter)).join("");
  return `${fixed(Math.exp(log - power * Math.LN10), 1)}\u00a0×\u00a010${raised}`;
}

/** The text so far with its white space made visible, broken into lines where it breaks. */
export function written(ids, texts) {
  return ids.length ? visible(joined(ids, texts)).replaceAll("⏎", "⏎\n") : "";
}

const FACTS = ["id", "token", "text", "score", "chance", "rank", "choice"];

/** Everything about the candidate that is pointed at. */
export class Detail {
  constructor() {
    this.words = make("p", { class: "pgb-text", "data-fact": "text" });
    this.fate = make("p", { class: "pgb-fate", "data-fact": "fate" });
    this.values = new Map(FACTS.map((name) => [name, make("dd", { "data-fact": name })]));
    const list = FACTS.map((name) => explained(make("div", {}, make("dt", {}, text(`beam.fact_${name}`)), this.values.get(name)), () => text(`beam.fact_${name}_help`)));
    this.element = make("div", { class: "pgb-detail" }, this.words, make("dl", {}, ...list), this.fate);
  }

  draw(search, at, step) {
    if (at < 0) {
      this.words.replaceChildren(make("span", { class: "pgb-before" }, written(search.ids, search.texts)));
      for (const value of this.values.values()) value.textContent = "–";
      this.fate.textContent = text("beam.is_prompt", { count: count(search.ids.length) });
      return;
    }
    const ids = search.line(at);
    const last = make("mark", {}, visible(search.texts[ids.at(-1)]));
    this.words.replaceChildren(written(ids.slice(0, -1), search.texts), last);
    const siblings = search.children(search.parents[at]);
    const facts = {
      id: String(search.tokens[at]),
      token: `${nats(search.logs[at], 3)} · ${percent(Math.exp(search.logs[at]))}`,
      text: nats(search.scores[at], 3),
      score: nats(search.normalised(at), 4),
      chance: chance(search.scores[at]),
      rank: text("beam.rank_of", { rank: search.rank(at), total: search.width }),
      choice: String(siblings.indexOf(at) + 1),
    };
    for (const [name, value] of Object.entries(facts)) this.values.get(name).textContent = value;
    this.fate.textContent = reason(search, at, step);
  }
}

/** Why a candidate stayed or was dropped, in a sentence. */
export function reason(search, at, step) {
  const { beams } = search;
  const fate = search.fate(at, step);
  const score = nats(search.normalised(at), 4);
  if (fate === "beaten") return text("beam.why_beaten", { beams, score });
  if (fate === "late") return text("beam.why_late", { beams, rank: search.rank(at) });
  if (fate === "finished") {
    const words = text(search.ended(at) ? "beam.why_ended" : "beam.why_length", { longest: search.longest, score });
    return `${words} ${text("beam.why_place", { place: search.best(step).indexOf(at) + 1, count: search.best(step).length })}`;
  }
  if (fate === "kept") {
    const lost = search.step(at) < step && !search.alive(step).has(at);
    return text(lost ? "beam.why_lost" : "beam.why_kept", { beams });
  }
  const gap = search.gap(at);
  return gap === null ? text("beam.why_last", { beams }) : text("beam.why_pruned", { beams, gap: fixed(gap, 3) });
}

/** What a step did, in a sentence. */
export function account(search, step) {
  if (step === 0) return text("beam.step_start", { beams: search.beams });
  const places = search.places(step);
  const of = (fate) => places.filter((at) => search.fates[at] === fate).length;
  const numbers = { considered: search.width, kept: of("kept"), finished: of("finished"), dropped: of("pruned") + of("late") };
  const words = [text("beam.step_account", numbers)];
  if (step === search.steps && search.over) {
    const bound = search.bound === null ? "" : nats(search.bound, 4);
    const worst = search.finished.length ? nats(search.normalised(search.finished.at(-1)), 4) : "";
    words.push(text(`beam.over_${search.outcome}`, { beams: search.beams, longest: search.longest, bound, worst }));
  }
  return words.join(" ");
}

/** The final beams; or, while the search goes on or an earlier step is shown, the finished and open ones of that step. */
export class Beams {
  /** @param {(at: number) => void} choose  a beam was clicked */
  constructor(choose) {
    this.choose = choose;
    this.title = make("h2", {});
    this.list = make("ol", { class: "pgb-beams" });
    this.element = make("section", { class: "pgb-list" }, this.title, this.list);
  }

  draw(search, step, chosen) {
    const final = search.over && step === search.steps;
    const places = final ? search.finished : [...search.best(step), ...search.open(step).filter((at) => at >= 0)];
    this.title.textContent = text(final ? "beam.final" : "beam.so_far", { step });
    this.list.replaceChildren(...places.map((at) => make("li", {}, this.row(search, at, step, chosen === at))));
  }

  row(search, at, step, chosen) {
    const ids = search.line(at);
    const state = search.fates[at] === "kept" ? "open" : search.ended(at) ? "ended" : "length";
    const facts = text("beam.beam_facts", { score: nats(search.normalised(at), 4), log: nats(search.scores[at], 2), chance: chance(search.scores[at]), tokens: count(ids.length) });
    const mark = make("span", { class: `pgb-state pgb-state-${state}` }, text(`beam.state_${state}`));
    const words = make("span", { class: "pgb-words" }, written(ids, search.texts));
    return make("button", { type: "button", class: "pgb-beam", "aria-pressed": String(chosen), "data-at": at, onclick: () => this.choose(at) }, words, make("span", { class: "pgb-facts" }, mark, facts));
  }
}

/** One step's candidates as a table, for readers who do not see the tree, and for those who want to compare numbers. */
export class Table {
  constructor() {
    this.caption = make("caption", {});
    const heads = ["rank", "words", "token", "text", "score", "fate"].map((name) => make("th", { scope: "col" }, text(`beam.column_${name}`)));
    this.body = make("tbody", {});
    const table = make("table", {}, this.caption, make("thead", {}, make("tr", {}, ...heads)), this.body);
    this.element = make("details", { class: "pgb-table" }, make("summary", {}, text("beam.table")), make("div", { class: "pgb-wide", tabindex: 0, role: "region", "aria-label": text("beam.table") }, table));
    this.element.addEventListener("toggle", () => this.fill());
  }

  draw(search, step) {
    Object.assign(this, { search, step });
    this.fill();
  }

  fill() {
    const { search, step } = this;
    if (!this.element.open || !search) return;
    this.caption.textContent = text("beam.table_caption", { step, count: search.places(step).length });
    const rows = search.places(step).map((at) => {
      const numbers = [nats(search.logs[at], 3), nats(search.scores[at], 3), nats(search.normalised(at), 4)];
      const words = make("th", { scope: "row" }, written(search.line(at), search.texts));
      const cells = [words, ...numbers.map((number) => make("td", {}, number)), make("td", {}, reason(search, at, step))];
      return make("tr", {}, make("td", {}, String(search.rank(at))), ...cells);
    });
    this.body.replaceChildren(...rows);
  }
}
