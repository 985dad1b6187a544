// What is opened in the Data tab: what was recognised, how the rows are shared out, and the mapping by hand.
// Data is written by textContent only.

import { Mapping } from "./data_mapping.js";
import { explained } from "./distribution_page.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const number = (value) => value.toLocaleString();
const COUNTED_AT_ONCE = 200_000; // rows
export const PARTS = ["train", "test", "validation", "dropped"];

export function mount(root, props, tell, watch) {
  const view = new View(root.querySelector(".pp-panel"), props.bundled, tell);
  watch("value", () => view.receive(props.value || {}));
  window.addEventListener("playground:data-open", () => tell.restore({}));
  view.receive(props.value || { state: "empty" });
  tell.restore({});
}

/** A button of ours. */
export function button(className, words, pressed, id) {
  const made = element("button", className, words);
  made.type = "button";
  if (id) made.id = id;
  made.addEventListener("click", pressed);
  return made;
}

export function alertOf(message) {
  const line = element("p", "pp-error", playground.sentence(message));
  line.setAttribute("role", "alert");
  return line;
}

/** Why rows are not used, the most frequent reason first. */
export function reasonList(reasons) {
  const list = element("ul", "pda-reasons");
  for (const { reason, count, first } of reasons) {
    const line = element("li");
    line.append(element("strong", "", `${number(count)} ×`), ` ${playground.sentence(reason)} `, element("span", "pp-note", say("data.reason.first", { row: number(first) })));
    list.append(line);
  }
  return list;
}

class View {
  constructor(panel, bundled, tell) {
    this.panel = panel;
    this.bundled = bundled;
    this.tell = tell;
    this.status = element("div", "pda-status");
    this.body = element("div", "pda-overview");
    this.mapping = new Mapping(tell);
    panel.replaceChildren(this.status, this.body, this.mapping.element);
  }

  receive(value) {
    const { state } = value;
    if (state === "preview") return this.mapping.preview(value.preview);
    if (state === "mapping") return this.map(value.mapping);
    if (state === "fine") return this.status.replaceChildren();
    if (state === "counted") return this.counted(value);
    this.panel.dataset.state = state;
    this.panel.setAttribute("aria-busy", String(state === "opening"));
    this.status.replaceChildren();
    if (state === "opening") return this.opening(value);
    if (state === "error") return this.failed(value);
    this.mapping.close();
    if (state === "ready") return this.ready(value);
    return this.empty();
  }

  opening({ done, total }) {
    const box = element("div", "pp-progress");
    const bar = element("progress");
    bar.max = 1;
    if (total > 0) bar.value = done / total;
    bar.setAttribute("aria-label", say("data.opening"));
    const words = element("p", "pp-note", done ? say("data.opening.rows", { rows: number(done) }) : say("data.opening"));
    words.setAttribute("role", "status");
    box.append(bar, words);
    this.status.replaceChildren(box);
  }

  failed({ message, mapping, kept }) {
    this.status.replaceChildren(alertOf(message));
    if (kept) return;
    this.body.replaceChildren();
    announce(null);
    if (mapping) this.mapping.show(mapping);
    else {
      this.mapping.close();
      this.body.replaceChildren(this.cards());
    }
  }

  map(mapping) {
    this.mapping.show(mapping);
    this.mapping.element.scrollIntoView({ block: "nearest" });
    this.mapping.focus();
  }

  empty() {
    const box = element("div", "pda-empty");
    box.append(element("p", "pp-name", say("data.empty")), element("p", "pp-note", say("data.empty.help")));
    this.body.replaceChildren(box, this.cards());
    announce(null);
  }

  cards() {
    const list = element("ul", "pda-cards");
    for (const name of this.bundled) {
      const line = element("li");
      const card = button("pda-card", "", () => this.tell.open({ source: name }));
      card.append(element("strong", "", say(`data.bundled.${name}.title`)), element("span", "", say(`data.bundled.${name}`)));
      line.append(card);
      list.append(line);
    }
    return list;
  }

  ready(found) {
    this.found = found;
    const head = element("div", "pda-head");
    const title = found.bundled ? say(`data.bundled.${found.bundled}.title`) : found.source;
    head.append(
      element("h3", "pp-name", title),
      button("pda-button", say("data.mapping.open"), () => this.tell.map({}), "data-mapping-open"),
    );
    const parts = [head];
    if (found.bundled) parts.push(element("p", "pp-note", say(`data.bundled.${found.bundled}`)));
    parts.push(this.recognised(), this.facts());
    if (found.reasons.length) parts.push(this.reasons());
    this.body.replaceChildren(...parts);
    announce(found);
    if (found.rows <= COUNTED_AT_ONCE) this.tell.count({});
    else this.offerCount();
  }

  /** Counting reads every row, which takes its time where there are very many. */
  offerCount() {
    const start = button("pda-button", say("data.count"), () => {
      this.doubles.textContent = "…";
      this.tell.count({});
    }, "data-count");
    this.doubles.replaceChildren(start);
    this.leaks.textContent = "–";
  }

  /** Which column is which: "instruction ← question". */
  recognised() {
    const line = element("p", "pda-columns-found");
    line.append(element("strong", "", say(`data.format.${this.found.format}`)));
    for (const [field, column] of Object.entries(this.found.columns)) {
      const pair = element("span", "pda-pair");
      const same = field === column;
      pair.append(element("span", "pda-field", field), ...(same ? [] : [" ← ", element("span", "pda-column", column)]));
      line.append(pair);
    }
    return line;
  }

  facts() {
    const { rows, parts } = this.found;
    const list = element("dl", "pt-facts pda-facts");
    const used = parts.train + parts.test + parts.validation;
    this.fact(list, "rows", number(rows));
    this.fact(list, "used", parts.dropped ? say("data.fact.used.value", { used: number(used), dropped: number(parts.dropped) }) : number(used));
    this.fact(list, "split", [parts.train, parts.test, parts.validation].map(number).join(" / "));
    this.doubles = this.fact(list, "doubles", "…");
    this.leaks = this.fact(list, "leaks", "…");
    return list;
  }

  fact(list, name, value) {
    const pair = element("div");
    const term = element("dt", "", say(`data.fact.${name}`));
    explained(term, () => say(`data.fact.${name}.help`));
    const shown = element("dd", "", value);
    shown.dataset.fact = name;
    pair.append(term, shown);
    list.append(pair);
    return shown;
  }

  counted({ doubles, leaks }) {
    if (!this.doubles) return;
    const held = Object.values(leaks);
    const sum = (name) => held.reduce((total, leak) => total + leak[name], 0);
    this.doubles.textContent = number(doubles);
    this.leaks.textContent = sum("questions") ? say("data.fact.leaks.value", { pairs: number(sum("pairs")), questions: number(sum("questions")) }) : "0";
    this.leaks.title = say("data.fact.leaks.rows", { rows: held.flatMap((leak) => leak.examples).map(number).join(", ") || "–" });
    this.doubles.className = doubles ? "pp-bad" : "";
    this.leaks.className = sum("questions") ? "pp-bad" : "";
  }

  reasons() {
    const box = element("details", "pda-dropped");
    box.append(element("summary", "", say("data.dropped.why", { count: number(this.found.parts.dropped) })), reasonList(this.found.reasons));
    return box;
  }
}

/** Tells the widgets beside this one what is opened now; null for nothing. */
function announce(found) {
  window.dispatchEvent(new CustomEvent("playground:data", { detail: found }));
}
