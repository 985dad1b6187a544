// The card of the tour: one stage at a time in words, how it stands, and the way on. Built once, so that the keyboard's
// place in it stays; data is written by textContent only.

import { clock, element } from "./status.js";
import { queueWords } from "./train.js";
import { Outcome, figureWords } from "./tour_outcome.js";

const say = (key, values) => playground.text(key, values);

export class Card {
  /** @param {HTMLElement} panel @param {Object<string, Function>} acts  begin, resume, stop, go, visit, close, fold, anew */
  constructor(panel, acts) {
    Object.assign(this, { panel, acts, at: 0, view: null });
    panel.hidden = true;
    panel.setAttribute("role", "region");
    panel.setAttribute("aria-label", say("tour.title"));
    this.title = element("h2", "pp-name");
    this.title.tabIndex = -1;
    this.fold = this.button("fold", acts.fold, "pp-tour-plain");
    this.close = this.button("close", acts.close, "pp-tour-plain");
    const head = element("div", "pp-tour-head");
    head.append(this.title, this.fold, this.close);
    this.steps = element("ol", "pp-tour-steps");
    this.steps.setAttribute("aria-label", say("tour.steps"));
    this.words = element("p", "pp-tour-words");
    this.choice = element("fieldset", "pp-tour-choice");
    this.outcome = new Outcome();
    this.standing = element("p", "pp-tour-standing");
    this.bar = element("progress", "pp-tour-bar");
    this.bar.setAttribute("aria-label", say("tour.progress"));
    this.problem = element("p", "pp-error");
    this.problem.setAttribute("role", "alert");
    this.told = element("p", "pp-tour-told");
    this.told.setAttribute("role", "status");
    this.body = element("div", "pp-tour-body");
    this.body.append(this.steps, this.words, this.choice, this.outcome.element);
    panel.append(head, this.body, this.standing, this.bar, this.problem, this.actions(), this.told);
  }

  button(name, act, className = "") {
    const made = element("button", `pp-tour-act ${className}`.trim(), say(`tour.${name}`));
    Object.assign(made, { type: "button", id: `tour-${name}` });
    made.addEventListener("click", act);
    return made;
  }

  actions() {
    const { acts } = this;
    this.back = this.button("back", () => acts.go(this.at - 1));
    this.next = this.button("next", () => acts.go(this.at + 1), "pp-tour-main");
    this.begin = this.button("begin", () => acts.begin(this.choice.querySelector("input:checked")?.value), "pp-tour-main");
    this.show = this.button("show", () => acts.visit(this.stage.name, this.stage.tab));
    this.judged = this.button("judged", () => acts.visit(this.stage.name, "evaluate"));
    this.resume = this.button("resume", acts.resume, "pp-tour-main");
    this.anew = this.button("anew", acts.anew);
    this.stop = this.button("stop", acts.stop, "pp-tour-plain");
    this.lesson = element("a", "pp-tour-lesson", say("tour.lesson"));
    Object.assign(this.lesson, { href: playground.url("lesson-plan"), target: "_blank", rel: "noopener" });
    const row = element("div", "pp-tour-actions");
    row.append(this.begin, this.back, this.next, this.show, this.judged, this.resume, this.anew, this.lesson, this.stop);
    return row;
  }

  focus() {
    this.title.focus({ preventScroll: true });
  }

  /** @param {?Object} view  as `/playground/tour` gives it; null while the card is closed */
  draw(view, { at, folded }, refusal) {
    this.panel.hidden = !view;
    if (!view) return;
    this.view = view;
    this.at = view.state === "none" ? 0 : at;
    this.stage = view.stages[this.at - 1];
    this.panel.dataset.folded = String(folded);
    const end = this.at > view.stages.length;
    this.title.textContent = this.heading(end);
    this.fold.textContent = say(folded ? "tour.unfold" : "tour.fold");
    this.fold.setAttribute("aria-expanded", String(!folded));
    write(this.words, this.stage ? say(`tour.${this.stage.name}.words`) : say(end ? `tour.end.${view.state === "done" ? "done" : "words"}` : "tour.intro.words"));
    this.drawSteps();
    this.drawChoice();
    this.outcome.draw(end ? view : null);
    this.drawStanding();
    write(this.problem, playground.sentence(refusal) || (["failed", "stopped"].includes(view.state) && this.at ? playground.sentence(view.reason) : "") || (view.state === "paused" && this.at ? say("tour.paused") : ""));
    this.problem.hidden = !this.problem.textContent;
    this.problem.className = refusal || view.state === "failed" ? "pp-error" : "pp-note";
    this.drawActions(end);
    // The keyboard's place must not go with what was pressed.
    if (this.panel.contains(document.activeElement) && document.activeElement.closest("[hidden]")) this.focus();
  }

