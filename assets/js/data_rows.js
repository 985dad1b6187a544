// One row after another: as it stands in the source, as text, and as tokens. Data is written by textContent only.

import { alertOf, button, PARTS } from "./data.js";
import { fieldList } from "./data_mapping.js";
import { pairOf, textOf, tokensOf } from "./data_tokens.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const number = (value) => value.toLocaleString();
const WAIT = 250; // ms after the last letter before a search

export function mount(root, props, tell, watch) {
  const rows = new Rows(root.querySelector(".pp-panel"), tell);
  watch("value", () => rows.receive(props.value || {}));
  window.addEventListener("playground:data", ({ detail }) => rows.start(detail));
  followModel(() => rows.ask());
}

/** Calls back when another model is loaded, or none. */
export function followModel(changed) {
  let known = null;
  window.addEventListener("playground:status", ({ detail }) => {
    const now = JSON.stringify([detail.state === "ready", detail.ref ?? null]);
    if (known !== null && now !== known) changed();
    known = now;
  });
}

class Rows {
  constructor(panel, tell) {
    this.panel = panel;
    this.tell = tell;
    this.place = { part: "train", index: 0 };
  }

  /** Another data set, or none. */
  start(found) {
    this.opened = Boolean(found);
    if (!found) return this.panel.replaceChildren();
    this.place = { part: "train", index: 0 };
    this.build();
    return this.ask();
  }

  ask(more = {}) {
    if (!this.opened) return;
    // What an event of the page has just changed is sent along only once it has settled.
    setTimeout(() => this.tell.ask({ ...this.place, ...more }));
  }

  build() {
    this.tabs = element("div", "pda-parts");
    this.tabs.setAttribute("role", "group");
    this.tabs.setAttribute("aria-label", say("data.rows.part"));
    this.counter = element("input", "pda-number");
    Object.assign(this.counter, { type: "number", min: 1, step: 1, id: "data-row-number", inputMode: "numeric" });
    this.counter.setAttribute("aria-label", say("data.rows.number"));
    this.counter.addEventListener("change", () => this.go(Math.round(Number(this.counter.value)) - 1));
    this.total = element("span", "pp-note");
    this.back = button("pda-button", "←", () => this.go(this.place.index - 1), "data-row-back");
    this.back.setAttribute("aria-label", say("data.rows.back"));
    this.next = button("pda-button", "→", () => this.go(this.place.index + 1), "data-row-next");
    this.next.setAttribute("aria-label", say("data.rows.next"));
    const pager = element("div", "pda-pager");
    pager.append(this.back, this.counter, this.total, this.next);
    const bar = element("div", "pda-bar");
    bar.append(this.tabs, pager, this.searchBox());
    this.message = element("div", "pda-message");
    this.message.setAttribute("role", "status");
    this.body = element("div", "pda-row");
    const title = element("h3", "pt-runs-title", say("data.rows"));
    this.panel.replaceChildren(title, bar, this.message, this.body);
  }

  searchBox() {
    const form = element("form", "pda-search");
    form.setAttribute("role", "search");
    this.search = element("input");
    Object.assign(this.search, { type: "search", id: "data-row-search", placeholder: say("data.rows.search") });
    this.search.setAttribute("aria-label", say("data.rows.search"));
    const seek = (step) => this.search.value && this.ask({ index: this.place.index + step, search: this.search.value, step });
    this.search.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.search.value && this.ask({ search: this.search.value, step: 1 }), WAIT);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(this.typing);
      seek(1);
    });
    const again = (step, sign, key) => {
      const made = button("pda-button", sign, () => seek(step), `data-row-${key}`);
      made.setAttribute("aria-label", say(`data.rows.${key}`));
      return made;
    };
    form.append(this.search, again(-1, "↑", "earlier"), again(1, "↓", "later"));
    return form;
  }

  go(index) {
    this.place = { ...this.place, index: Math.max(0, index || 0) };
    this.ask();
  }

  turn(part) {
    this.place = { part, index: 0 };
    this.ask();
  }

  receive(value) {
    const { state } = value;
    if (state === "stale") {
      window.dispatchEvent(new Event("playground:data-stale"));
      return this.ask();
    }
    if (!this.opened || !this.body) return undefined;
    if (state === "problem") return this.message.replaceChildren(alertOf(value.message));
    if (state === "nothing") return this.message.replaceChildren(element("p", "pp-note", say("data.rows.nothing", { words: value.words, looked: number(value.looked) })));
    if (state !== "ready") return undefined;
    this.message.replaceChildren();
    return this.show(value);
  }

  show(value) {
    const { part, index, parts } = value;
    this.place = { part, index };
    this.panel.dataset.row = `${part} ${index}`;
    this.tabs.replaceChildren(...PARTS.map((name) => this.tab(name, parts[name], name === part)));
    this.counter.value = index + 1;
    this.counter.max = parts[part];
    this.total.textContent = say("data.rows.of", { total: number(parts[part]) });
    this.back.disabled = index === 0;
    this.next.disabled = index + 1 >= parts[part];
    if (part === "dropped") return this.body.replaceChildren(this.dropped(value));
    const source = element("div", "pp-card");
    source.append(this.headed(value), fieldList(value.fields));
    return this.body.replaceChildren(source, this.trained(value));
  }

  tab(name, size, chosen) {
    const made = button("pda-part", "", () => this.turn(name), `data-part-${name}`);
    made.append(say(`data.part.${name}`), " ", element("span", "pda-size", number(size)));
    made.disabled = !size;
    made.setAttribute("aria-pressed", String(chosen));
    return made;
  }

  headed({ row }) {
    const head = element("div", "pda-row-head");
    const take = element("div", "pda-actions");
    for (const tab of ["distribution", "compare"]) {
      const made = button("pda-button", say(`data.prompt.${tab}`), () => this.tell.prompt({ ...this.place, tab }), `data-prompt-${tab}`);
      made.title = say("data.prompt.help");
      take.append(made);
    }
    head.append(element("h4", "", say("data.row.source", { row: number(row) })), take);
    return head;
  }

  dropped({ row, reason, cells }) {
    const card = element("div", "pp-card");
    card.append(element("h4", "", say("data.row.source", { row: number(row) })), element("p", "pda-reason", playground.sentence(reason.text)));
    if (cells) card.append(fieldList(cells));
    return card;
  }

  trained(value) {
    const card = element("section", "pp-card pda-trained");
    card.append(element("h4", "", say("data.row.trained")));
    if (value.problem) card.append(alertOf(value.problem));
    if (value.text) card.append(textOf(value.text));
    if (value.pair) card.append(pairOf(value));
    if (value.tokens) card.append(tokensOf(value));
    else if (value.long) card.append(element("p", "pp-note", say("data.tokens.long", { count: number(value.long) })));
    else if (!value.problem && !value.model) card.append(element("p", "pp-note pda-unloaded", say("data.tokens.unloaded")));
    return card;
  }
}
