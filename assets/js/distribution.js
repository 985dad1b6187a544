/**
 * The picture of the next-token distribution. Python is asked once per prompt, for the logits of the whole vocabulary;
 * every slider, draw and detail after that is worked out here, over all of them.
 *
 * The component's value: `{state: "ready", logits (float32 as base64), ids, drawn, prompt, chat, run, vocabulary, model}`,
 * `{state: "waiting"}` while no model is there, `{state: "empty"}` without a prompt, or `{state: "error", message}`.
 */

import { Bars } from "./distribution_bars.js";
import { Context } from "./distribution_context.js";
import { controls } from "./distribution_controls.js";
import { Draws } from "./distribution_draws.js";
import { Cut, Detail, Tiles } from "./distribution_facts.js";
import { explained, make, text } from "./distribution_page.js";
import { penalise, rank, transform } from "./sampling.js";

const VOCABULARIES = new Map();

/** Mounts into a gr.HTML whose template holds an empty `.pgd`; see the tab contract in playground/ui/app.py. */
export async function mount(element, props, trigger, watch) {
  await style(playground.asset("css/distribution.css"));
  const picture = new Picture(element.querySelector(".pgd"), props.settings, trigger);
  watch("value", () => picture.receive(props.value));
  if (props.value) picture.receive(props.value);
  else trigger("ask");
}

function style(address) {
  if (document.querySelector(`link[href="${address}"]`)) return undefined;
  const link = make("link", { rel: "stylesheet", href: address });
  document.head.append(link);
  return new Promise((done) => (link.onload = link.onerror = done));
}

class Picture {
  constructor(root, settings, trigger) {
    this.root = root;
    this.trigger = trigger;
    this.controls = controls(settings, () => this.moved());
    this.context = new Context((drawn) => this.goTo(drawn));
    this.tiles = new Tiles();
    this.cut = new Cut();
    this.detail = new Detail();
    this.bars = new Bars((at) => this.pointAt(at));
    this.draws = new Draws(() => this.distribution, { one: (at) => this.append(at), many: (samples) => this.sampled(samples) });
    this.message = make("div", { class: "pgd-message", role: "status" });
    const formula = explained(make("p", { class: "pgd-temperature" }, text("distribution.formula")), () => text("distribution.formula_help"));
    const side = make("div", { class: "pgd-side" }, this.controls.element, formula, this.draws.element);
    const main = make("div", { class: "pgd-main" }, this.tiles.element, this.cut.element, this.detail.element, this.bars.element);
    this.body = make("div", { class: "pgd-body", hidden: true }, this.context.element, make("div", { class: "pgd-columns" }, side, main));
    root.replaceChildren(this.message, this.body);
    this.say(text("distribution.asking"));
    window.addEventListener("playground:status", ({ detail }) => this.statusChanged(detail));
  }

  /** A new value from Python. */
  async receive(value) {
    this.value = value;
    if (value.state === "empty") return this.say(text("distribution.no_prompt"));
    if (value.state === "error") return this.say(value.message, "error");
    if (value.state === "waiting") return this.statusChanged(playground.status ?? { state: "starting" });
    try {
      const tokens = await vocabulary(value.vocabulary);
      if (this.value === value) this.open(value, tokens);
    } catch (error) {
      this.say(error.message, "error");
    }
    return undefined;
  }

  open(value, tokens) {
    this.tokens = tokens;
    this.ranking = rank(decode(value.logits));
    this.penalised = null;
    this.distribution = null;
    this.weights = new Float64Array(this.ranking.sorted.length);
    this.message.hidden = true;
    this.body.hidden = false;
    this.root.dataset.state = "ready";
    this.root.dataset.steps = value.drawn.length;
    this.draws.step = value.drawn.length;
    this.draws.clear();
    this.draws.one.disabled = false;
    this.context.draw(value, tokens);
    this.bars.start(this.ranking.sorted.length);
    this.update();
  }

  /** A slider moved: at most one update per frame, the last position wins. */
  moved() {
    if (this.pending || !this.ranking) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = null;
      this.draws.clear();
      this.update();
    });
  }

  update() {
    const started = performance.now();
    const { values } = this.controls;
    const { ids } = this.value;
    const penalties = ["repetition_penalty", "presence_penalty", "frequency_penalty"].map((name) => values[name]).join();
    if (this.penalised?.penalties !== penalties) {
      this.penalised = { penalties, ranking: penalise(this.ranking, ids, values) };
    }
    this.distribution = transform(this.penalised.ranking, values, this.weights);
    this.render();
    performance.measure("playground:distribution", { start: started });
  }

  render() {
    const { ranking } = this.penalised;
    this.tiles.draw(ranking, this.distribution);
    this.cut.draw(ranking, this.distribution, this.controls.values.temperature);
    this.bars.draw(ranking, this.distribution, this.tokens, this.draws.samples);
    this.pointAt(this.bars.chosen);
  }

  pointAt(at) {
    if (this.distribution) this.detail.draw(this.penalised.ranking, this.distribution, this.controls.values, this.tokens, at);
  }

  sampled(samples) {
    if (!this.distribution) return;
    const { ranking } = this.penalised;
    this.bars.draw(ranking, this.distribution, this.tokens, samples);
    if (samples) this.draws.report(ranking, this.tokens);
  }

  append(at) {
    this.goTo([...this.value.drawn, this.penalised.ranking.order[at]]);
  }

  goTo(drawn) {
    this.draws.one.disabled = true;
    const { prompt, chat, run } = this.value;
    this.trigger("step", { prompt, chat, run, drawn });
  }

  /** Waiting for a model ends, and a picture of a model that was replaced is drawn anew, without a click. */
  statusChanged(status) {
    const waiting = this.value?.state === "waiting";
    if (waiting) this.wait(status);
    const outdated = this.value?.state === "ready" && status.title !== this.value.model;
    if (status.state === "ready" && (waiting || outdated) && this.root.checkVisibility()) this.trigger("ask");
  }

  wait(status) {
    if (status.state === "ready") {
      this.say(text("distribution.asking"), "starting");
      return;
    }
    const share = typeof status.progress === "number" ? status.progress : undefined;
    const known = ["starting", "loading", "empty", "failed"].includes(status.state) ? status.state : "starting";
    this.say(text(`distribution.wait_${known}`, { model: status.title ?? "", reason: status.error ?? "" }), known);
    if (known === "failed" || known === "empty") return;
    const bar = make("progress", { "aria-label": text("distribution.progress") });
    if (share !== undefined) bar.value = share;
    this.message.append(bar, make("small", {}, status.stage ?? ""));
  }

  say(sentence, kind = "hint") {
    this.body.hidden = true;
    this.message.hidden = false;
    this.root.dataset.state = kind;
    this.message.replaceChildren(make("p", {}, sentence));
  }
}

/** The texts of all tokens by id; fetched once per tokenizer. */
async function vocabulary(id) {
  if (!VOCABULARIES.has(id)) {
    const answer = await fetch(playground.url(`vocabulary?id=${encodeURIComponent(id)}`));
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error);
    VOCABULARIES.set(id, body);
  }
  return VOCABULARIES.get(id);
}

/** base64 of little-endian float32 -> Float32Array */
function decode(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}
