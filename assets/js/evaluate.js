// The widgets of the Evaluate tab: what is wrong, one evaluation as it goes and its result, the list, every row.
// Data is written by textContent only.

import { Result } from "./evaluate_result.js";
import { Rows } from "./evaluate_rows.js";
import { ENDED, Follower } from "./follow.js";
import { clock, element } from "./status.js";
import { phaseBadge, queueWords, stopWords } from "./train.js";
import { worded } from "./train_warnings.js";

const say = (key, values) => playground.text(key, values);
const LISTED_EVERY = 3000;
const READING = 0.15; // the part of a model's time that it takes to read the references

// The result is drawn by two widgets: scores beside the form, rows below over the whole width.
let found = null;
let drawRows = () => {};

function announce(result) {
  found = result;
  drawRows(result);
}

export function mountRows(root) {
  const rows = new Rows(root.querySelector(".pp-panel"));
  drawRows = (result) => rows.show(result);
  window.addEventListener("playground:evaluation-row", ({ detail }) => rows.reveal(detail));
  rows.show(found);
}

export function mountLive(root, props, { stop }, watch) {
  const live = new Live(root.querySelector(".pp-panel"), props.plotly, stop);
  const receive = () => live.show(props.value || {});
  watch("value", receive);
  receive();
}

class Live {
  constructor(panel, version, askToStop) {
    this.panel = panel;
    this.version = version;
    this.ask = askToStop;
    this.empty();
  }

  empty() {
    const box = element("div", "pt-empty");
    box.append(element("p", "pp-name", say("evaluate.empty")), element("p", "pp-note", say("evaluate.empty.help")));
    this.panel.replaceChildren(box);
  }

  /** What a reload brings back gives way to what was picked in the meantime. */
  show({ evaluation, viewer, reopened }) {
    this.viewer = viewer ?? this.viewer;
    if (evaluation === this.evaluation || (reopened && this.evaluation)) return this.buttons();
    this.leave();
    this.evaluation = evaluation;
    if (!evaluation) return this.empty();
    this.build();
    this.follower = new Follower(evaluation, (page) => this.receive(page), (message) => this.lost(message));
    return undefined;
  }

  leave() {
    this.follower?.stop();
    this.result?.remove();
    this.result = null;
    this.fetched = "";
    announce(null);
  }

  lost(message) {
    this.leave();
    this.evaluation = "";
    this.panel.replaceChildren(element("p", "pp-error", playground.sentence(message)));
  }

  build() {
    this.record = null;
    this.models = null;
    this.stageNow = null;
    this.title = element("h2", "pp-name");
    this.badge = phaseBadge("queued");
    this.stop = element("button", "pt-stop", say("evaluate.stop"));
    Object.assign(this.stop, { type: "button", id: "evaluate-stop", hidden: true });
    this.stop.addEventListener("click", () => this.askToStop());
    const head = element("div", "pt-head");
    head.append(this.title, this.badge, this.stop);
    this.bar = element("progress");
    this.bar.max = 1;
    this.bar.setAttribute("aria-label", say("evaluate.progress"));
    this.stage = element("p", "pp-note");
    this.stage.setAttribute("role", "status");
    this.going = element("div", "pp-progress");
    this.going.append(this.bar, this.stage);
    this.reason = element("p", "pt-reason");
    this.outcome = element("div", "pe-outcome");
    this.log = element("pre", "pt-log");
    this.details = element("details", "pp-template");
    this.details.hidden = true;
    this.details.append(element("summary", "", say("evaluate.log")), this.log);
    this.panel.replaceChildren(head, this.going, this.reason, this.outcome, this.details);
  }

  receive({ run, phase, reason, events }) {
    Object.assign(this, { record: run, phase });
    for (const event of events) this.take(event);
    this.panel.dataset.phase = phase;
    this.title.textContent = run.name || run.run;
    this.title.title = run.run;
    const badge = phaseBadge(phase);
    this.badge.replaceWith(badge);
    this.badge = badge;
    this.reason.textContent = playground.sentence(reason);
    this.reason.className = phase === "failed" || phase === "interrupted" ? "pt-reason pp-error" : "pt-reason";
    this.reason.hidden = !reason;
    this.going.hidden = phase === "done";
    this.drawProgress();
    this.buttons();
    if (ENDED.has(phase) && this.fetched !== run.run) {
      this.fetched = run.run;
      window.dispatchEvent(new Event("playground:runs"));
      if (phase === "done") this.fetchResult(run.run);
    }
  }

