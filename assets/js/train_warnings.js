// What a run warns of, where it cannot be overlooked; everything else it says is in its log.

import { element } from "./status.js";

const SHOWN = 3;

/** What a line of a log says, in the reader's language where that is known. */
export function worded({ text, key, values }) {
  if (!key) return playground.sentence(text);
  const problem = values?.problem === undefined ? {} : { problem: playground.sentence(values.problem) };
  return playground.text(`warning.${key}`, { ...values, ...problem });
}

export class Warnings {
  constructor() {
    this.counts = new Map(); // by text, in the order of the last time it was said
    this.element = element("div", "pt-warnings");
    this.element.setAttribute("role", "status");
    this.element.hidden = true;
  }

  add(text) {
    const before = this.counts.get(text) ?? 0;
    this.counts.delete(text);
    this.counts.set(text, before + 1);
    this.draw();
  }

  draw() {
    const newest = [...this.counts].reverse();
    const line = ([text, count]) => element("li", "", count > 1 ? `${text} (× ${count})` : text);
    const list = element("ul");
    list.append(...newest.slice(0, SHOWN).map(line));
    const rest = newest.length - SHOWN;
    const more = rest > 0 ? [element("p", "pp-note", playground.text("train.warnings.more", { count: rest }))] : [];
    this.element.replaceChildren(list, ...more);
    this.element.hidden = false;
  }
}
