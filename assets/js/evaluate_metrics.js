// Metrics of an evaluation: their order, their digits, which way is better, and differences in words and signs.

import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);

/** Digits shown, and 1 where more is better, -1 where less is, 0 where neither is. */
const METRICS = {
  accuracy: [2, 1],
  bleu: [1, 1],
  chrf: [1, 1],
  rougeL: [1, 1],
  exact_match: [2, 1],
  perplexity: [2, -1],
  distinct_1: [3, 0],
  distinct_2: [3, 0],
  length_words: [1, 0],
  length_tokens: [1, 0],
};
const JUDGE = [2, 1];

/** Those of a result that there are, in order: of models, or of rows. */
export const metricsOf = (scores) => [...Object.keys(METRICS), ...Object.keys(scores).filter((name) => name.startsWith("judge_"))].filter((name) => name in scores);

export const digitsOf = (metric) => (METRICS[metric] ?? JUDGE)[0];
export const wayOf = (metric) => (METRICS[metric] ?? JUDGE)[1];

/** What a metric is called; a judge's score by the judge's name. */
export function nameOf(metric, judges = []) {
  const judge = /^judge_(\d+)$/.exec(metric);
  return judge ? say("evaluate.judge.title", { name: judges[judge[1] - 1]?.name ?? "" }) : say(`evaluate.metric.${metric}`);
}

/** A number as people read it: large ones without digits behind the point. */
export function shown(value, digits) {
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString() : value.toFixed(digits);
}

/** How much better a score is than another, in the metric's own unit; more is taken as better where nothing is. */
export const gain = (metric, first, second) => (wayOf(metric) || 1) * (second - first);

/** Whether two scores are shown as the same. */
export const isSame = (metric, first, second) => Math.abs(second - first) < 0.5 * 10 ** -digitsOf(metric);

/** A difference with its sign, an arrow, and the word for those who do not see either. */
export function difference(metric, first, second) {
  const digits = digitsOf(metric);
  const value = second - first;
  const text = shown(Math.abs(value), digits);
  const same = isSame(metric, first, second);
  const way = same || !wayOf(metric) ? "same" : gain(metric, first, second) > 0 ? "better" : "worse";
  const box = element("span", `pe-way pe-${way}`);
  const arrow = element("span", "", same ? "" : value > 0 ? "▲ " : "▼ ");
  arrow.setAttribute("aria-hidden", "true");
  const word = way === "same" ? (same ? "same" : value > 0 ? "more" : "less") : way;
  box.append(arrow, `${same ? "" : value > 0 ? "+" : "−"}${text}`, element("span", "pe-unseen", ` ${say(`evaluate.${word}`)}`));
  return box;
}
