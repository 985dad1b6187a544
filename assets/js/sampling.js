/**
 * From logits to the distribution that a token is drawn from: pure functions over the full vocabulary, no DOM.
 *
 * The same mathematics as playground/core/sampling.py, in float64, in the order in which transformers applies its
 * logits processors: repetition, presence and frequency penalty, temperature, top-k, top-p, min-p, typical-p. The first
 * three cuts leave a prefix of the tokens in descending order, the last a stretch of that, so one sort per prompt is
 * enough and a moved slider costs one pass of exponentials.
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
 * @property {number} first          rank of the first token that stays; above 0 where typical-p cut likelier ones
 * @property {number} end            rank after the last one: ranks first to end - 1 stay
 * @property {number} kept           how many tokens stay
 * @property {{top_k: number, top_p: number, min_p: number, typical_p: number}} after  tokens that stay after each cut
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
 * Sets the tokens that are already in the text apart from the others, which no penalty moves.
 * @param {Ranking} ranking
 * @param {Iterable<number>} previous  token ids, as often as they occur; those outside the vocabulary are passed over
 * @returns {{ranking: Ranking, counts: Map<number, number>, order: Uint32Array, sorted: Float64Array}} the ranking, how
 *   often each token occurs, and the ranking without them
 */
export function setApart(ranking, previous) {
  const counts = occurrences(previous);
  for (const id of counts.keys()) if (id >= ranking.order.length) counts.delete(id);
  const order = ranking.order.filter((id) => !counts.has(id));
  const sorted = new Float64Array(order.length);
  for (let at = 0; at < order.length; at++) sorted[at] = ranking.logits[order[at]];
  return { ranking, counts, order, sorted };
}

/** Room for a penalised ranking, so that a moved slider allocates nothing. */
export function roomFor(ranking) {
  return { order: new Uint32Array(ranking.order.length), sorted: new Float64Array(ranking.order.length) };
}

/**
 * Takes the three penalties off the logits of the tokens that were set apart, and puts them into their new places
 * without sorting the rest again.
 * @param {ReturnType<typeof setApart>} apart
 * @param {{repetition_penalty: number, presence_penalty: number, frequency_penalty: number}} penalties
 *   1, 0 and 0 change nothing
 * @param {{order: Uint32Array, sorted: Float64Array}} [room]  overwritten by the next call that is given it
 * @returns {Ranking} with the logits and the raw distribution as they were
 */
export function penalise({ ranking, counts, order, sorted }, penalties, room = roomFor(ranking)) {
  if (!(penalties.repetition_penalty > 0)) {
    throw new RangeError(`The repetition penalty must be above 0; got ${penalties.repetition_penalty}.`);
  }
  if (counts.size === 0 || isNeutral(penalties)) return ranking;
  const moved = Array.from(counts, ([id, times]) => ({ id, logit: penalised(ranking.logits[id], times, penalties) }));
  moved.sort((left, right) => right.logit - left.logit || left.id - right.id);
  let copied = 0;
  moved.forEach((token, before) => {
    const ahead = firstWhere(order.length, (at) => comesFirst(token, order[at], sorted[at]));
    room.order.set(order.subarray(copied, ahead), copied + before);
    room.sorted.set(sorted.subarray(copied, ahead), copied + before);
    room.order[ahead + before] = token.id;
    room.sorted[ahead + before] = token.logit;
    copied = ahead;
  });
  room.order.set(order.subarray(copied), copied + moved.length);
  room.sorted.set(sorted.subarray(copied), copied + moved.length);
  return { ...ranking, ...room };
}

