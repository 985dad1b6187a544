// Answers to the fixed held-out prompts, with a slider back through the steps at which they were taken.

import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);

export class Samples {
  constructor() {
    this.steps = new Map(); // step -> answers by prompt
    this.follows = true; // the newest step, until the reader goes back
    this.element = element("section", "pt-samples");
    this.element.hidden = true;
    this.title = element("h3", "", say("train.samples"));
    this.slider = element("input");
    Object.assign(this.slider, { type: "range", min: 0, step: 1, id: "train-samples-step" });
    this.slider.addEventListener("input", () => this.scrub());
    this.label = element("label", "pt-samples-label");
    this.label.htmlFor = this.slider.id;
    const bar = element("div", "pt-samples-bar");
    bar.append(this.label, this.slider);
    this.cards = element("div", "pt-samples-cards");
    this.element.append(this.title, element("p", "pp-note", say("train.samples.help")), bar, this.cards);
  }

  add({ step, index, prompt, answer, reference }) {
    if (!this.steps.has(step)) this.steps.set(step, []);
    this.steps.get(step)[index] = { prompt, answer, reference };
    this.changed = true;
  }

  /** Takes back the answers after this step. */
  cut(step) {
    for (const taken of [...this.steps.keys()]) if (taken > step) this.steps.delete(taken);
    this.element.hidden = !this.steps.size;
    this.changed = this.steps.size > 0;
  }

  /** Draws what was added since the last time. */
  draw() {
    if (!this.changed) return;
    this.changed = false;
    this.element.hidden = false;
    this.order = [...this.steps.keys()].sort((one, other) => one - other);
    this.slider.max = this.order.length - 1;
    if (this.follows) this.slider.value = this.order.length - 1;
    this.show();
  }

  scrub() {
    this.follows = Number(this.slider.value) === this.order.length - 1;
    this.show();
  }

  show() {
    const step = this.order[Number(this.slider.value)];
    this.label.textContent = say("train.samples.step", { step, last: this.order.at(-1) });
    this.slider.setAttribute("aria-valuetext", this.label.textContent);
    const before = this.steps.get(this.order[0]);
    this.cards.replaceChildren(...this.steps.get(step).map((sample, index) => this.card(sample, before[index], step)));
  }

  card({ prompt, answer, reference }, first, step) {
    const card = element("article", "pp-card pt-sample");
    card.append(part("prompt", prompt), part("answer", answer));
    if (step !== this.order[0] && first) card.append(part("before", first.answer));
    card.append(part("reference", reference));
    return card;
  }
}

function part(name, text) {
  const box = element("div", `pt-sample-${name}`);
  box.append(element("h4", "", say(`train.samples.${name}`)), element("p", "", text || say("train.samples.nothing")));
  return box;
}
