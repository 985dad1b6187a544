// Answers to the fixed held-out prompts, with a slider back through the steps at which they were taken.

import { StepPanel } from "./scrubber.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);

export class Samples extends StepPanel {
  constructor() {
    super("pt-samples", "train-samples-step", (step, last) => say("train.samples.step", { step, last }));
    this.title = element("h3", "", say("train.samples"));
    this.cards = element("div", "pt-samples-cards");
    this.element.append(this.title, element("p", "pp-note", say("train.samples.help")), this.scrubber.element, this.cards);
  }

  add({ kind, step, index, prompt, answer, reference }) {
    if (kind !== "sample") return;
    if (!this.steps.has(step)) this.steps.set(step, []);
    this.steps.get(step)[index] = { prompt, answer, reference };
    this.changed = true;
  }

  show(step) {
    const before = this.steps.get(this.steps.first);
    this.cards.replaceChildren(...this.steps.get(step).map((sample, index) => this.card(sample, before[index], step)));
  }

  card({ prompt, answer, reference }, first, step) {
    const card = element("article", "pp-card pt-sample");
    card.append(part("prompt", prompt), part("answer", answer));
    if (step !== this.steps.first && first) card.append(part("before", first.answer));
    card.append(part("reference", reference));
    return card;
  }
}

function part(name, text) {
  const box = element("div", `pt-sample-${name}`);
  box.append(element("h4", "", say(`train.samples.${name}`)), element("p", "", text || say("train.samples.nothing")));
  return box;
}
