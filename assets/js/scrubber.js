// A slider through the steps of a run, and what is kept of them.

import { element } from "./status.js";

const MOST = 400;

/** What was seen at each step. Of a long run every second, fourth, … step is kept, and always the newest. */
export class Steps {
  constructor(most = MOST) {
    this.most = most;
    this.stride = 1;
    this.kept = new Map();
    this.order = [];
  }

  get size() {
    return this.order.length;
  }

  get first() {
    return this.order[0];
  }

  get last() {
    return this.order.at(-1);
  }

  has(step) {
    return this.kept.has(step);
  }

  get(step) {
    return this.kept.get(step);
  }

  /** Steps come in rising order; one that is there already is replaced. */
  set(step, data) {
    if (this.size && !this.has(step) && (this.last - this.first) % this.stride) this.drop(this.last);
    if (!this.has(step)) this.order.push(step);
    this.kept.set(step, data);
    if (this.size > this.most) this.thin();
  }

  /** Takes back what came after a step. */
  cut(step) {
    for (const taken of this.order.filter((one) => one > step)) this.drop(taken);
  }

  /** The newest kept step at or before this one, else the first. */
  nearest(step) {
    return this.order.findLast((one) => one <= step) ?? this.first;
  }

  drop(step) {
    this.kept.delete(step);
    this.order = this.order.filter((one) => one !== step);
  }

  thin() {
    this.stride *= 2;
    const [first, last] = [this.first, this.last];
    for (const step of this.order) if ((step - first) % this.stride && step !== last) this.drop(step);
  }
}

/** A slider through steps that stays at the newest until the reader goes back. */
export class Scrubber {
  /** @param {string} id @param {{words: (step: number, last: number) => string, pick: (step: number) => void}} wanted */
  constructor(id, { words, pick }) {
    Object.assign(this, { words, pick, order: [], follows: true });
    this.slider = element("input");
    Object.assign(this.slider, { type: "range", min: 0, step: 1, id });
    this.slider.addEventListener("input", () => this.move());
    this.label = element("label", "pt-scrubber-label");
    this.label.htmlFor = id;
    this.element = element("div", "pt-scrubber");
    this.element.append(this.label, this.slider);
  }

  /** The step that is shown. */
  get step() {
    return this.order[Number(this.slider.value)];
  }

  /**
   * Takes the steps that there are now.
   * @param {number[]} order  rising, at least one
   * @param {boolean} [holds]  stays where it is for now: somebody reads what is shown
   */
  show(order, holds = false) {
    const before = this.step;
    this.order = order;
    this.slider.max = order.length - 1;
    const place = order.findLastIndex((step) => step <= before);
    this.slider.value = (this.follows && !holds) || place < 0 ? order.length - 1 : place;
    this.slider.disabled = order.length < 2;
    this.write();
  }

  /** The label goes along at once; what is picked is told once per frame, the last position wins. */
  move() {
    this.follows = Number(this.slider.value) === this.order.length - 1;
    this.write();
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.pick(this.step);
    });
  }

  write() {
    this.label.textContent = this.words(this.step, this.order.at(-1));
    this.slider.setAttribute("aria-valuetext", this.label.textContent);
  }
}

/** A panel of a run's live view that shows what was seen at one step; `show(step)` draws it, `add` sets `changed`. */
export class StepPanel {
  /** @param {string} name  its class @param {string} id  the slider's @param {(step: number, last: number) => string} words */
  constructor(name, id, words) {
    this.steps = new Steps();
    this.element = element("section", name);
    this.element.hidden = true;
    this.scrubber = new Scrubber(id, { words, pick: (step) => this.show(step) });
  }

  /** Takes back what came after a step. */
  cut(step) {
    this.steps.cut(step);
    this.element.hidden = !this.steps.size;
    this.changed = this.steps.size > 0;
  }

  /** Draws what was added since the last time. */
  draw() {
    if (!this.changed) return;
    this.changed = false;
    this.element.hidden = false;
    this.scrubber.show(this.steps.order);
    this.show(this.scrubber.step);
  }
}
