// Blind votes: two answers, and three ways to vote, by click, by key and by thumb. Nothing here knows whose an answer
// is: the server says so only of votes that were given. Data is written by textContent only.

import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const KEYS = {
  1: "left", a: "left", ArrowLeft: "left",
  2: "right", b: "right", ArrowRight: "right",
  0: "tie", t: "tie", ArrowDown: "tie",
};
const CHOICES = { left: "1 · A · ←", tie: "0 · T · ↓", right: "2 · B · →" };
// Where keys mean something else already.
const TYPING = "input, textarea, select, [contenteditable], [role=tab], [role=radio], [role=option], [role=slider], [role=listbox]";
const LINK = /^#votes\?(.*)/;
const NARROW = 640; // pixels
let followed = false;

export function mount(root, props, tell, watch) {
  const arena = new Arena(root.querySelector(".pp-panel"), tell);
  watch("value", () => arena.show(props.value || {}));
  window.addEventListener("keydown", (event) => arena.key(event));
  window.addEventListener("playground:vote-again", ({ detail }) => arena.revise(detail));
  window.addEventListener("playground:vote-on", ({ detail }) => tell.follow(detail));
  const link = LINK.exec(location.hash);
  const evaluation = link && !followed ? new URLSearchParams(link[1]).get("evaluation") : null;
  followed = true;
  if (evaluation) tell.follow({ evaluation });
  else tell.again({});
}

class Arena {
  constructor(panel, tell) {
    this.panel = panel;
    this.tell = tell;
    this.reset("");
    this.build();
    this.empty();
  }

  reset(source) {
    this.source = source;
    this.given = new Map(); // ballots voted on here, and how
    this.queue = [];
    this.past = [];
    this.current = null;
    this.facts = { voted: 0, total: 0, alike: 0, drawing: false };
  }

  build() {
    this.count = element("p", "pp-name pv-count");
    this.state = element("p", "pp-note");
    this.state.setAttribute("role", "status");
    this.problem = element("p", "pp-error");
    this.problem.setAttribute("role", "alert");
    this.share = element("button", "pv-button pv-share", say("votes.share"));
    Object.assign(this.share, { type: "button", id: "votes-share" });
    this.share.addEventListener("click", () => this.copyLink());
    const head = element("div", "pv-head");
    head.append(this.count, this.share);
    this.asked = element("div", "pp-card pv-asked");
    this.sides = {};
    const pair = element("div", "pv-pair");
    for (const [side, letter] of [["left", "A"], ["right", "B"]]) {
      const card = element("article", `pp-card pv-side pv-${side}`);
      const answer = element("p", "pc-answer");
      answer.id = `votes-${side}`;
      card.append(element("h3", "", say("votes.answer", { letter })), answer);
      this.sides[side] = { card, answer };
      pair.append(card);
    }
    this.bar = element("div", "pv-bar");
    this.bar.setAttribute("role", "group");
    this.bar.setAttribute("aria-label", say("votes.bar"));
    this.buttons = {};
    for (const [choice, keys] of Object.entries(CHOICES)) this.bar.append(this.button(choice, keys));
    this.back = element("button", "pv-back", say("votes.back"));
    Object.assign(this.back, { type: "button", id: "votes-back" });
    this.back.setAttribute("aria-keyshortcuts", "Backspace");
    this.back.append(element("kbd", "", "⌫"));
    this.back.addEventListener("click", () => this.goBack());
    this.body = element("div", "pv-body");
    this.body.append(this.asked, pair, this.bar);
    this.whole = [head, this.problem, this.state, this.body, this.back];
  }

  button(choice, keys) {
    const made = element("button", `pv-vote pv-vote-${choice}`);
    Object.assign(made, { type: "button", id: `votes-${choice}-button` });
    made.append(element("span", "pv-words", say(`votes.choice.${choice}`)), element("kbd", "", keys));
    made.setAttribute("aria-keyshortcuts", { left: "1 A ArrowLeft", tie: "0 T ArrowDown", right: "2 B ArrowRight" }[choice]);
    made.addEventListener("click", () => this.vote(choice));
    this.buttons[choice] = made;
    return made;
  }

  empty() {
    const box = element("div", "pt-empty");
    box.append(element("p", "pp-name", say("votes.empty")), element("p", "pp-note", say("votes.empty.help")));
    this.panel.replaceChildren(box);
  }

  /** @param {Object} value  as `votes_view.proceed` gives it */
  show(value) {
    if (!value.state) return undefined;
    if (value.state === "error") return this.fail(value);
    const begins = value.source !== this.source;
    if (begins) this.reset(value.source);
    this.problem.textContent = "";
    this.facts = value;
    const known = new Map([...this.queue, ...value.ballots].map((ballot) => [ballot.ballot, ballot]));
    this.queue = [...known.values()].filter(({ ballot }) => !this.given.has(ballot) && ballot !== this.current?.ballot);
    if (!this.current) this.next();
    else this.draw();
    if (begins && innerWidth <= NARROW) this.panel.scrollIntoView({ block: "start" }); // below the fields on a phone
    window.dispatchEvent(new CustomEvent("playground:voted", { detail: value }));
    return undefined;
  }

