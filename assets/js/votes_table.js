// Who was preferred to whom: strengths with their intervals, every two models, one's own votes, and the way from votes
// to a preference data set. Data is written by textContent only.

import { explained } from "./distribution_page.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const WAIT = 400; // ms after the last vote before the table is asked for
const percent = (share) => `${Math.round(share * 100)} %`;
const whole = (number) => Math.round(number).toLocaleString();

export function mount(root, props, tell, watch) {
  const panel = root.querySelector(".pp-panel");
  const table = new Table(panel, tell);
  watch("value", () => table.show(props.value || {}));
  let timer = 0;
  window.addEventListener("playground:voted", () => {
    clearTimeout(timer);
    timer = setTimeout(() => table.ask(), WAIT);
  });
}

class Table {
  constructor(panel, tell) {
    this.panel = panel;
    this.tell = tell;
    this.everybody = true;
    this.open = false;
  }

  ask() {
    this.tell.ask({ everybody: this.everybody });
  }

  show(value) {
    if (value.error) return this.panel.replaceChildren(element("p", "pp-error", playground.sentence(value.error)));
    if (!value.table) return this.panel.replaceChildren();
    const { table } = value;
    const head = element("div", "pv-head");
    head.append(element("h2", "pp-name", say("votes.table")), this.whose());
    const parts = [head];
    if (table.votes) {
      const said = { votes: table.votes.toLocaleString(), pairs: table.pairs.toLocaleString(), voters: table.voters.toLocaleString() };
      parts.push(element("p", "pp-note", say("votes.table.count", said)), this.strengths(table), this.verdict(table));
      if (table.models.length > 2) parts.push(this.matrix(table));
      parts.push(element("p", "pp-note pv-method", say("votes.table.method")));
    } else parts.push(element("p", "pp-note", say(this.everybody ? "votes.table.empty" : "votes.table.empty.mine")));
    parts.push(this.data(value.preferences));
    if (value.mine.length) parts.push(this.mine(value.mine));
    return this.panel.replaceChildren(...parts);
  }

  whose() {
    const group = element("div", "pv-whose");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", say("votes.whose"));
    for (const everybody of [true, false]) {
      const name = everybody ? "everybody" : "mine";
      const button = element("button", "pv-button", say(`votes.whose.${name}`));
      Object.assign(button, { type: "button", id: `votes-whose-${name}` });
      button.setAttribute("aria-pressed", String(this.everybody === everybody));
      button.addEventListener("click", () => {
        this.everybody = everybody;
        this.ask();
      });
      group.append(button);
    }
    return group;
  }

  /** One line for each model, its interval drawn on a scale that all share. */
  strengths({ models }) {
    const ends = models.flatMap(({ interval, points }) => [...interval, points]);
    const low = Math.min(...ends) - 20;
    const high = Math.max(...ends) + 20;
    const at = (points) => `${(100 * (points - low)) / (high - low)}%`;
    const rows = models.map((model) => {
      const row = element("tr");
      const name = element("th", "", model.title);
      name.scope = "row";
      if (!model.tally) {
        const none = element("td", "pp-note", say("votes.table.unmet"));
        none.colSpan = 4;
        row.append(name, none);
        return row;
      }
      const [from, to] = model.interval;
      const scale = element("div", "pv-scale");
      const range = element("span", "pv-range");
      range.style.left = at(from);
      range.style.width = `calc(${at(to)} - ${at(from)})`;
      const dot = element("span", "pv-dot");
      dot.style.left = at(model.points);
      scale.append(range, dot);
      const drawn = element("td", "pv-drawn");
      drawn.append(scale);
      const { wins, ties, losses, rate } = model.tally;
      row.append(name, cell(whole(model.points), "pv-points"), cell(`${whole(from)} – ${whole(to)}`), drawn, cell(percent(rate)), cell(`${wins} / ${ties} / ${losses}`));
      return row;
    });
    return this.grid("votes-strengths", ["model", "points", "interval", "", "rate", "tally"], rows);
  }

