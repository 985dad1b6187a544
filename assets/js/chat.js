/**
 * A conversation with the base and with a run, side by side. It lives in this browser alone and is found again after a
 * reload; the server is sent what an answer needs. Texts are written by textContent only.
 *
 * The component's value: `{asked, state, base, tuned, ahead, form, dropped, …}` of the turn that was sent as `asked`, or
 * with `message` where that was refused; see `talk` in playground/ui/chat_view.py.
 */

import { tunedAt } from "./compare.js";
import { Conversation, SIDES } from "./conversation.js";
import { save } from "./distribution_figure.js";
import { make, text as say } from "./distribution_page.js";

const KEY = "playground-chat";
const TOLD = ["form", "dropped", "run", "name", "model", "strength", "strategy"];

export function mount(root, props, tell, watch) {
  const chat = new Chat(root.querySelector(".pp-panel"), tell);
  watch("value", () => chat.receive(props.value ?? {}));
}

class Chat {
  constructor(panel, tell) {
    Object.assign(this, { panel, tell, talk: new Conversation(kept()), drawn: new Map() });
    this.empty = make("div", { class: "pt-empty" }, make("p", { class: "pp-name" }, say("chat.empty")), make("p", { class: "pp-note" }, say("chat.empty_help")));
    this.log = make("ol", { class: "pch-log", "aria-label": say("chat.log") });
    this.note = make("p", { class: "pp-note pch-note", role: "status" });
    this.input = make("textarea", { id: "chat-input", rows: 2, maxlength: 20000, placeholder: say("chat.placeholder"), "aria-label": say("chat.message") });
    this.input.addEventListener("keydown", (event) => this.key(event, () => this.send()));
    this.buttons = Object.fromEntries([["send", () => this.send()], ["stop", () => this.stop()], ["export", () => this.take()], ["new", () => this.fresh()]].map(([name, act]) => [name, button(name, act)]));
    const { send, stop, export: take, new: fresh } = this.buttons;
    const composer = make("div", { class: "pch-composer" }, this.input, make("div", { class: "pch-actions" }, send, stop, take, fresh));
    panel.replaceChildren(this.empty, this.log, this.note, composer);
    this.draw();
  }

