/**
 * A beam search as Python recorded it. Candidates are known by their place: every step considered `width` of them, best
 * first, so that a place tells step and rank.
 *
 * @typedef {Object} Value
 * @property {number[]} ids        of the prompt
 * @property {number} longest      new tokens allowed
 * @property {number} steps        taken so far
 * @property {?string} outcome     "length", "full" or "settled"; null while the search goes on
 * @property {number[]} finished   places of the best finished texts, best first
 * @property {number} width
 * @property {string} parents    place of the text that each continues, -1 for the prompt; like the next three columns
 *   base64 of little-endian numbers of four bytes, whole or floating
 * @property {string} tokens
 * @property {string} logs         of the token, in nats
 * @property {string} scores       of the text, in nats
 * @property {string} fates        base64, a byte each: its place in `FATES`
 * @property {{num_beams: number, length_penalty: number}} settings
 */

const FATES = ["kept", "finished", "pruned", "late"];

export class Search {
  /** @param {Value} value @param {string[]} texts  the vocabulary's */
  constructor(value, texts) {
    Object.assign(this, value, { texts });
    this.parents = new Int32Array(bytes(value.parents));
    this.tokens = new Int32Array(bytes(value.tokens));
    this.logs = new Float32Array(bytes(value.logs));
    this.scores = new Float32Array(bytes(value.scores));
    this.fates = Array.from(new Uint8Array(bytes(value.fates)), (fate) => FATES[fate]);
    this.beams = value.settings.num_beams;
    this.over = value.outcome !== null;
    this.ending = new Set(value.ends);
    this.family = new Map();
    this.parents.forEach((parent, at) => {
      if (!this.family.has(parent)) this.family.set(parent, []);
      this.family.get(parent).push(at);
    });
  }

  step(at) {
    return Math.floor(at / this.width) + 1;
  }

  rank(at) {
    return (at % this.width) + 1;
  }

  /** Places that a step considered, best first; none for the prompt's step 0. */
  places(step) {
    return step < 1 ? [] : Array.from({ length: this.width }, (_, at) => (step - 1) * this.width + at);
  }

  /** Continuations of a text that were considered, best first. */
  children(at) {
    return this.family.get(at) ?? [];
  }

  /** The places of a text's tokens, from the first after the prompt. */
  path(at) {
    const found = [];
    for (let here = at; here >= 0; here = this.parents[here]) found.push(here);
    return found.reverse();
  }

  /** Ids of a text after the prompt. */
  line(at) {
    return this.path(at).map((here) => this.tokens[here]);
  }

  /** What a finished text is compared by. */
  normalised(at) {
    return this.scores[at] / this.step(at) ** this.settings.length_penalty;
  }

  /** The same of a text from elsewhere. */
  score({ ids, score }) {
    return score / ids.length ** this.settings.length_penalty;
  }

  ended(at) {
    return this.ending.has(this.tokens[at]);
  }

  /** Texts that were open after a step, best first. */
  open(step) {
    return step === 0 ? [-1] : this.places(step).filter((at) => this.fates[at] === "kept");
  }

  /** The best finished texts after a step, best first; of equals the one that was finished first. */
  best(step) {
    if (step >= this.steps) return this.finished;
    const found = this.fates.flatMap((fate, at) => (fate === "finished" && this.step(at) <= step ? [at] : []));
    return found.sort((one, other) => this.normalised(other) - this.normalised(one) || one - other).slice(0, this.beams);
  }

  /** What is to be said of a candidate after a step: its fate, or "beaten" for a finished one that gave way. */
  fate(at, step) {
    return this.fates[at] === "finished" && !this.best(step).includes(at) ? "beaten" : this.fates[at];
  }

  /** All that is left after a step: the open texts, the best finished ones, and what they go back to. */
  alive(step) {
    return new Set([...this.open(step), ...this.best(step)].flatMap((at) => this.path(at)));
  }

  /** How much a dropped text lacked to the last one that was kept in its step, in nats; null where none was. */
  gap(at) {
    const kept = this.open(this.step(at));
    return kept.length ? this.scores[kept.at(-1)] - this.scores[at] : null;
  }

  /** How far a text goes along in the tree: the place of its last token that was considered, -1 for none. */
  follow(ids) {
    let here = -1;
    for (const id of ids) {
      const next = this.children(here).find((at) => this.tokens[at] === id);
      if (next === undefined) break;
      here = next;
    }
    return here;
  }
}

const bytes = (packed) => Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0)).buffer;

const SPELLED = /<0x([0-9A-F]{2})>/g;

/** The text of several tokens; characters that were split between tokens are whole again. */
export function joined(ids, texts) {
  const encoder = new TextEncoder();
  const content = Array.from(ids).flatMap((id) => {
    const piece = texts[id] ?? "";
    if (!piece.startsWith("\ufffd<0x")) return Array.from(encoder.encode(piece));
    return Array.from(piece.matchAll(SPELLED), ([, digits]) => Number.parseInt(digits, 16));
  });
  return new TextDecoder().decode(new Uint8Array(content));
}
