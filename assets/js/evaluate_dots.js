// Every model's score as a dot with its interval, metric by metric, each on a scale of its own; the base is a square.
// The same numbers stand in the table of scores, so that readers of screens are told one sentence alone.

import { digitsOf, metricsOf, nameOf, shown } from "./evaluate_metrics.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const FROM_ITSELF = new Set(["perplexity"]); // whose scale begins near the lowest score; the others' at 0
const ROOM = 0.06;

export function dots(models, names) {
  const figure = element("figure", "pt-chart pe-figure pe-dots");
  figure.id = "evaluate-plot-metrics";
  const grid = element("div", "pe-dots-grid");
  grid.setAttribute("role", "img");
  grid.setAttribute("aria-label", say("evaluate.dots.label", { count: models.length }));
  for (const metric of metricsOf(models[0].scores)) grid.append(block(metric, models, names));
  figure.append(element("figcaption", "", say("evaluate.plot.metrics")), grid, element("p", "pp-note", say("evaluate.dots.help")));
  return figure;
}

function block(metric, models, names) {
  const box = element("div", "pe-dots-metric");
  box.append(element("p", "pe-dots-title", nameOf(metric)));
  const scale = scaleOf(metric, models);
  models.forEach((model, place) => box.append(line(metric, model, names[model.id], place === 0, scale, models[0])));
  const ends = element("div", "pe-dots-ends");
  const digits = digitsOf(metric);
  ends.append(element("span", "", shown(scale.low, digits)), element("span", "", shown(scale.high, digits)));
  box.append(ends);
  return box;
}

/** From the lowest to the highest of all intervals, or from 0; `at` gives a place in per cent. */
function scaleOf(metric, models) {
  const ends = models.flatMap(({ scores, intervals }) => [scores[metric], ...(intervals[metric] ?? [])]);
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  const reach = most - least || Math.abs(most) || 1;
  const low = FROM_ITSELF.has(metric) ? Math.max(0, least - ROOM * reach) : 0;
  const high = most + ROOM * reach || 1;
  return { low, high, at: (value) => `${(100 * (value - low)) / (high - low)}%` };
}

function line(metric, { scores, intervals }, name, isBase, { at }, base) {
  const row = element("div", isBase ? "pe-dots-line pe-dots-base" : "pe-dots-line");
  const label = element("span", "pe-dots-name", name);
  label.title = name;
  const track = element("span", "pe-dots-track");
  const mark = element("span", "pe-dots-mark");
  mark.style.left = at(base.scores[metric]);
  track.append(mark);
  if (intervals[metric]) {
    const [low, high] = intervals[metric];
    const bar = element("span", "pe-dots-interval");
    bar.style.left = at(low);
    bar.style.right = `calc(100% - ${at(high)})`;
    track.append(bar);
  }
  const dot = element("span", "pe-dots-dot");
  dot.style.left = at(scores[metric]);
  track.append(dot);
  row.append(label, track, element("span", "pe-dots-value", shown(scores[metric], digitsOf(metric))));
  return row;
}
