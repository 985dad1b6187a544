// The table at the end of the tour: what each stage cost, and its figure before and after.

import { element } from "./status.js";
import { clock } from "./status.js";

const say = (key, values) => playground.text(key, values);
const WRITTEN = { share: (value) => `${Math.round(100 * value)} %`, score: (value) => value.toFixed(1), number: (value) => value.toFixed(2) };

/** A figure with the digits that its unit is worth. */
export const written = (value, unit) => (typeof value === "number" ? WRITTEN[unit](value) : "–");

/** "SacreBLEU: 2.0 → 76.9" */
export function figureWords({ figure, unit, before, after, interval }) {
  const name = say(`tour.figure.${figure}`);
  if (typeof after !== "number") return name;
  if (interval) return say("tour.figure.interval", { name, after: written(after, unit), low: written(interval[0], unit), high: written(interval[1], unit) });
  const values = { name, before: written(before, unit), after: written(after, unit) };
  return say(typeof before === "number" ? "tour.figure.both" : "tour.figure.one", values);
}

export class Outcome {
  constructor() {
    this.element = element("div", "pp-tour-outcome");
    // It scrolls where the card would be higher than the screen.
    Object.assign(this.element, { hidden: true, tabIndex: 0 });
    this.element.setAttribute("role", "region");
    this.element.setAttribute("aria-label", say("tour.table"));
  }

  draw(view) {
    this.element.hidden = !view;
    const drawn = JSON.stringify(view?.stages);
    if (!view || drawn === this.drawn) return;
    this.drawn = drawn;
    const table = element("table");
    const caption = element("caption", "pe-unseen", say("tour.table"));
    const head = element("tr");
    for (const name of ["stage", "time", "before", "after"]) head.append(heading("col", say(`tour.table.${name}`)));
    const body = element("tbody");
    body.append(...view.stages.map(row), total(view.stages));
    const top = element("thead");
    top.append(head);
    table.append(caption, top, body);
    this.element.replaceChildren(table);
  }
}

function heading(scope, words) {
  const made = element("th", "", words);
  made.scope = scope;
  return made;
}

function row(stage) {
  const made = element("tr");
  const name = heading("row", say(`tour.${stage.name}`));
  const facts = [say(`tour.figure.${stage.figure}`), stage.run, stage.phase && stage.phase !== "done" && stage.phase !== "deleted" ? say(`phase.${stage.phase}`) : ""];
  name.append(element("span", "pp-note", facts.filter(Boolean).join(" · ")));
  const after = element("td", "", written(stage.after, stage.unit));
  if (stage.interval) after.append(element("span", "pp-note", `${written(stage.interval[0], stage.unit)} – ${written(stage.interval[1], stage.unit)}`));
  made.append(name, element("td", "", stage.seconds ? clock(stage.seconds) : "–"), element("td", "", written(stage.before, stage.unit)), after);
  return made;
}

function total(stages) {
  const made = element("tr");
  const sum = stages.reduce((so, { seconds }) => so + seconds, 0);
  made.append(heading("row", say("tour.table.together")), element("td", "", clock(sum)), element("td"), element("td"));
  return made;
}
