// Plays a run again as if it were live, from its events and their times: at any speed, to and fro, without a model.

import { clock, element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const REST = 400; // milliseconds between two pictures, or twice what the last one took: the page stays free for its reader
const LONGEST_GAP = 5; // seconds; whoever watches need not sit through a night between two attempts
export const SPEEDS = [1, 4, 16, 64];

/**
 * Seconds from the start of a run at which each of its events comes; time in the queue is left out.
 * @param {{time: number, kind: string, phase?: string}[]} events
 */
export function schedule(events) {
  const begun = events.findIndex(({ kind, phase }) => kind === "phase" && phase !== "queued");
  let at = 0;
  let before = events[Math.max(0, begun)]?.time ?? 0;
  return events.map(({ time }, index) => {
    if (index > begun) at += Math.min(LONGEST_GAP, Math.max(0, time - before));
    if (index >= begun) before = Math.max(before, time);
    return at;
  });
}

export class Replay {
  /**
   * @param {{run: Object, events: Object[]}} recorded  a run's row and all of its events
   * @param {{restart: () => void, receive: (page: Object) => void, leave: () => void}} shown  forgets everything; takes an
   *   answer as from the server; is told that the replay is over
   */
  constructor({ run, events }, shown) {
    Object.assign(this, { run, events, shown, at: 0, given: 0, speed: SPEEDS[1] });
    this.times = schedule(events);
    this.length = this.times.at(-1) ?? 0;
    this.element = element("div", "pt-replay");
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", say("replay.title"));
    this.toggle = this.button("", () => (this.timer ? this.pause() : this.play()));
    this.toggle.id = "train-replay-toggle";
    this.slider = element("input");
    Object.assign(this.slider, { type: "range", min: 0, max: this.length, step: "any", value: 0, id: "train-replay-time" });
    this.slider.setAttribute("aria-label", say("replay.time"));
    this.slider.addEventListener("input", () => this.seek(Number(this.slider.value)));
    this.time = element("span", "pp-note");
    this.pace = element("select");
    this.pace.setAttribute("aria-label", say("replay.speed"));
    for (const speed of SPEEDS) this.pace.append(new Option(`${speed}×`, speed, speed === this.speed, speed === this.speed));
    this.pace.addEventListener("change", () => (this.speed = Number(this.pace.value)));
    this.element.append(this.toggle, this.slider, this.time, this.pace, this.button(say("replay.leave"), () => this.leave()));
    this.seek(0);
    this.play();
  }

  button(words, act) {
    const made = element("button", "pt-stop", words);
    made.type = "button";
    made.addEventListener("click", act);
    return made;
  }

  play() {
    if (this.at >= this.length) this.seek(0);
    let before = performance.now();
    const next = () => {
      const now = performance.now();
      this.reach(this.at + ((now - before) / 1000) * this.speed);
      before = now;
      if (this.timer) this.timer = setTimeout(next, Math.max(REST, 2 * (performance.now() - now)));
    };
    this.timer = setTimeout(next, REST);
    this.toggle.textContent = say("replay.pause");
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.toggle.textContent = say("replay.play");
  }

  /** What came after a moment is taken back by beginning anew. */
  seek(at) {
    if (at < this.at || !this.given) {
      this.given = 0;
      this.shown.restart();
    }
    this.reach(at);
  }

  reach(at) {
    this.at = Math.min(at, this.length);
    const next = this.times.findIndex((time, index) => index >= this.given && time > this.at);
    const upTo = next < 0 ? this.events.length : next;
    const events = this.events.slice(this.given, upTo);
    this.given = upTo;
    const last = this.events.slice(0, upTo).findLast(({ kind }) => kind === "phase");
    const over = upTo === this.events.length;
    const run = over ? this.run : { ...this.run, ended: this.run.started + this.at, resumable: false };
    this.shown.receive({ run, phase: last?.phase ?? "queued", reason: last?.reason ?? "", events });
    this.slider.value = this.at;
    const words = say("replay.at", { at: clock(this.at), all: clock(this.length) });
    this.time.textContent = words;
    this.slider.setAttribute("aria-valuetext", words);
    if (over && this.timer) this.pause();
  }

  /** Shows the whole run, and goes. */
  leave() {
    this.remove();
    this.seek(this.length);
    this.shown.leave();
  }

  remove() {
    this.pause();
    this.element.remove();
  }
}
