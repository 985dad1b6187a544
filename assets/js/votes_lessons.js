// How trainings on votes stand: their two jobs, and in words and on a scale whether the room prefers what came of them.

import { clock, element } from "./status.js";
import { queueWords } from "./train.js";

const say = (key, values) => playground.text(key, values);
export const percent = (share) => `${Math.round(share * 100)} %`;
const GOING = ["preparing", "running", "stopping"];
const MORE = 3; // lessons that are shown at once

export class Lessons {
  /** @param {{resume: Function, stop: Function, visit: Function, vote: Function}} acts */
  constructor(acts) {
    this.acts = acts;
    this.element = element("div", "pl-lessons");
    this.drawn = "";
  }

  /** @param {Object[]} lessons  as `/playground/lessons` gives them  @param {?{owner: string, host: boolean}} viewer */
  draw(lessons, viewer) {
    const drawn = JSON.stringify([lessons, viewer, lessons.some(({ state }) => state === "going") && Math.floor(Date.now() / 1000)]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const held = this.element.contains(document.activeElement) ? document.activeElement.id : "";
    this.element.replaceChildren(...lessons.slice(0, MORE).map((lesson) => this.lesson(lesson, viewer)));
    if (held) document.getElementById(held)?.focus({ preventScroll: true });
  }

  lesson(lesson, viewer) {
    const box = element("section", "pp-card pl-lesson");
    box.dataset.state = lesson.state;
    const { votes, voters, rows, held_out } = lesson.votes;
    const head = element("div", "pv-head");
    head.append(
      element("h3", "pp-name", say(`votes.lesson.${lesson.method}`, { old: lesson.old })),
      element("span", "pp-note", say(`votes.lesson.state.${lesson.state}`)),
    );
    const learnt = say("votes.lesson.data", { votes: votes.toLocaleString(), voters: voters.toLocaleString(), rows: (rows - held_out).toLocaleString(), held_out: held_out.toLocaleString() });
    box.append(head, element("p", "pp-note", learnt), this.stages(lesson));
    if (["failed", "stopped"].includes(lesson.state) && lesson.reason) box.append(element("p", lesson.state === "failed" ? "pp-error" : "pp-note", playground.sentence(lesson.reason)));
    if (lesson.waits) box.append(element("p", "pp-note", playground.sentence(lesson.waits)));
    if (lesson.state === "paused") box.append(element("p", "pp-note", say("votes.lesson.paused")));
    if (lesson.next) box.append(...compared(lesson));
    else if (lesson.judge) box.append(...judged(lesson));
    const actions = this.actions(lesson, viewer);
    if (actions.childElementCount) box.append(actions);
    return box;
  }

  stages({ id, stages, method }) {
    const list = element("ol", "pl-stages");
    for (const stage of stages) {
      const item = element("li");
      item.dataset.phase = stage.phase;
      const name = say(`votes.lesson.stage.${stage.name}${stage.name === "answers" && method === "reward" ? ".reward" : ""}`);
      if (stage.job) {
        const link = element("button", "pl-link", name);
        Object.assign(link, { type: "button", id: `${id}-${stage.name}` });
        link.addEventListener("click", () => this.acts.visit(stage.job, stage.kind));
        item.append(link);
      } else item.append(element("span", "", name));
      item.append(element("span", "pp-note", standing(stage)));
      if (stage.total && GOING.includes(stage.phase)) {
        const bar = element("progress", "pp-tour-bar");
        bar.value = stage.steps / stage.total;
        bar.setAttribute("aria-label", name);
        item.append(bar);
      }
      list.append(item);
    }
    return list;
  }

  actions({ id, owner, state, next, after, stages }, viewer) {
    const row = element("div", "pp-tour-actions");
    const add = (name, act, main) => {
      const button = element("button", `pp-tour-act ${main ? "pp-tour-main" : ""}`, say(`votes.lesson.${name}`));
      Object.assign(button, { type: "button", id: `${id}-${name}` });
      button.addEventListener("click", act);
      row.append(button);
    };
    if (next) add("vote", () => this.acts.vote(next), !after);
    else if (state === "done") add("use", () => this.acts.visit(stages[0].job, "run"), true);
    if (!viewer || (!viewer.host && viewer.owner !== owner)) return row;
    if (state === "going") add("stop", () => this.acts.stop(id));
    else if (state !== "done") add("resume", () => this.acts.resume(id), true);
    return row;
  }
}

/** The room's verdict on the new model, beside what it said of the old one before. */
function compared({ before, after, old, new: made, fresh, pairs }) {
  const rows = [];
  if (before) rows.push([say("votes.lesson.before", { old }), before]);
  if (after) rows.push([say("votes.lesson.after", { new: made, old }), after]);
  const parts = [];
  if (after) {
    const [low, high] = after.interval;
    const key = low > 0.5 ? "better" : high < 0.5 ? "worse" : "noise";
    const facts = { rate: percent(after.rate), low: percent(low), high: percent(high), votes: after.votes.toLocaleString(), voters: after.voters.toLocaleString(), pairs: after.pairs.toLocaleString() };
    const verdict = element("p", `pv-verdict pl-verdict ${{ better: "pp-good", worse: "pp-bad", noise: "" }[key]}`, say(`votes.lesson.${key}`, facts));
    parts.push(verdict);
  } else parts.push(element("p", "pv-verdict pl-verdict", say(fresh ? "votes.lesson.ready.fresh" : "votes.lesson.ready", { pairs: (pairs ?? 0).toLocaleString() })));
  if (rows.length) parts.push(rates(rows), element("p", "pp-note", say("votes.lesson.how")));
  return parts;
}

/** How a reward model of the votes judges the answers that the room judged. */
function judged({ before, judge, accuracy, old, votes }) {
  const rows = [];
  if (before) rows.push([say("votes.lesson.room", { old }), before]);
  rows.push([say("votes.lesson.reward_model", { old }), { ...judge, rate: judge.win_rate, votes: judge.wins + judge.ties + judge.losses }]);
  const parts = [rates(rows), element("p", "pp-note", say("votes.lesson.how.reward"))];
  if (typeof accuracy !== "number") return parts;
  const ranked = say("votes.lesson.accuracy", { accuracy: percent(accuracy), held_out: votes.held_out.toLocaleString() });
  return [element("p", "pv-verdict pl-verdict", ranked), ...parts];
}

/** Win rates on one scale from 0 to 100 %, with a line at 50 %. */
function rates(rows) {
  const table = element("table", "pl-rates");
  table.append(element("caption", "pe-unseen", say("votes.lesson.rates")));
  const body = element("tbody");
  for (const [name, { rate, interval, wins, ties, losses, votes }] of rows) {
    const row = element("tr");
    const head = element("th", "", name);
    head.scope = "row";
    const [low, high] = interval;
    const scale = element("div", "pv-scale pl-scale");
    const range = element("span", "pv-range");
    Object.assign(range.style, { left: `${100 * low}%`, width: `${100 * (high - low)}%` });
    const dot = element("span", "pv-dot");
    dot.style.left = `${100 * rate}%`;
    scale.append(element("span", "pl-half"), range, dot);
    const drawn = element("td", "pl-drawn");
    drawn.append(scale);
    const figure = element("td", "pl-figure");
    figure.append(
      element("strong", "", percent(rate)),
      element("span", "pp-note", say("votes.lesson.interval", { low: percent(low), high: percent(high) })),
      element("span", "pp-note", say("votes.lesson.tally", { wins: wins.toLocaleString(), ties: ties.toLocaleString(), losses: losses.toLocaleString(), votes: votes.toLocaleString() })),
    );
    row.append(head, drawn, figure);
    body.append(row);
  }
  table.append(body);
  return table;
}

function standing({ phase, steps, total, started, seconds, place, starts_in }) {
  if (!phase) return say("votes.lesson.later");
  if (phase === "queued") return queueWords({ position: place, starts_in });
  const spent = phase === "done" ? clock(seconds) : started && GOING.includes(phase) ? clock(Date.now() / 1000 - started) : "";
  const step = total && steps && phase !== "done" ? say("tour.step", { steps, total }) : "";
  return [say(`phase.${phase}`), step, spent].filter(Boolean).join(" · ");
}