  verdict({ models }) {
    const [first, second] = models;
    const sure = second.surely_below.includes(0);
    const noisy = models.slice(1).filter((model, place) => model.tally && !model.surely_below.includes(place));
    const key = sure && !noisy.length ? "votes.table.sure" : sure ? "votes.table.partly" : "votes.table.noise";
    const line = element("p", `pv-verdict ${sure ? "pp-good" : "pp-bad"}`, say(key, { first: first.title, second: second.title }));
    line.id = "votes-verdict";
    return line;
  }

  matrix({ models, matrix }) {
    const rows = matrix.map((line, place) => {
      const row = element("tr");
      const name = element("th", "", models[place].title);
      name.scope = "row";
      row.append(name, ...line.map((tally) => this.meeting(tally)));
      return row;
    });
    const made = this.grid("votes-matrix", null, rows, ["", ...models.map(({ title }) => title)]);
    made.querySelector("table").prepend(element("caption", "pp-note", say("votes.matrix")));
    return made;
  }

  meeting(tally) {
    if (!tally) return cell("–", "pp-note");
    const [low, high] = tally.interval.map(percent);
    const made = cell(percent(tally.rate));
    made.append(element("span", "pe-interval", say("votes.matrix.votes", { low, high, votes: tally.votes.toLocaleString() })));
    return made;
  }

  grid(id, names, rows, titles = names.map((name) => (name ? say(`votes.column.${name}`) : ""))) {
    const scroll = element("div", "pv-scroll");
    Object.assign(scroll, { id, tabIndex: 0 });
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", say("votes.table"));
    const head = element("tr");
    for (const [place, title] of titles.entries()) {
      const one = element(title ? "th" : "td", "", title);
      if (title) one.scope = "col";
      if (names?.[place]) explained(one, () => say(`votes.column.${names[place]}.help`));
      head.append(one);
    }
    const table = element("table", "pv-table");
    const top = element("thead");
    const body = element("tbody");
    top.append(head);
    body.append(...rows);
    table.append(top, body);
    scroll.append(table);
    return scroll;
  }

  data(count) {
    const box = element("div", "pv-data");
    const button = element("button", "pv-button pv-make", say("votes.data"));
    Object.assign(button, { type: "button", id: "votes-data", disabled: !count });
    button.addEventListener("click", () => {
      button.disabled = true;
      this.tell.train({ everybody: this.everybody });
      setTimeout(() => (button.disabled = false), 2000);
    });
    box.append(button, element("p", "pp-note", say(count ? "votes.data.help" : "votes.data.none", { count: count.toLocaleString() })));
    return box;
  }

  mine(votes) {
    const details = element("details", "pv-mine");
    details.open = this.open;
    details.addEventListener("toggle", () => (this.open = details.open));
    const list = element("ol", "pv-list");
    for (const vote of votes) {
      const item = element("li");
      const [left, right] = vote.names;
      const preferred = vote.choice === "tie" ? say("votes.mine.tie", { left, right }) : say("votes.mine.won", vote.choice === "left" ? { won: left, lost: right } : { won: right, lost: left });
      const change = element("button", "pv-button", say("votes.mine.change"));
      change.type = "button";
      change.setAttribute("aria-label", `${say("votes.mine.change")}: ${vote.instruction.slice(0, 80)}`);
      change.addEventListener("click", () => window.dispatchEvent(new CustomEvent("playground:vote-again", { detail: vote })));
      const words = element("div");
      words.append(element("p", "pv-line", `${vote.instruction} ${vote.input}`.trim()), element("p", "pp-note", preferred));
      item.append(words, change);
      list.append(item);
    }
    details.append(element("summary", "", say("votes.mine", { count: votes.length.toLocaleString() })), element("p", "pp-note", say("votes.mine.help")), list);
    return details;
  }
}

function cell(text, className) {
  return element("td", className, text);
}
