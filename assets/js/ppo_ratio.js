// How far one update moved the policy: ratios of all its tokens, and the divergence by epoch.

import { percent } from "./distribution_page.js";
import { LiveFigure } from "./live_figure.js";
import { bounds, ratioAxis } from "./ppo_clip.js";
import { filledBins, shareOutside } from "./ppo_math.js";
import { node, path, plot, short } from "./rollouts_chart.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const HEIGHT = 220;

export class Moves {
  constructor() {
    this.ratios = new LiveFigure("ppo_ratios", (width) => this.data && ratios(width, this.data), HEIGHT);
    this.epochs = new LiveFigure("ppo_epochs", (width) => this.data && epochs(width, this.data), HEIGHT);
    this.element = element("div", "ppo-pair");
    this.element.append(this.ratios.element, this.epochs.element);
  }

  /** @param {Object} data  of a `ppo.clip` snapshot */
  show(data) {
    this.data = data;
    this.ratios.say(say("ppo.ratios.outside", { share: percent(shareOutside(data.histogram, data.clip_range)) }));
    this.epochs.say(say(data.ended_early ? "ppo.epochs.early" : "ppo.epochs.whole", { steps: data.minibatches, epochs: data.epoch_kl.length }));
    this.ratios.refresh();
    this.epochs.refresh();
  }

  remove() {
    this.ratios.remove();
    this.epochs.remove();
  }
}

/** Bars as high as the share of tokens in them; what lies outside of 1 ± ε is hatched by its colour and its place. */
function ratios(width, { histogram, clip_range: epsilon }) {
  const bins = filledBins(histogram, epsilon);
  const total = Math.max(1, histogram.counts.reduce((sum, count) => sum + count, 0));
  const highest = Math.max(...bins.map(({ count }) => count)) / total || 1;
  const format = (value) => `${Math.round(value * 100)} %`;
  const label = say("ppo.ratios.label", { count: total, share: percent(shareOutside(histogram, epsilon)) });
  const chart = plot({ width, height: HEIGHT, label, x: ratioAxis(bins[0].from, bins.at(-1).to, epsilon), y: { from: 0, to: highest * 1.06, title: say("ppo.tokens_share"), format } });
  const { X, Y, inside } = chart;
  for (const { from, to, count } of bins) {
    const words = say("ppo.ratios.bin", { from: short(from), to: short(to), count, share: percent(count / total) });
    const inner = Math.abs(Math.sqrt(from * to) - 1) <= epsilon;
    const [left, right] = [X(from) + 0.5, X(to) - 0.5];
    chart.add(node("rect", { x: left, width: Math.max(0.5, right - left), y: Y(count / total), height: inside.bottom - Y(count / total), fill: inner ? "var(--pgr-blue)" : "var(--pgr-orange)" }, node("title", {}, words)));
  }
  bounds(chart, epsilon);
  return chart.svg;
}

/** Approximate divergence from the policy that drew the answers, by epoch. */
function epochs(width, { epoch_kl: values }) {
  if (!values.length) return null;
  const label = say("ppo.epochs.label", { last: short(values.at(-1)) });
  const places = values.map((_, at) => at + 1);
  const ticks = places.filter((place) => places.length <= 8 || place === 1 || place % Math.ceil(places.length / 8) === 0);
  const x = { from: 0.5, to: values.length + 0.5, title: say("ppo.epoch"), ticks, format: String };
  const chart = plot({ width, height: HEIGHT, label, x, y: { from: 0, to: (Math.max(...values) || 1e-6) * 1.1, title: say("ppo.nats_token"), format: short } });
  const { X, Y } = chart;
  chart.add(path(values.map((value, at) => [X(at + 1), Y(value)]), { stroke: "var(--pgr-blue)", "stroke-width": 2 }));
  values.forEach((value, at) => chart.add(node("circle", { cx: X(at + 1), cy: Y(value), r: 4, fill: "var(--pgr-blue)" }, node("title", {}, say("ppo.epochs.point", { epoch: at + 1, value: short(value) })))));
  return chart.svg;
}
