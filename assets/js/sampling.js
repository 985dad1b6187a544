/**
 * From logits to the distribution that a token is drawn from: pure functions over the full vocabulary, no DOM.
 *
 * The same mathematics as playground/core/sampling.py, in float64, in the order in which transformers applies its
 * logits processors: repetition penalty, temperature, top-k, top-p, min-p. Each of the three cuts leaves a prefix of
 * the tokens in descending order, so one sort per prompt is enough and a moved slider costs one pass of exponentials.
 */

/**
 * @typedef {Object} Ranking
 * @property {Float64Array} sorted   logits in descending order, (vocabulary,)
 * @property {Uint32Array} order     token id of each rank, (vocabulary,); equal logits stand in the order of their ids
 * @property {Float32Array} logits   what the model said, by token id; never penalised
 * @property {Raw} raw               the distribution at temperature 1 with nothing cut
 *
 * @typedef {Object} Raw
 * @property {number} maximum  the greatest logit
 * @property {number} sum      Σ exp(s - maximum) over the vocabulary
 * @property {number} entropy  in nats
 *
 * @typedef {Object} Distribution
 * @property {Float64Array} weights  exp((s - s_max) / T) by rank, before any cut
 * @property {number} sum            of all weights
 * @property {number} keptSum        of the weights of the kept tokens
 * @property {number} kept           how many tokens stay: ranks 0 to kept - 1
 * @property {{top_k: number, top_p: number, min_p: number}} after  how many tokens stay after each filter
 * @property {number} keptMass       probability that the kept tokens had together before the cut
 * @property {number} entropy        of the final distribution, in nats
 * @property {number} effective      exp(entropy): as many equally likely tokens would be as uncertain
 */

// An id takes 21 bits of a sort key, a logit 32: together they fit into the 53 that a float64 holds exactly.
const ID_BITS = 21;
const ID_SPACE = 2 ** ID_BITS;

// Temperatures below this count as 0, as in the Python.
const ARGMAX_BELOW = 1e-30;

/**
 * Sorts the vocabulary once for a prompt.
 * @param {Float32Array} logits  (vocabulary,); -Infinity marks a token that cannot come
 * @returns {Ranking}
 * @throws {RangeError} no tokens, more than two million, or a logit that is NaN or +Infinity, or only -Infinity
 */
export function rank(logits) {
  const size = logits.length;
  if (size === 0 || size > ID_SPACE) {
    throw new RangeError(`The vocabulary must hold 1 to ${ID_SPACE} tokens; got ${size}.`);
  }
  // Loops, not `from` with a function: that takes ten times as long.
  const tidy = new Float32Array(size);
  for (let id = 0; id < size; id++) tidy[id] = logits[id] + 0; // -0 becomes 0
  const bits = new Uint32Array(tidy.buffer);
  const keys = new Float64Array(size);
  for (let id = 0; id < size; id++) {
    // The bits of a float32 as an unsigned number that falls while the float rises, followed by the id.
    const falling = bits[id] & 0x80000000 ? bits[id] : ~bits[id] & 0x7fffffff;
    keys[id] = falling * ID_SPACE + id;
  }
  keys.sort();
  const order = new Uint32Array(size);
  const sorted = new Float64Array(size);
  let broken = false;
  for (let at = 0; at < size; at++) {
    const id = keys[at] % ID_SPACE;
    order[at] = id;
    sorted[at] = logits[id];
    broken ||= Number.isNaN(sorted[at]);
  }
  if (broken || !Number.isFinite(sorted[0])) {
    throw new RangeError("The logits must be numbers below infinity, one of them finite: the model's output is broken.");
  }
  return { sorted, order, logits, raw: rawOf(sorted) };
}

/** @returns {Raw} */
function rawOf(sorted) {
  const plain = weigh(sorted, 1, new Float64Array(sorted.length));
  return { maximum: sorted[0], sum: plain.sum, entropy: entropyOf(plain.sum, plain.moment) };
}

/**
 * Divides positive and multiplies negative logits of tokens that are already in the text by `penalty` (Keskar et al.
 * 2019), and puts them into their new places without sorting the rest again.
 * @param {Ranking} ranking
 * @param {Iterable<number>} previous  token ids; repeats count once
 * @param {number} penalty             above 0; 1 changes nothing
 * @returns {Ranking} with the logits and the raw distribution as they were
 */
export function penalise(ranking, previous, penalty) {
  const { order, sorted, logits } = ranking;
  if (!(penalty > 0)) throw new RangeError(`The repetition penalty must be above 0; got ${penalty}.`);
  const seen = new Set(previous);
  if (penalty === 1 || seen.size === 0) return ranking;
  const moved = Array.from(seen, (id) => ({ id, logit: penalised(logits[id], penalty) }));
  moved.sort((left, right) => right.logit - left.logit || left.id - right.id);
  const isSeen = new Uint8Array(order.length);
  for (const id of seen) isSeen[id] = 1;
  const result = { ...ranking, sorted: new Float64Array(sorted.length), order: new Uint32Array(order.length) };
  let next = 0;
  let place = 0;
  const put = (id, logit) => {
    result.order[place] = id;
    result.sorted[place++] = logit;
  };
  for (let at = 0; at < order.length; at++) {
    const id = order[at];
    if (isSeen[id]) continue;
    const logit = sorted[at];
    while (next < moved.length && comesFirst(moved[next], id, logit)) put(moved[next].id, moved[next++].logit);
    put(id, logit);
  }
  while (next < moved.length) put(moved[next].id, moved[next++].logit);
  return result;
}

function comesFirst(token, id, logit) {
  return token.logit > logit || (token.logit === logit && token.id < id);
}

function penalised(logit, penalty) {
  return logit < 0 ? logit * penalty : logit / penalty;
}