  key(event, act) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    act();
  }

  send() {
    const words = this.input.value.trim();
    if (!words || this.busy) return;
    this.input.value = "";
    this.ask(this.talk.say(words));
  }

  /** Sends a turn that is to be answered. */
  ask(turn) {
    this.busy = turn;
    this.draw();
    this.drawn.get(turn.id).scrollIntoView({ block: "nearest" });
    this.nonce = `${turn.id}-${Date.now()}`;
    const [base, tuned] = SIDES.map((side) => this.talk.messages(turn, side));
    this.tell.send({ asked: this.nonce, base, tuned, attempt: turn.attempt });
  }

  receive(value) {
    const turn = this.busy;
    if (!turn || value.asked !== this.nonce) return;
    for (const name of TOLD) if (name in value) turn[name] = value[name];
    for (const side of SIDES) turn[side] = value[side] ?? turn[side];
    turn.message = value.message;
    turn.ahead = value.ahead;
    const ended = value.state === "done" || value.state === "error";
    if (ended) this.end(turn, value.state);
    else this.write(turn);
  }

  stop() {
    if (!this.busy) return;
    this.tell.stop({});
    this.end(this.busy, "stopped");
  }

  end(turn, state) {
    turn.state = state;
    this.busy = null;
    keep(this.talk.saved());
    this.draw();
  }

  again(turn) {
    if (!this.busy) this.ask(this.talk.again(turn));
  }

  /** Puts a field in the place of a message; sending it begins another branch there. */
  edit(turn, box) {
    if (this.busy) return;
    const field = make("textarea", { rows: 3, maxlength: 20000, "aria-label": say("chat.edit") });
    field.value = turn.user;
    const done = () => field.value.trim() && !this.busy && this.ask(this.talk.say(field.value.trim(), turn.parent));
    field.addEventListener("keydown", (event) => (event.key === "Escape" ? this.draw() : this.key(event, done)));
    box.replaceChildren(field, make("div", { class: "pch-actions" }, button("resend", done), button("cancel", () => this.draw())));
    field.focus();
  }

  fresh() {
    if (this.busy) this.stop();
    this.talk = new Conversation();
    keep(this.talk.saved());
    this.draw();
    this.input.focus();
  }

  take() {
    save(JSON.stringify(this.talk.document(), null, 1), "application/json", "conversation.json");
  }

  draw() {
    const path = this.talk.path();
    this.drawn = new Map(path.map((turn) => [turn.id, this.turn(turn)]));
    this.log.replaceChildren(...this.drawn.values());
    this.empty.hidden = path.length > 0;
    this.log.hidden = !path.length;
    for (const turn of path) this.write(turn);
    const { send, stop, export: take, new: fresh } = this.buttons;
    send.disabled = Boolean(this.busy);
    stop.disabled = !this.busy;
    take.disabled = fresh.disabled = !path.length;
    this.panel.dataset.state = this.busy ? "answering" : "idle";
    const last = path.at(-1);
    this.note.textContent = last?.form ? say(`chat.form_${last.form}`) : "";
  }

  turn(turn) {
    const words = make("div", { class: "pch-user" }, make("p", {}, turn.user));
    const others = this.talk.beside(turn);
    const tools = make("div", { class: "pch-tools" }, ...this.branches(turn, others), button("edit", () => this.edit(turn, words)), button("again", () => this.again(turn)));
    const cards = SIDES.map((side) => make("article", { class: `pp-card pc-side pc-${side}` }, make("h3", {}, side === "base" ? say("compare.base") : tunedAt(turn.strength)), make("p", { class: "pc-answer", "data-side": side })));
    return make("li", { class: "pch-turn", "data-turn": turn.id }, words, tools, make("div", { class: "pc-pair" }, ...cards), make("p", { class: "pp-note pch-state", role: "status" }));
  }

  /** ‹ 1 / 2 ›: the ways that were taken from here. */
  branches(turn, others) {
    if (others.length < 2) return [];
    const at = others.indexOf(turn);
    const to = (name, other) => {
      const made = button(name, () => {
        if (this.busy) return;
        this.talk.turnTo(other);
        keep(this.talk.saved());
        this.draw();
        this.drawn.get(other.id).querySelector(`[data-action="${name}"]`)?.focus();
      });
      made.disabled = !other;
      return made;
    };
    return [to("before", others[at - 1]), make("span", {}, say("chat.branch", { number: at + 1, count: others.length })), to("after", others[at + 1])];
  }

  /** Answers and state of a turn as they are now. */
  write(turn) {
    const item = this.drawn.get(turn.id);
    if (!item) return;
    for (const side of SIDES) item.querySelector(`[data-side="${side}"]`).textContent = turn[side];
    item.querySelector(".pc-tuned h3").textContent = tunedAt(turn.strength);
    item.dataset.state = turn.state;
    const line = item.querySelector(".pch-state");
    line.textContent = this.words(turn).join(" ");
    line.classList.toggle("pp-error", turn.state === "error");
  }

  words(turn) {
    const found = [];
    if (turn.state === "error") found.push(turn.message ? playground.sentence(turn.message) : say("chat.lost"));
    else if (turn.state !== "done") found.push(turn.state === "answering" && turn.ahead ? say("compare.ahead", { ahead: turn.ahead }) : say(`chat.state_${turn.state}`));
    const [base, tuned] = turn.dropped ?? [0, 0];
    if (base || tuned) found.push(say("chat.dropped", { base, tuned }));
    if (turn.attempt && turn.strategy && turn.strategy !== "sampling") found.push(say("chat.same_again"));
    return found;
  }
}

function button(name, act) {
  return make("button", { type: "button", class: "pch-button", "data-action": name, onclick: act, "aria-label": ["before", "after"].includes(name) ? say(`chat.${name}_label`) : false }, say(`chat.${name}`));
}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") ?? {};
  } catch {
    return {};
  }
}

function keep(saved) {
  try {
    localStorage.setItem(KEY, JSON.stringify(saved));
  } catch {
    // A browser that keeps nothing, or has no room, shows nothing after a reload.
  }
}
