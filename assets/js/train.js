// The widgets of the Train tab: estimate, live view of one run, list of runs. Data is written by textContent only.

import { Charts } from "./train_charts.js";
import { explained } from "./distribution_page.js";
import { ENDED, Follower } from "./follow.js";
import { Replay } from "./replay.js";
import { bytes, clock, element } from "./status.js";
import { chartsOf, factsOf, panelsOf } from "./train_figures.js";
import { Warnings, worded } from "./train_warnings.js";

const say = (key, values) => playground.text(key, values);
const LISTED_EVERY = 3000;
const LOG_LINES = 400;

/** Where a queued job stands and when it may begin, in words. */
export function queueWords({ position: place, starts_in: seconds }) {
  if (!place) return say("queue.waiting");
  if (typeof seconds === "number" && seconds >= 1) return say("queue.starts", { place, time: clock(seconds) });
  return place === 1 ? say("queue.next") : say("queue.place", { place });
}

/** What the button that stops a job is called in a phase; `usual` is the key of its name while the job goes on. */
export const stopWords = (phase, usual) => say({ queued: "queue.leave", stopping: "train.stop.force" }[phase] ?? usual);

export function phaseBadge(phase) {
  const badge = element("span", "pt-phase", say(`phase.${phase}`));
  badge.dataset.phase = phase;
  return badge;
}

/** Memory and rows of the run that the form describes, or what is wrong with it. */
export function mountEstimate(root, props, _tell, watch) {
  const draw = () => root.querySelector(".pp-panel")?.replaceChildren(...estimateParts(props.value || {}));
  watch("value", draw);
  draw();
}

function estimateParts({ error, memory, rate }) {
  if (error) {
    const line = element("p", "pp-error", playground.sentence(error));
    line.setAttribute("role", "alert");
    return [line];
  }
  if (!memory) return [];
  const { available, device, fits, loaded, longest_row: longest } = memory;
  const both = { loaded: bytes(loaded), both: bytes(memory.bytes + loaded), all: bytes(available + loaded) };
  const values = { needed: bytes(memory.bytes), available: bytes(available), device, longest, ...both };
  const words = [say(fits ? (longest ? "train.fits.rows" : "train.fits") : "train.fits.not", values)];
  if (loaded) words.push(say(fits ? "train.fits.beside" : "train.fits.aside", values));
  const parts = [element("p", fits ? "pp-verdict pp-good" : "pp-verdict pp-bad", words.join(" "))];
  if (rate) parts.push(element("p", "pt-rate", say("train.rate.high", rate)));
  return parts;
}

export function mountLive(root, props, tell, watch) {
  const panel = root.querySelector(".pp-panel");
  const live = new Live(panel, props.plotly, tell);
  window.addEventListener("playground:listed", ({ detail }) => live.wake(detail));
  window.addEventListener("playground:recording", ({ detail }) => live.showRecording(detail));
  const receive = () => live.show(props.value || {});
  watch("value", receive);
  receive();
}

class Live {
  constructor(panel, version, tell) {
    this.panel = panel;
    this.version = version;
    this.tell = tell;
    this.empty();
  }

  empty() {
    const box = element("div", "pt-empty");
    box.append(element("p", "pp-name", say("train.empty")), element("p", "pp-note", say("train.empty.help")));
    this.panel.replaceChildren(box);
  }

  /** What a reload brings back gives way to what was picked in the meantime. */
  show({ run, viewer, reopened }) {
    this.viewer = viewer ?? this.viewer;
    if (run === this.run || (reopened && this.run)) return this.buttons();
    this.leave();
    this.run = run;
    this.panel.removeAttribute("data-recorded");
    if (!run) return this.empty();
    this.build();
    if (!reopened) this.comeIntoView();
    this.follower = new Follower(run, (page) => this.receive(page), (message) => this.lost(message));
    return undefined;
  }

  /** A run that was recorded elsewhere: whole at first, to be played again. */
  showRecording(recorded) {
    this.leave();
    this.run = "";
    this.panel.toggleAttribute("data-recorded", true);
    this.build();
    this.comeIntoView();
    this.receive({ ...recorded, phase: recorded.run.phase, reason: recorded.run.reason });
  }