/**
 * The final distribution at these settings.
 * @param {Ranking} ranking
 * @param {{temperature: number, top_k: number, top_p: number, min_p: number}} settings
 *   temperature 0 takes the likeliest token; top_k 0, top_p 1 and min_p 0 cut nothing
 * @param {Float64Array} [weights]  room for the result, (vocabulary,), so that a moved slider allocates nothing
 * @returns {Distribution}
 */
export function transform(ranking, settings, weights = new Float64Array(ranking.sorted.length)) {
  const { sorted } = ranking;
  const { temperature, top_k: k, top_p: p, min_p: floor } = settings;
  if (temperature < ARGMAX_BELOW) return certain(weights);
  const { sum } = weigh(sorted, temperature, weights);
  const after = { top_k: keptByTopK(sorted, k) };
  after.top_p = keptByTopP(weights, after.top_k, p);
  after.min_p = keptByMinP(weights, after.top_p, floor);
  const kept = after.min_p;
  let keptSum = 0;
  let moment = 0;
  for (let at = 0; at < kept; at++) {
    const weight = weights[at];
    keptSum += weight;
    if (weight > 0) moment += weight * (sorted[at] - sorted[0]);
  }
  const entropy = entropyOf(keptSum, moment / temperature);
  return { weights, sum, keptSum, kept, after, keptMass: keptSum / sum, entropy, effective: Math.exp(entropy) };
}

/** Temperature 0: all probability on the likeliest token, the one with the lowest id where several are. */
function certain(weights) {
  weights.fill(0);
  weights[0] = 1;
  const after = { top_k: 1, top_p: 1, min_p: 1 };
  return { weights, sum: 1, keptSum: 1, kept: 1, after, keptMass: 1, entropy: 0, effective: 1 };
}

/** Fills `weights` with exp((s - s_max) / T); gives their sum and Σ weight · (s - s_max) / T. */
function weigh(sorted, temperature, weights) {
  const maximum = sorted[0];
  let sum = 0;
  let moment = 0;
  for (let at = 0; at < sorted.length; at++) {
    const scaled = (sorted[at] - maximum) / temperature;
    const weight = Math.exp(scaled);
    weights[at] = weight;
    if (weight > 0) {
      sum += weight;
      moment += weight * scaled;
    }
  }
  return { sum, moment };
}

/** H = ln Σw - Σ w·ln w / Σw, which needs no logarithm per token. */
function entropyOf(sum, moment) {
  return Math.max(0, Math.log(sum) - moment / sum);
}

/**
 * Tokens whose logit is not below the k-th greatest: tokens equal to the last one stay too, as in transformers. Tokens
 * at -Infinity never counted as choices.
 */
function keptByTopK(sorted, k) {
  let kept = k === 0 ? sorted.length : Math.min(k, sorted.length);
  while (kept < sorted.length && sorted[kept] === sorted[kept - 1]) kept++;
  while (sorted[kept - 1] === -Infinity) kept--;
  return kept;
}

/**
 * The smallest prefix whose share of the first `count` weights reaches p; the token that crosses p stays. Counted from
 * the bottom, as transformers does: the least likely tokens go while their sum is at most 1 - p.
 */
function keptByTopP(weights, count, p) {
  if (p >= 1) return count;
  let total = 0;
  for (let at = 0; at < count; at++) total += weights[at];
  let below = 0;
  let kept = count;
  while (kept > 1) {
    below += weights[kept - 1] / total;
    if (below > 1 - p) break;
    kept--;
  }
  return kept;
}

/** Tokens at least `floor` times as likely as the likeliest, whose weight is 1. */
function keptByMinP(weights, count, floor) {
  if (floor === 0) return count;
  let kept = 1;
  while (kept < count && weights[kept] >= floor) kept++;
  return kept;
}

/** Probability of the token of this rank before and after the cuts. */
export function probabilityAt(distribution, at) {
  const weight = distribution.weights[at];
  return { uncut: weight / distribution.sum, final: at < distribution.kept ? weight / distribution.keptSum : 0 };
}

/** Probability of a token id at temperature 1 with nothing cut and nothing penalised. */
export function rawProbability(ranking, id) {
  return Math.exp(ranking.logits[id] - ranking.raw.maximum) / ranking.raw.sum;
}

/** The final distribution by token id, (vocabulary,). */
export function probabilities(ranking, distribution) {
  const result = new Float64Array(ranking.order.length);
  for (let at = 0; at < distribution.kept; at++) {
    result[ranking.order[at]] = distribution.weights[at] / distribution.keptSum;
  }
  return result;
}

/**
 * Uniform random numbers in [0, 1) that depend on the seed alone: sfc32 of PractRand with 32 bits of seed.
 * @param {number} seed
 * @param {number} [stream]  another series of numbers for the same seed
 * @returns {() => number}
 */
export function generator(seed, stream = 0) {
  let a = 0;
  let b = seed | 0;
  let c = stream | 0;
  let counter = 1;
  const next = () => {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result | 0;
    return (result >>> 0) / 2 ** 32;
  };
  for (let warm = 0; warm < 16; warm++) next();
  return next;
}

/**
 * Draws tokens by inverting the cumulative distribution.
 * @param {Distribution} distribution
 * @param {() => number} random
 * @param {number} count
 * @returns {Uint32Array} the rank of each draw, (count,)
 */
export function draw(distribution, random, count) {
  const { weights, kept } = distribution;
  const cumulative = new Float64Array(kept);
  let sum = 0;
  for (let at = 0; at < kept; at++) cumulative[at] = sum += weights[at];
  return Uint32Array.from({ length: count }, () => firstAbove(cumulative, random() * sum));
}

function firstAbove(cumulative, target) {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle] > target) high = middle;
    else low = middle + 1;
  }
  return low;
}
