// Which rows of an evaluation are shown, and in which order: by two models and one metric.

import { gain, isSame } from "./evaluate_metrics.js";

export const SHOWN = ["all", "better", "worse", "same"];
export const ORDERS = ["row.up", "gain.up", "gain.down", "change.down", "second.up", "second.down", "first.up", "first.down"];

const scored = (row, { first, second, metric }) => [row.scores[first][metric], row.scores[second][metric]];

const FITS = {
  all: () => true,
  better: (row, choice) => !FITS.same(row, choice) && gain(choice.metric, ...scored(row, choice)) > 0,
  worse: (row, choice) => !FITS.same(row, choice) && gain(choice.metric, ...scored(row, choice)) < 0,
  same: (row, choice) => isSame(choice.metric, ...scored(row, choice)),
};

// By how good an answer is, not by its number: a low perplexity is a good one.
const VALUE = {
  row: (row) => row.row,
  gain: (row, choice) => gain(choice.metric, ...scored(row, choice)),
  change: (row, choice) => Math.abs(gain(choice.metric, ...scored(row, choice))),
  first: (row, choice) => gain(choice.metric, 0, scored(row, choice)[0]),
  second: (row, choice) => gain(choice.metric, 0, scored(row, choice)[1]),
};

/**
 * Rows that fit, in order; rows of equal value stay in the order of the data.
 * @param {{first: string, second: string, metric: string, search: string, shown: string, order: string}} choice
 */
export function chosen(rows, choice) {
  const wanted = choice.search.trim().toLowerCase();
  const texts = (row) => [row.instruction, row.input, row.reference, ...Object.values(row.answers)].join("\n").toLowerCase();
  const [by, way] = choice.order.split(".");
  const sign = way === "down" ? -1 : 1;
  return rows
    .filter((row) => FITS[choice.shown](row, choice) && (!wanted || texts(row).includes(wanted)))
    .sort((one, other) => sign * (VALUE[by](one, choice) - VALUE[by](other, choice)) || one.row - other.row);
}
