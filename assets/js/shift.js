/**
 * Where in an answer the tuned model speaks otherwise than its base. The server reads the answer with both, at the end of
 * the run and at its saved steps; here it is shown, and one place looked at more closely.
 *
 * The component's value: `{work: ID}` of work that goes on or has ended, or `{error: SENTENCE}`. The result is described
 * by `compare_on` in playground/ui/shift_work.py.
 */

import { tunedAt } from "./compare.js";
import { explained, fixed, help, make, percent, style, text as say, visible } from "./distribution_page.js";
import { Progress } from "./rollouts_work.js";
import { Scrubber } from "./scrubber.js";
import { CLASSES, countClasses, mean, peak, Seen, thirds } from "./shift_facts.js";
import { Pair } from "./shift_pair.js";
import { scaleOf, TokenStrip } from "./token_strip.js";
import { vocabulary } from "./vocabulary.js";

const SHEETS = ["css/distribution.css", "css/rollouts.css", "css/shift.css"];
const PAUSE = 120; // milliseconds at one place before its distributions are asked for
const KEPT = 64; // pairs of distributions

const nats = (value) => fixed(value, value < 0.1 ? 4 : 3);

/** Mounts into a gr.HTML whose template holds an empty `.pgs`; see the tab contract in playground/ui/app.py. */
export async function mount(element, props, trigger, watch, server) {
  await Promise.all(SHEETS.map(style));
  const view = new Shift(element.querySelector(".pgs"), props.settings, trigger, server);
  watch("value", () => view.receive(props.value ?? {}));
  view.receive(props.value ?? {});
  if (!props.value?.work) view.progress.resume();
}

class Shift {
  constructor(root, settings, trigger, server) {
    Object.assign(this, { root, server, pairs: new Map() });
    const hear = { stop: (work) => trigger("stop", { work }), found: (result) => this.open(result), changed: (state) => (root.dataset.work = state) };
    this.progress = new Progress("shift", server, hear);
    this.tiles = new Map(["to_base", "to_tuned", "where", "likelier"].map((name) => [name, tile(name)]));
    this.scrubber = new Scrubber("shift-step", { words: (step, last) => say("shift.step", { step, last }), pick: () => this.show() });
    this.classes = make("div", { class: "pgs-classes" });
    this.profile = make("div", { class: "pgs-profile", "aria-hidden": "true" });
    this.strip = new TokenStrip({ label: say("shift.tokens"), told: (at) => this.told(at), hint: say("shift.hint") });
    this.strip.box.addEventListener("click", ({ target }) => this.choose(this.strip.chips.indexOf(target)));
    this.asked = make("p", { class: "pgs-asked" });
    this.place = make("div", { class: "pgs-place" });
    this.pair = new Pair(settings);
    this.problem = make("p", { class: "pgr-problem", role: "alert", hidden: true });
    this.hint = make("div", { class: "pgd-message" }, make("p", {}, say("shift.empty")));
    this.arrange();
  }

  arrange() {
    this.title = make("h3", {});
    const tiles = make("div", { class: "pgd-tiles" }, ...Array.from(this.tiles.values(), ({ element }) => element));
    const about = help(say("shift.classes"), () => say("shift.classes_help"));
    const classes = make("div", {}, make("h4", {}, say("shift.classes"), " ", about), this.classes);
    const strip = make("div", {}, make("h4", {}, say("shift.tokens")), this.asked, this.strip.element, this.profile);
    const close = make("section", { class: "pgr-figure" }, this.place, this.pair.element, this.problem);
    const whole = make("section", { class: "pgr-figure" }, this.title, this.scrubber.element, tiles, classes, strip);
    this.body = make("div", { class: "pgr-body", hidden: true }, whole, close);
    this.root.replaceChildren(this.progress.element, this.hint, this.body);
  }

  receive({ work, error }) {
    if (error) this.progress.complain(error);
    if (work) this.progress.follow(work);
  }

  /** A result, or more steps of it. */
  async open(result) {
    const fresh = this.work !== this.progress.id;
    Object.assign(this, { result, work: this.progress.id });
    this.seen = new Map(result.steps.map((step) => [step.step, new Seen(step)]));
    try {
      this.tokens = await vocabulary(result.vocabulary);
    } catch (error) {
      return this.progress.complain(error.message);
    }
    if (this.result !== result) return undefined;
    this.hint.hidden = true;
    this.body.hidden = false;
    if (fresh) this.begin(result);
    this.scrubber.show(result.steps.map(({ step }) => step));
    this.scrubber.element.hidden = result.steps.length < 2;
    return this.show();
  }

  /** Another answer, or the same at another strength: a reader stays at the place that was looked at. */
  begin({ ids, start, name, run, strength, source }) {
    const same = this.ids?.join() === ids.join();
    this.ids = ids;
    this.pairs.clear();
    this.title.textContent = say("shift.title", { name: name || run, side: tunedAt(strength), source: say(`shift.source_${source}`) });
    this.asked.textContent = ids.slice(0, start).map((id) => this.tokens[id]).join("");
    const answer = ids.slice(start);
    this.strip.show(answer.map((id) => this.tokens[id]), answer.map(() => 0), 1);
    this.profile.replaceChildren(...answer.map(() => make("i", {})));
    if (!same) this.at = undefined;
  }

