/**
 * Rollouts of a prompt: how the drawing goes, and everything that follows from what was drawn. The server is asked for
 * the rollouts and their rewards; β and whatever hangs on it is worked out here.
 *
 * A component's value: `{work: ID}` of work that goes on or has ended (see playground/ui/desk.py), or `{error: SENTENCE}`
 * where nothing was begun. One asked for by a link has `linked`, the model that the link was made with. The result is
 * described by `draw_and_score` in playground/ui/rollouts_work.py.
 */

import { count, fixed, help, make, percent, text as say } from "./distribution_page.js";
import { decode } from "./distribution_trace.js";
import { measured, short } from "./rollouts_chart.js";
import { Figure, table } from "./rollouts_figure.js";
import { settling, spread, sweepPicture } from "./rollouts_figures.js";
import { Icicle } from "./rollouts_icicle.js";
import { read, written } from "./rollouts_link.js";
import { Optimum, tile } from "./rollouts_optimum.js";
import { histogram, running } from "./rollouts_statistics.js";
import { Table } from "./rollouts_table.js";
import { Progress } from "./rollouts_work.js";

const SHEETS = ["css/distribution.css", "css/rollouts.css"];
const QUIET = { temperature: 1, top_k: 0, top_p: 1, min_p: 0, typical_p: 1, repetition_penalty: 1, presence_penalty: 0, frequency_penalty: 0 };

/** Mounts the rollouts into a gr.HTML whose template holds an empty `.pgr`; see the tab contract in playground/ui/app.py. */
export async function mount(element, props, trigger, watch, server) {
  await Promise.all(SHEETS.map((path) => style(playground.asset(path))));
  const view = new Rollouts(element.querySelector(".pgr"), trigger, server);
  watch("value", () => view.receive(props.value ?? {}));
  window.addEventListener("hashchange", () => view.follow());
  if (!view.follow()) view.begin(props.value);
}

/** Mounts the sweep over temperatures. */
export async function mountSweep(element, props, trigger, watch, server) {
  await Promise.all(SHEETS.map((path) => style(playground.asset(path))));
  const view = new Sweep(element.querySelector(".pgr"), trigger, server);
  watch("value", () => view.receive(props.value ?? {}));
  view.begin(props.value);
}

function style(address) {
  if (document.querySelector(`link[href="${address}"]`)) return undefined;
  const link = make("link", { rel: "stylesheet", href: address });
  document.head.append(link);
  return new Promise((done) => (link.onload = link.onerror = done));
}

class Rollouts {
  constructor(root, trigger, server) {
    Object.assign(this, { root, trigger });
    this.progress = new Progress("rollouts", server, { stop: (work) => trigger("stop", { work }), found: (result) => this.open(result), changed: (state) => (root.dataset.work = state) });
    this.tiles = new Map(["drawn", "mean", "surprise", "length"].map((name) => [name, tile(name)]));
    const caption = () => this.caption();
    this.icicle = new Icicle({ caption, pick: (row) => this.table.reveal(row) });
    this.table = new Table();
    this.spread = new Figure("spread", { draw: (width) => (this.optimum.best ? spread(width, { rewards: this.rewards, best: this.optimum.best }) : null), csv: () => this.spreadTable(), caption });
    this.settling = new Figure("settling", { draw: (width) => (this.rewards ? settling(width, { rewards: this.rewards, point: (...at) => this.point(...at) }) : null), csv: () => this.settlingTable(), caption });
    this.optimum = new Optimum({ changed: (best) => this.weighed(best), caption });
    this.policy = make("p", { class: "pgr-policy", "data-fact": "policy" });
    this.notice = make("p", { class: "pgd-notice", role: "status", hidden: true });
    this.hint = make("div", { class: "pgd-message" }, make("p", {}, say("rollouts.empty")));
    this.arrange();
  }

  arrange() {
    const tiles = make("div", { class: "pgd-tiles" }, ...Array.from(this.tiles.values(), ({ element }) => element));
    const legend = make("p", { class: "pgr-legend" }, make("i", { class: "pgr-key-ref" }), say("rollouts.key_ref"), make("i", { class: "pgr-key-best" }), say("rollouts.key_best"));
    this.spread.note.before(legend);
    const charts = make("div", { class: "pgr-pair" }, this.spread.element, this.settling.element);
    const about = help(say("rollouts.policy"), () => say("rollouts.policy_help"));
    const head = make("div", { class: "pgr-policy-line" }, this.policy, about);
    this.link = make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": "link", onclick: () => this.share() }, say("distribution.share_link"));
    this.shared = make("span", { class: "pgd-share-note", role: "status" });
    const foot = make("div", { class: "pgd-share" }, this.link, this.shared);
    this.body = make("div", { class: "pgr-body", hidden: true }, head, tiles, this.icicle.element, this.table.element, charts, this.optimum.element, foot);
    this.root.replaceChildren(this.notice, this.progress.element, this.hint, this.body);
    this.root.dataset.state = "empty";
  }

