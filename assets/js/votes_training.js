// From the votes to a model that learnt from them: what there is to learn from, one press, and how it goes on. Where the
// training stands is the server's to say; `votes_lessons.js` draws it. Data is written by textContent only.

import { element } from "./status.js";
import { Lessons, percent } from "./votes_lessons.js";

const say = (key, values) => playground.text(key, values);
const WAIT = 500; // milliseconds after the last vote before the card is asked for
const EVERY = 1500; // between questions while something goes on
const SELDOM = 6000; // while nothing does: others vote meanwhile
const METHODS = ["dpo", "reward"];

export function mount(root, props, tell, watch) {
  const card = new Training(root.querySelector(".pp-panel"), tell, props.room === true);
  const receive = () => card.receive(props.value || {});
  watch("value", receive);
  receive();
  if (props.room === true) return;
  let timer = 0;
  window.addEventListener("playground:voted", () => {
    clearTimeout(timer);
    timer = setTimeout(() => card.look(), WAIT);
  });
}

class Training {
  /** @param {boolean} room  whether it stands in the Room tab, which has a title and says something before there is a vote */
  constructor(panel, tell, room) {
    Object.assign(this, { panel, tell, room, everybody: true, turn: 0, answered: 0, source: "", offer: null, viewer: null });
    const name = (this.name = `votes-train${room ? "-room" : ""}`);
    this.title = element("h2", "pp-name", say("votes.train"));
    this.head = element("div", "pv-head");
    this.head.append(...(room ? [] : [this.title]), this.whose());
    this.count = element("p", "pp-note");
    this.form = element("div", "pl-form");
    this.form.append(this.methods(), this.pupils());
    this.start = element("button", "pp-tour-act pp-tour-main", say("votes.train.start"));
    Object.assign(this.start, { type: "button", id: `${name}-start` });
    this.start.addEventListener("click", () => this.begin());
    this.state = element("p", "pp-note");
    this.state.setAttribute("role", "status");
    const actions = element("div", "pp-tour-actions");
    actions.append(this.start, this.state);
    this.problem = element("p", "pp-error");
    this.problem.setAttribute("role", "alert");
    this.lessons = new Lessons({
      resume: (lesson) => this.ask("resume", { lesson }),
      stop: (lesson) => this.ask("stop", { lesson }),
      visit: (job, kind) => tell.visit({ job, kind }),
      vote: (source) => voteOn(source),
    });
    this.whole = [this.head, this.count, this.form, actions, this.problem, element("p", "pp-note", say("votes.train.method")), this.lessons.element];
    document.addEventListener("visibilitychange", () => this.follow());
  }

  whose() {
    const group = element("div", "pv-whose");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", say("votes.whose"));
    this.sides = [true, false].map((everybody) => {
      const button = element("button", "pv-button", say(`votes.whose.${everybody ? "everybody" : "mine"}`));
      button.type = "button";
      button.addEventListener("click", () => {
        this.everybody = everybody;
        this.look();
      });
      group.append(button);
      return [everybody, button];
    });
    return group;
  }

  methods() {
    const set = element("fieldset", "pl-methods");
    set.append(element("legend", "", say("votes.train.what")));
    for (const [place, method] of METHODS.entries()) {
      const label = element("label");
      const radio = element("input");
      Object.assign(radio, { type: "radio", name: `${this.name}-method`, value: method, checked: !place });
      radio.addEventListener("change", () => this.draw());
      const words = element("span");
      words.append(element("strong", "", say(`votes.train.${method}`)), element("span", "pp-note", say(`votes.train.${method}.help`)));
      label.append(radio, words);
      set.append(label);
    }
    this.set = set;
    return set;
  }

  pupils() {
    const label = element("label", "pl-pupil");
    this.pupil = element("select");
    this.pupil.id = `${this.name}-pupil`;
    label.append(element("span", "", say("votes.train.pupil")), this.pupil, element("span", "pp-note", say("votes.train.pupil.help")));
    return label;
  }

  get method() {
    return this.set.querySelector("input:checked").value;
  }