/** How often each token id occurs. */
export function occurrences(ids) {
  const counts = new Map();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

function isNeutral({ repetition_penalty: repetition, presence_penalty: presence, frequency_penalty: frequency }) {
  return repetition === 1 && presence === 0 && frequency === 0;
}

function comesFirst(token, id, logit) {
  return token.logit > logit || (token.logit === logit && token.id < id);
}

/** Divided where positive and multiplied where negative (Keskar et al. 2019), then less the two of OpenAI's. */
function penalised(logit, times, { repetition_penalty: repetition, presence_penalty: presence, frequency_penalty: frequency }) {
  return (logit < 0 ? logit * repetition : logit / repetition) - presence - frequency * times;
}

/**
 * The final distribution at these settings.
 * @param {Ranking} ranking
 * @param {{temperature: number, top_k: number, top_p: number, min_p: number, typical_p: number}} settings
 *   temperature 0 takes the likeliest token; top_k 0, top_p 1, min_p 0 and typical_p 1 cut nothing
 * @param {Float64Array} [weights]  room for the result, (vocabulary,), so that a moved slider allocates nothing
 * @returns {Distribution}
 */
export function transform(ranking, settings, weights = new Float64Array(ranking.sorted.length)) {
  const { sorted } = ranking;
  const { temperature, top_k: k, top_p: p, min_p: floor, typical_p: mass } = settings;
  if (temperature < ARGMAX_BELOW) return certain(weights);
  const { sum } = weigh(sorted, temperature, weights);
  const after = { top_k: keptByTopK(sorted, k) };
  after.top_p = keptByTopP(weights, after.top_k, p);
  after.min_p = keptByMinP(weights, after.top_p, floor);
  const [first, end] = keptByTypicalP(sorted, temperature, weights, after.min_p, mass);
  const kept = (after.typical_p = end - first);
  const { sum: keptSum, moment } = moments(sorted, temperature, weights, first, end);
  const entropy = entropyOf(keptSum, moment);
  return { weights, sum, keptSum, first, end, kept, after, keptMass: keptSum / sum, entropy, effective: Math.exp(entropy) };
}

/** Temperature 0: all probability on the likeliest token, the one with the lowest id where several are. */
function certain(weights) {
  weights.fill(0);
  weights[0] = 1;
  const after = { top_k: 1, top_p: 1, min_p: 1, typical_p: 1 };
  return { weights, sum: 1, keptSum: 1, first: 0, end: 1, kept: 1, after, keptMass: 1, entropy: 0, effective: 1 };
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

/** Of the ranks `first` to `end - 1`: Σ weight, and Σ weight · (s - s_max) / T. */
function moments(sorted, temperature, weights, first, end) {
  let sum = 0;
  let moment = 0;
  for (let at = first; at < end; at++) {
    const weight = weights[at];
    sum += weight;
    if (weight > 0) moment += weight * (sorted[at] - sorted[0]);
  }
  return { sum, moment: moment / temperature };
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

/**
 * The stretch of the first `count` tokens whose surprise, -ln p, is nearest to their entropy: going outwards from it
 * until their share reaches `mass`, with all that are as near as the last. Surprise grows with the rank.
 * @returns {[number, number]} rank of the first that stays, and of the first after them
 */
function keptByTypicalP(sorted, temperature, weights, count, mass) {
  if (mass >= 1) return [0, count];
  const { sum, moment } = moments(sorted, temperature, weights, 0, count);
  const typical = Math.log(sum) - entropyOf(sum, moment); // (s - s_max) / T of a token as surprising as the entropy
  const beyond = (at) => typical - (sorted[at] - sorted[0]) / temperature;
  const distance = (at) => Math.abs(beyond(at));
  let end = firstWhere(count, (at) => beyond(at) >= 0);
  let first = end;
  let share = 0;
  let farthest = Infinity;
  while (first > 0 || end < count) {
    const upwards = end === count || (first > 0 && distance(first - 1) <= distance(end));
    const at = upwards ? --first : end++;
    share += weights[at] / sum;
    if (share >= mass) {
      farthest = distance(at);
      break;
    }
  }
  while (first > 0 && distance(first - 1) <= farthest) first--;
  while (end < count && distance(end) <= farthest) end++;
  return [first, end];
}

/** The first of 0 to count - 1 for which a condition holds that holds for all after it; else count. */
function firstWhere(count, holds) {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Probability of the token of this rank before and after the cuts. */
export function probabilityAt(distribution, at) {
  const weight = distribution.weights[at];
  return { uncut: weight / distribution.sum, final: stays(distribution, at) ? weight / distribution.keptSum : 0 };
}

/** Whether the token of this rank can be drawn. */
export function stays({ first, end }, at) {
  return at >= first && at < end;
}

/** The first filter that cut the token of this rank; undefined for one that stays, "temperature" at temperature 0. */
export function cutBy(distribution, at, temperature) {
  if (stays(distribution, at)) return undefined;
  if (temperature < ARGMAX_BELOW) return "temperature";
  return ["top_k", "top_p", "min_p"].find((name) => at >= distribution.after[name]) ?? "typical_p";
}

/** Probability of a token id at temperature 1 with nothing cut and nothing penalised. */
export function rawProbability(ranking, id) {
  return Math.exp(ranking.logits[id] - ranking.raw.maximum) / ranking.raw.sum;
}

/** The final distribution by token id, (vocabulary,). */
export function probabilities(ranking, distribution) {
  const result = new Float64Array(ranking.order.length);
  for (let at = distribution.first; at < distribution.end; at++) {
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
  const { weights, first, kept } = distribution;
  const cumulative = new Float64Array(kept);
  let sum = 0;
  for (let at = 0; at < kept; at++) cumulative[at] = sum += weights[first + at];
  return Uint32Array.from({ length: count }, () => {
    const target = random() * sum;
    return first + Math.min(kept - 1, firstWhere(kept, (at) => cumulative[at] > target));
  });
}
