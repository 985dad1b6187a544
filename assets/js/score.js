// A text before a reward model: the score after every token as a line, and what each token adds as its ground.

import { LiveFigure } from "./live_figure.js";
import { node, padded, path, plot } from "./rollouts_chart.js";
import { element } from "./status.js";
import { scaleOf, stripLegend, TokenStrip } from "./token_strip.js";

const say = (key, values) => playground.text(key, values);
const HEIGHT = 220;
const number = (value, digits = 3) => value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
const signed = (value) => (value < 0 ? number(value) : `+${number(value)}`);

export function mount(root, props, _tell, watch) {
  const panel = root.querySelector(".pp-panel");
  const view = new Score(panel);
  const draw = () => view.show(props.value || {});
  watch("value", draw);
  draw();
}

class Score {
  constructor(panel) {
    this.panel = panel;
    this.figure = new LiveFigure("score", (width) => (this.found ? this.draw(width) : null));
    this.figure.element.classList.add("pt-score");
  }

  show(found) {
    this.found = null;
    if (found.working) return this.tell(element("p", "pp-note", say("score.working")));
    if (found.error) {
      const line = element("p", "pp-error", playground.sentence(found.error));
      line.setAttribute("role", "alert");
      return this.tell(line);
    }
    if (!found.tokens) return this.tell();
    this.found = found;
    const { tokens, scores } = found;
    this.steps = scores.map((score, at) => (at ? score - scores[at - 1] : 0));
    this.strip = new TokenStrip({ label: say("score.tokens"), told: (at) => this.told(at), hint: say("score.hint"), look: (at) => this.point(at) });
    const total = element("p", "pt-score-total");
    total.setAttribute("role", "status");
    total.append(say("score.total", { name: found.name }), " ", element("strong", "", number(found.score)));
    const scale = scaleOf(this.steps.slice(found.answer)) || 1;
    const legend = element("p", "pt-figure-note");
    legend.append(say("score.legend"), " ", stripLegend(scale, (value) => number(value, 2)));
    this.tell(total, this.figure.element, this.strip.element, legend, ...(found.cut ? [element("p", "pp-note", say("score.cut"))] : []));
    this.strip.show(tokens, this.steps, scale);
    this.figure.refresh();
    return undefined;
  }

  tell(...parts) {
    this.panel.replaceChildren(...parts);
  }

  told(at) {
    const { tokens, scores, answer } = this.found;
    return say(at < answer ? "score.token.prompt" : "score.token", { token: tokens[at], score: number(scores[at]), step: signed(this.steps[at]) });
  }

  draw(width) {
    const { scores, answer } = this.found;
    const [from, to] = padded([...scores, 0]);
    const last = Math.max(1, scores.length - 1);
    const label = say("score.line", { score: number(scores.at(-1)), count: scores.length });
    const chart = plot({ width, height: HEIGHT, label, x: { from: 0, to: last, title: say("score.position") }, y: { from, to, title: say("score.score") } });
    const { X, Y, add, inside } = chart;
    add(node("line", { x1: inside.left, x2: inside.right, y1: Y(0), y2: Y(0), stroke: "var(--edge)", "stroke-dasharray": "2 3" }));
    if (answer > 0 && answer <= last) {
      add(
        node("line", { x1: X(answer), x2: X(answer), y1: inside.top, y2: inside.bottom, stroke: "var(--edge)", "stroke-dasharray": "4 3" }),
        node("text", { x: Math.min(X(answer) + 4, inside.right - 60), y: inside.top + 8, fill: "var(--quiet)" }, say("score.answer.begins")),
      );
    }
    const points = scores.map((score, at) => [X(at), Y(score)]);
    add(path(points.slice(0, answer + 1), { stroke: "var(--edge)", "stroke-width": 1.6 }));
    add(path(points.slice(answer), { stroke: "var(--pgr-blue)", "stroke-width": 2 }));
    this.dot = node("circle", { r: 5, fill: "var(--pgr-orange)", cx: points.at(-1)[0], cy: points.at(-1)[1] });
    this.points = points;
    add(this.dot);
    return chart.svg;
  }

  /** Marks on the line the token that is read. */
  point(at) {
    if (!this.points) return;
    this.dot.setAttribute("cx", this.points[at][0]);
    this.dot.setAttribute("cy", this.points[at][1]);
  }
}
