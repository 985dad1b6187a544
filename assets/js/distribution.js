/**
 * The picture of the next-token distribution. Python is asked once per text, for the logits of the whole vocabulary and
 * for what the model thought of the text's own tokens; every slider, draw and detail after that is worked out here.
 *
 * The component's value: `{state: "ready", logits (float32 as base64), trace, ids, drawn, prompt, chat, run, vocabulary,
 * model}`, `{state: "waiting"}` while no model is there, `{state: "empty"}` without a prompt, or `{state: "error",
 * message}`. One that was asked for by a link has `linked`, the model that the link was made with.
 */

import { Bars } from "./distribution_bars.js";
import { Context } from "./distribution_context.js";
import { Controls } from "./distribution_controls.js";
import { Draws } from "./distribution_draws.js";
import { Cut, Detail, Tiles } from "./distribution_facts.js";
import { read } from "./distribution_link.js";
import { explained, make, style, text } from "./distribution_page.js";
import { Probe } from "./distribution_probe.js";
import { Share } from "./distribution_share.js";
import { decode, Trace } from "./distribution_trace.js";
import { penalise, rank, roomFor, setApart, transform } from "./sampling.js";
import { vocabulary } from "./vocabulary.js";

const PENALTIES = ["repetition_penalty", "presence_penalty", "frequency_penalty"];

/** Mounts into a gr.HTML whose template holds an empty `.pgd`; see the tab contract in playground/ui/app.py. */
export async function mount(element, props, trigger, watch, server) {
  await style("css/distribution.css");
  const picture = new Picture(element.querySelector(".pgd"), props.settings, trigger, server);
  watch("value", () => picture.receive(props.value));
  window.addEventListener("hashchange", () => picture.follow());
  if (picture.follow()) return;
  if (props.value) picture.receive(props.value);
  else trigger("ask");
}

class Picture {
  constructor(root, settings, trigger, server) {
    this.root = root;
    this.trigger = trigger;
    this.settings = settings.map(({ name }) => name);
    this.controls = new Controls(settings, () => this.moved());
    this.context = new Context({ goTo: (drawn) => this.goTo(drawn), branch: (place, id) => this.goTo([id], place) });
    this.tiles = new Tiles();
    this.cut = new Cut();
    this.detail = new Detail(() => this.append(this.pointed));
    this.bars = new Bars((at) => this.pointAt(at), (at) => this.append(at));
    this.draws = new Draws(() => this.distribution, { one: (at) => this.append(at), many: (samples) => this.sampled(samples) });
    this.probe = new Probe((typed) => server.probe(typed), {
      append: (ids) => this.goTo([...this.value.drawn, ...ids]),
      changed: () => this.drawProbe(),
    });
    this.share = new Share(() => this.current());
    this.message = make("div", { class: "pgd-message", role: "status" });
    this.notice = make("p", { class: "pgd-notice", role: "status", hidden: true });
    this.arrange();
    this.say(text("distribution.asking"));
    window.addEventListener("playground:status", ({ detail }) => this.statusChanged(detail));
  }

  arrange() {
    const formula = explained(make("p", { class: "pgd-temperature" }, text("distribution.formula")), () => text("distribution.formula_help"));
    const side = make("div", { class: "pgd-side" }, this.controls.element, formula, this.draws.element);
    const parts = [this.tiles, this.cut, this.detail, this.probe, this.bars, this.share];
    const main = make("div", { class: "pgd-main" }, ...parts.map(({ element }) => element));
    this.body = make("div", { class: "pgd-body", hidden: true }, this.context.element, make("div", { class: "pgd-columns" }, side, main));
    this.root.replaceChildren(this.notice, this.message, this.body);
  }

  /** Shows what the address asks for, if it asks for anything. */
  follow() {
    const link = location.hash === playground.followed ? null : read(location.hash, this.settings);
    if (!link) return false;
    this.link = link;
    this.controls.apply(link.values, link.off);
    this.draws.seed.value = link.seed;
    this.context.shadeBy(link.heat);
    this.trigger("link", link);
    return true;
  }

  /** A new value from Python. */
  async receive(value) {
    this.value = value;
    if (value.state !== "waiting") this.arrived(value);
    if (value.state === "empty") return this.say(text("distribution.no_prompt"));
    if (value.state === "error") return this.say(playground.sentence(value.message), "error");
    if (value.state === "waiting") return this.statusChanged(playground.status ?? { state: "starting" });
    try {
      const tokens = await vocabulary(value.vocabulary);
      if (this.value === value) this.open(value, tokens);
    } catch (error) {
      this.say(playground.sentence(error.message), "error");
    }
    return undefined;
  }

