// A held-out pair, token by token: how much likelier or less likely the policy finds each than its reference does, and
// what that earns as implicit reward β·log(π/π_ref). The ratios are sent; β is the reader's.

import { help } from "./distribution_page.js";
import { Scrubber, Steps } from "./scrubber.js";
import { element } from "./status.js";
import { scaleOf, stripLegend, TokenStrip } from "./token_strip.js";

const say = (key, values) => playground.text(key, values);
const SIDES = ["chosen", "rejected"];
const [LEAST, MOST, PARTS] = [0.001, 10, 400]; // β, on a slider that goes by factors

const number = (value, digits = 2) => value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
export const signed = (value, digits = 2) => `${value < 0 ? "−" : "+"}${number(Math.abs(value), digits)}`;
export const precise = (value) => value.toLocaleString(undefined, { maximumSignificantDigits: 3 });
/** How many times as likely, from a difference of log-probabilities. */
export const factor = (ratio) => Math.exp(ratio).toLocaleString(undefined, { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
/** What is not shown of an answer, in words behind a sentence. */
export const left = ({ count, tokens }) => (count > tokens.length ? ` ${say("train.dpo.left", { shown: tokens.length, count })}` : "");

/** Place on the slider of a β. */
export const placeOf = (beta) => Math.round((PARTS * Math.log(beta / LEAST)) / Math.log(MOST / LEAST));
/** β at a place on the slider, to three digits: fewer would lie further apart than places do. */
export const betaAt = (place) => Number((LEAST * (MOST / LEAST) ** (place / PARTS)).toPrecision(3));
/** P(preferred ≻ rejected) by Bradley and Terry, from the difference of the rewards. */
export const preferred = (margin) => 1 / (1 + Math.exp(-margin));

export class PairTokens {
  constructor() {
    this.pairs = new Map(); // index -> Steps
    this.chosen = 0;
    this.element = element("section", "pt-figure pt-dpo");
    this.element.dataset.figure = "dpo-tokens";
    this.element.hidden = true;
    const head = element("div", "pt-figure-head");
    const { title, words } = this.heading();
    head.append(element("h3", "", title), help(title, () => words));
    this.scrubber = new Scrubber("dpo-tokens-step", { words: (step, last) => say("train.dpo.step", { step, last }), pick: () => this.show() });
    this.pick = element("div", "pt-dpo-picks");
    this.pick.setAttribute("role", "group");
    this.pick.setAttribute("aria-label", say("train.dpo.pairs"));
    this.prompt = element("p", "pt-dpo-prompt");
    this.sides = SIDES.map((name) => this.side(name));
    this.sums = element("p", "pt-dpo-sums");
    this.sums.setAttribute("role", "status");
    this.legend = element("p", "pt-figure-note");
    const columns = element("div", "pt-dpo-sides");
    columns.append(...this.sides.map(({ box }) => box));
    this.element.append(head, this.pick, this.scrubber.element, this.betaRow(), this.prompt, columns, this.sums, this.legend);
  }

  heading() {
    return { title: say("train.dpo.tokens"), words: say("train.dpo.tokens.help") };
  }

  betaRow() {
    this.slider = element("input");
    Object.assign(this.slider, { type: "range", min: 0, max: PARTS, step: 1, id: "dpo-tokens-beta" });
    this.slider.addEventListener("input", () => this.weigh(betaAt(Number(this.slider.value))));
    this.label = element("label", "pt-scrubber-label");
    this.label.htmlFor = this.slider.id;
    this.back = element("button", "pt-dpo-pick", "");
    this.back.type = "button";
    this.back.addEventListener("click", () => this.weigh(this.given));
    const row = element("div", "pt-scrubber pt-dpo-beta");
    row.append(this.label, this.slider, this.back);
    return row;
  }

  side(name) {
    const box = element("div", `pt-dpo-side pt-dpo-${name}`);
    const title = element("h4", "", say(`train.dpo.${name}`));
    const told = (at) => this.told(name, at);
    const strip = new TokenStrip({ label: say(`train.dpo.${name}.tokens`), told, hint: say("train.dpo.hint") });
    const sum = element("p", "pt-dpo-sum");
    box.append(title, sum, strip.element);
    return { name, box, strip, sum };
  }

  add({ kind, step, name, data }) {
    if (kind !== "snapshot" || name !== "dpo.tokens") return;
    if (!this.pairs.has(data.index)) this.pairs.set(data.index, new Steps());
    this.pairs.get(data.index).set(step, data);
    if (this.given === undefined) this.given = this.beta = data.beta;
    this.changed = true;
  }

  cut(step) {
    for (const steps of this.pairs.values()) steps.cut(step);
    this.element.hidden = !this.pairs.get(0)?.size;
    this.changed = !this.element.hidden;
  }

  draw() {
    if (!this.changed) return;
    this.changed = false;
    this.element.hidden = false;
    this.buttons();
    this.scrubber.show(this.pairs.get(0).order);
    this.show();
  }

  buttons() {
    if (this.pick.childElementCount === this.pairs.size) return;
    this.pick.replaceChildren(...[...this.pairs.keys()].map((index) => this.button(index)));
  }

  button(index) {
    const button = element("button", "pt-dpo-pick", say("train.dpo.pair", { number: index + 1 }));
    button.type = "button";
    button.addEventListener("click", () => {
      this.chosen = index;
      this.show();
    });
    return button;
  }

  /** The chosen pair at the chosen step. */
  show() {
    [...this.pick.children].forEach((button, place) => button.setAttribute("aria-pressed", String(place === this.chosen)));
    const steps = this.pairs.get(this.chosen);
    this.data = steps.get(steps.nearest(this.scrubber.step));
    // One scale for all steps and for both sides, in log-ratios, so that a run can be seen to grow.
    const all = steps.order.flatMap((step) => SIDES.flatMap((side) => steps.get(step)[side].ratios));
    this.ratioScale = scaleOf(all) || 1;
    this.prompt.textContent = this.data.prompt;
    for (const { name, strip } of this.sides) {
      const shown = `${this.chosen}:${name}`;
      const tokens = this.data[name].tokens;
      if (strip.of !== shown) strip.show(tokens, [], 1);
      strip.of = shown;
    }
    this.weigh(this.beta);
  }

  /** Everything that hangs on β. */
  weigh(beta) {
    this.beta = beta;
    this.slider.value = placeOf(beta);
    this.label.textContent = say("train.dpo.beta", { beta: precise(beta) });
    this.slider.setAttribute("aria-valuetext", precise(beta));
    this.back.textContent = say("train.dpo.beta.back", { beta: precise(this.given) });
    this.back.disabled = beta === this.given;
    const scale = this.given * this.ratioScale; // of the run's own β: a smaller one pales, a larger one darkens
    for (const { name, strip, sum } of this.sides) {
      const side = this.data[name];
      strip.paint(side.ratios.map((ratio) => beta * ratio), scale);
      sum.textContent = say("train.dpo.sum", { ratio: signed(side.sum), beta: precise(beta), reward: signed(beta * side.sum) }) + left(side);
    }
    const margin = beta * (this.data.chosen.sum - this.data.rejected.sum);
    this.sums.textContent = say("train.dpo.margin", { margin: signed(margin), share: `${number(100 * preferred(margin), 1)} %`, loss: number(Math.log1p(Math.exp(-margin)), 3) });
    this.legend.replaceChildren(say("train.dpo.legend"), " ", stripLegend(scale, precise));
  }

  told(name, at) {
    const { tokens, ratios } = this.data[name];
    const values = { token: tokens[at], ratio: signed(ratios[at], 3), factor: factor(ratios[at]), reward: signed(this.beta * ratios[at], 3), beta: precise(this.beta) };
    return say("train.dpo.token", values);
  }
}
