/**
 * What samples of a policy say about it, and about the best policy near it: the twin of `core/optimum.py` and
 * `core/estimates.py`, which say where the formulas come from; tests hold one against the other.
 *
 * @typedef {Object} Optimum
 * @property {Float64Array} weights  of the samples under π*, sum 1
 * @property {number} reward         expected under π*
 * @property {number} divergence     KL(π* ‖ π_ref) in nats
 * @property {number} effective      effective sample size, 1 to the number of samples
 */

/** π* over the samples for one β above 0. @param {number[]} rewards @param {number} beta @returns {Optimum} */
export function optimum(rewards, beta) {
  const highest = Math.max(...rewards);
  const weights = Float64Array.from(rewards, (reward) => Math.exp((reward - highest) / beta));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let [reward, divergence, squares] = [0, 0, 0];
  weights.forEach((_, at) => {
    const weight = (weights[at] /= total);
    reward += weight * rewards[at];
    squares += weight * weight;
    if (weight > 0) divergence += weight * ((rewards[at] - highest) / beta - Math.log(total) + Math.log(rewards.length));
  });
  return { weights, reward, divergence: Math.max(0, divergence), effective: 1 / squares };
}

/** π* for every β, from the smallest: `{beta, divergence, reward}`. */
export function curve(rewards, betas) {
  return betas.map((beta) => {
    const { divergence, reward } = optimum(rewards, beta);
    return { beta, divergence, reward };
  });
}

/**
 * The same policies for several prompts, each as likely as the others: for every one its mean over the prompts.
 * @param {Object[][]} prompts  for each prompt the policies, in the same order
 */
export function together(prompts) {
  const mean = (at, name) => prompts.reduce((sum, policies) => sum + policies[at][name], 0) / prompts.length;
  return prompts[0].map((policy, at) => ({ ...policy, divergence: mean(at, "divergence"), reward: mean(at, "reward") }));
}

/** The policy that draws some samples, with replacement, and answers with the best; equals share what falls on them. */
export function bestOf(rewards, draws) {
  const sorted = Float64Array.from(rewards).sort();
  const count = sorted.length;
  let [reward, divergence, below] = [0, 0, 0];
  for (let start = 0; start < count; ) {
    let end = start + 1;
    while (end < count && sorted[end] === sorted[start]) end++;
    const upTo = (end / count) ** draws;
    const mass = upTo - below;
    reward += mass * sorted[start];
    if (mass > 0) divergence += mass * Math.log((mass / (end - start)) * count);
    below = upTo;
    start = end;
  }
  return { draws, reward, divergence: Math.max(0, divergence), bound: Math.log(draws) - (draws - 1) / draws };
}

/** Mean and its standard error after each sample, by Welford's recurrence; the first has no error (NaN). */
export function running(values) {
  const means = new Float64Array(values.length);
  const errors = new Float64Array(values.length);
  let [mean, squares] = [0, 0];
  values.forEach((value, at) => {
    const before = mean;
    mean += (value - mean) / (at + 1);
    squares += (value - before) * (value - mean);
    means[at] = mean;
    errors[at] = at ? Math.sqrt(squares / ((at + 1) * at)) : NaN;
  });
  return { means, errors };
}

/** The round number, 1, 2 or 5 times a power of ten, that is nearest above. */
export function nice(width) {
  const power = 10 ** Math.floor(Math.log10(width));
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= width * (1 - 1e-9)) ?? 10 * power;
}

/**
 * Bins of a round width, each from its lower edge up to the next; at most some thirty of them.
 * @param {number[]} values
 * @param {ArrayLike<number>} [weights]  of the values, sum 1
 * @returns {{from: number, to: number, share: number, weight: number, count: number}[]}
 */
export function histogram(values, weights) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const width = high > low ? nice((high - low) / 20) : 1;
  const first = high > low ? Math.floor(low / width + 1e-9) : low - 0.5;
  const start = high > low ? first * width : low - 0.5;
  const bins = Array.from({ length: Math.floor((high - start) / width + 1e-9) + 1 }, (_, at) => ({
    from: start + at * width, to: start + (at + 1) * width, share: 0, weight: 0, count: 0,
  }));
  values.forEach((value, at) => {
    const bin = bins[Math.min(bins.length - 1, Math.max(0, Math.floor((value - start) / width + 1e-9)))];
    bin.count += 1;
    bin.share += 1 / values.length;
    bin.weight += weights ? weights[at] : 1 / values.length;
  });
  return bins;
}