  /** A link has done what it could, or something else was asked for since. */
  arrived({ linked, model }) {
    this.waitingSamples = linked === undefined ? 0 : (this.link?.samples ?? 0);
    if (this.link) playground.followed = location.hash;
    this.link = null;
    this.notice.hidden = !linked || !model || linked === model;
    if (!this.notice.hidden) this.notice.textContent = text("distribution.link_other_model", { wanted: linked, model });
  }

  open(value, tokens) {
    this.tokens = tokens;
    this.ranking = rank(decode(value.logits));
    this.apart = setApart(this.ranking, value.ids);
    this.room = roomFor(this.ranking);
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
    this.context.draw(value, tokens, new Trace(value.trace));
    this.bars.start(this.ranking.sorted.length);
    this.update();
    if (this.waitingSamples) this.draws.drawMany(this.waitingSamples);
    this.waitingSamples = 0;
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
    const penalties = PENALTIES.map((name) => values[name]).join();
    if (this.penalised?.penalties !== penalties) {
      this.penalised = { penalties, ranking: penalise(this.apart, values, this.room) };
    }
    this.distribution = transform(this.penalised.ranking, values, this.weights);
    this.render();
    performance.measure("playground:distribution", { start: started });
  }

  render() {
    const { ranking } = this.penalised;
    this.controls.report(this.distribution);
    this.tiles.draw(ranking, this.distribution);
    this.cut.draw(ranking, this.distribution, this.controls.values.temperature);
    this.bars.draw(ranking, this.distribution, this.tokens, this.draws.samples);
    this.pointAt(this.bars.chosen);
    this.drawProbe();
  }

  pointAt(at) {
    this.pointed = at;
    if (this.distribution) {
      this.detail.draw(this.penalised.ranking, this.distribution, this.controls.values, this.tokens, at, this.value.ids);
    }
  }

  drawProbe() {
    if (this.distribution) this.probe.draw(this.penalised.ranking, this.distribution, this.controls.values, this.tokens);
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

  /** Asks for the distribution after other tokens, and after no more than `keep` tokens of the prompt where given. */
  goTo(drawn, keep = null) {
    if (this.draws.one.disabled) return;
    this.draws.one.disabled = true;
    const { prompt, chat, run } = this.value;
    this.trigger("step", { prompt, chat, run, drawn, keep });
  }

  /** What is on the screen, for an address or a file. */
  current() {
    const { prompt, chat, run, drawn, model } = this.value;
    const { values, off } = this.controls.state;
    const { samples } = this.draws;
    const view = { model, prompt, chat, run, drawn, values, off, seed: this.draws.number, samples: (samples?.total ?? 0) / 1000, heat: this.context.kind.value };
    const { ranking } = this.penalised;
    const shown = { ranking, distribution: this.distribution, settings: this.controls.values, tokens: this.tokens, samples };
    const used = this.settings.map((name) => `${text(`setting.generation.${name}.label`)} ${this.controls.values[name]}`);
    const whole = `${prompt}${chat ? "" : this.value.text}`.replaceAll(/\s+/g, " ");
    const caption = [`${model}: “${whole.length > 64 ? `… ${whole.slice(-62)}` : whole}”`, used.join(" · ")];
    return { view, shown, rows: this.bars.rows.length, caption };
  }

  /** Waiting for a model ends, and a picture of a model that was replaced is drawn anew, without a click. */
  statusChanged(status) {
    const waiting = this.value?.state === "waiting";
    if (waiting) this.wait(status);
    const outdated = this.value?.state === "ready" && status.title !== this.value.model;
    if (status.state !== "ready" || !(waiting || outdated) || !this.root.checkVisibility()) return;
    if (this.link) this.trigger("link", this.link);
    else this.trigger("ask");
  }

  wait(status) {
    if (status.state === "ready") {
      this.say(text("distribution.asking"), "starting");
      return;
    }
    const share = typeof status.progress === "number" ? status.progress : undefined;
    const known = ["starting", "loading", "empty", "failed"].includes(status.state) ? status.state : "starting";
    this.say(text(`distribution.wait_${known}`, { model: status.title ?? "", reason: playground.sentence(status.error ?? "") }), known);
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
