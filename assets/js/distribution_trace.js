/** What the model thought of each token of the text, as playground/models/trace.py says it. */

/** base64 of little-endian numbers -> Float32Array or Int32Array */
export function decode(base64, Kind = Float32Array) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}

/** Upper ends of the shades, from the likeliest or the most certain on; the last shade takes the rest. */
const SHADES = {
  probability: [0.5, 0.2, 0.05, 0.01, 0.001],
  entropy: [0.5, 1, 2, 3.5, 5],
};

export class Trace {
  /** @param {{start: number, logs: string, ranks: string, entropies: string, others: string, other_logs: string}} given */
  constructor(given) {
    this.start = given.start;
    this.logs = decode(given.logs);
    this.ranks = decode(given.ranks, Int32Array);
    this.entropies = decode(given.entropies);
    this.others = decode(given.others, Int32Array);
    this.otherLogs = decode(given.other_logs);
    this.width = this.others.length / this.logs.length;
  }

  /**
   * The token at this place of the text.
   * @returns {?{probability: number, rank: number, entropy: number, alternatives: {id: number, probability: number}[]}}
   *   null where nothing is known: for the first token, and far back in a long text
   */
  at(place) {
    const row = place - this.start;
    if (row < 0 || row >= this.logs.length) return null;
    const alternatives = Array.from({ length: this.width }, (_, column) => {
      const cell = row * this.width + column;
      return { id: this.others[cell], probability: Math.exp(this.otherLogs[cell]) };
    });
    return { probability: Math.exp(this.logs[row]), rank: this.ranks[row], entropy: this.entropies[row], alternatives };
  }
}

/** The shade, 0 (expected) to 5 (surprising), of what `Trace.at` gives. */
export function shade(found, kind) {
  const ends = SHADES[kind];
  const place = kind === "probability" ? ends.findIndex((end) => found.probability >= end) : ends.findIndex((end) => found.entropy < end);
  return place === -1 ? ends.length : place;
}

/** The shades in words, for a legend. */
export function shadeLabels(kind) {
  const ends = SHADES[kind];
  if (kind === "probability") return [...ends.map((end) => `≥ ${end * 100} %`), `< ${ends.at(-1) * 100} %`];
  return [...ends.map((end) => `< ${end}`), `≥ ${playground.text("train.fact.nats", { value: ends.at(-1) })}`];
}
