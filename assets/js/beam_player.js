/** The slider over the steps of a search, and the button that goes through them by itself. */

import { make, text } from "./distribution_page.js";

const PACE_MS = 900;

export class Player {
  /** @param {(step: number) => void} moved @param {(dropped: boolean) => void} toggled  dropped candidates shown or not */
  constructor(moved, toggled) {
    this.moved = moved;
    this.play = make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": "play", onclick: () => (this.playing ? this.pause() : this.start()) });
    this.range = make("input", { type: "range", id: "pgb-step", min: 0, max: 0, step: 1, value: 0 });
    this.count = make("label", { for: "pgb-step", class: "pgb-count" });
    this.box = make("input", { type: "checkbox", checked: true, "data-action": "dropped" });
    this.sentence = make("p", { class: "pgb-account", role: "status" });
    const dropped = make("label", { class: "pgb-dropped" }, this.box, text("beam.show_dropped"));
    this.element = make("div", { class: "pgb-player" }, this.play, this.count, this.range, dropped, this.sentence);
    this.range.addEventListener("input", () => {
      this.pause();
      moved(Number(this.range.value));
    });
    this.box.addEventListener("change", () => toggled(this.box.checked));
    this.label();
  }

  get dropped() {
    return this.box.checked;
  }

  get playing() {
    return this.timer !== undefined;
  }

  get step() {
    return Number(this.range.value);
  }

  set step(step) {
    this.range.value = step;
    this.range.style.setProperty("--share", this.steps ? step / this.steps : 0);
    this.count.textContent = text("beam.step", { step, steps: this.steps });
  }

  /** The search has come so far. */
  reach(steps) {
    this.steps = steps;
    this.range.max = steps;
  }

  tell(sentence) {
    this.sentence.textContent = sentence;
  }

  /** From the beginning where the end is shown, else from here on. */
  start() {
    if (!this.steps) return;
    this.timer = setInterval(() => this.next(), PACE_MS);
    this.label();
    this.moved(this.step >= this.steps ? 0 : this.step + 1);
  }

  next() {
    if (this.element.checkVisibility()) this.moved(Math.min(this.step + 1, this.steps));
    if (this.step >= this.steps || !this.element.checkVisibility()) this.pause();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.label();
  }

  label() {
    this.play.textContent = text(this.playing ? "beam.pause" : "beam.play");
  }
}
