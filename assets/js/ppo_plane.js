/**
 * The plane of reward and divergence with the run's path: each update is a point. Where answers of the
 * reference are known, the curve that they allow and best-of-n stand beside it.
 */

import { LiveFigure } from "./live_figure.js";
import { Steps } from "./scrubber.js";
import { node, padded, path, plot, short } from "./rollouts_chart.js";
import { bestOf, curve, together } from "./rollouts_statistics.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const HEIGHT = 330;
const BETAS = Array.from({ length: 121 }, (_, at) => 10 ** (-4 + at / 20));
const LABELLED = 6; // points with their step beside them, so that the direction can be read
const APART = { x: 26, y: 12 }; // pixels between two of them

export class Plane {
  /** @param {string} name  of its title and explanation */
  constructor(name = "ppo_plane") {
    this.points = new Steps(2000);
    this.figure = new LiveFigure(name, (width) => (this.points.size ? this.draw(width) : null), HEIGHT);
    this.element = this.figure.element;
    this.keys = element("p", "ppo-keys");
    this.figure.head.after(this.keys);
  }

  /** @param {Object<string, number>} values  of a metric event */
  add(step, { "objective/kl": divergence, "objective/scores": reward }) {
    if (typeof divergence !== "number" || typeof reward !== "number") return;
    this.points.set(step, { step, divergence, reward });
    this.changed = true;
  }

  /** Scores of several answers that the reference drew to each of some prompts. @param {number[][]} prompts */
  reference(prompts) {
    this.frontier = together(prompts.map((scores) => curve(scores, BETAS)));
    this.several = [];
    for (let draws = 1; draws <= prompts[0].length; draws *= 2) this.several.push(...together(prompts.map((scores) => [bestOf(scores, draws)])));
    this.keys.replaceChildren(...["path", "optimum", "best"].map((name) => key(name)));
    this.changed = true;
  }

  cut(step) {
    this.points.cut(step);
    this.changed = true;
  }

  /** @param {number} step  the one that is looked at */
  show(step) {
    if (!this.changed && this.step === step) return;
    this.step = step;
    this.element.hidden = !this.points.size;
    const here = this.points.get(this.points.nearest(step));
    if (here) this.figure.say(told(here));
    if (this.changed) this.figure.refresh();
    else this.mark();
    this.changed = false;
  }

  /** Puts the ring around the update that is looked at. */
  mark() {
    const here = this.points.get(this.points.nearest(this.step));
    if (!here || !this.ring) return;
    this.ring.setAttribute("cx", this.chart.X(here.divergence));
    this.ring.setAttribute("cy", this.chart.Y(here.reward));
  }

  draw(width) {
    const points = this.points.order.map((step) => this.points.get(step));
    const known = this.frontier ?? [];
    const widest = Math.max(0.01, ...points.map(({ divergence }) => divergence), ...known.map(({ divergence }) => divergence));
    const least = Math.min(0, ...points.map(({ divergence }) => divergence));
    const [from, to] = padded([...points, ...known].map(({ reward }) => reward), 0.1);
    const last = points.at(-1);
    const label = say("ppo.plane.label", { count: points.length, reward: short(last.reward), divergence: short(last.divergence) });
    const chart = plot({ width, height: HEIGHT, label, x: { from: least, to: widest * 1.04, title: say("ppo.plane.divergence") }, y: { from, to, title: say("ppo.plane.reward") } });
    if (known.length) this.allowed(chart);
    this.path(chart, points);
    this.ring = node("circle", { r: 7, fill: "none", stroke: "var(--ink)", "stroke-width": 2 });
    this.chart = chart;
    chart.add(this.ring);
    this.mark();
    return chart.svg;
  }

  /** π* for every β, and best-of-n. */
  allowed({ X, Y, add }) {
    add(path(this.frontier.map(({ divergence, reward }) => [X(divergence), Y(reward)]), { stroke: "var(--pgr-orange)", "stroke-width": 2, "stroke-dasharray": "6 3", class: "ppo-frontier" }));
    for (const { draws, reward, divergence } of this.several.slice(1)) {
      add(
        node("rect", { x: X(divergence) - 3.5, y: Y(reward) - 3.5, width: 7, height: 7, fill: "var(--pgr-purple)" }, node("title", {}, say("ppo.plane.best", { n: draws, reward: short(reward), divergence: short(divergence) }))),
        node("text", { x: X(divergence) + 6, y: Y(reward) + 13, fill: "var(--pgr-purple)", "font-size": 10.5 }, String(draws)),
      );
    }
  }

  path({ X, Y, add }, points) {
    const places = points.map(({ divergence, reward }) => [X(divergence), Y(reward)]);
    add(path(places, { stroke: "var(--pgr-blue)", "stroke-width": 1.5, "stroke-opacity": 0.7 }));
    const labelled = readable(places);
    points.forEach(({ step, divergence, reward }, at) => {
      const [x, y] = places[at];
      add(node("circle", { cx: x, cy: y, r: 3, fill: "var(--pgr-blue)", "fill-opacity": 0.35 + (0.65 * (at + 1)) / points.length }, node("title", {}, told({ step, reward, divergence }))));
      if (labelled.has(at)) add(node("text", { x: x + 6, y: y - 5, fill: "var(--ink)", "font-size": 10.5 }, String(step)));
    });
  }
}

/** Which points have their step beside them: the last, and of every so many those that lie on no other's label. */
function readable(places) {
  const every = Math.ceil(places.length / LABELLED);
  const found = [];
  for (let at = places.length - 1; at >= 0; at--) {
    const free = found.every((other) => Math.abs(places[at][0] - places[other][0]) > APART.x || Math.abs(places[at][1] - places[other][1]) > APART.y);
    if (!found.length || (at % every === 0 && free)) found.push(at);
  }
  return new Set(found);
}

const told = ({ step, reward, divergence }) => say("ppo.plane.here", { step, reward: short(reward), divergence: short(divergence) });

function key(name) {
  const made = element("span", "", say(`ppo.plane.key_${name}`));
  const mark = element("i");
  mark.dataset.kind = name;
  made.prepend(mark);
  return made;
}
