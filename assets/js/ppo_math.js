// The arithmetic behind the figures of PPO; the twin of playground/core/policy_losses.py where it says so.

/** What a token adds to the objective: min(ratio · A, clip(ratio, 1 ± ε) · A), as in `policy_loss`. */
export function objective(ratio, advantage, epsilon) {
  const held = Math.min(1 + epsilon, Math.max(1 - epsilon, ratio));
  return Math.min(ratio * advantage, held * advantage);
}

/** Whether the clip has taken a token's gradient away: its ratio has left 1 ± ε to the side it was driven to. */
export function isClipped(ratio, advantage, epsilon) {
  return advantage > 0 ? ratio > 1 + epsilon : advantage < 0 && ratio < 1 - epsilon;
}

/** The corners of the objective over the ratio for one advantage, from one end to the other: [ratio, objective]. */
export function corners(advantage, epsilon, from, to) {
  const bends = [1 - epsilon, 1 + epsilon].filter((ratio) => ratio > from && ratio < to);
  return [from, ...bends, to].map((ratio) => [ratio, objective(ratio, advantage, epsilon)]);
}

/** The ratios that a plot shows: all that there are, but no more than a few clips to each side, and no less than two. */
export function ratioRange(ratios, epsilon, widest = 6) {
  const low = Math.min(1 - 2 * epsilon, Math.max(1 - widest * epsilon, Math.min(...ratios)));
  const high = Math.max(1 + 2 * epsilon, Math.min(1 + widest * epsilon, Math.max(...ratios)));
  return [Math.max(0, low), high];
}

/** Marks on the axis of ratios: 1, and whole multiples of ε to both sides, at most about seven. */
export function ratioTicks(from, to, epsilon) {
  const step = epsilon * Math.ceil((to - from) / epsilon / 7);
  const first = Math.ceil((from - 1) / step - 1e-9);
  const last = Math.floor((to - 1) / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, at) => 1 + (first + at) * step);
}

/**
 * Dots by their sign, with what a figure needs of each.
 * @param {{ratio: number[], advantage: number[], token: string[], row: number[], position: number[]}} dots
 */
export function bySign({ ratio, advantage }, epsilon) {
  const sides = { gain: [], loss: [] };
  advantage.forEach((value, at) => {
    const dot = { at, ratio: ratio[at], advantage: value, objective: objective(ratio[at], value, epsilon), clipped: isClipped(ratio[at], value, epsilon) };
    sides[value < 0 ? "loss" : "gain"].push(dot);
  });
  for (const side of Object.values(sides)) side.sort((one, other) => one.ratio - other.ratio || one.at - other.at);
  return sides;
}

/** Where a dot's answer can be read around it: the dots of the same answer in their order, gaps marked by null. */
export function around({ row, position }, at) {
  const same = row.flatMap((one, place) => (one === row[at] ? [place] : [])).sort((one, other) => position[one] - position[other]);
  const found = [];
  same.forEach((place, order) => {
    const before = order ? position[same[order - 1]] : -1;
    if (position[place] > before + 1) found.push(null);
    found.push(place);
  });
  return found;
}

/** Share of the tokens in the bins that lie outside of 1 ± ε; a bin counts by its middle. */
export function shareOutside({ edges, counts }, epsilon) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const outside = counts.reduce((sum, count, bin) => sum + (Math.abs(Math.sqrt(edges[bin] * edges[bin + 1]) - 1) > epsilon ? count : 0), 0);
  return total ? outside / total : 0;
}

/** The bins from the first to the last that has a token, with one to each side, and at least those of 1 ± 2ε. */
export function filledBins({ edges, counts }, epsilon) {
  const first = counts.findIndex(Boolean);
  const last = counts.findLastIndex(Boolean);
  const low = edges.findLastIndex((edge) => edge <= Math.max(edges[0], 1 - 2 * epsilon));
  const high = edges.findIndex((edge) => edge >= Math.min(edges.at(-1), 1 + 2 * epsilon)) - 1;
  const from = Math.max(0, Math.min(first < 0 ? low : first - 1, low));
  const to = Math.min(counts.length - 1, Math.max(last < 0 ? high : last + 1, high));
  return counts.slice(from, to + 1).map((count, bin) => ({ from: edges[from + bin], to: edges[from + bin + 1], count }));
}