  look() {
    this.tell.look({ everybody: this.everybody, turn: Date.now() });
  }

  begin() {
    this.ask("begin", { method: this.method, pupil: this.pupil.value });
  }

  ask(what, more) {
    this.turn = Date.now();
    this.problem.textContent = "";
    this.state.textContent = what === "begin" ? say("votes.train.beginning") : "";
    this.start.disabled = true;
    this.tell[what]({ ...more, everybody: this.everybody, turn: this.turn });
  }

  receive(value) {
    if (!value.source && !value.refused) return this.empty();
    const { source = this.source, viewer = this.viewer } = value;
    if (source !== this.source) this.lessons.draw([], viewer);
    Object.assign(this, { source, viewer });
    if (value.pupils) this.offer = value;
    if (value.did !== "look" || value.refused) this.problem.textContent = playground.sentence(value.refused ?? "");
    this.state.textContent = "";
    if (this.panel.firstChild !== this.whole[0]) this.panel.replaceChildren(...this.whole);
    this.draw();
    return this.follow();
  }

  empty() {
    this.source = "";
    clearTimeout(this.timer);
    this.panel.replaceChildren(...(this.room ? [element("p", "pp-note", say("votes.train.none"))] : []));
  }

  draw() {
    const { offer } = this;
    for (const [everybody, button] of this.sides) button.setAttribute("aria-pressed", String(this.everybody === everybody));
    this.problem.hidden = !this.problem.textContent;
    if (!offer) return;
    const { votes, voters, rows, tied, needed, missing, nobody } = offer;
    const facts = { votes: votes.toLocaleString(), voters: voters.toLocaleString(), rows: rows.toLocaleString(), tied: tied.toLocaleString(), needed, missing };
    const enough = !missing ? "" : rows >= needed ? say("votes.train.one_question") : say("votes.train.missing", facts);
    this.count.textContent = [say("votes.train.count", facts), enough || playground.sentence(nobody) || ""].filter(Boolean).join(" ");
    this.form.hidden = Boolean(missing || nobody);
    this.start.disabled = this.form.hidden;
    this.start.hidden = Boolean(nobody);
    this.start.textContent = say(`votes.train.start.${this.method}`);
    const chosen = offer.pupils.some(({ name }) => name === this.pupil.value) && this.touched ? this.pupil.value : offer.pupils[0]?.name;
    this.pupil.replaceChildren(...offer.pupils.map(({ name, title, rate }) => {
      const option = element("option", "", rate === null ? title : say("votes.train.pupil.rate", { title, rate: percent(rate) }));
      option.value = name;
      return option;
    }));
    this.pupil.value = chosen ?? "";
    this.pupil.onchange = () => (this.touched = true);
  }

  /** Asks how the training stands, and again later for as long as the card is looked at. */
  async follow() {
    clearTimeout(this.timer);
    if (!this.source || document.hidden || this.asking) return;
    let pause = 1000;
    if (this.panel.offsetParent) {
      this.asking = true;
      const found = await this.fetched(this.source);
      this.asking = false;
      if (found && found.source === this.source) this.lessons.draw(found.lessons, this.viewer);
      pause = found?.lessons.some(({ state }) => state === "going") ? EVERY : SELDOM;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.follow(), pause);
  }

  async fetched(source) {
    try {
      const answer = await fetch(playground.url(`lessons?source=${encodeURIComponent(source)}`), { cache: "no-store" });
      return answer.ok ? { source, ...(await answer.json()) } : null;
    } catch {
      return null; // the server is away; the chip in the header says so
    }
  }
}

/** Opens the Votes view on the pairs of an evaluation, as its link does. */
async function voteOn(source) {
  const evaluation = source.replace(/^evaluation:/, "");
  const address = new URL(location.href);
  address.hash = `votes?${new URLSearchParams({ evaluation })}`;
  history.replaceState(null, "", address);
  (await playground.module("js/votes_link.js")).open();
  window.dispatchEvent(new CustomEvent("playground:vote-on", { detail: { evaluation } }));
}
