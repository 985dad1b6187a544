// The host's button for the next group: first the question with what there is to put away, then how it goes.
// Data is written by textContent only.

import { save } from "./files.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const PARTS = ["stop", "archive", "votes", "unload"];

export function mount(root, props, tell, watch) {
  const reset = new Reset(root.querySelector(".pp-panel"), tell);
  watch("value", () => reset.receive(props.value || {}));
}

class Reset {
  constructor(panel, tell) {
    this.tell = tell;
    this.turn = 0;
    this.button = button("room-reset-ask", say("room.reset"));
    this.button.addEventListener("click", () => tell.plan({ turn: ++this.turn }));
    this.state = element("div", "pr-state");
    this.state.setAttribute("role", "status");
    this.dialog = element("dialog", "ph-dialog");
    this.dialog.id = "room-reset-dialog";
    panel.append(element("p", "pp-note", say("room.reset.help")), this.button, this.state, this.dialog);
  }

  receive({ plan, busy, done, error }) {
    this.button.disabled = Boolean(busy);
    if (plan) return this.ask(plan);
    if (busy) return this.show(element("p", "", say(`room.reset.part.${PARTS.includes(busy) ? busy : PARTS[0]}`)));
    if (error) return this.show(element("p", "pp-error", playground.sentence(error)));
    return done && this.show(...result(done));
  }

  show(...parts) {
    this.state.replaceChildren(...parts);
  }

  ask({ live, listed, votes }) {
    const title = element("h3", "", say("room.reset.ask"));
    title.id = "room-reset-title";
    this.dialog.setAttribute("aria-labelledby", title.id);
    const list = element("ul", "pr-may");
    const values = { live: live.toLocaleString(), listed: listed.toLocaleString(), votes: votes.toLocaleString() };
    const lines = [...(live ? ["stop"] : []), "archive", votes ? "votes" : "no_votes", "unload", "stay"];
    list.append(...lines.map((name) => element("li", "", say(`room.reset.will.${name}`, values))));
    const bar = element("div", "ph-bar");
    const no = button("room-reset-cancel", say("history.cancel"));
    no.addEventListener("click", () => this.dialog.close());
    const yes = button("room-reset-do", say("room.reset.do"));
    yes.addEventListener("click", () => {
      this.dialog.close();
      this.tell.reset({});
    });
    bar.append(no, yes);
    this.dialog.replaceChildren(title, list, bar);
    this.dialog.showModal();
    no.focus();
  }
}

function result({ stopped, archived, left, votes, pairs, file, text }) {
  const values = { stopped: stopped.toLocaleString(), archived: archived.toLocaleString(), votes: votes.toLocaleString(), pairs: pairs.toLocaleString() };
  const parts = [element("p", "pp-good", say("room.reset.done", values))];
  if (left.length) parts.push(element("p", "pp-error", say("room.reset.left", { runs: left.join(", ") })));
  if (file) {
    const take = button("room-reset-votes", say("room.reset.take", values));
    take.addEventListener("click", () => save(file, "application/jsonl", text));
    parts.push(take);
  }
  return parts;
}

function button(id, words) {
  const made = element("button", "pe-button", words);
  Object.assign(made, { type: "button", id });
  return made;
}
