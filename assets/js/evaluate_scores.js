// The table of scores: a line per metric, a column per model, the base first; and the confusions where there are labels.

import { difference, digitsOf, metricsOf, nameOf, shown } from "./evaluate_metrics.js";
import { explained, help } from "./distribution_page.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);

/** Of two models the difference has a column of its own; of more it stands in every model's cell. */
export function scores({ models, resamples }, names) {
  const table = element("table", "pe-scores");
  table.id = "evaluate-scores";
  table.append(element("caption", "pe-unseen", say("evaluate.scores")));
  const pair = models.length === 2;
  const head = element("tr");
  head.append(headed("col", say("evaluate.metric"), "pe-metric"));
  head.lastChild.append(" ", help(say("evaluate.plot.metrics"), () => say("evaluate.interval.help")));
  models.forEach(({ id }, place) => {
    const cell = headed("col", pair && place ? say("evaluate.tuned") : names[id], place ? "pe-tuned" : "pe-base");
    cell.title = place ? `${names[id]} (${id})` : names[id];
    head.append(cell);
  });
  if (pair) {
    const words = say("evaluate.difference");
    const cell = headed("col", words, "pe-difference");
    cell.append(" ", help(words, () => say("evaluate.p.help", { resamples: resamples.toLocaleString() })));
    head.append(cell);
  }
  const body = element("tbody");
  for (const metric of metricsOf(models[0].scores)) body.append(scoreRow(metric, models, resamples, pair));
  if (models.some(({ trained_parameters: trained }) => trained)) body.append(trainedRow(models, pair));
  const top = element("thead");
  top.append(head);
  table.append(top, body);
  if (pair) return table;
  const wide = element("div", "pe-wide");
  Object.assign(wide, { tabIndex: 0, role: "region" });
  wide.setAttribute("aria-label", say("evaluate.scores"));
  wide.append(table);
  return wide;
}

function headed(scope, text, className) {
  const cell = element("th", className, text);
  cell.scope = scope;
  return cell;
}

function scoreRow(metric, models, resamples, pair) {
  const row = element("tr");
  row.dataset.metric = metric;
  const title = headed("row", "", "");
  const word = element("span", "pe-term", nameOf(metric));
  explained(word, () => say(`evaluate.metric.${metric}.help`));
  title.append(word);
  row.append(title);
  const [base] = models;
  models.forEach((model, place) => {
    const cell = scored(metric, model);
    if (place && !pair) cell.append(...changed(metric, base, model, resamples));
    row.append(cell);
  });
  if (pair) {
    const cell = element("td");
    cell.append(...changed(metric, base, models[1], resamples));
    row.append(cell);
  }
  return row;
}

/** What each model costs to train, beside what it reaches. */
function trainedRow(models, pair) {
  const row = element("tr");
  const title = headed("row", "", "");
  const word = element("span", "pe-term", say("evaluate.trained"));
  explained(word, () => say("evaluate.trained.help"));
  title.append(word);
  row.append(title);
  for (const { trained_parameters: trained } of models) {
    const cell = element("td");
    cell.append(element("span", "pe-score", Number.isFinite(trained) ? trained.toLocaleString() : "–"));
    row.append(cell);
  }
  if (pair) row.append(element("td"));
  return row;
}

function scored(metric, { scores: own, intervals }) {
  const digits = digitsOf(metric);
  const cell = element("td");
  cell.append(element("span", "pe-score", shown(own[metric], digits)));
  if (intervals[metric]) {
    const line = element("span", "pe-interval", intervals[metric].map((end) => shown(end, digits)).join(" – "));
    line.title = say("evaluate.interval.help");
    cell.append(line);
  }
  return cell;
}

/** The difference from the base, and how sure it is; nothing of the latter where the two do not compare. */
function changed(metric, base, model, resamples) {
  const p = model.p[metric];
  if (metric === "perplexity" && p === undefined && Object.keys(model.p).length) return [element("span", "pe-interval", say("evaluate.other_tokens"))];
  const found = [difference(metric, base.scores[metric], model.scores[metric])];
  if (p === undefined || model.scores[metric] === base.scores[metric]) return found;
  const noise = model.may_be_noise.includes(metric);
  const line = element("span", noise ? "pe-interval pe-noise" : "pe-interval", say(noise ? "evaluate.noise" : "evaluate.p", { p: p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}` }).replace(/ ([=<]) /, "\u00a0$1\u00a0"));
  line.title = say("evaluate.p.help", { resamples: resamples.toLocaleString() });
  return [...found, line];
}

/** Which label was given for which, model by model; empty where the answers are no labels. */
export function confusions(models, names) {
  return models.filter(({ confusion }) => confusion).map(({ id, confusion }) => confused(confusion, names[id]));
}

function confused({ labels, counts, macro_f1: macro, classes }, name) {
  const box = element("details", "pe-confusion pp-template");
  box.append(element("summary", "", say("evaluate.confusion", { name, f1: macro.toFixed(2) })));
  const table = element("table", "pe-scores pe-confused");
  table.append(element("caption", "pp-note", say("evaluate.confusion.help")));
  const head = element("tr");
  head.append(headed("col", say("evaluate.confusion.truth"), ""));
  for (const label of [...labels, say("evaluate.confusion.none")]) head.append(headed("col", label, ""));
  for (const measure of ["precision", "recall", "f1"]) head.append(headed("col", say(`evaluate.confusion.${measure}`), ""));
  const top = element("thead");
  top.append(head);
  const body = element("tbody");
  labels.forEach((label, place) => {
    const row = element("tr");
    row.append(headed("row", label, ""));
    const most = Math.max(1, ...counts[place]);
    counts[place].forEach((count, given) => {
      const cell = element("td", given === place ? "pe-right" : "", count.toLocaleString());
      cell.style.setProperty("--share", `${Math.round((35 * count) / most)}%`);
      row.append(cell);
    });
    for (const measure of ["precision", "recall", "f1"]) row.append(element("td", "pe-measure", classes[place][measure].toFixed(2)));
    body.append(row);
  });
  table.append(top, body);
  const wide = element("div", "pe-wide");
  Object.assign(wide, { tabIndex: 0, role: "region" });
  wide.setAttribute("aria-label", say("evaluate.confusion", { name, f1: macro.toFixed(2) }));
  wide.append(table);
  box.append(wide);
  return box;
}
