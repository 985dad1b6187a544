/** What is said about a distribution in numbers: tiles, the cut and its renormalisation, and one token in detail. */

import { Formula } from "./distribution_formula.js";
import { count, explained, factor, fixed, make, percent, text, visible } from "./distribution_page.js";
import { probabilityAt, rawProbability } from "./sampling.js";

const SEGMENTS = 24;
const NATS_PER_BIT = Math.LN2;

/** Kept tokens, kept mass, entropy and effective choices; each with its value before, and explained on hover. */
export class Tiles {
  constructor() {
    this.tiles = new Map(["kept", "mass", "entropy", "effective"].map((name) => [name, tile(name)]));
    this.element = make("div", { class: "pgd-tiles" }, ...Array.from(this.tiles.values(), ({ element }) => element));
  }

  draw({ raw, sorted }, { kept, keptMass, entropy, effective }) {
    const fill = (name, value, note, values) => Object.assign(this.tiles.get(name), { values }).write(value, note);
    fill("kept", count(kept), text("distribution.of", { total: count(sorted.length) }), {});
    fill("mass", percent(keptMass), `÷ ${factor(keptMass)}`, {});
    const bits = fixed(entropy / NATS_PER_BIT, 3);
    const rawBits = fixed(raw.entropy / NATS_PER_BIT, 3);
    fill("entropy", text("train.fact.nats", { value: fixed(entropy, 2) }), rawly(fixed(raw.entropy, 2)), { bits, raw: rawBits });
    fill("effective", choices(effective), rawly(choices(Math.exp(raw.entropy))), {});
  }
}

function tile(name) {
  const value = make("strong", { "data-fact": name });
  const note = make("small", {});
  const made = { values: {}, write: (words, small) => ((value.textContent = words), (note.textContent = small)) };
  made.element = make("div", { class: "pgd-tile" }, make("span", {}, text(`distribution.${name}`)), value, note);
  explained(made.element, () => text(`distribution.${name}_help`, made.values));
  return made;
}

const rawly = (value) => text("distribution.raw_was", { value });
const choices = (number) => (number < 100 ? fixed(number, 1) : count(Math.round(number)));

/** Two strips of the whole probability, before and after the cut, and the sentence that says what happened. */
export class Cut {
  constructor() {
    this.before = strip("distribution.before_cut");
    this.after = strip("distribution.after_cut");
    this.sentence = make("p", { class: "pgd-sentence", "data-fact": "sentence" });
    this.element = make("div", { class: "pgd-cutting" }, this.before.element, this.after.element, this.sentence);
  }

  draw(ranking, distribution, temperature) {
    const { kept, keptMass, sum, keptSum } = distribution;
    this.before.draw(distribution, sum);
    this.after.draw(distribution, keptSum);
    const total = count(ranking.sorted.length);
    const values = { kept: count(kept), total, mass: percent(keptMass), factor: factor(keptMass) };
    const happened = temperature === 0 ? "argmax" : kept === ranking.sorted.length ? "uncut" : "renormalised";
    this.sentence.textContent = text(`distribution.sentence_${happened}`, values);
  }
}

/** One strip: the likeliest kept tokens as segments, the other kept ones as a block, what was cut hatched. */
function strip(key) {
  const pieces = Array.from({ length: SEGMENTS + 1 }, () => make("i", {}));
  const bar = make("span", { class: "pgd-strip" }, ...pieces);
  const element = make("div", { class: "pgd-stripline", "aria-hidden": "true" }, make("span", {}, text(key)), bar);
  const draw = ({ weights, first, end, keptSum }, whole) => {
    let left = 0;
    for (let at = 0; at < SEGMENTS; at++) {
      const share = first + at < end ? weights[first + at] / whole : 0;
      place(pieces[at], left, share);
      left += share;
    }
    place(pieces[SEGMENTS], left, Math.max(0, keptSum / whole - left));
  };
  return { element, draw };
}

function place(piece, left, share) {
  piece.style.left = `${left * 100}%`;
  piece.style.width = `${share * 100}%`;
}

/** The token that the reader points at: what it is, its numbers, and how its probability comes about. */
export class Detail {
  /** @param {() => void} append  goes on with the text by the token shown */
  constructor(append) {
    this.token = make("span", { class: "pgd-detail-token" });
    this.append = make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": "append", onclick: append }, text("distribution.append"));
    this.facts = new Map(["id", "rank", "logit", "raw", "final"].map((name) => [name, make("dd", { "data-token": name })]));
    const list = Array.from(this.facts, ([name, value]) => {
      const pair = make("div", {}, make("dt", {}, text(`distribution.token_${name}`)), value);
      return explained(pair, () => text(`distribution.token_${name}_help`));
    });
    this.formula = new Formula();
    const head = make("div", { class: "pgd-detail-head" }, this.token, this.append);
    this.element = make("div", { class: "pgd-detail" }, head, make("dl", {}, ...list), this.formula.element);
  }

  /** @param {number[]} ids  the text so far, for the penalties */
  draw(ranking, distribution, settings, tokens, at, ids) {
    const id = ranking.order[at];
    const { uncut, final } = probabilityAt(distribution, at);
    this.token.textContent = visible(tokens[id]);
    const values = {
      id: String(id),
      rank: count(at + 1),
      logit: fixed(ranking.logits[id], 3),
      raw: percent(rawProbability(ranking, id)),
      final: percent(final),
    };
    for (const [name, value] of this.facts) value.textContent = values[name];
    this.formula.draw(ranking, distribution, settings, { at, ids, uncut, final });
  }
}