  /** Shows what the address asks for, once there is a model to ask. */
  follow() {
    const link = location.hash === playground.followed ? null : read(location.hash);
    if (!link) return false;
    playground.followed = location.hash;
    this.optimum.set(link.beta);
    if (playground.status?.state === "ready") this.trigger("link", link);
    else this.whenReady(() => this.trigger("link", link));
    return true;
  }

  whenReady(act) {
    const heard = ({ detail }) => {
      if (detail.state !== "ready") return;
      window.removeEventListener("playground:status", heard);
      act();
    };
    window.addEventListener("playground:status", heard);
  }

  /** At first: what there is already, or was before a reload. */
  begin(value) {
    if (value?.work || value?.error) this.receive(value);
    else this.progress.resume();
  }

  receive({ work, error, linked }) {
    if (error) return this.progress.complain(error);
    if (!work) return undefined;
    this.linked = linked;
    return this.progress.follow(work);
  }

  open(result) {
    this.result = result;
    this.rollouts = unpacked(result);
    this.rewards = result.rewards;
    this.hint.hidden = true;
    this.body.hidden = false;
    this.root.dataset.state = "ready";
    this.notice.hidden = !this.linked || this.linked === result.model;
    if (!this.notice.hidden) this.notice.textContent = say("distribution.link_other_model", { wanted: this.linked, model: result.model });
    this.policy.textContent = this.words();
    this.facts();
    this.table.show(this.rows());
    this.icicle.show(this.rollouts, result.tokens, this.rewards);
    this.settling.refresh();
    const { means, errors } = running(this.rewards);
    this.point(this.rewards.length, means.at(-1), errors.at(-1));
    this.optimum.show(this.rewards, result.series);
  }

  /** Which policy drew, in words: the reference of everything below. */
  words() {
    const { settings, model, run, prompt_tokens: length } = this.result;
    const used = Object.keys(QUIET).filter((name) => settings[name] !== QUIET[name]);
    const named = used.map((name) => `${say(`setting.generation.${name}.label`)} ${settings[name]}`).join(" · ");
    const values = { model: run ? `${model} · ${run}` : model, settings: named, longest: count(settings.max_new_tokens), seed: settings.seed, length: count(length) };
    return say(used.length ? "rollouts.policy_changed" : "rollouts.policy_plain", values);
  }

  facts() {
    const { rollouts, rewards, result } = this;
    const { means, errors } = running(rewards);
    const distinct = new Set(rollouts.map(({ ids }) => ids.join())).size;
    const ended = result.ended.filter(Boolean).length / rollouts.length;
    const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const logs = rollouts.map(({ log }) => -log);
    const lengths = rollouts.map(({ ids }) => ids.length);
    const asked = rollouts.length < result.asked ? say("rollouts.of_asked", { asked: count(result.asked) }) : say("rollouts.distinct", { distinct: count(distinct) });
    this.tiles.get("drawn").write(count(rollouts.length), asked);
    const { mean, error } = measured(means.at(-1), errors.at(-1));
    this.tiles.get("mean").write(mean, rollouts.length > 1 ? `± ${error} · ${this.bounds()}` : this.bounds());
    this.tiles.get("surprise").write(say("train.fact.nats", { value: fixed(average(logs), 2) }), say("rollouts.per_token", { value: fixed(average(logs) / average(lengths), 2) }));
    this.tiles.get("length").write(say("rollouts.tokens", { count: fixed(average(lengths), 1) }), say("rollouts.ended_share", { share: percent(ended) }));
  }

  /** The values that the reward can have. */
  bounds() {
    const [low, high] = this.result.bounds;
    return say("rollouts.bounds", { low: low === null ? "−∞" : short(low), high: high === null ? "∞" : short(high) });
  }

