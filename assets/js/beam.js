/**
 * The Beam search view. Python searches and tells the record so far a few times a second; the tree, its slider, the
 * list and the files are made here from that record.
 *
 * The component's value: `{state: "waiting", ahead}` in line, `{state: "searching" | "comparing" | "done", …}` with what
 * `beam_search.js` describes and `greedy`, `drawn`, `prompt`, `chat`, `run`, `model`, `vocabulary`, or
 * `{state: "error", message}`. `asked` names the search; one asked for by a link has `linked`, the link's model.
 */

import { Controls } from "./beam_controls.js";
import { account, Beams, Detail, Table } from "./beam_facts.js";
import { read } from "./beam_link.js";
import { Player } from "./beam_player.js";
import { Rivals } from "./beam_rivals.js";
import { joined, Search } from "./beam_search.js";
import { Share } from "./beam_share.js";
import { Tree } from "./beam_tree.js";
import { count, explained, make, style, text } from "./distribution_page.js";
import { vocabulary } from "./vocabulary.js";

const LEGEND = ["alive", "kept", "pruned", "finished", "path"];

/** Mounts into a gr.HTML whose template holds an empty `.pgb`; see the tab contract in playground/ui/app.py. */
export async function mount(element, props, trigger, watch) {
  await Promise.all([style("css/distribution.css"), style("css/beam.css")]);
  const view = new View(element.querySelector(".pgb"), props.settings, trigger);
  watch("value", () => view.receive(props.value));
  window.addEventListener("hashchange", () => view.follow());
  view.follow();
}

class View {
  constructor(root, settings, trigger) {
    Object.assign(this, { root, settings, trigger, asked: 0, chosen: null, pointed: null });
    this.controls = new Controls(settings, { search: () => this.begin(), stop: () => this.stop() });
    this.status = make("div", { class: "pgb-status", role: "status" });
    this.notice = make("p", { class: "pgd-notice", role: "alert", hidden: true });
    this.player = new Player((step) => this.show(step), (dropped) => this.redraw(dropped));
    this.detail = new Detail();
    this.tree = new Tree({ look: (at) => this.look(at), hold: (at) => this.choose(at === this.chosen ? null : at) });
    this.leftOut = make("p", { class: "pgd-hint" });
    this.beams = new Beams((at) => this.choose(at, true));
    this.rivals = new Rivals();
    this.table = new Table();
    this.share = new Share(() => this.current());
    this.arrange();
    this.say(text("beam.empty"));
    window.addEventListener("playground:status", ({ detail }) => this.follow(detail));
  }

  arrange() {
    const keys = LEGEND.map((kind) => explained(make("span", { class: `pgb-key pgb-key-${kind}` }, make("i", {}), text(`beam.legend_${kind}`)), () => text(`beam.legend_${kind}_help`)));
    const note = make("p", { class: "pgd-hint" }, text("beam.numbers"));
    const foot = make("div", { class: "pgb-foot" }, make("div", { class: "pgb-legend" }, ...keys), note, this.leftOut);
    const picture = make("section", { class: "pgb-picture" }, this.player.element, this.detail.element, this.tree.element, foot);
    this.body = make("div", { class: "pgb-body", hidden: true }, picture, this.beams.element, this.rivals.element, this.table.element, this.share.element);
    this.root.replaceChildren(this.controls.element, this.notice, this.status, this.body);
  }

  begin() {
    this.unlink();
    this.ask("search", { ...this.controls.values });
  }

  /** Whatever is asked for after a link takes its place. */
  unlink() {
    if (this.link) playground.followed = this.hash;
    this.link = null;
  }

  ask(event, data) {
    this.asked += 1;
    this.controls.busy = true;
    this.notice.hidden = true;
    this.waits(0);
    this.trigger(event, { ...data, asked: this.asked });
  }

  /** The server stops at its next token; what there is by now stays. */
  stop() {
    this.trigger("stop");
    this.unlink();
    this.asked += 1;
    this.controls.busy = false;
    if (this.search && this.search.asked === this.asked - 1) {
      this.search.stopped = true;
      this.show(this.player.step);
      this.say(text("beam.stopped", { step: this.search.steps }));
    } else this.say(this.search ? "" : text("beam.empty"));
  }

  /** Searches for what the address asks for, if it asks for anything, as soon as there is a model. */
  follow(status = playground.status) {
    const link = location.hash === playground.followed ? null : read(location.hash, this.settings);
    if (!link || this.link || status?.state !== "ready") return;
    this.link = link;
    this.hash = location.hash;
    this.controls.apply(link.settings);
    const { prompt, chat, run, model } = link;
    this.ask("link", { prompt, chat, run, model, settings: this.controls.values });
  }

  /** A new value from Python; of a search that was stopped nothing more is shown. */
  async receive(value) {
    if (!value || value.asked !== this.asked) return;
    if (value.linked !== undefined && this.link) this.arrived(value);
    if (value.state === "error") return this.refused(playground.sentence(value.message));
    if (value.state === "waiting") return this.waits(value.ahead);
    this.newest = value;
    try {
      const texts = await vocabulary(value.vocabulary);
      if (this.newest === value && value.asked === this.asked) this.draw(value, texts);
    } catch (error) {
      this.refused(playground.sentence(error.message));
    }
    return undefined;
  }

