// The tour: its button in the header, where the person is in it, and how its runs stand. `tour_card.js` draws it.
// Its runs belong to the server; only the place where somebody reads, and whether the card is open, is kept here.

import { element } from "./status.js";
import { Card } from "./tour_card.js";

const say = (key, values) => playground.text(key, values);
const EVERY = 1500; // milliseconds between questions while it goes on and is looked at
const SELDOM = 5000; // while it goes on and is not
const KEPT = "playground-tour";
/** Where a stage is to be seen, by the tab it opens. */
const POINTS = { train: "#train-live", compare: "#compare-views", evaluate: "#evaluate-live" };
const POINTED = 2400;
/** A phone has no room for the words and for what they speak of. */
const narrow = () => innerWidth < 700;

export function mount(root, props, tell, watch) {
  const tour = new Tour(root.querySelector(".pp-tour"), tell);
  const receive = () => tour.receive(props.value || {});
  watch("value", receive);
  receive();
}

function remembered() {
  try {
    const { open = false, at = 0, folded = false } = JSON.parse(localStorage.getItem(KEPT)) ?? {};
    return { open, at, folded };
  } catch {
    return { open: false, at: 0, folded: false }; // nothing may be kept here, or something else was
  }
}

class Tour {
  constructor(panel, tell) {
    Object.assign(this, { panel, tell, view: null, viewer: null, turn: 0, answered: 0, refusal: "", place: remembered() });
    this.card = new Card(panel, {
      begin: (model) => this.ask("begin", { model }),
      resume: () => this.ask("resume"),
      stop: () => this.ask("stop"),
      go: (at) => this.go(at),
      visit: (stage, tab) => this.visit(stage, tab),
      close: () => this.keep({ open: false }),
      fold: () => this.fold(),
      anew: () => this.keep({ at: 0 }),
    });
    this.button = element("button", "pp-tour-button");
    Object.assign(this.button, { type: "button", id: "pp-tour-button" });
    this.button.setAttribute("aria-controls", "shell-tour");
    this.button.addEventListener("click", () => this.toggle());
    document.querySelector(".pp-tour-way")?.append(this.button);
    new ResizeObserver(([{ contentRect }]) => document.body.style.setProperty("--pp-tour-height", `${Math.ceil(contentRect.height)}px`)).observe(panel);
    document.addEventListener("visibilitychange", () => this.look());
    this.draw();
  }

  /** Who is looking, and what came of what they asked for. */
  receive({ viewer, turn, did, refused }) {
    this.viewer = viewer ?? this.viewer;
    if (turn && turn !== this.answered) {
      this.answered = turn;
      this.refusal = refused ?? "";
      if (!refused && did === "begin") this.begun = true;
      if (!refused && did === "resume") this.resumed = true;
    }
    this.look();
  }

  ask(what, more = {}) {
    this.turn = Date.now();
    this.refusal = "";
    this.tell[what]({ ...more, turn: this.turn });
    this.draw();
  }

  keep(change) {
    Object.assign(this.place, change);
    try {
      localStorage.setItem(KEPT, JSON.stringify(this.place));
    } catch {
      // then a reload begins where the tour stands
    }
    this.draw();
    this.look();
  }

  toggle() {
    const open = !this.place.open;
    this.awaited = open;
    this.keep({ open });
  }

  fold() {
    this.keep({ folded: !this.place.folded });
    if (!this.place.folded && narrow()) this.panel.scrollIntoView({ block: "start" });
  }

  /** To the words of a stage, and where there is room for both, to its run. */
  go(at) {
    this.refusal = "";
    this.keep({ at, folded: this.place.folded && !narrow() });
    const stage = this.view?.stages[at - 1];
    if (stage?.run && !narrow()) this.visit(stage.name, stage.tab);
  }

  visit(stage, tab) {
    if (narrow()) this.keep({ folded: true });
    this.tell.visit({ stage, tab });
    this.point(POINTS[tab], Date.now() + POINTED);
  }

  /** Outlines what the person was led to for a moment, once its tab is there. */
  point(selector, until) {
    const found = document.querySelector(selector);
    if (found?.checkVisibility()) {
      found.classList.add("pp-tour-point");
      setTimeout(() => found.classList.remove("pp-tour-point"), POINTED);
    } else if (Date.now() < until) setTimeout(() => this.point(selector, until), 100);
  }

  /** Asks how the tour stands, and again later for as long as it goes on. */
  async look() {
    clearTimeout(this.timer);
    if (!this.viewer || document.hidden || this.looking) return;
    this.looking = true;
    const found = await this.fetched();
    this.looking = false;
    if (found) this.took(found);
    const pause = this.place.open ? EVERY : SELDOM;
    if (!found || found.state === "going") this.timer = setTimeout(() => this.look(), pause);
  }

  async fetched() {
    try {
      const answer = await fetch(playground.url(`tour?owner=${this.viewer.owner}`), { cache: "no-store" });
      return answer.ok ? await answer.json() : null;
    } catch {
      return null; // the server is away; the chip in the header says so
    }
  }

  took(view) {
    this.view = view;
    const last = view.stages.length + 1;
    const under = view.stages.findIndex(({ phase }) => phase !== "done") + 1 || last;
    if (this.begun || this.resumed) {
      const at = this.begun ? 1 : under;
      this.begun = this.resumed = false;
      this.go(at);
    } else if (this.place.at > last || (view.state === "none" && this.place.at)) this.keep({ at: 0 });
    else if (!this.place.at && ["going", "paused"].includes(view.state)) this.keep({ at: under });
    this.draw();
  }

  draw() {
    const { view, place } = this;
    const going = view?.state === "going";
    const done = view?.stages.filter(({ phase }) => phase === "done").length ?? 0;
    this.button.textContent = going ? say("tour.button.going", { done, all: view.stages.length }) : say("tour.button");
    this.button.setAttribute("aria-expanded", String(place.open));
    this.button.dataset.going = String(going);
    document.body.toggleAttribute("data-tour", place.open);
    this.card.draw(place.open ? view : null, place, this.refusal);
    this.lead();
  }

  /** The keyboard goes to a card just opened as soon as there is one, unless the person has gone elsewhere by then. */
  lead() {
    if (!this.awaited || !this.view) return;
    this.awaited = false;
    if (document.activeElement === this.button || document.activeElement === document.body) this.card.focus();
  }
}