  playAgain() {
    const recorded = { run: this.record, events: this.events };
    const restart = () => {
      const controls = this.replay?.element;
      this.leaveFigures();
      this.build();
      if (controls) this.place.replaceChildren(controls);
    };
    this.replaying = true;
    this.replay = new Replay(recorded, { restart, receive: (page) => this.receive(page), leave: () => this.leaveReplay() });
    this.place.replaceChildren(this.replay.element);
  }

  leaveReplay() {
    this.replaying = false;
    this.replay = null;
    this.buttons();
  }

  /** The form and the list of runs are long: where one of them was pressed, the run may be far off the screen. */
  comeIntoView() {
    const { top } = this.panel.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) this.panel.scrollIntoView({ block: "start" });
  }

  /** Looks again at a run that had ended and goes on, whoever resumed it. */
  wake(runs) {
    const listed = runs.find(({ run }) => run === this.run);
    if (listed && !this.replaying && !ENDED.has(listed.phase) && ENDED.has(this.phase)) this.follower.ask();
  }

  leave() {
    this.follower?.stop();
    this.replay?.remove();
    this.replay = null;
    this.replaying = false;
    this.events = [];
    this.leaveFigures();
  }

  leaveFigures() {
    this.charts?.remove();
    for (const panel of this.panels ?? []) panel.remove?.();
    this.panels = [];
  }

  lost(message) {
    this.leave();
    this.run = "";
    this.panel.replaceChildren(element("p", "pp-error", playground.sentence(message)));
  }

  build() {
    this.record = null;
    this.latest = {};
    this.progress = null;
    this.title = element("h2", "pp-name");
    this.badge = phaseBadge("queued");
    this.stop = element("button", "pt-stop", say("train.stop"));
    this.stop.type = "button";
    this.stop.id = "train-stop";
    this.stop.addEventListener("click", () => this.askToStop());
    this.resume = element("button", "pt-stop pt-resume", say("train.resume"));
    this.resume.type = "button";
    this.resume.id = "train-resume";
    this.resume.title = say("train.resume.help");
    this.resume.hidden = true;
    this.resume.addEventListener("click", () => {
      this.resume.hidden = true;
      this.tell.resume({ run: this.run });
    });
    this.again = element("button", "pt-stop pt-resume", say("replay.start"));
    this.again.type = "button";
    this.again.id = "train-replay";
    this.again.title = say("replay.help");
    this.again.hidden = true;
    this.again.addEventListener("click", () => this.playAgain());
    this.place = element("div");
    const head = element("div", "pt-head");
    head.append(this.title, this.badge, this.stop, this.resume, this.again);
    this.bar = element("progress");
    this.bar.max = 1;
    this.bar.setAttribute("aria-label", say("train.progress"));
    const progress = element("div", "pp-progress");
    this.stage = element("p", "pp-note");
    this.stage.setAttribute("role", "status");
    progress.append(this.bar, this.stage);
    this.reason = element("p", "pt-reason");
    this.warnings = new Warnings();
    this.facts = element("dl", "pt-facts");
    this.pairs = new Map();
    this.body = element("div", "pt-body");
    this.log = element("pre", "pt-log");
    const details = element("details", "pp-template");
    details.append(element("summary", "", say("train.log")), this.log);
    this.panel.replaceChildren(head, this.place, progress, this.reason, this.warnings.element, this.facts, this.body, details);
  }

  /** What the run's method shows; known with the first answer. */
  figures(method) {
    this.charts = new Charts(chartsOf(method), this.version);
    this.panels = panelsOf(method, this.version);
    this.body.replaceChildren(this.charts.element, ...this.panels.map((panel) => panel.element), this.charts.later);
  }

  receive({ run, phase, reason, events }) {
    if (!this.record) this.figures(run.method);
    this.record = run;
    if (!this.replaying) this.events.push(...events);
    for (const event of events) this.take(event);
    this.charts.draw();
    this.panels.forEach((panel) => panel.draw());
    this.title.textContent = run.name || run.run;
    this.title.title = run.run;
    const badge = phaseBadge(phase);
    this.badge.replaceWith(badge);
    this.badge = badge;
    this.phase = phase;
    this.reason.textContent = playground.sentence(reason);
    this.reason.className = phase === "failed" || phase === "interrupted" ? "pt-reason pp-error" : "pt-reason";
    this.reason.hidden = !reason;
    this.drawProgress();
    this.drawFacts();
    this.buttons();
    this.panel.dataset.points = this.charts.points;
    if (!this.replaying && ENDED.has(phase) && this.told !== run.run + phase) {
      this.told = run.run + phase;
      window.dispatchEvent(new Event("playground:runs"));
    }
  }

  take(event) {
    const { kind } = event;
    if (kind === "progress") this.progress = event;
    else if (kind === "log") this.write(event);
    else if (kind === "metric" || kind === "sample" || kind === "snapshot") {
      if (kind === "metric") Object.assign(this.latest, event.values);
      this.charts.add(event);
      this.panels.forEach((panel) => panel.add(event));
    } else if (kind === "resumed") {
      this.charts.cut(event.step);
      this.panels.forEach((panel) => panel.cut(event.step));
    }
  }

  write(event) {
    const { time, level } = event;
    const text = worded(event);
    if (level === "warning") this.warnings.add(text);
    const line = element("span", level === "info" ? "" : "pp-bad", `${new Date(time * 1000).toLocaleTimeString()}  ${text}\n`);
    this.log.append(line);
    while (this.log.childElementCount > LOG_LINES) this.log.firstChild.remove();
  }

  drawProgress() {
    const { phase, progress, record } = this;
    if (phase === "queued") {
      this.bar.value = 0;
      this.stage.textContent = queueWords(record);
      return;
    }
    const known = progress?.total > 0;
    if (known) this.bar.value = progress.done / progress.total;
    else if (!ENDED.has(phase)) this.bar.removeAttribute("value");
    const telling = progress && (!ENDED.has(phase) || progress.stage === "training");
    this.stage.textContent = telling ? stageWords(progress, known) : say(`phase.${phase}`);
  }

  drawFacts() {
    const { latest, record } = this;
    const seconds = (record.ended ?? Date.now() / 1000) - (record.started ?? record.created);
    const number = (value, digits) => (typeof value === "number" ? value.toLocaleString(undefined, { maximumFractionDigits: digits }) : null);
    const worded = (value, words) => (value && words ? say(words, { value }) : value);
    const facts = [
      ...factsOf(record.method).map(([name, metric, digits, words]) => [name, worded(number(latest[metric], digits), words)]),
      ["speed", latest.tokens_per_second && say("train.fact.speed.value", { speed: number(latest.tokens_per_second, 0) })],
      ["memory", latest.memory_gb && `${number(latest.memory_gb, 1)} GB`],
      ["elapsed", record.started ? clock(seconds) : null],
      ["eta", ENDED.has(this.phase) || latest.eta_seconds === undefined ? null : clock(latest.eta_seconds)],
    ];
    const known = facts.filter(([, value]) => value);
    const pairs = known.map(([name]) => this.fact(name));
    // What is explained just now stays where it is.
    if (pairs.length !== this.facts.childElementCount || pairs.some((pair, at) => pair !== this.facts.children[at])) this.facts.replaceChildren(...pairs);
    known.forEach(([, value], at) => (pairs[at].lastChild.textContent = value));
  }

  /** The place of a number with its name, explained on a click; made once. */
  fact(name) {
    if (!this.pairs.has(name)) {
      const pair = element("div");
      pair.append(explained(element("dt", "", say(`train.fact.${name}`)), () => say(`train.fact.${name}.help`)), element("dd"));
      this.pairs.set(name, pair);
    }
    return this.pairs.get(name);
  }

  buttons() {
    if (!this.stop || !this.record) return;
    const mine = this.viewer && (this.viewer.host || this.viewer.owner === this.record.owner);
    this.stop.hidden = !mine || this.replaying || ENDED.has(this.phase);
    this.resume.hidden = !mine || this.replaying || !this.record.resumable;
    this.again.hidden = this.replaying || !ENDED.has(this.phase) || !this.charts?.points;
    this.stop.textContent = stopWords(this.phase, "train.stop");
  }

  askToStop() {
    this.tell.stop({ run: this.run });
    this.stop.textContent = say("phase.stopping");
  }
}