  arrived({ linked, model }) {
    playground.followed = this.hash;
    this.notice.hidden = !linked || !model || linked === model;
    if (!this.notice.hidden) this.notice.textContent = text("distribution.link_other_model", { wanted: linked, model });
  }

  draw(value, texts) {
    const fresh = this.search?.asked !== value.asked;
    const following = fresh || this.player.step === this.search.steps;
    this.search = new Search(value, texts);
    if (fresh) {
      this.chosen = this.pointed = null;
      this.player.pause();
      this.tree.start(value.longest, this.player.dropped);
    }
    this.tree.grow(this.search);
    this.body.hidden = false;
    this.player.reach(this.search.steps, value.longest);
    if (value.state !== "done") this.tell(value);
    if (following) this.player.step = this.search.steps;
    if (value.state === "done") this.finish();
    this.show(this.player.step);
  }

  finish() {
    this.controls.busy = false;
    const { steps, beams } = this.search;
    this.say(text("beam.done", { steps, beams, considered: count(this.search.tokens.length) }));
    const { link } = this;
    this.link = null;
    this.tree.rewind();
    if (!link) return;
    if (link.beam !== null) this.chosen = this.search.finished[link.beam - 1] ?? null;
    if (link.step !== null) this.player.step = Math.min(link.step, steps);
  }

  tell({ state, steps, longest }) {
    this.root.dataset.state = state;
    const words = text(`beam.${state}`, { step: steps, longest });
    const bar = make("progress", { "aria-label": words });
    if (state === "searching") bar.value = steps / longest;
    this.status.replaceChildren(make("span", {}, words), bar);
  }

  waits(ahead) {
    this.root.dataset.state = "waiting";
    this.status.replaceChildren(make("span", {}, text(ahead ? "beam.ahead" : "beam.asking", { ahead })), make("progress", { "aria-label": text("beam.asking") }));
  }

  refused(message) {
    this.controls.busy = false;
    this.unlink();
    this.say("", "error");
    this.notice.hidden = false;
    this.notice.textContent = message;
  }

  say(sentence, state = "quiet") {
    this.root.dataset.state = state;
    this.status.replaceChildren(make("span", {}, sentence));
  }

  /** The picture as it is after a step. */
  show(step) {
    const { search } = this;
    this.player.step = step;
    this.player.tell(account(search, step));
    this.tree.show(step, new Set(this.brought(step)));
    this.look(this.pointed);
    this.beams.draw(search, step, this.chosen);
    this.rivals.draw(search);
    this.table.draw(search, step);
    this.root.dataset.step = step;
    const left = this.tree.layout.left;
    this.leftOut.textContent = left ? text("beam.left_out", { count: count(left), total: count(search.fates.filter((fate) => fate === "pruned" || fate === "late").length) }) : "";
    const newest = this.tree.layout.columns[step];
    if (step > 0 && (this.player.playing || !search.over)) this.tree.reveal(newest[Math.floor(newest.length / 2)]);
  }

  /** The text that is spoken of while none is pointed at: the one that was chosen, as far as it is shown, or the best. */
  standing(step) {
    const { search, chosen } = this;
    if (chosen !== null) return step < 1 || chosen < 0 ? -1 : (search.path(chosen)[step - 1] ?? chosen);
    return (search.over && step === search.steps ? search.finished[0] : search.open(step)[0]) ?? -1;
  }

  /** The places of the text that is brought out: the one that was chosen, else the best final beam. */
  brought(step) {
    const { search, chosen } = this;
    const final = search.over && step === search.steps;
    return chosen === null && !final ? [] : [-1, ...search.path(chosen ?? search.finished[0])];
  }

  look(at) {
    this.pointed = at;
    if (this.search) this.detail.draw(this.search, at ?? this.standing(this.player.step), this.player.step);
  }

  choose(at, whole = false) {
    this.chosen = at;
    this.pointed = null;
    this.player.pause();
    this.show(whole && at !== null ? Math.max(this.player.step, this.search.step(at)) : this.player.step);
    if (whole && at !== null) this.tree.reveal(at);
  }

  /** Draws the tree anew, with or without what was dropped. */
  redraw(dropped) {
    if (!this.search) return;
    this.tree.start(this.search.longest, dropped);
    this.tree.grow(this.search);
    this.show(this.player.step);
  }

  /** What is on the screen, for an address or a file. */
  current() {
    const { search, chosen } = this;
    const { model, prompt, chat, run, settings, steps } = search;
    const moved = Object.fromEntries(this.settings.filter(({ name, value }) => settings[name] !== value).map(({ name }) => [name, settings[name]]));
    const step = this.player.step === steps ? null : this.player.step;
    const beam = search.finished.includes(chosen) ? search.finished.indexOf(chosen) + 1 : null;
    const whole = joined(search.ids, search.texts).replaceAll(/\s+/g, " ");
    const used = this.settings.map(({ name }) => `${text(`setting.beam.${name}.label`)} ${settings[name]}`);
    const caption = [`${model}: “${whole.length > 64 ? `… ${whole.slice(-62)}` : whole}”`, used.join(" · ")];
    return { view: { model, prompt, chat, run, settings: moved, step, beam }, search, tree: this.tree, caption };
  }
}
