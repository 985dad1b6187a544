/**
 * Small charts in SVG: axes, and what is drawn between them. Colours are CSS variables, which a picture that is taken
 * away has as the light theme's; words are text nodes, never markup.
 */

import { nice } from "./rollouts_statistics.js";

const SVG = "http://www.w3.org/2000/svg";
const LIGHT = {
  "--pgr-blue": "#0072b2", "--pgr-soft": "#b9d7ea", "--pgr-orange": "#d55e00", "--pgr-green": "#00795a", "--pgr-purple": "#a8487f", "--ink": "#161b21",
  "--quiet": "#4b5563", "--line": "#e1e5e9", "--edge": "#98a2ae", "--card": "#ffffff", "--pgr-shade-0": "#f4f8fb", "--pgr-shade-1": "#d6e6f2",
  "--pgr-shade-2": "#b0cfe6", "--pgr-shade-3": "#7fb0d6", "--pgr-shade-4": "#0f5c94", "--pgr-shade-ink-4": "#ffffff",
};

/** An SVG element; children may be strings. @returns {SVGElement} */
export function node(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Digits that tell numbers apart that are `step` from each other. */
export const digits = (step) => Math.min(8, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));

/** A number with four significant digits at most, without an exponent where it reads well. */
export function short(value) {
  if (!Number.isFinite(value)) return "–";
  if (value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3)) return value.toExponential(1).replace("e+", "e");
  return String(Number(value.toPrecision(value >= 1000 || value <= -1000 ? 5 : 4)));
}

/** An estimate and its standard error, to the error's first two digits: "0.033 ± 0.030". */
export function measured(mean, error) {
  if (!(error > 0)) return { mean: short(mean), error: short(error) };
  const places = Math.min(8, Math.max(0, 1 - Math.floor(Math.log10(error))));
  return { mean: mean.toFixed(places), error: error.toFixed(places) };
}

/** Round numbers from one end to the other, `around` so many. */
export function ticks(from, to, around) {
  const step = nice((to - from) / Math.max(1, around));
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, at) => (first + at) * step);
}

/** An interval with some air at its ends; one of a single value becomes one around it. */
export function padded(values, share = 0.06) {
  const finite = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const air = high > low ? (high - low) * share : Math.max(0.5, Math.abs(high) * 0.1);
  return [low - air, high + air];
}

/**
 * An empty chart.
 * @param {{width: number, height: number, x: {from: number, to: number, title: string}, y: {from: number, to: number, title: string, format?: Function}, label: string}} spec
 * @returns {{svg: SVGElement, X: Function, Y: Function, add: Function, inside: {left: number, right: number, top: number, bottom: number}}}
 */
export function plot({ width, height, x, y, label }) {
  const yTicks = ticks(y.from, y.to, height / 52);
  const yWords = yTicks.map((value) => (y.format ?? written(yTicks))(value));
  const left = 26 + 6.6 * Math.max(...yWords.map((words) => words.length));
  const inside = { left, right: width - 10, top: 12, bottom: height - 40 };
  const X = (value) => inside.left + ((value - x.from) / (x.to - x.from)) * (inside.right - inside.left);
  const Y = (value) => inside.bottom - ((value - y.from) / (y.to - y.from)) * (inside.bottom - inside.top);
  const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, "font-family": "system-ui, sans-serif", "font-size": 11.5 });
  const xTicks = x.ticks ?? ticks(x.from, x.to, width / 90);
  const xWords = xTicks.map(x.format ?? written(xTicks));
  yTicks.forEach((value, at) => {
    svg.append(node("line", { x1: inside.left, x2: inside.right, y1: Y(value), y2: Y(value), stroke: "var(--line)" }));
    svg.append(node("text", { x: inside.left - 6, y: Y(value) + 4, "text-anchor": "end", fill: "var(--quiet)" }, yWords[at]));
  });
  xTicks.forEach((value, at) => {
    svg.append(node("line", { x1: X(value), x2: X(value), y1: inside.bottom, y2: inside.bottom + 4, stroke: "var(--edge)" }));
    svg.append(node("text", { x: X(value), y: inside.bottom + 16, "text-anchor": "middle", fill: "var(--quiet)" }, xWords[at]));
  });
  svg.append(node("line", { x1: inside.left, x2: inside.right, y1: inside.bottom, y2: inside.bottom, stroke: "var(--edge)" }));
  svg.append(node("text", { x: (inside.left + inside.right) / 2, y: height - 6, "text-anchor": "middle", fill: "var(--quiet)" }, x.title));
  const middle = (inside.top + inside.bottom) / 2;
  svg.append(node("text", { x: 12, y: middle, "text-anchor": "middle", fill: "var(--quiet)", transform: `rotate(-90 12 ${middle})` }, y.title));
  return { svg, X, Y, inside, add: (...nodes) => svg.append(...nodes) };
}

function written(values) {
  const step = values.length > 1 ? Math.abs(values[1] - values[0]) : 1;
  return (value) => (Math.abs(value) >= 1e5 ? short(value) : (Math.abs(value) < step / 1e6 ? 0 : value).toFixed(digits(step)));
}

/** A line through points, in pixels; gaps where one is not a number. */
export function path(points, attributes) {
  let pen = "M";
  const commands = points.map(([x, y]) => {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return (pen = "M"), "";
    const command = `${pen}${x.toFixed(2)} ${y.toFixed(2)}`;
    pen = "L";
    return command;
  });
  return node("path", { d: commands.join(""), fill: "none", ...attributes });
}

/** The ground between two lines, in pixels. */
export function band(upper, lower, attributes) {
  const round = [...upper, ...[...lower].reverse()].map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`);
  return node("polygon", { points: round.join(" "), ...attributes });
}

/**
 * A chart as a file of its own: the light theme's colours on white, with what it was made from above it.
 * @param {SVGElement} svg @param {string[]} caption
 */
export function standalone(svg, caption) {
  const [width, height] = ["width", "height"].map((name) => Number(svg.getAttribute(name)));
  const top = 20 + caption.length * 18;
  const copy = svg.cloneNode(true);
  copy.setAttribute("viewBox", `0 ${-top} ${width} ${height + top}`);
  copy.setAttribute("height", height + top);
  const lines = caption.map((line, at) => node("text", { x: 12, y: 18 * (at + 1) - top + 4, fill: "var(--ink)", "font-size": at ? 11.5 : 13.5, "font-weight": at ? 400 : 600 }, line));
  copy.prepend(node("rect", { x: 0, y: -top, width, height: height + top, fill: "#ffffff" }), ...lines);
  // A file of XML must not hold what a prompt may: control characters.
  const text = new XMLSerializer().serializeToString(copy).replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "");
  return text.replaceAll(/var\((--[\w-]+)\)/g, (_, name) => LIGHT[name] ?? "#161b21");
}
