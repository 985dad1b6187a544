// What the figures of a reward model compute from the scores of pairs.

/** P(preferred ≻ rejected) by Bradley and Terry, from the difference of the scores. */
export const sigmoid = (margin) => 1 / (1 + Math.exp(-margin));

/**
 * How many of some values lie in each of equal parts of a range; the last part has its upper end too.
 * @returns {number[]}
 */
export function counts(values, from, to, parts) {
  const found = Array(parts).fill(0);
  for (const value of values) found[Math.min(parts - 1, Math.max(0, Math.floor((parts * (value - from)) / (to - from))))]++;
  return found;
}

/** A pair's difference of scores, in the order of the pairs. */
export const margins = ({ chosen, rejected }) => chosen.map((score, at) => score - rejected[at]);

/** Points of the curve σ from one end to the other. */
export function curve(from, to, parts = 80) {
  return Array.from({ length: parts + 1 }, (_, at) => from + ((to - from) * at) / parts).map((x) => [x, sigmoid(x)]);
}