/** "Training, step: 12 of 40", or for the stages before it "Model: reading the weights, 45 %". */
function stageWords({ stage, done, total }, known) {
  if (stage === "training" || stage === "data") {
    return say(known ? "train.stage" : "train.stage.open", { stage: say(`stage.${stage}`), done: done.toLocaleString(), total: total.toLocaleString() });
  }
  const what = say(`model.stage.${stage}`);
  return say(known ? "train.stage.share" : "train.stage.model", { what, share: Math.round((100 * done) / total) });
}

/** The list of runs; the one that is looked at is marked. */
export function mountRuns(root, props, { pick }, watch) {
  const panel = root.querySelector(".pp-panel");
  let timer = 0;
  let drawn = "";
  const refresh = async () => {
    clearTimeout(timer);
    if (!document.hidden && root.checkVisibility()) {
      try {
        const answer = await fetch(playground.url("runs?kind=run"), { cache: "no-store" });
        const body = await answer.text();
        if (answer.ok && body !== drawn) {
          drawn = body;
          const { runs } = JSON.parse(body);
          drawRuns(panel, runs, props.value || {}, pick);
          window.dispatchEvent(new CustomEvent("playground:listed", { detail: runs }));
        }
      } catch {
        // the server is away; the chip in the header says so
      }
    }
    timer = setTimeout(refresh, LISTED_EVERY);
  };
  watch("value", () => {
    drawn = "";
    refresh();
  });
  window.addEventListener("playground:runs", refresh);
  refresh();
  mountRecordings(root);
}

