/** What the shift of an answer says as a whole: pure functions, no DOM. Numbers are those of playground/models/shift.py. */

import { decode } from "./distribution_trace.js";

/** After Lin et al. 2023, arXiv:2312.01552: the rank in the base of what the tuned model chooses. */
export const CLASSES = ["unshifted", "marginal", "shifted"];

/** @param {number} rank  from 1 */
export const classOf = (rank) => (rank === 1 ? "unshifted" : rank <= 3 ? "marginal" : "shifted");

/** One step of the run on the answer: numbers by place. */
export class Seen {
  constructor(given) {
    this.step = given.step;
    this.toBase = decode(given.to_base);
    this.toTuned = decode(given.to_tuned);
    this.baseLogs = decode(given.base_logps);
    this.tunedLogs = decode(given.tuned_logps);
    this.baseRanks = decode(given.base_ranks, Int32Array);
    this.choices = decode(given.choices, Int32Array);
    this.choiceRanks = decode(given.choice_ranks, Int32Array);
    this.moved = decode(given.movers, Int32Array);
    this.movedBase = decode(given.movers_base);
    this.movedTuned = decode(given.movers_tuned);
    this.size = this.toBase.length;
    this.width = this.moved.length / this.size;
  }

  classAt(at) {
    return classOf(this.choiceRanks[at]);
  }

  /** Tokens that gained or lost at a place, most first: those that did not move the way asked for are left out. */
  movers(at, gained) {
    const [first, half] = [at * this.width + (gained ? 0 : this.width / 2), this.width / 2];
    const all = Array.from({ length: half }, (_, place) => first + place);
    const rows = all.map((place) => ({ id: this.moved[place], base: this.movedBase[place], tuned: this.movedTuned[place] }));
    return rows.filter(({ base, tuned }) => (gained ? tuned > base : tuned < base));
  }
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Place of the greatest; the first of several. */
export function peak(values) {
  let best = 0;
  for (let at = 1; at < values.length; at++) if (values[at] > values[best]) best = at;
  return best;
}

/** How many places are of each class. @param {Seen} seen */
export function countClasses(seen) {
  const counts = Object.fromEntries(CLASSES.map((name) => [name, 0]));
  for (const rank of seen.choiceRanks) counts[classOf(rank)]++;
  return counts;
}

/** Mean of the first, middle and last third; null for one without a token. */
export function thirds(values) {
  const edges = [0, 1, 2, 3].map((part) => Math.round((part * values.length) / 3));
  return [0, 1, 2].map((part) => (edges[part + 1] > edges[part] ? mean(values.slice(edges[part], edges[part + 1])) : null));
}

/**
 * Rows of a comparison of two distributions: whichever tokens are likeliest in either, by the greater of the two.
 * @param {{ranking: {order: Uint32Array}, final: Float64Array, first: number}[]} sides  `first`: rank of the likeliest kept
 */
export function likeliest(sides, count) {
  const ids = new Set();
  for (const { ranking, first } of sides) for (const id of ranking.order.subarray(first, first + count)) ids.add(id);
  const most = (id) => Math.max(...sides.map(({ final }) => final[id]));
  return [...ids].sort((one, other) => most(other) - most(one) || one - other).slice(0, count);
}

/** Total variation ½ Σ |p − q|: of so many draws at best all but this share could be the same. */
export function distance(one, other) {
  let sum = 0;
  for (let id = 0; id < one.length; id++) sum += Math.abs(one[id] - other[id]);
  return sum / 2;
}