  take(event) {
    if (event.kind === "progress") {
      this.stageNow = event;
      if (event.stage === "models") this.models = event;
    } else if (event.kind === "log" && event.level !== "info") {
      this.details.hidden = false;
      this.log.append(element("span", "pp-bad", `${new Date(event.time * 1000).toLocaleTimeString()}  ${worded(event)}\n`));
    }
  }

  /** One bar for all models: each has as much of it, most of that for its answers, the rest for the references. */
  drawProgress() {
    this.stage.textContent = this.words();
    if (this.models) this.bar.value = Math.max(this.bar.value, this.share());
    else if (ENDED.has(this.phase) || this.phase === "queued") this.bar.value = 0;
    else this.bar.removeAttribute("value");
  }

  share() {
    const { stage, done, total } = this.stageNow;
    const of = stage === "models" || !total ? 0 : done / total;
    if (stage === "judging") return 1;
    const own = stage.startsWith("answering ") ? of * (1 - READING) : stage.startsWith("references ") ? 1 - READING + of * READING : 0;
    return (this.models.done + own) / this.models.total;
  }

  words() {
    const { phase, record, stageNow, models } = this;
    if (phase === "queued") return queueWords(record);
    if (!stageNow || ENDED.has(phase)) return say(`phase.${phase}`);
    const [stage] = stageNow.stage.split(" ");
    const values = { model: (models?.done ?? 0) + 1, models: models?.total, done: stageNow.done.toLocaleString(), total: stageNow.total.toLocaleString() };
    if (stage === "answering" || stage === "references") return say(`evaluate.stage.${stage}`, values);
    if (stage === "judging") return `${say("evaluate.stage.judging", values)} …`;
    return `${stage === "data" ? say("stage.data") : say("stage.model")} …`;
  }

  async fetchResult(evaluation) {
    try {
      const answer = await fetch(playground.url(`evaluation?id=${encodeURIComponent(evaluation)}&language=${playground.language()}`), { cache: "no-store" });
      const body = await answer.json();
      if (this.evaluation !== evaluation) return;
      if (!answer.ok) throw new Error(body.error);
      this.result = new Result(body, this.version);
      this.outcome.replaceChildren(this.result.element);
      announce(body);
    } catch (error) {
      if (this.evaluation !== evaluation) return;
      const line = element("p", "pp-error", error instanceof TypeError ? say("evaluate.lost") : playground.sentence(error.message));
      line.setAttribute("role", "alert");
      this.outcome.replaceChildren(line);
    }
  }

  buttons() {
    if (!this.stop || !this.record) return;
    const mine = this.viewer && (this.viewer.host || this.viewer.owner === this.record.owner);
    this.stop.hidden = !mine || ENDED.has(this.phase);
    this.stop.textContent = stopWords(this.phase, "evaluate.stop");
  }

  askToStop() {
    this.ask({ evaluation: this.evaluation });
    this.stop.textContent = say("phase.stopping");
  }
}

/** The list of evaluations, newest first. */
export function mountList(root, props, { pick }, watch) {
  const panel = root.querySelector(".pp-panel");
  let timer = 0;
  let drawn = "";
  const refresh = async () => {
    clearTimeout(timer);
    if (!document.hidden && root.checkVisibility()) {
      try {
        const answer = await fetch(playground.url("runs?kind=evaluation"), { cache: "no-store" });
        const body = await answer.text();
        if (answer.ok && body !== drawn) {
          drawn = body;
          drawList(panel, JSON.parse(body).runs, props.value || {}, pick);
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

function drawList(panel, evaluations, viewer, pick) {
  const title = element("h3", "pt-runs-title", say("evaluate.list"));
  if (!evaluations.length) return panel.replaceChildren(title, element("p", "pp-note", say("evaluate.list.none")));
  const list = element("ul", "pt-runs pe-list");
  for (const evaluation of evaluations) list.append(line(evaluation, viewer, pick));
  return panel.replaceChildren(title, list);
}

function line(evaluation, viewer, pick) {
  const item = element("li");
  const button = element("button", "pt-run");
  button.type = "button";
  const { bleu, started, ended } = evaluation;
  const facts = [
    bleu ? say("evaluate.list.bleu", { base: bleu.base.toFixed(1), tuned: bleu.tuned.toFixed(1) }) : "",
    started ? clock((ended ?? Date.now() / 1000) - started) : "",
    viewer.owner === evaluation.owner ? say("evaluate.list.mine") : "",
  ];
  button.append(element("strong", "", evaluation.name || evaluation.run), phaseBadge(evaluation.phase), element("span", "pt-run-facts", facts.filter(Boolean).join(" · ")));
  button.addEventListener("click", () => pick({ evaluation: evaluation.run }));
  item.append(button);
  return item;
}
