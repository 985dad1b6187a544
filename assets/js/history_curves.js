// Every metric of one run, point by point, as it comes in.

import { ENDED, Follower } from "./follow.js";

export class Curves {
  /**
   * @param {{run: string, name: string, phase: string}} entry
   * @param {(news: Object|null) => void} onNews  new points by metric; null where some were taken back
   */
  constructor(entry, onNews) {
    this.entry = entry;
    this.onNews = onNews;
    this.series = new Map(); // metric -> [{step, seconds, value}]
    this.before = 0; // seconds that earlier attempts took
    this.began = null; // when this attempt began
    this.phase = "";
    this.follower = new Follower(entry.run, (page) => this.receive(page), () => {});
  }

  leave() {
    this.follower.stop();
  }

  get metrics() {
    return [...this.series.keys()];
  }

  points(metric) {
    return this.series.get(metric) ?? [];
  }

  /** The list has something newer: another name, or a run that had ended goes on. */
  listed(entry) {
    this.entry = entry;
    if (ENDED.has(this.phase) && !ENDED.has(entry.phase)) this.follower.ask();
  }

  receive({ phase, events }) {
    this.phase = phase;
    let news = {};
    for (const event of events) {
      if (event.kind === "phase") this.enter(event);
      else if (event.kind === "resumed") {
        for (const [metric, points] of this.series) this.series.set(metric, points.filter(({ step }) => step <= event.step));
        news = null;
      } else if (event.kind === "metric") this.add(event, news);
    }
    if (news === null || Object.keys(news).length) this.onNews(news);
  }

  /** The clock of a run stands while nobody works on it. */
  enter({ phase, time }) {
    if (phase === "preparing") this.began = time;
    else if (ENDED.has(phase) && this.began !== null) {
      this.before += Math.max(0, time - this.began);
      this.began = null;
    }
  }

  add({ step, time, values }, news) {
    const seconds = this.before + (this.began === null ? 0 : Math.max(0, time - this.began));
    for (const [metric, value] of Object.entries(values)) {
      if (typeof value !== "number") continue;
      const point = { step, seconds, value };
      if (!this.series.has(metric)) this.series.set(metric, []);
      this.series.get(metric).push(point);
      if (news) (news[metric] ??= []).push(point);
    }
  }
}