  /** What was not written down comes back to be voted on again. */
  fail({ message, ballot }) {
    const lost = this.past.findLast((one) => one.ballot === ballot);
    if (lost) {
      this.given.delete(ballot);
      this.past = this.past.filter((one) => one !== lost);
      if (this.current) this.queue.unshift(this.current);
      this.current = lost;
    }
    this.facts = { ...this.facts, drawing: false };
    this.problem.textContent = playground.sentence(message);
    this.draw();
  }

  next() {
    this.current = this.queue.shift() ?? null;
    this.draw();
  }

  vote(choice) {
    if (!this.current) return;
    const { ballot } = this.current;
    this.state.textContent = "";
    if (!this.given.has(ballot)) this.facts = { ...this.facts, voted: this.facts.voted + 1 };
    this.given.set(ballot, choice);
    this.past = [...this.past.filter((one) => one.ballot !== ballot), { ...this.current, choice }];
    this.tell.vote({ ballot, choice });
    this.next();
    if (this.panel.getBoundingClientRect().top < 0) this.panel.scrollIntoView({ block: "start" });
  }

  goBack() {
    const last = this.past.pop();
    if (last) this.revise(last);
  }

  /** A pair that was voted on is there again, with its vote, to be changed. */
  revise(ballot) {
    if (this.current && this.current.ballot !== ballot.ballot && !this.given.has(this.current.ballot)) this.queue.unshift(this.current);
    this.given.set(ballot.ballot, ballot.choice);
    this.current = ballot;
    this.draw();
    this.panel.scrollIntoView({ block: "start" });
  }

  key(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (!this.current || !this.panel.offsetParent || target.closest?.(TYPING)) return;
    const choice = KEYS[key.length === 1 ? key.toLowerCase() : key];
    if (choice) this.vote(choice);
    else if (key === "Backspace" && this.past.length) this.goBack();
    else return;
    event.preventDefault();
  }

  draw() {
    if (this.panel.firstChild !== this.whole[0]) this.panel.replaceChildren(...this.whole);
    const { current, facts } = this;
    const again = current && this.given.has(current.ballot);
    this.panel.dataset.state = current ? "open" : facts.drawing ? "drawing" : "over";
    this.count.textContent = say(again ? "votes.again" : "votes.count", {
      voted: facts.voted.toLocaleString(), total: facts.total.toLocaleString(), number: Math.min(facts.voted + 1, facts.total).toLocaleString(),
    });
    this.state.textContent = this.words();
    this.problem.hidden = !this.problem.textContent;
    this.body.hidden = !current;
    this.back.hidden = !this.past.length;
    this.share.hidden = !this.source.startsWith("evaluation:");
    if (!current) return;
    this.ask(current);
    for (const side of ["left", "right"]) {
      const text = current[side].trim();
      this.sides[side].answer.textContent = text || say("votes.nothing");
      this.sides[side].answer.classList.toggle("pp-note", !text);
    }
    for (const [choice, button] of Object.entries(this.buttons)) {
      const chosen = Boolean(again) && this.given.get(current.ballot) === choice;
      button.setAttribute("aria-pressed", String(chosen));
    }
  }

  words() {
    const { facts } = this;
    const alike = facts.alike ? say("votes.alike", { count: facts.alike.toLocaleString() }) : "";
    if (this.current) return alike;
    if (facts.drawing) return say("votes.writing");
    return [say(facts.total ? "votes.over" : "votes.none"), alike].filter(Boolean).join(" ");
  }

  ask({ instruction, input, reference }) {
    const parts = [element("h3", "", say("compare.asked")), element("p", "pv-question", instruction)];
    if (input) parts.push(element("p", "pv-question pv-input", input));
    if (reference) {
      const details = element("details", "pv-reference");
      details.open = this.reading ?? false;
      details.addEventListener("toggle", () => (this.reading = details.open));
      details.append(element("summary", "", say("compare.reference")), element("p", "pv-question", reference));
      parts.push(details);
    }
    this.asked.replaceChildren(...parts);
  }

  async copyLink() {
    const address = new URL(location.href);
    address.hash = `votes?${new URLSearchParams({ evaluation: this.source.slice("evaluation:".length) })}`;
    try {
      await navigator.clipboard.writeText(address.href);
      this.state.textContent = say("votes.copied", { address: address.href });
    } catch {
      this.state.textContent = address.href; // no clipboard without https: to be copied by hand
    }
  }
}
