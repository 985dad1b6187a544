// The panel of a reward model: one slider through the evaluations, and under it how the held-out pairs were ranked. What
// the snapshots hold is said in playground/training/ranking.py.

import { Preference, Reliability, Scores } from "./reward_figures.js";
import { Scrubber, Steps } from "./scrubber.js";
import { WhenSeen } from "./seen.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const number = (value) => value.toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).replace("-", "−");

export class Reward {
  constructor() {
    this.scores = new Steps();
    this.worst = new Steps();
    this.figures = [new Scores(), new Preference(), new Reliability()];
    this.scrubber = new Scrubber("train-reward-step", { words: (step, last) => say("train.reward.step", { step, last }), pick: (step) => this.show(step) });
    this.pairs = element("div", "pt-reward-pairs");
    const row = element("div", "pt-reward-figures");
    row.append(...this.figures.map((figure) => figure.element));
    this.element = element("section", "pt-reward");
    this.element.hidden = true;
    this.element.append(
      element("h3", "pt-reward-title", say("train.reward.title")), this.scrubber.element, row,
      element("h4", "", say("train.reward.worst")), element("p", "pp-note", say("train.reward.worst.help")), this.pairs,
    );
    this.seen = new WhenSeen(this.element, () => this.show(this.scrubber.step));
  }

  add({ kind, step, name, data }) {
    if (kind !== "snapshot") return;
    if (name === "reward.scores") this.scores.set(step, data);
    else if (name === "reward.worst") this.worst.set(step, data.pairs);
    else return;
    this.changed = true;
  }

  cut(step) {
    for (const steps of [this.scores, this.worst]) steps.cut(step);
    this.element.hidden = !this.scores.size;
    this.changed = true;
  }

  draw() {
    if (!this.changed) return;
    this.changed = false;
    this.element.hidden = !this.scores.size;
    if (!this.scores.size) return;
    this.scrubber.show(this.scores.order, this.pairs.matches(":hover, :focus-within"));
    this.seen.want();
  }

  show(step) {
    const data = this.scores.get(step);
    if (!data || this.shown === data) return;
    this.shown = data;
    for (const figure of this.figures) figure.show(data);
    const worst = this.worst.size ? this.worst.get(this.worst.nearest(step)) : [];
    this.pairs.replaceChildren(...worst.map(card));
  }

  remove() {
    this.seen.remove();
    for (const figure of this.figures) figure.remove();
  }
}

/** A pair with its texts and scores. */
function card({ row, prompt, chosen, rejected, scores }) {
  const box = element("article", "pp-card pt-reward-pair");
  const margin = scores[0] - scores[1];
  const verdict = element("p", margin > 0 ? "pp-good" : "pp-bad", say(margin > 0 ? "train.reward.is_right" : "train.reward.is_wrong", { margin: number(margin) }));
  const head = element("div", "pt-reward-head");
  head.append(verdict, element("span", "pp-note", say("train.reward.row", { row })));
  box.append(head, element("p", "pt-reward-prompt", prompt), side("chosen", chosen, scores[0]), side("rejected", rejected, scores[1]));
  return box;
}

function side(name, text, score) {
  const box = element("div", `pt-reward-side pt-reward-${name}`);
  const head = element("h5", "", say(`train.reward.${name}`));
  head.append(element("span", "pt-reward-score", number(score)));
  box.append(head, element("p", "", text));
  return box;
}