  /** The answer at the step of the slider. */
  show() {
    const seen = (this.now = this.seen.get(this.scrubber.step));
    this.fill();
    // One scale for all steps, so that a run can be seen to grow.
    const scale = scaleOf([...this.seen.values()].flatMap(({ toBase }) => [...toBase])) || 1;
    this.strip.paint([...seen.toBase], scale);
    this.strip.chips.forEach((chip, at) => (chip.dataset.shift = seen.classAt(at)));
    const highest = Math.max(...[...this.seen.values()].map(({ toBase }) => toBase[peak(toBase)]), 1e-9);
    [...this.profile.children].forEach((bar, at) => (bar.style.height = `${Math.max(2, (100 * seen.toBase[at]) / highest)}%`));
    this.summarise(seen);
    this.choose(this.at ?? peak(seen.toBase));
  }

  /** How far the slider's own track is filled. */
  fill() {
    const { slider } = this.scrubber;
    slider.style.setProperty("--share", Number(slider.max) ? Number(slider.value) / Number(slider.max) : 1);
  }

  summarise(seen) {
    const write = (name, words, note) => this.tiles.get(name).write(words, note);
    write("to_base", nats(mean(seen.toBase)), say("shift.nats"));
    write("to_tuned", nats(mean(seen.toTuned)), say("shift.nats"));
    const parts = thirds(seen.toBase);
    const most = peak(parts.map((part) => part ?? -1));
    write("where", say(`shift.third_${most}`), parts.map((part) => (part === null ? "–" : nats(part))).join(" · "));
    const gain = seen.tunedLogs.reduce((sum, log, at) => sum + log - seen.baseLogs[at], 0);
    write("likelier", `${gain < 0 ? "−" : "+"}${fixed(Math.abs(gain), 2)}`, say("shift.nats"));
    const counts = countClasses(seen);
    this.classes.replaceChildren(...CLASSES.map((name) => part(name, counts[name], seen.size)));
  }

  /** What stands at a place, in a sentence. */
  told(at) {
    const seen = this.now;
    if (!seen) return "";
    const token = visible(this.tokens[this.ids[this.result.start + at]]);
    return say("shift.told", { token, kl: nats(seen.toBase[at]), class: say(`shift.class_${seen.classAt(at)}`), base: percent(Math.exp(seen.baseLogs[at])), tuned: percent(Math.exp(seen.tunedLogs[at])) });
  }

  choose(at) {
    if (at < 0 || at >= this.now.size) return;
    this.at = at;
    this.strip.mark(at);
    this.closeUp(at);
    this.ask(at);
  }

  closeUp(at) {
    const { now: seen, tokens } = this;
    const [token, choice] = [this.ids[this.result.start + at], seen.choices[at]].map((id) => visible(tokens[id]));
    const title = make("h3", {}, say("shift.place", { number: at + 1, count: seen.size }), make("span", { class: "pgs-token" }, token));
    const words = say(`shift.place_${seen.classAt(at)}`, { choice, rank: seen.choiceRanks[at].toLocaleString() });
    const facts = say("shift.place_facts", { to_base: nats(seen.toBase[at]), to_tuned: nats(seen.toTuned[at]), token, rank: seen.baseRanks[at].toLocaleString(), base: percent(Math.exp(seen.baseLogs[at])), tuned: percent(Math.exp(seen.tunedLogs[at])) });
    const movers = make("div", { class: "pgs-movers" }, this.movers(at, true), this.movers(at, false));
    this.place.replaceChildren(title, make("p", {}, words), make("p", { class: "pgr-note" }, facts), movers);
  }

  movers(at, gained) {
    const row = ({ id, base, tuned }) => make("tr", {}, make("th", { scope: "row" }, visible(this.tokens[id])), make("td", {}, percent(base)), make("td", {}, percent(tuned)));
    const head = make("tr", {}, ...["shift.mover_token", "compare.base", "compare.tuned"].map((key) => make("th", { scope: "col" }, say(key))));
    const caption = make("caption", {}, say(gained ? "shift.gained" : "shift.lost"));
    return make("table", {}, caption, make("thead", {}, head), make("tbody", {}, ...this.now.movers(at, gained).map(row)));
  }

  /** The two distributions of a place: at once where they are known, else when the reader has stopped there. */
  ask(at) {
    clearTimeout(this.timer);
    const { step } = this.now;
    const known = this.pairs.get(`${step}:${at}`);
    if (known) return this.pair.show(known, this.tokens);
    this.pair.wait();
    this.timer = setTimeout(() => this.fetch(step, at), PAUSE);
    return undefined;
  }

  async fetch(step, at) {
    const { work } = this;
    let found;
    try {
      found = await this.server.distributions({ work, step, at });
    } catch {
      found = { error: say("rollouts.lost") };
    }
    if (work !== this.work || step !== this.now.step || at !== this.at) return;
    this.problem.hidden = !found.error;
    if (found.error) {
      this.problem.textContent = playground.sentence(found.error);
      return;
    }
    if (this.pairs.size >= KEPT) this.pairs.delete(this.pairs.keys().next().value);
    this.pairs.set(`${step}:${at}`, found);
    this.pair.show(found, this.tokens);
  }
}

function tile(name) {
  const value = make("strong", { "data-fact": name });
  const note = make("small", {});
  const element = make("div", { class: "pgd-tile" }, make("span", {}, say(`shift.tile_${name}`)), value, note);
  explained(element, () => say(`shift.tile_${name}_help`));
  return { element, write: (words, small) => ((value.textContent = words), (note.textContent = small)) };
}

/** A class's share of the answer: as wide as it is large, and told in words. */
function part(name, count, size) {
  const mark = make("b", { "data-shift": name, "aria-hidden": "true" }, "ab");
  const element = make("div", { class: "pgs-class", "data-class": name }, mark, say(`shift.class_${name}`), make("strong", {}, percent(count / size)), make("small", {}, say("shift.class_count", { count, size })));
  element.style.flexGrow = 1 + (10 * count) / size;
  return explained(element, () => say(`shift.class_${name}_help`));
}
