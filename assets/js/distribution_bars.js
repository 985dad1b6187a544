/** The bars: one row per token in descending order, the raw distribution as a ghost behind the final one. */

import { count, explained, make, percent, text, visible } from "./distribution_page.js";
import { probabilityAt, rawProbability, stays } from "./sampling.js";

const STEP = 24;
const MOST = 240;
const SCALES = [0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.16, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1];

export class Bars {
  /**
   * @param {(at: number) => void} pointed  told the rank that the reader points at
   * @param {(at: number) => void} appended  told the rank of a token that the text shall go on with
   */
  constructor(pointed, appended) {
    this.pointed = pointed;
    this.appended = appended;
    this.rows = [];
    this.chosen = 0;
    this.axis = make("div", { class: "pgd-axis", "aria-hidden": "true" });
    this.list = make("div", { class: "pgd-rows", role: "listbox", "aria-label": text("distribution.bars_label") });
    this.rest = make("div", { class: "pgd-rest" });
    this.more = make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": "more" }, text("distribution.more"));
    this.fewer = make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": "fewer" }, text("distribution.fewer"));
    const hint = make("p", { class: "pgd-hint" }, text("distribution.bars_hint"));
    this.element = make(
      "div", { class: "pgd-bars" }, legend(), hint, this.axis, this.list, this.rest, make("div", { class: "pgd-foot" }, this.more, this.fewer),
    );
    this.ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
      const tick = make("span", { style: `left:${share * 100}%` });
      this.axis.append(tick);
      return { share, tick };
    });
    this.more.addEventListener("click", () => this.resize(this.rows.length + STEP));
    this.fewer.addEventListener("click", () => this.resize(STEP));
    this.list.addEventListener("keydown", (event) => this.move(event));
    this.list.addEventListener("pointerleave", () => {
      this.under = null;
      this.pointed(this.chosen);
    });
  }

  /** Shows a prompt's tokens from the top again. */
  start(size) {
    this.size = size;
    this.chosen = 0;
    this.last = null;
    this.resize(STEP);
  }

  resize(wanted) {
    const length = Math.min(wanted, MOST, this.size);
    while (this.rows.length > length) this.rows.pop().element.remove();
    while (this.rows.length < length) this.add(this.rows.length);
    this.choose(Math.min(this.chosen, length - 1));
    this.more.hidden = length >= Math.min(MOST, this.size);
    this.fewer.hidden = length <= STEP;
    if (this.last) this.draw(...this.last);
  }

  add(at) {
    const row = {
      label: make("span", { class: "pgd-token" }),
      ghost: make("span", { class: "pgd-ghost" }),
      bar: make("span", { class: "pgd-bar" }),
      seen: make("span", { class: "pgd-seen", hidden: true }),
      value: make("span", { class: "pgd-value" }),
      id: -1,
    };
    const track = make("span", { class: "pgd-track" }, row.ghost, row.bar, row.seen);
    row.element = make("div", { class: "pgd-row", role: "option", tabindex: -1, "aria-selected": "false" }, row.label, track, row.value);
    // Not when the page scrolls under a mouse that lies still: then the keyboard is at work.
    row.element.addEventListener("pointermove", ({ movementX, movementY }) => {
      if ((movementX || movementY) && this.under !== at) this.pointed((this.under = at));
    });
    row.element.addEventListener("focus", () => this.choose(at));
    row.element.addEventListener("pointerdown", () => (this.before = this.chosen));
    row.element.addEventListener("click", ({ pointerType }) => {
      row.element.focus();
      // A finger cannot hover: its first tap looks at a token, its second takes it.
      if (pointerType !== "touch" || this.before === at) this.appended(at);
    });
    this.rows.push(row);
    this.list.append(row.element);
  }

  choose(at) {
    this.under = null;
    const before = this.rows[this.chosen]?.element;
    before?.setAttribute("aria-selected", "false");
    if (before) before.tabIndex = -1;
    this.chosen = at;
    this.rows[at].element.setAttribute("aria-selected", "true");
    this.rows[at].element.tabIndex = 0;
    this.pointed(at);
  }

  move(event) {
    if (event.key === "Enter") this.appended(this.chosen);
    const last = this.rows.length - 1;
    const to = { ArrowDown: this.chosen + 1, ArrowUp: this.chosen - 1, Home: 0, End: last, PageDown: this.chosen + 10, PageUp: this.chosen - 10 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.rows[Math.max(0, Math.min(last, to))].element.focus();
  }

  /**
   * Brings every row up to date.
   * @param {import("./sampling.js").Ranking} ranking
   * @param {import("./sampling.js").Distribution} distribution
   * @param {string[]} tokens  the vocabulary's texts
   * @param {?{counts: Uint32Array, total: number}} samples  draws by rank
   */
  draw(ranking, distribution, tokens, samples) {
    this.last = [ranking, distribution, tokens, samples];
    const values = this.rows.map((_, at) => ({
      raw: rawProbability(ranking, ranking.order[at]),
      final: probabilityAt(distribution, at).final,
      seen: samples ? samples.counts[at] / samples.total : 0,
    }));
    const highest = values.reduce((most, { raw, final, seen }) => Math.max(most, raw, final, seen), 0);
    const scale = SCALES.find((candidate) => candidate >= highest * 0.999) ?? 1;
    for (const { share, tick } of this.ticks) tick.textContent = tickLabel(share * scale);
    this.rows.forEach((row, at) => drawRow(row, ranking.order[at], values[at], !stays(distribution, at), scale, tokens));
    this.drawRest(values, distribution.end);
  }

  drawRest(values, end) {
    const hidden = this.size - values.length;
    this.rest.hidden = hidden === 0;
    const left = (key) => Math.max(0, 1 - values.reduce((sum, value) => sum + value[key], 0));
    const final = end > values.length ? left("final") : 0;
    this.rest.textContent = text("distribution.rest", { count: count(hidden), raw: percent(left("raw")), final: percent(final) });
  }
}

function drawRow(row, id, { raw, final, seen }, cut, scale, tokens) {
  if (row.id !== id) {
    row.id = id;
    row.label.textContent = visible(tokens[id]);
    row.label.classList.toggle("pgd-textless", !tokens[id]);
  }
  row.element.classList.toggle("pgd-cut", cut);
  row.ghost.style.width = `${(raw / scale) * 100}%`;
  row.bar.style.width = `${(final / scale) * 100}%`;
  row.seen.hidden = seen === 0;
  if (seen > 0) row.seen.style.width = `${(seen / scale) * 100}%`;
  row.value.textContent = cut ? text("distribution.cut") : percent(final);
  const state = cut ? text("distribution.cut") : percent(final);
  row.element.setAttribute("aria-label", text("distribution.row_label", { token: row.label.textContent, state, raw: percent(raw) }));
}

function tickLabel(share) {
  return `${Number((share * 100).toPrecision(3))} %`;
}

function legend() {
  const entry = (kind) => {
    const words = text(`distribution.legend_${kind}`);
    const item = make("span", { class: `pgd-key pgd-key-${kind}` }, make("i", {}), words);
    return explained(item, () => text(`distribution.legend_${kind}_help`));
  };
  return make("div", { class: "pgd-legend" }, ...["final", "raw", "cut", "seen"].map(entry));
}
