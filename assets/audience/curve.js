// A run's metric over its steps: at most two lines, drawn small and anew with every step.

import { draw, knows, make, number, say } from "./dom.js";

const HEIGHT = 260;
const LETTERS = 13;
const HALL = 1000; // pixels of a hall's screen above which everything grows with it
const LEAST = 200;
const MARGIN = { top: 12, right: 18, bottom: 34, left: 52 };
const TICKS = 5;

export const label = (metric) => (knows(`audience.metric.${metric}`) ? say(`audience.metric.${metric}`) : metric);

/** Round numbers between two, some five of them. */
export function ticks(low, high, most = TICKS) {
  const rough = (high - low || Math.abs(high) || 1) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((times) => times * power >= rough) * power;
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at += 1) found.push(Number((at * step).toPrecision(12)));
  return found;
}

export class CurveView {
  constructor(hall) {
    this.hall = hall;
    this.title = make("h1");
    this.facts = make("p", { class: "facts" });
    this.latest = make("p", { class: "latest" });
    this.figure = make("div", { class: "figure" });
    this.element = make("section", { class: "curve" }, this.title, this.facts, this.latest, make("div", { class: "card" }, this.figure));
    new ResizeObserver(() => this.told && this.plot()).observe(this.figure);
  }

  show(told) {
    this.told = told;
    this.title.textContent = told.name;
    const step = told.of ? say("audience.curve.step_of", { step: told.step, total: told.of }) : say("audience.curve.step", { step: told.step });
    this.facts.replaceChildren(
      make("span", { class: "chip" }, knows(`method.${told.method}`) ? say(`method.${told.method}`) : told.method),
      make("span", { class: `chip phase ${told.phase}` }, say(`phase.${told.phase}`)),
      make("span", { class: "chip" }, step),
      told.recorded ? make("span", { class: "chip" }, say("audience.curve.recorded")) : "",
    );
    const values = told.lines.map(({ heldOut, points }) => ({ heldOut, last: points.at(-1)?.[1] }));
    this.latest.replaceChildren(
      make("span", { class: "latest-name" }, label(told.metric)),
      ...values.map(({ heldOut, last }) =>
        make("span", { class: `line ${heldOut ? "held" : "training"}` }, make("strong", {}, last === undefined ? "–" : number(last)), say(`audience.curve.${heldOut ? "held_out" : "training"}`))),
    );
    this.plot();
    return { what: told.name, text: `${told.name}: ${say(`phase.${told.phase}`)}` };
  }

  plot() {
    const { lines, metric } = this.told;
    const unit = this.hall ? Math.max(1, innerWidth / HALL) : 1;
    const width = (this.figure.clientWidth || 320) / unit;
    // On the hall's screen all that is left of it, for nobody scrolls there.
    const height = this.hall ? Math.max(LEAST, (innerHeight - this.figure.getBoundingClientRect().top - scrollY - 44) / unit) : HEIGHT;
    const points = lines.flatMap((line) => line.points);
    if (!points.length) {
      this.figure.replaceChildren(make("p", { class: "note" }, say("audience.curve.empty")));
      return;
    }
    const values = points.map(([, value]) => value);
    const marks = ticks(Math.min(...values), Math.max(...values));
    const low = Math.min(...values, ...marks), high = Math.max(...values, ...marks);
    const last = Math.max(this.told.of ?? 0, ...points.map(([step]) => step)), first = Math.min(...points.map(([step]) => step), last - 1);
    const x = (step) => MARGIN.left + ((step - first) / (last - first || 1)) * (width - MARGIN.left - MARGIN.right);
    const y = (value) => height - MARGIN.bottom - ((value - low) / (high - low || 1)) * (height - MARGIN.top - MARGIN.bottom);
    const svg = draw("svg", { width: width * unit, height: height * unit, "font-size": LETTERS, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": this.words(metric) });
    for (const mark of marks) {
      svg.append(
        draw("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(mark), y2: y(mark) }),
        draw("text", { x: MARGIN.left - 8, y: y(mark), "text-anchor": "end", "dominant-baseline": "middle" }, number(mark)),
      );
    }
    const steps = ticks(first, last, Math.max(2, Math.floor(width / 110))).filter(Number.isInteger);
    for (const step of steps) svg.append(draw("text", { x: x(step), y: height - 12, "text-anchor": "middle" }, number(step, 6)));
    for (const { heldOut, points: line } of lines) {
      const kind = heldOut ? "held" : "training";
      svg.append(draw("polyline", { class: kind, points: line.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }));
      const end = line.at(-1);
      if (end) svg.append(draw("circle", { class: kind, cx: x(end[0]), cy: y(end[1]), r: 5 }));
    }
    this.figure.replaceChildren(svg);
  }

  /** The figure for those who do not see it. */
  words(metric) {
    return this.told.lines
      .filter(({ points }) => points.length)
      .map(({ heldOut, points }) =>
        say("audience.curve.words", {
          metric: label(metric), rows: say(heldOut ? "audience.curve.held_out" : "audience.curve.training"),
          from: number(points[0][1]), first: points[0][0], to: number(points.at(-1)[1]), last: points.at(-1)[0],
        }))
      .join(" ");
  }
}