/** Below the list: runs that were recorded, one per method, to be looked at before anything was trained or loaded. */
function mountRecordings(root) {
  const box = element("details", "pp-panel pt-recordings");
  const list = element("ul", "pt-runs");
  const problem = element("p", "pp-error", say("replay.lost"));
  problem.setAttribute("role", "alert");
  problem.hidden = true;
  box.append(element("summary", "", say("replay.recordings")), element("p", "pp-note", say("replay.recordings.help")), list, problem);
  root.append(box);
  /** What a route gives, or null where the server is away, which is said. */
  const bring = async (address) => {
    try {
      const answer = await fetch(playground.url(address));
      problem.hidden = answer.ok;
      return answer.ok ? await answer.json() : null;
    } catch {
      problem.hidden = false;
      return null;
    }
  };
  const show = async (name) => {
    const detail = await bring(`recording?name=${encodeURIComponent(name)}`);
    if (detail) window.dispatchEvent(new CustomEvent("playground:recording", { detail }));
  };
  const fill = async () => {
    if (!box.open || list.childElementCount) return;
    const found = await bring("recordings");
    list.replaceChildren(...(found?.runs ?? []).map((run) => runLine(run, {}, () => show(run.recording))));
  };
  box.addEventListener("toggle", fill);
}

function drawRuns(panel, runs, viewer, pick) {
  const title = element("h3", "pt-runs-title", say("train.runs"));
  if (!runs.length) return panel.replaceChildren(title, element("p", "pp-note", say("train.runs.none")));
  const list = element("ul", "pt-runs");
  for (const run of runs) list.append(runLine(run, viewer, pick));
  return panel.replaceChildren(title, list);
}

function runLine(run, viewer, pick) {
  const line = element("li");
  const button = element("button", "pt-run");
  button.type = "button";
  const [[name, metric, digits]] = factsOf(run.method);
  const value = run.metrics[metric];
  const facts = [
    run.run,
    say("train.runs.steps", { steps: run.steps }),
    typeof value === "number" ? say("train.runs.fact", { name: say(`train.fact.${name}`).toLowerCase(), value: value.toFixed(digits) }) : "",
    run.started ? clock((run.ended ?? Date.now() / 1000) - run.started) : "",
    viewer.owner === run.owner ? say("train.runs.mine") : "",
    run.position ? say("queue.short", { place: run.position }) : "",
  ];
  button.append(element("strong", "", run.name || run.run), phaseBadge(run.phase), element("span", "pt-run-facts", facts.filter(Boolean).join(" · ")));
  button.addEventListener("click", () => pick({ run: run.run }));
  line.append(button);
  return line;
}
