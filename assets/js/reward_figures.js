// Three pictures of how a reward model ranks held-out pairs at one step: its scores, what their differences say, and how
// far that can be believed.

import { LiveFigure } from "./live_figure.js";
import { counts, curve, margins, sigmoid } from "./reward_math.js";
import { node, padded, path, plot } from "./rollouts_chart.js";

const say = (key, values) => playground.text(key, values);
const HEIGHT = 250;
const PARTS = 24;
const BLUE = "var(--pgr-blue)";
const ORANGE = "var(--pgr-orange)";

export const percent = (share) => `${(100 * share).toLocaleString(undefined, { maximumFractionDigits: 1 })} %`;
const number = (value, digits = 2) => value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** What the three have in common: the snapshot that they show. */
class Figure {
  constructor(name) {
    this.figure = new LiveFigure(name, (width) => (this.data ? this.draw(width) : null), HEIGHT);
    this.element = this.figure.element;
  }

  /** @param {Object} data  of a `reward.scores` snapshot */
  show(data) {
    this.data = data;
    this.figure.say(this.words());
    this.figure.refresh();
  }

  remove() {
    this.figure.remove();
  }
}

/** How often each score was given to preferred and to rejected answers. */
export class Scores extends Figure {
  constructor() {
    super("reward_scores");
  }

  words() {
    const { chosen, rejected } = this.data;
    return say("train.reward.scores.means", { chosen: number(mean(chosen)), rejected: number(mean(rejected)) });
  }

  draw(width) {
    const { chosen, rejected } = this.data;
    const [from, to] = padded([...chosen, ...rejected]);
    const sides = [[chosen, BLUE, "chosen"], [rejected, ORANGE, "rejected"]].map(([scores, colour, name]) => ({ colour, name, found: counts(scores, from, to, PARTS) }));
    const most = Math.max(...sides.flatMap(({ found }) => found));
    const chart = plot({ width, height: HEIGHT, label: this.words(), x: { from, to, title: say("train.reward.score") }, y: { from: 0, to: most * 1.12, title: say("train.reward.answers") } });
    const { X, Y, add, inside } = chart;
    for (const { found, colour, name } of sides) {
      const bars = found.flatMap((count, at) => [[X(from + ((to - from) * at) / PARTS), Y(count)], [X(from + ((to - from) * (at + 1)) / PARTS), Y(count)]]);
      const ground = [[inside.left, Y(0)], ...bars, [inside.right, Y(0)]];
      // Rejected answers are dashed and hatched by nothing: the outline tells the sides apart without colour.
      add(path(ground, { fill: colour, "fill-opacity": 0.22, stroke: colour, "stroke-width": 1.8, "stroke-dasharray": name === "rejected" ? "5 3" : undefined }));
    }
    legend(chart, sides.map(({ colour, name }) => [colour, say(`train.reward.${name}`), name === "rejected"]));
    return chart.svg;
  }
}

/** Every pair on the curve that turns the difference of its scores into a probability. */
export class Preference extends Figure {
  constructor() {
    super("reward_preference");
  }

  words() {
    const { right, pairs } = this.data;
    return say("train.reward.right", { right, pairs, share: percent(right / pairs) });
  }

  draw(width) {
    const found = margins(this.data);
    const far = Math.max(1, ...found.map(Math.abs)) * 1.06;
    const x = { from: -far, to: far, title: say("train.reward.margin") };
    const chart = plot({ width, height: HEIGHT, label: this.words(), x, y: { from: 0, to: 1, title: say("train.reward.probability") } });
    const { X, Y, add, inside } = chart;
    add(node("line", { x1: X(0), x2: X(0), y1: inside.top, y2: inside.bottom, stroke: "var(--edge)", "stroke-dasharray": "4 3" }));
    add(path(curve(-far, far).map(([at, share]) => [X(at), Y(share)]), { stroke: "var(--ink)", "stroke-width": 1.5 }));
    for (const margin of found) add(mark(X(margin), Y(sigmoid(margin)), margin > 0));
    return chart.svg;
  }
}

/** How often the winner was right, by how sure the model was. */
export class Reliability extends Figure {
  constructor() {
    super("reward_reliability");
  }

  words() {
    return say("train.reward.error", { error: number(this.data.error, 3) });
  }

  draw(width) {
    const { bins } = this.data;
    const all = bins.reduce((sum, [, , count]) => sum + count, 0);
    const format = (share) => share.toFixed(1);
    const x = { from: 0.5, to: 1, title: say("train.reward.confidence"), ticks: [0.5, 0.6, 0.7, 0.8, 0.9, 1], format };
    const chart = plot({ width, height: HEIGHT, label: this.words(), x, y: { from: 0, to: 1.04, title: say("train.reward.accuracy"), format } });
    const { X, Y, add } = chart;
    add(path([[X(0.5), Y(0.5)], [X(1), Y(1)]], { stroke: "var(--edge)", "stroke-dasharray": "5 4" }));
    for (const [sure, right] of bins) {
      add(node("line", { x1: X(sure), x2: X(sure), y1: Y(sure), y2: Y(right), stroke: ORANGE, "stroke-width": 2 }));
    }
    add(path(bins.map(([sure, right]) => [X(sure), Y(right)]), { stroke: BLUE, "stroke-width": 1.5 }));
    for (const [sure, right, count] of bins) {
      const dot = node("circle", { cx: X(sure), cy: Y(right), r: 3 + 7 * Math.sqrt(count / all), fill: BLUE, "fill-opacity": 0.75 });
      dot.append(node("title", {}, say("train.reward.bin", { confidence: percent(sure), accuracy: percent(right), count })));
      add(dot);
    }
    return chart.svg;
  }
}

/** A pair that is ranked right is a dot, any other a cross. */
function mark(x, y, right) {
  if (right) return node("circle", { cx: x, cy: y, r: 3.5, fill: BLUE, "fill-opacity": 0.45 });
  return node("path", { d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`, stroke: ORANGE, "stroke-width": 2 });
}

/** Names of the sides in the upper right corner. */
function legend({ add, inside }, entries) {
  entries.forEach(([colour, words, dashed], at) => {
    const y = inside.top + 8 + 17 * at;
    add(
      node("line", { x1: inside.right - 22, x2: inside.right, y1: y, y2: y, stroke: colour, "stroke-width": 3, "stroke-dasharray": dashed ? "5 3" : undefined }),
      node("text", { x: inside.right - 28, y: y + 4, "text-anchor": "end", fill: "var(--ink)" }, words),
    );
  });
}
