// Answers of one token: bars of what the reference, the policy and the optimum π* give to the likeliest of them.

import { percent, visible } from "./distribution_page.js";
import { LiveFigure } from "./live_figure.js";
import { node, path, plot, short } from "./rollouts_chart.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const SHOWN = 12;
const KINDS = { reference: "var(--edge)", policy: "var(--pgr-blue)", optimum: "var(--pgr-orange)" };
const WAY_HEIGHT = 180;
const BAR = 11;
const ROW = 3 * BAR + 11;

export class Action {
  constructor() {
    this.figure = new LiveFigure("ppo_action", (width) => this.data && bars(width, this.data));
    this.prompt = element("p", "ppo-prompt");
    const legend = element("p", "ppo-keys");
    for (const kind of Object.keys(KINDS)) {
      const key = element("span", "", say(`ppo.action.${kind}`));
      const box = element("i");
      box.dataset.kind = kind;
      key.prepend(box);
      legend.append(key);
    }
    this.figure.head.after(this.prompt, legend);
    this.way = new LiveFigure("ppo_distance", (width) => this.data && distances(width, this.steps, this.data), WAY_HEIGHT);
    this.element = element("div", "ppo-action");
    this.element.append(this.figure.element, this.way.element);
  }

  /** @param {Object} data  of a `ppo.action` snapshot @param {import("./scrubber.js").Steps} steps  all that there are */
  show(data, steps) {
    Object.assign(this, { data, steps });
    this.prompt.textContent = data.prompt;
    const values = { distance: short(data.distance), beta: short(data.beta), compared: data.compared.toLocaleString(), mass: percent(data.mass) };
    this.figure.say(say("ppo.action.distance", values));
    this.figure.refresh();
    this.way.refresh();
  }

  remove() {
    this.figure.remove();
    this.way.remove();
  }
}

/** A row for each token with its reward, and in it three bars from the same edge. */
function bars(width, data) {
  const shown = data.tokens.slice(0, SHOWN);
  const left = Math.min(150, width * 0.36);
  const right = width - 62;
  const longest = Math.max(...Object.keys(KINDS).flatMap((kind) => data[kind].slice(0, SHOWN)), 1e-9);
  const height = shown.length * ROW + 6;
  const label = say("ppo.action.label", { distance: short(data.distance) });
  const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, "font-family": "system-ui, sans-serif", "font-size": 11.5 });
  shown.forEach((token, at) => {
    const top = at * ROW + 8;
    const name = visible(token);
    const room = Math.floor((left - 12) / 7.4);
    svg.append(
      node("text", { x: left - 8, y: top + 12, "text-anchor": "end", fill: "var(--ink)", "font-family": "ui-monospace, monospace", "font-size": 12 }, name.length > room ? `${name.slice(0, room - 1)}…` : name),
      node("text", { x: left - 8, y: top + 26, "text-anchor": "end", fill: "var(--quiet)", "font-size": 11 }, say("ppo.action.reward", { reward: short(data.reward[at]) })),
    );
    Object.entries(KINDS).forEach(([kind, fill], order) => {
      const share = data[kind][at];
      const y = top + order * BAR;
      const long = Math.max(1, (share / longest) * (right - left));
      svg.append(
        node("rect", { x: left, y, width: long, height: BAR - 1, fill, "data-kind": kind }, node("title", {}, `${name} · ${say(`ppo.action.${kind}`)}: ${percent(share)}`)),
        node("text", { x: left + long + 5, y: y + BAR - 2, fill: "var(--quiet)", "font-size": 10 }, percent(share)),
      );
    });
  });
  return svg;
}

/** Total variation between policy and optimum over the updates; the one that is looked at has a ring. */
function distances(width, steps, shown) {
  const points = steps.order.map((step) => ({ step, distance: steps.get(step).distance, here: steps.get(step) === shown }));
  const label = say("ppo.action.label", { distance: short(shown.distance) });
  const x = { from: points[0].step, to: Math.max(points[0].step + 1, points.at(-1).step), title: say("train.chart.step") };
  const highest = Math.max(...points.map(({ distance }) => distance), 0.01);
  const chart = plot({ width, height: WAY_HEIGHT, label, x, y: { from: 0, to: highest * 1.08, title: say("ppo.action.variation") } });
  const { X, Y, add } = chart;
  add(path(points.map(({ step, distance }) => [X(step), Y(distance)]), { stroke: "var(--pgr-blue)", "stroke-width": 2 }));
  for (const { step, distance, here } of points) if (here) add(node("circle", { cx: X(step), cy: Y(distance), r: 6, fill: "none", stroke: "var(--ink)", "stroke-width": 2 }));
  return chart.svg;
}
