// The widgets of the Train tab: estimate, live view of one run, list of runs. Data is written by textContent only.

import { Chart } from "./charts.js";
import { ENDED, Follower } from "./follow.js";
import { Samples } from "./samples.js";
import { bytes, element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const LISTED_EVERY = 3000;
const LOG_LINES = 400;

const CHARTS = [
  { key: "loss", height: 300, zero: false, series: [["loss", "--pp-tuned"], ["eval_loss", "--pp-vermillion", "diamond"]] },
  { key: "accuracy", height: 200, format: ".1%", series: [["mean_token_accuracy", "--pp-tuned"], ["eval_mean_token_accuracy", "--pp-vermillion", "diamond"]] },
  { key: "rate", height: 200, zero: true, series: [["learning_rate", "--pp-green"]] },
  { key: "gradient", height: 200, zero: true, series: [["grad_norm", "--pp-purple"]] },
  { key: "speed", height: 200, zero: true, series: [["tokens_per_second", "--pp-orange"]] },
  { key: "memory", height: 200, zero: true, series: [["memory_gb", "--pp-sky"]] },
];

/** 75 -> "1:15" */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

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

function estimateParts({ error, memory }) {
  if (error) {
    const line = element("p", "pp-error", error);
    line.setAttribute("role", "alert");
    return [line];
  }
  if (!memory) return [];
  const { available, device, fits, loaded, longest_row: longest } = memory;
  const both = { loaded: bytes(loaded), both: bytes(memory.bytes + loaded), all: bytes(available + loaded) };
  const values = { needed: bytes(memory.bytes), available: bytes(available), device, longest, ...both };
  const words = [say(fits ? (longest ? "train.fits.rows" : "train.fits") : "train.fits.not", values)];
  if (loaded) words.push(say(fits ? "train.fits.beside" : "train.fits.aside", values));
  return [element("p", fits ? "pp-verdict pp-good" : "pp-verdict pp-bad", words.join(" "))];
}

export function mountLive(root, props, tell, watch) {
  const panel = root.querySelector(".pp-panel");
  const live = new Live(panel, props.plotly, tell);
  window.addEventListener("playground:listed", ({ detail }) => live.wake(detail));
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
    if (!run) return this.empty();
    this.build();
    this.follower = new Follower(run, (page) => this.receive(page), (message) => this.lost(message));
    return undefined;
  }

  /** Looks again at a run that had ended and goes on, whoever resumed it. */
  wake(runs) {
    const listed = runs.find(({ run }) => run === this.run);
    if (listed && !ENDED.has(listed.phase) && ENDED.has(this.phase)) this.follower.ask();
  }

  leave() {
    this.follower?.stop();
    this.charts?.forEach((chart) => chart.remove());
    this.charts = [];
  }

  lost(message) {
    this.leave();
    this.run = "";
    this.panel.replaceChildren(element("p", "pp-error", message));
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
    const head = element("div", "pt-head");
    head.append(this.title, this.badge, this.stop, this.resume);
    this.bar = element("progress");
    this.bar.max = 1;
    this.bar.setAttribute("aria-label", say("train.progress"));
    const progress = element("div", "pp-progress");
    this.stage = element("p", "pp-note");
    this.stage.setAttribute("role", "status");
    progress.append(this.bar, this.stage);
    this.reason = element("p", "pt-reason");
    this.facts = element("dl", "pt-facts");
    this.samples = new Samples();
    this.log = element("pre", "pt-log");
    const details = element("details", "pp-template");
    details.append(element("summary", "", say("train.log")), this.log);
    this.panel.replaceChildren(head, progress, this.reason, this.facts, this.figures(), this.samples.element, details);
  }

  figures() {
    const grid = element("div", "pt-charts");
    this.charts = CHARTS.map((spec) => {
      const figure = element("figure", `pt-chart pt-chart-${spec.key}`);
      const caption = element("figcaption", "", say(`train.chart.${spec.key}`));
      caption.title = say(`train.chart.${spec.key}.help`);
      const box = element("div", "pt-plot");
      box.id = `train-chart-${spec.key}`;
      figure.append(caption, box);
      grid.append(figure);
      const series = spec.series.map(([metric, colour, symbol]) => ({ metric, colour, symbol, name: say(`train.metric.${metric}`) }));
      const chart = new Chart(box, { ...spec, unit: say(`train.chart.${spec.key}.unit`), series });
      chart.draw(this.version).catch(() => (box.textContent = say("train.chart.failed")));
      return chart;
    });
    return grid;
  }

  receive({ run, phase, reason, events }) {
    this.record = run;
    for (const event of events) this.take(event);
    this.charts.forEach((chart) => chart.grow());
    this.samples.draw();
    this.title.textContent = run.name || run.run;
    this.title.title = run.run;
    const badge = phaseBadge(phase);
    this.badge.replaceWith(badge);
    this.badge = badge;
    this.phase = phase;
    this.reason.textContent = reason;
    this.reason.className = phase === "failed" || phase === "interrupted" ? "pt-reason pp-error" : "pt-reason";
    this.reason.hidden = !reason;
    this.drawProgress();
    this.drawFacts();
    this.buttons();
    this.panel.dataset.points = this.charts[0].points.get("loss").x.length;
    if (ENDED.has(phase) && this.told !== run.run + phase) {
      this.told = run.run + phase;
      window.dispatchEvent(new Event("playground:runs"));
    }
  }

  take(event) {
    if (event.kind === "metric") {
      for (const [name, value] of Object.entries(event.values)) this.charts.forEach((chart) => chart.add(name, event.step, value));
      Object.assign(this.latest, event.values);
    } else if (event.kind === "sample") this.samples.add(event);
    else if (event.kind === "progress") this.progress = event;
    else if (event.kind === "log") this.write(event);
    else if (event.kind === "resumed") {
      this.charts.forEach((chart) => chart.cut(event.step));
      this.samples.cut(event.step);
    }
  }

  write({ time, text, level }) {
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
    const facts = [
      ["loss", number(latest.loss, 3)],
      ["eval_loss", number(latest.eval_loss, 3)],
      ["speed", latest.tokens_per_second && say("train.fact.speed.value", { speed: number(latest.tokens_per_second, 0) })],
      ["memory", latest.memory_gb && `${number(latest.memory_gb, 1)} GB`],
      ["elapsed", record.started ? clock(seconds) : null],
      ["eta", ENDED.has(this.phase) || latest.eta_seconds === undefined ? null : clock(latest.eta_seconds)],
    ];
    this.facts.replaceChildren();
    for (const [name, value] of facts) {
      if (!value) continue;
      const pair = element("div");
      const term = element("dt", "", say(`train.fact.${name}`));
      term.title = say(`train.fact.${name}.help`);
      pair.append(term, element("dd", "", value));
      this.facts.append(pair);
    }
  }

  buttons() {
    if (!this.stop || !this.record) return;
    const mine = this.viewer && (this.viewer.host || this.viewer.owner === this.record.owner);
    this.stop.hidden = !mine || ENDED.has(this.phase);
    this.resume.hidden = !mine || !this.record.resumable;
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
  const loss = run.metrics.loss;
  const facts = [
    run.run,
    say("train.runs.steps", { steps: run.steps }),
    typeof loss === "number" ? say("train.runs.loss", { loss: loss.toFixed(3) }) : "",
    run.started ? clock((run.ended ?? Date.now() / 1000) - run.started) : "",
    viewer.owner === run.owner ? say("train.runs.mine") : "",
    run.position ? say("queue.short", { place: run.position }) : "",
  ];
  button.append(element("strong", "", run.name || run.run), phaseBadge(run.phase), element("span", "pt-run-facts", facts.filter(Boolean).join(" · ")));
  button.addEventListener("click", () => pick({ run: run.run }));
  line.append(button);
  return line;
}
