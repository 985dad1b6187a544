/** Samples held against theory: Pearson's chi-square test, with the incomplete gamma function behind its p-value. */

import { probabilityAt } from "./sampling.js";

const RARE = 5; // the test's approximation wants at least so many expected in a bin (Cochran 1954)
const STEPS = 10_000;
const PRECISION = 1e-15;

/**
 * Pearson's χ² of counted draws against the distribution they were drawn from. A token expected fewer than five times
 * shares a bin with all others like it.
 * @param {Uint32Array} counts  draws by rank
 * @param {number} total        of all draws
 * @param {import("./sampling.js").Distribution} distribution
 * @returns {?{statistic: number, freedom: number, bins: number, p: number}} null where there are not two bins
 */
export function goodnessOfFit(counts, total, distribution) {
  const bins = [];
  const rare = { seen: 0, expected: 0 };
  for (let at = distribution.first; at < distribution.end; at++) {
    const expected = total * probabilityAt(distribution, at).final;
    if (expected >= RARE) bins.push({ seen: counts[at], expected });
    else {
      rare.seen += counts[at];
      rare.expected += expected;
    }
  }
  if (rare.expected >= RARE || bins.length === 0) bins.push(rare);
  else if (rare.expected > 0) {
    const last = bins.reduce((least, bin) => (bin.expected < least.expected ? bin : least));
    last.seen += rare.seen;
    last.expected += rare.expected;
  }
  if (bins.length < 2) return null;
  const statistic = bins.reduce((sum, { seen, expected }) => sum + (seen - expected) ** 2 / expected, 0);
  const freedom = bins.length - 1;
  return { statistic, freedom, bins: bins.length, p: upperGamma(freedom / 2, statistic / 2) };
}

/**
 * Regularised upper incomplete gamma function Q(a, x) = Γ(a, x) / Γ(a), by its series below a + 1 and by Lentz's
 * continued fraction above (Press et al., Numerical Recipes, section 6.2).
 * @param {number} a  above 0
 * @param {number} x  at least 0
 */
export function upperGamma(a, x) {
  if (!(a > 0) || !(x >= 0)) throw new RangeError(`Q(a, x) needs a above 0 and x of at least 0; got ${a} and ${x}.`);
  if (x === 0) return 1;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  return Math.min(1, Math.max(0, x < a + 1 ? 1 - scale * series(a, x) : scale * fraction(a, x)));
}

/** Σ x^n Γ(a) / Γ(a + 1 + n) */
function series(a, x) {
  let term = 1 / a;
  let sum = term;
  for (let step = 1; step < STEPS && term > sum * PRECISION; step++) {
    term *= x / (a + step);
    sum += term;
  }
  return sum;
}

/** 1 / (x + 1 - a - 1(1 - a) / (x + 3 - a - 2(2 - a) / …)) */
function fraction(a, x) {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let result = d;
  for (let step = 1; step < STEPS; step++) {
    const factor = -step * (step - a);
    b += 2;
    d = 1 / nonzero(factor * d + b, tiny);
    c = nonzero(b + factor / c, tiny);
    const change = c * d;
    result *= change;
    if (Math.abs(change - 1) < PRECISION) break;
  }
  return result;
}

const nonzero = (value, tiny) => (Math.abs(value) < tiny ? tiny : value);

// Lanczos' approximation with g = 7 and nine terms, good to 15 digits (P. Godfrey's coefficients).
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln Γ(a) for a above 0. */
export function logGamma(a) {
  if (a < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * a)) - logGamma(1 - a);
  const shifted = a - 1;
  const base = shifted + 7.5;
  const sum = LANCZOS.reduce((total, coefficient, at) => (at === 0 ? coefficient : total + coefficient / (shifted + at)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(base) - base + Math.log(sum);
}
