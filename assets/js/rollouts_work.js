/** Work that goes on at the server, seen from a page: how far it is, what came of it, and how it is ended. */

import { count, fixed, make, text as say } from "./distribution_page.js";

const FIRST = 200;
const SLOWEST = 1000;

export class Progress {
  /**
   * @param {string} kind  of the work; a reload finds the last one of it again
   * @param {{status: (id: string) => Promise<Object>, result: (id: string) => Promise<Object>}} server
   * @param {{stop: (id: string) => void, found: (result: Object) => void, changed: (state: string) => void}} hear
   */
  constructor(kind, server, hear) {
    Object.assign(this, { kind, server, hear, id: "" });
    this.bar = make("progress", { "aria-label": say("rollouts.progress") });
    this.words = make("span", { role: "status" });
    this.stop = make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": "stop", onclick: () => this.end() }, say("rollouts.stop"));
    this.problem = make("p", { class: "pgr-problem", role: "alert", hidden: true });
    this.line = make("div", { class: "pgr-progress", hidden: true }, this.bar, this.words, this.stop);
    this.element = make("div", {}, this.line, this.problem);
  }

  /** Goes on with what was looked at before a reload. */
  resume() {
    const id = kept(this.kind);
    if (id) this.follow(id);
  }

  /** Follows a piece of work until it has ended, or another takes its place. */
  async follow(id) {
    this.id = id;
    keep(this.kind, id);
    this.complain("");
    this.stop.disabled = false;
    let [seen, pause] = [0, FIRST];
    while (this.id === id) {
      const status = await this.ask("status");
      if (this.id !== id) return;
      if (status?.state === "gone") return this.forget();
      if (status) {
        this.show(status);
        if (status.version > seen && (await this.fetch(id))) seen = status.version;
        if (this.id !== id) return;
        if (status.state !== "working") return this.ended(status);
      }
      await new Promise((done) => setTimeout(done, pause));
      pause = Math.min(SLOWEST, pause * 1.2);
    }
  }

  async ask(what) {
    try {
      return await this.server[what](this.id);
    } catch {
      this.words.textContent = say("rollouts.lost");
      return null;
    }
  }

  async fetch(id) {
    const result = await this.ask("result");
    if (!result || result.error || this.id !== id) return false;
    this.hear.found(result);
    return true;
  }

  show(status) {
    this.line.hidden = status.state !== "working";
    this.hear.changed(status.state);
    if (status.total > 0 && !status.ahead) this.bar.value = status.done / status.total;
    else this.bar.removeAttribute("value");
    this.words.textContent = stage(status);
  }

  ended({ state, error }) {
    this.line.hidden = true;
    this.id = "";
    if (state === "failed") this.complain(error);
    if (state === "stopped") this.complain(say("rollouts.stopped"), "note");
  }

  /** What is not kept any more is not worth a word, unless one was looking at it going on. */
  forget() {
    if (!this.line.hidden) this.complain(say("rollouts.gone"));
    this.line.hidden = true;
    this.id = "";
    keep(this.kind, "");
  }

  end() {
    this.stop.disabled = true;
    this.words.textContent = say("rollouts.stopping");
    this.hear.stop(this.id);
  }

  complain(sentence, kind = "error") {
    this.problem.hidden = !sentence;
    this.problem.textContent = playground.sentence(sentence);
    this.problem.dataset.kind = kind;
  }
}

/** The work of a kind that this browser looks at; `playground.work` tells it to whatever else is on the page. */
function keep(kind, id) {
  window.playground.work = { ...window.playground.work, [kind]: id };
  try {
    localStorage.setItem(`playground-work-${kind}`, id);
  } catch {
    // A browser that keeps nothing shows nothing after a reload.
  }
}

function kept(kind) {
  try {
    return localStorage.getItem(`playground-work-${kind}`) ?? "";
  } catch {
    return "";
  }
}

/** What is going on, in words. */
function stage({ stage: name, done, total, ahead }) {
  if (ahead) return say("rollouts.ahead", { count: ahead });
  const numbers = { done: count(Math.round(done)), total: count(total), share: total ? fixed((100 * done) / total, 0) : "" };
  if (name === "drawing") return say("rollouts.drawing", numbers);
  if (name === "sweeping") return say("rollouts.sweeping", numbers);
  if (name === "scoring") return say("rollouts.scoring");
  if (name === "shifting") return say("shift.shifting", numbers);
  if (name === "answering") return say("shift.answering");
  if (name === "start") return say("rollouts.beginning");
  return say("rollouts.fetching", numbers);
}