  heading(end) {
    const { stages } = this.view;
    if (end) return say("tour.end");
    if (!this.stage) return say("tour.intro");
    return say("tour.heading", { at: this.at, all: stages.length, stage: say(`tour.${this.stage.name}`) });
  }

  drawSteps() {
    const { stages } = this.view;
    const drawn = JSON.stringify([this.at, stages.map(({ phase }) => phase)]);
    this.steps.hidden = !this.at;
    if (drawn === this.drawnSteps) return;
    this.drawnSteps = drawn;
    const held = this.steps.contains(document.activeElement) ? [...this.steps.children].findIndex((item) => item.contains(document.activeElement)) : -1;
    this.steps.replaceChildren(...stages.map((stage, index) => this.step(stage, index + 1)));
    this.steps.children[held]?.firstChild.focus({ preventScroll: true });
  }

  step({ name, phase }, at) {
    const item = element("li");
    const button = element("button", "pp-tour-step", phase === "done" ? "✓" : phase === "failed" || phase === "interrupted" ? "!" : String(at));
    const label = [say("tour.heading", { at, all: this.view.stages.length, stage: say(`tour.${name}`) }), phase && phase !== "deleted" ? say(`phase.${phase}`) : ""];
    Object.assign(button, { type: "button", title: label.filter(Boolean).join(" · ") });
    button.setAttribute("aria-label", button.title);
    button.dataset.phase = phase;
    if (at === this.at) button.setAttribute("aria-current", "step");
    button.addEventListener("click", () => this.acts.go(at));
    item.append(button, element("span", "", say(`tour.${name}.short`)));
    return item;
  }

  drawChoice() {
    this.choice.hidden = this.at > 0;
    if (this.choice.hidden || this.choice.childElementCount) return;
    this.choice.append(element("legend", "", say("tour.model")));
    this.view.models.forEach(({ name, minutes, here }, index) => {
      const label = element("label");
      const radio = element("input");
      Object.assign(radio, { type: "radio", name: "tour-model", value: name, checked: !index });
      const words = [say("tour.model.minutes", { minutes }), here ? "" : say("tour.model.fetch")].filter(Boolean).join(" · ");
      label.append(radio, element("strong", "", name), element("span", "pp-note", words));
      this.choice.append(label);
    });
  }

  /** One line on the stage at hand; what changes every second is not read out, what begins and ends is. */
  drawStanding() {
    const { stage, view } = this;
    const under = view.stages.findLast(({ run }) => run);
    if (under) write(this.told, say("tour.told", { stage: say(`tour.${under.name}`), phase: under.phase === "deleted" ? "" : say(`phase.${under.phase}`) }));
    this.standing.hidden = this.bar.hidden = !stage;
    if (!stage) return;
    write(this.standing, standingWords(stage, view));
    this.bar.hidden = !(stage.total && ["preparing", "running"].includes(stage.phase));
    if (!this.bar.hidden) this.bar.value = stage.steps / stage.total;
  }

  drawActions(end) {
    const { at, stage, view } = this;
    const ended = ["failed", "stopped", "paused"].includes(view.state);
    this.begin.hidden = at > 0;
    this.back.hidden = at < 2;
    this.next.hidden = !at || end;
    this.next.textContent = say(at === view.stages.length ? "tour.finish" : "tour.next");
    this.show.hidden = !(stage && (stage.run || stage.tab === "compare"));
    if (stage) this.show.textContent = say(`tour.show.${stage.tab}`);
    this.judged.hidden = !(stage?.tab === "compare" && stage.phase === "done");
    this.resume.hidden = !ended || !at;
    this.anew.hidden = !end || view.state === "going";
    this.stop.hidden = view.state !== "going" || !at;
    this.lesson.hidden = !end;
  }
}

function standingWords(stage, view) {
  const { phase, steps, total, started } = stage;
  if (!phase) return playground.sentence(view.waits) || say("tour.before");
  if (phase === "deleted") return say("tour.deleted");
  if (phase === "queued") return queueWords({ position: stage.place, starts_in: stage.starts_in });
  if (phase === "done") return say("tour.done", { time: clock(stage.seconds), figure: figureWords(stage) });
  const spent = started && ["preparing", "running", "stopping"].includes(phase) ? clock(Date.now() / 1000 - started) : "";
  const step = total && steps ? say("tour.step", { steps, total }) : "";
  return [say(`phase.${phase}`), step, spent].filter(Boolean).join(" · ");
}

/** Only where it differs, so that nothing is read out twice. */
function write(target, words) {
  if (target.textContent !== words) target.textContent = words;
}