  rows() {
    const { result, rollouts } = this;
    const kinds = result.reward.kind === "sum" ? result.reward.terms.map(({ reward }) => reward.kind) : [result.reward.kind];
    return rollouts.map(({ ids, log, rawLog }, row) => ({
      row, text: result.completions[row], reward: this.rewards[row], log, rawLog, perplexity: Math.exp(-log / ids.length), length: ids.length,
      ended: result.ended[row], weight: 1, parts: kinds.map((name, at) => ({ name, weight: result.weights[at], value: result.parts[at][row] })),
    }));
  }

  weighed(best) {
    this.spread.refresh();
    this.table.weigh(best.weights);
  }

  point(number, mean, error) {
    this.settling.say(say("rollouts.settled", { count: count(number), ...measured(mean, error) }));
  }

  caption() {
    const { prompt } = this.result;
    const whole = prompt.replaceAll(/\s+/g, " ");
    return [`“${whole.length > 70 ? `${whole.slice(0, 69)}…` : whole}”`, this.words()];
  }

  spreadTable() {
    const bins = histogram(this.rewards, this.optimum.best.weights);
    return table(["from", "to", "rollouts", "share", "optimal_share"], bins.map(({ from, to, count: seen, share, weight }) => [from, to, seen, share, weight]));
  }

  settlingTable() {
    const { means, errors } = running(this.rewards);
    return table(["n", "reward", "mean", "standard_error"], this.rewards.map((reward, at) => [at + 1, reward, means[at], errors[at]]));
  }

  /** Copies an address that draws the same again, and puts it into the address bar. */
  async share() {
    const { model, prompt, chat, run, settings, asked, reward } = this.result;
    const moved = Object.fromEntries(Object.entries(settings).filter(([name, value]) => name in QUIET && value !== QUIET[name]));
    const kept = { count: asked, max_new_tokens: settings.max_new_tokens, seed: settings.seed, ...moved };
    const address = new URL(location.href);
    address.search = "";
    address.hash = written({ model, prompt, chat, run, settings: kept, reward, beta: Number(this.optimum.beta.toPrecision(4)) });
    history.replaceState(history.state, "", address.hash);
    playground.followed = location.hash;
    const copied = await Promise.resolve(navigator.clipboard?.writeText(address.href)).then(() => Boolean(navigator.clipboard), () => false);
    this.shared.textContent = say(copied ? "distribution.share_copied" : "distribution.share_in_bar");
  }
}

/** Rollouts with their tokens and what the model thought of them. */
function unpacked({ lengths, ids, logs, raw_logs: rawLogs }) {
  const [tokens, ours, raws] = [decode(ids, Int32Array), decode(logs), decode(rawLogs)];
  const total = (values) => values.reduce((sum, value) => sum + value, 0);
  let start = 0;
  return lengths.map((length) => {
    const [from, to] = [start, (start += length)];
    return { ids: [...tokens.subarray(from, to)], logs: [...ours.subarray(from, to)], log: total(ours.subarray(from, to)), rawLog: total(raws.subarray(from, to)) };
  });
}

class Sweep {
  constructor(root, trigger, server) {
    this.root = root;
    this.progress = new Progress("sweep", server, { stop: (work) => trigger("stop", { work }), found: (result) => this.open(result), changed: (state) => (root.dataset.work = state) });
    const draw = (width) => (this.result ? sweepPicture(width, { ...this.result.sweep, points: this.result.points }) : null);
    const caption = () => [`${this.result.model}: “${this.result.prompt.replaceAll(/\s+/g, " ").slice(0, 70)}”`];
    this.figure = new Figure("sweep", { draw, csv: () => this.csv(), caption });
    this.figure.element.hidden = true;
    root.replaceChildren(this.progress.element, this.figure.element);
  }

  begin(value) {
    if (value?.work || value?.error) this.receive(value);
    else this.progress.resume();
  }

  receive({ work, error }) {
    if (error) return this.progress.complain(error);
    return work ? this.progress.follow(work) : undefined;
  }

  open(result) {
    this.result = result;
    this.figure.element.hidden = false;
    this.root.dataset.points = result.points.length;
    this.figure.refresh();
    const best = result.points.reduce((highest, point) => (point.mean > highest.mean ? point : highest));
    this.figure.say(say("rollouts.sweep_best", { temperature: short(best.temperature), ...measured(best.mean, best.error) }));
  }

  csv() {
    return table(["temperature", "mean_reward", "standard_error", "rollouts", "distinct"], this.result.points.map(({ temperature, mean, error, count: drawn, distinct }) => [temperature, mean, error, drawn, distinct]));
  }
}
