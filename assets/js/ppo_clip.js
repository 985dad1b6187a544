/**
 * The clip plot (Schulman et al. 2017, figure 1) with the tokens of one update: on the left those that turned out better
 * than expected, on the right those that turned out worse. A dot is a token, at its ratio and what it adds to the
 * objective; a cross is one that the clip holds, so that it is not driven any further.
 */

import { LiveFigure } from "./live_figure.js";
import { fixed, visible } from "./distribution_page.js";
import { around, bySign, corners, ratioRange, ratioTicks } from "./ppo_math.js";
import { node, padded, path, plot, short } from "./rollouts_chart.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const HEIGHT = 270;
const NEAR = 18; // pixels from a dot at which a pointer means it
const SIDES = { gain: "var(--pgr-blue)", loss: "var(--pgr-orange)" };
const CONTEXT = 12; // tokens to each side of the one that is read

export class ClipPlot {
  constructor() {
    this.figures = Object.fromEntries(Object.keys(SIDES).map((side) => [side, new LiveFigure(`ppo_${side}`, (width) => this.draw(side, width), HEIGHT)]));
    this.detail = element("p", "ppo-detail", say("ppo.clip.hint"));
    this.detail.setAttribute("role", "status");
    const pair = element("div", "ppo-pair");
    pair.append(...Object.values(this.figures).map((figure) => figure.element));
    this.element = element("div", "ppo-clip");
    this.element.append(pair, this.detail);
  }

  /**
   * @param {Object} data  of a `ppo.clip` snapshot
   * @param {{row: number, tokens: string[]}[]} answers  those of the update that are known whole, or from their beginning
   */
  show(data, answers) {
    this.data = data;
    this.answers = new Map(answers.map(({ row, tokens, tokens_at_end: behind = 0 }) => [row, tokens.slice(0, tokens.length - behind)]));
    this.sides = bySign(data.dots, data.clip_range);
    this.means = {};
    this.detail.textContent = say("ppo.clip.hint");
    for (const [side, figure] of Object.entries(this.figures)) {
      const dots = this.sides[side];
      const held = dots.filter(({ clipped }) => clipped).length;
      this.means[side] = mean(dots, side === "gain" ? 1 : -1);
      figure.say(`${say("ppo.clip.held", { held, count: dots.length })} ${say("ppo.clip.line", { advantage: fixed(this.means[side], 2) })}`);
      figure.refresh();
    }
  }

  draw(side, width) {
    if (!this.data) return null;
    const { clip_range: epsilon } = this.data;
    const dots = this.sides[side];
    const [from, to] = ratioRange(this.data.dots.ratio, epsilon);
    const line = corners(this.means[side], epsilon, from, to);
    const [low, high] = padded([0, ...line.map(([, value]) => value), ...dots.map(({ objective }) => objective)]);
    const label = say(`ppo.clip.${side}_label`, { count: dots.length, held: dots.filter(({ clipped }) => clipped).length });
    const chart = plot({ width, height: HEIGHT, label, x: ratioAxis(from, to, epsilon), y: { from: low, to: high, title: say("ppo.objective") } });
    const { svg, X, Y } = chart;
    bounds(chart, epsilon);
    chart.add(path(line.map(([x, y]) => [X(x), Y(y)]), { stroke: "var(--ink)", "stroke-width": 2 }));
    const placed = dots.map((dot) => ({ ...dot, x: X(Math.min(to, Math.max(from, dot.ratio))), y: Y(dot.objective) }));
    chart.add(marks(placed, SIDES[side]));
    this.follow(svg, placed, width);
    return svg;
  }

