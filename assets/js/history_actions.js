// What can be done with the runs that are ticked, and the questions that are asked before anything goes away.

import { ENDED } from "./follow.js";
import { size } from "./history_row.js";
import { MOST, selection } from "./history_selection.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const nameOf = ({ name, run }) => name || run;
const total = (entries, of) => entries.reduce((sum, entry) => sum + entry[of], 0);

/** Whether the ticked ones can stand in one chart, or beside each other in one table of settings. */
export function comparable(entries) {
  const runs = entries.filter(({ kind }) => kind === "run").length;
  return entries.length >= 2 && entries.length <= MOST && (runs === entries.length || (runs === 0 && entries.length === 2));
}

export class Actions {
  /** @param {{compare: () => void, rename: (run) => void, use: (run) => void, free: (runs) => void, restore: (runs) => void, erase: (runs) => void}} acts */
  constructor(acts) {
    this.acts = acts;
    this.viewer = null;
    this.element = element("div", "ph-actions");
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", say("history.actions"));
    this.count = element("span", "ph-count");
    this.count.setAttribute("role", "status");
    const one = () => selection.chosen[0].run;
    this.buttons = {
      compare: this.button("compare", acts.compare),
      rename: this.button("rename", () => acts.rename(one())),
      use: this.button("use", () => acts.use(one())),
      free: this.button("free", () => this.askToFree()),
      restore: this.button("restore", () => acts.restore(selection.chosen.map(({ run }) => run))),
      delete: this.button("delete", () => this.askToDelete()),
      clear: this.button("clear", () => selection.set(selection.ids, false)),
    };
    this.dialog = element("dialog", "ph-dialog");
    this.dialog.id = "history-dialog";
    this.element.append(this.count, ...Object.values(this.buttons), this.dialog);
    selection.addEventListener("change", () => this.draw());
    this.draw();
  }

  button(name, act) {
    const made = element("button", `pe-button ph-${name}`, say(`history.${name}`));
    Object.assign(made, { type: "button", id: `history-${name}`, title: say(`history.${name}.help`) });
    made.addEventListener("click", act);
    return made;
  }

  setViewer(viewer) {
    this.viewer = viewer;
    this.draw();
  }

  draw() {
    const { chosen } = selection;
    const mine = chosen.length > 0 && chosen.every(({ owner }) => this.viewer?.host || this.viewer?.owner === owner);
    const able = {
      compare: comparable(chosen),
      rename: mine && chosen.length === 1,
      use: mine && chosen.length === 1 && chosen[0].kind === "run",
      free: mine && freeable(chosen).length > 0,
      restore: mine,
      delete: mine,
      clear: chosen.length > 0,
    };
    this.buttons.restore.hidden = !chosen.some(({ archived }) => archived);
    for (const [name, on] of Object.entries(able)) this.buttons[name].disabled = !on;
    this.count.textContent = chosen.length ? say("history.ticked", { count: chosen.length, size: size(total(chosen, "bytes")) }) : say("history.ticked.none");
  }

  askToFree() {
    const entries = freeable(selection.chosen);
    const notes = [say("history.free.stays")];
    if (entries.some(({ phase }) => phase !== "done")) notes.push(say("history.free.resume"));
    this.ask({
      name: "free", entries, of: "checkpoints", notes, blocked: [],
      act: () => this.acts.free(entries.map(({ run }) => run)),
    });
  }

  askToDelete() {
    const { chosen } = selection;
    const going = new Map(chosen.map((entry) => [entry.run, whyNot(entry, chosen)]));
    const entries = chosen.filter(({ run }) => !going.get(run));
    const blocked = [...going.values()].filter(Boolean);
    const scores = [...selection.entries.values()].filter(({ kind, on, run }) => kind === "evaluation" && entries.some((entry) => entry.run === on) && !selection.has(run));
    const notes = [say("history.delete.goes")];
    if (scores.length) notes.push(say("history.delete.evaluations", { names: scores.map(nameOf).join(", ") }));
    this.ask({
      name: "delete", entries, of: "bytes", notes, blocked,
      act: () => this.acts.erase(entries.map(({ run }) => run)),
    });
  }

  /** A question with the runs it is about, what comes back, and what does not go. */
  ask({ name, entries, of, notes, blocked, act }) {
    const title = element("h3", "", say(`history.${name}.ask`));
    title.id = "history-dialog-title";
    this.dialog.setAttribute("aria-labelledby", title.id);
    const list = element("ul", "ph-going");
    for (const entry of entries) {
      const line = element("li");
      line.append(element("span", "", nameOf(entry)), element("span", "ph-size", size(entry[of])));
      list.append(line);
    }
    const parts = [title];
    if (entries.length) parts.push(list, element("p", "ph-back", say("history.back.disk", { size: size(total(entries, of)) })), ...notes.map((words) => element("p", "pp-note", words)));
    if (blocked.length) parts.push(element("p", "pp-error", blocked.join("\n")));
    const bar = element("div", "ph-bar");
    const no = element("button", "pe-button", say("history.cancel"));
    Object.assign(no, { type: "button", id: "history-dialog-cancel" });
    no.addEventListener("click", () => this.dialog.close());
    bar.append(no);
    if (entries.length) {
      const yes = element("button", `pe-button ph-${name}`, say(`history.${name}`));
      Object.assign(yes, { type: "button", id: "history-dialog-do" });
      yes.addEventListener("click", () => {
        this.dialog.close();
        act();
      });
      bar.append(yes);
    }
    this.dialog.replaceChildren(...parts, bar);
    this.dialog.showModal();
    no.focus();
  }
}

const freeable = (entries) => entries.filter(({ phase, checkpoints }) => ENDED.has(phase) && checkpoints > 0);

/** Why an entry cannot be deleted, as the server would say too; empty where it can. */
function whyNot(entry, chosen) {
  if (!ENDED.has(entry.phase)) return say("history.delete.live", { name: nameOf(entry), phase: say(`phase.${entry.phase}`) });
  const going = new Set(chosen.map(({ run }) => run));
  const above = [...selection.entries.values()].filter(({ on, kind, run, phase }) => on === entry.run && (kind === "run" || !ENDED.has(phase)) && (!going.has(run) || !ENDED.has(phase)));
  return above.length ? say("history.delete.above", { name: nameOf(entry), names: above.map(nameOf).join(", ") }) : "";
}
