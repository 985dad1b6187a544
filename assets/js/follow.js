// Follows a run by cursor: asks for what is new, hands it on, and rests once the run has ended or nobody looks.

const EVERY = 1000; // milliseconds between questions while a run goes on
const AGAIN = 3000; // after a failed one

export const ENDED = new Set(["done", "stopped", "failed", "interrupted"]);

export class Follower {
  /**
   * @param {string} run
   * @param {(page: {run: Object, phase: string, reason: string, events: Object[]}) => void} onPage  never called after stop()
   * @param {(message: string) => void} onError
   */
  constructor(run, onPage, onError) {
    this.run = run;
    this.cursor = 0;
    this.onPage = onPage;
    this.onError = onError;
    this.seen = () => document.hidden || this.ask();
    document.addEventListener("visibilitychange", this.seen);
    this.ask();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.seen);
  }

  async ask() {
    clearTimeout(this.timer);
    if (this.asking || this.stopped) return;
    this.asking = true;
    const pause = await this.next();
    this.asking = false;
    if (!this.stopped && pause !== null && !document.hidden) this.timer = setTimeout(() => this.ask(), pause);
  }

  /** One question; gives the pause before the next, or null when there is nothing more to come. */
  async next() {
    let page;
    try {
      const answer = await fetch(playground.url(`metrics?run=${encodeURIComponent(this.run)}&since=${this.cursor}`), { cache: "no-store" });
      page = await answer.json();
      if (!answer.ok) {
        if (!this.stopped) this.onError(page.error);
        return null;
      }
    } catch {
      return AGAIN; // the server is away; the chip in the header says so
    }
    if (this.stopped) return null;
    this.cursor = page.cursor;
    this.onPage(page);
    if (page.events.length) return ENDED.has(page.phase) ? 0 : EVERY;
    return ENDED.has(page.phase) ? null : EVERY;
  }
}