  /** Tells of the dot that is pointed at, or walked to with the arrow keys. */
  follow(svg, placed, width) {
    const ring = node("circle", { r: 8, fill: "none", stroke: "var(--ink)", "stroke-width": 2, visibility: "hidden", "pointer-events": "none" });
    svg.append(ring);
    svg.setAttribute("tabindex", placed.length ? 0 : -1);
    const read = (order) => {
      const dot = placed[order];
      if (!dot) return;
      svg.reading = order;
      ring.setAttribute("cx", dot.x);
      ring.setAttribute("cy", dot.y);
      ring.setAttribute("visibility", "visible");
      this.read(dot);
    };
    svg.addEventListener("pointermove", (event) => {
      const { left, top, width: wide } = svg.getBoundingClientRect();
      const scale = width / wide;
      read(nearest(placed, (event.clientX - left) * scale, (event.clientY - top) * scale));
    });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step || !placed.length) return;
      event.preventDefault();
      read(Math.min(placed.length - 1, Math.max(0, svg.reading === undefined ? 0 : svg.reading + step)));
    });
  }

  /** A token in its answer, with its numbers. */
  read({ at, ratio, advantage, clipped }) {
    const { dots } = this.data;
    const words = element("span", "ppo-context");
    words.append(...this.context(at).map(([token, here]) => element(here ? "mark" : "span", "", token === null ? "…" : visible(token))));
    const values = { row: dots.row[at] + 1, position: dots.position[at] + 1, ratio: short(ratio), advantage: short(advantage) };
    this.detail.replaceChildren(words, ` ${say("ppo.clip.token", values)} ${say(clipped ? "ppo.clip.is_held" : "ppo.clip.is_free")}`);
  }

  /** The tokens about one and itself, `[token, whether it is the one]`; null where some are not known. */
  context(at) {
    const { dots } = this.data;
    const whole = this.answers.get(dots.row[at]);
    const known = whole?.length > dots.position[at];
    const all = known
      ? whole.map((token, place) => [token, place === dots.position[at]])
      : around(dots, at).map((place) => [place === null ? null : dots.token[place], place === at]);
    const here = all.findIndex(([, one]) => one);
    return all.slice(Math.max(0, here - CONTEXT), here + CONTEXT + 1);
  }

  remove() {
    for (const figure of Object.values(this.figures)) figure.remove();
  }
}

/** An axis of ratios, for `plot`. */
export function ratioAxis(from, to, epsilon) {
  return { from, to, title: say("ppo.ratio"), ticks: ratioTicks(from, to, epsilon), format: (value) => short(Number(value.toPrecision(3))) };
}

/** Lines at 1 and at 1 ± ε. */
export function bounds({ X, add, inside }, epsilon) {
  const line = (value, dashes) => node("line", { x1: X(value), x2: X(value), y1: inside.top, y2: inside.bottom, stroke: "var(--edge)", "stroke-dasharray": dashes });
  const name = (value, words) => node("text", { x: X(value), y: inside.top - 2, "text-anchor": "middle", fill: "var(--quiet)", "font-size": 10.5 }, words);
  add(line(1), line(1 - epsilon, "4 3"), line(1 + epsilon, "4 3"), name(1 - epsilon, "1−ε"), name(1 + epsilon, "1+ε"));
}

/** Mean advantage; that of no dots is what stands for their side. */
const mean = (dots, none) => (dots.length ? dots.reduce((sum, { advantage }) => sum + advantage, 0) / dots.length : none);

/** A token that the clip holds is a cross, any other a dot. */
function marks(placed, colour) {
  const group = node("g", { fill: colour, "fill-opacity": 0.5, stroke: "none" });
  const dot = node("circle", { r: 3.5 });
  const cross = node("path", { stroke: colour, "stroke-width": 1.6 });
  for (const { x, y, clipped } of placed) {
    const made = (clipped ? cross : dot).cloneNode();
    if (clipped) made.setAttribute("d", `M${x - 3.5} ${y - 3.5}l7 7m0 -7l-7 7`);
    else {
      made.setAttribute("cx", x);
      made.setAttribute("cy", y);
    }
    group.append(made);
  }
  return group;
}

/** Which dot is nearest to a place, if one is near. */
function nearest(placed, x, y) {
  let [found, least] = [-1, NEAR ** 2];
  placed.forEach((dot, order) => {
    const distance = (dot.x - x) ** 2 + (dot.y - y) ** 2;
    if (distance < least) [found, least] = [order, distance];
  });
  return found;
}
