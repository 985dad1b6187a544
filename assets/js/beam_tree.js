/** The tree of a search as an SVG that grows to the right: what stays is solid, what was dropped is dashed. */

import { nats } from "./beam_facts.js";
import { Layout } from "./beam_layout.js";
import { make, text, visible } from "./distribution_page.js";

export const NODE = { width: 118, height: 22, across: 148, down: 27, root: 66 };
const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 12;
const ROOM_FOR_TOKEN = 62;
const MOVES = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

export class Tree {
  /**
   * @param {{look: (at: ?number) => void, hold: (at: number) => void}} acts  `look`: a candidate is pointed at or has the
   *   focus, or none is; `hold`: one was clicked
   */
  constructor(acts) {
    this.acts = acts;
    this.svg = node("svg", { role: "group", "aria-label": text("beam.tree_label") });
    this.element = make("div", { class: "pgb-scroll" }, this.svg);
    this.svg.addEventListener("pointerover", ({ target }) => acts.look(placeOf(target)));
    this.svg.addEventListener("pointerleave", () => acts.look(null));
    this.svg.addEventListener("focusin", ({ target }) => acts.look(placeOf(target)));
    this.svg.addEventListener("click", ({ target }) => placeOf(target) !== null && acts.hold(placeOf(target)));
    this.svg.addEventListener("keydown", (event) => this.move(event));
    this.element.addEventListener("scroll", () => this.cull(), { passive: true });
    new ResizeObserver(() => this.cull()).observe(this.element);
  }

  /** An empty tree, for a search of at most so many steps. */
  start(longest, dropped) {
    this.layout = new Layout(longest, dropped);
    this.drawn = new Map();
    this.root = node("g", {});
    this.groups = [node("g", {})];
    this.groups[0].append(this.draw(-1, text("beam.root"), ""));
    this.root.append(this.groups[0]);
    this.svg.replaceChildren(this.root);
    this.focused = -1;
    this.seen = [true];
    this.drawn.get(-1).node.setAttribute("tabindex", 0);
  }

  /** Draws the steps of a search that have come since. */
  grow(search) {
    this.search = search;
    while (this.layout.columns.length <= search.steps) {
      const group = node("g", { "data-step": this.layout.columns.length });
      for (const at of this.layout.add(search)) {
        const mark = search.ended(at) ? "■" : "";
        group.append(this.draw(at, mark + visible(search.texts[search.tokens[at]]), nats(search.scores[at], 2)));
      }
      // Lines lie below all boxes of their column.
      group.prepend(...Array.from(group.children, (child) => this.drawn.get(placeOf(child)).edge));
      this.groups.push(group);
      this.seen.push(true);
      this.root.append(group);
    }
  }

  /**
   * The tree as it is after a step.
   * @param {number} step
   * @param {Set<number>} path  places of the texts that are brought out
   */
  show(step, path) {
    const alive = this.search.alive(step);
    const best = new Set(this.search.best(step));
    this.step = step;
    this.groups.forEach((group, at) => {
      group.classList.toggle("pgb-later", at > step);
      group.classList.toggle("pgb-newest", at === step && step < this.search.steps);
    });
    for (const [at, { node: box, edge }] of this.drawn) {
      if (at >= 0 && this.search.step(at) > step) break;
      const kind = at < 0 ? "root" : this.search.fates[at] === "finished" && !best.has(at) ? "beaten" : this.search.fates[at];
      const look = `pgb-${kind}${alive.has(at) ? " pgb-alive" : ""}${path.has(at) ? " pgb-path" : ""}`;
      if (box.getAttribute("class") !== look) for (const it of [box, edge]) it.setAttribute("class", look);
    }
    this.fit(step);
    this.cull();
  }

  /** Columns far beside what can be seen take no part in layout: a search of 128 steps has thousands of boxes. */
  cull() {
    if (!this.groups) return;
    const from = this.element.scrollLeft - 2 * NODE.across;
    const to = this.element.scrollLeft + this.element.clientWidth + NODE.across;
    this.groups.forEach((group, at) => {
      const seen = left(at) > from && left(at) < to;
      if (seen !== this.seen[at]) group.style.display = seen ? "" : "none";
      this.seen[at] = seen;
    });
  }

  /** As wide as what is shown, and no higher than the whole. */
  fit(step) {
    const { top, bottom } = this.layout;
    const width = 2 * MARGIN + left(step) + (step === 0 ? NODE.root : NODE.width);
    const height = 2 * MARGIN + (bottom - top) * NODE.down + NODE.height;
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("height", height);
    this.root.setAttribute("transform", `translate(${MARGIN} ${MARGIN - top * NODE.down})`);
    this.size = { width, height };
  }

  draw(at, words, score) {
    const [x, y] = this.corner(at);
    const box = node("g", { transform: `translate(${x} ${y})`, role: "button", tabindex: -1, "data-at": at });
    const width = at < 0 ? NODE.root : NODE.width;
    const rounded = at >= 0 && this.search.fates[at] !== "kept" && this.search.fates[at] !== "pruned";
    const name = node("text", { x: 7, y: 15 });
    name.textContent = shortened(words);
    box.append(node("rect", { width, height: NODE.height, rx: rounded ? 11 : 4 }), name);
    if (score) {
      const number = node("text", { x: width - 7, y: 15, "text-anchor": "end", class: "pgb-number" });
      number.textContent = score;
      box.append(number);
    }
    box.setAttribute("aria-label", at < 0 ? words : this.label(at, words, score));
    this.drawn.set(at, { node: box, edge: at < 0 ? node("path", {}) : this.edge(at) });
    return box;
  }

  label(at, words, score) {
    const { search } = this;
    return text("beam.node_label", { token: words, step: search.step(at), rank: search.rank(at), score, fate: text(`beam.fate_${search.fates[at]}`) });
  }

  corner(at) {
    return [at < 0 ? 0 : left(this.search.step(at)), this.layout.rows.get(at) * NODE.down];
  }

  edge(at) {
    const parent = this.search.parents[at];
    const [x, y] = this.corner(at);
    const [px, py] = this.corner(parent);
    const from = px + (parent < 0 ? NODE.root : NODE.width);
    const middle = (from + x) / 2;
    const half = NODE.height / 2;
    return node("path", { d: `M${from} ${py + half}C${middle} ${py + half} ${middle} ${y + half} ${x} ${y + half}` });
  }

  /** Arrow keys: left to what a text continues, right to its best continuation, up and down within a step. */
  move(event) {
    if (!MOVES.has(event.key) && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (!MOVES.has(event.key)) {
      this.acts.hold(this.focused);
      return;
    }
    const to = this.target(event.key);
    if (to !== undefined && this.drawn.has(to)) this.focus(to);
  }

  target(key) {
    const { search, focused } = this;
    const step = focused < 0 ? 0 : search.step(focused);
    const column = this.layout.columns[step];
    if (key === "Home") return -1;
    if (key === "End") return search.best(this.step)[0] ?? search.open(this.step)[0];
    if (key === "ArrowLeft") return focused < 0 ? undefined : search.parents[focused];
    if (key === "ArrowUp") return column[column.indexOf(focused) - 1];
    if (key === "ArrowDown") return column[column.indexOf(focused) + 1];
    const alive = search.alive(this.step);
    const children = step < this.step ? search.children(focused).filter((at) => this.drawn.has(at)) : [];
    return children.find((at) => alive.has(at)) ?? children[0];
  }

  focus(at) {
    this.drawn.get(this.focused)?.node.setAttribute("tabindex", -1);
    this.focused = at;
    const { node: box } = this.drawn.get(at);
    box.setAttribute("tabindex", 0);
    this.reveal(at);
    box.focus({ preventScroll: true });
  }

  /** Scrolls back to the prompt. */
  rewind() {
    const [, y] = this.corner(-1);
    this.element.scrollLeft = 0;
    this.element.scrollTop = y + MARGIN - this.layout.top * NODE.down + NODE.height / 2 - this.element.clientHeight / 2;
    this.cull();
  }

  /** Scrolls until a candidate is seen, and no farther. */
  reveal(at) {
    const [x, y] = this.corner(at);
    const down = y + MARGIN - this.layout.top * NODE.down;
    const { element } = this;
    element.scrollLeft = within(element.scrollLeft, x - 20, x + NODE.width + 3 * MARGIN - element.clientWidth);
    element.scrollTop = within(element.scrollTop, down - 20, down + NODE.height + 3 * MARGIN - element.clientHeight);
    this.cull();
  }
}

const within = (now, most, least) => Math.max(least, Math.min(now, most));

/** Where a step's column begins. */
const left = (step) => (step === 0 ? 0 : NODE.root + NODE.across - NODE.width + (step - 1) * NODE.across);

function placeOf(target) {
  const found = target.closest?.("[data-at]");
  return found ? Number(found.dataset.at) : null;
}

/** As many letters as a box has room for; letters of East Asian scripts are wide. */
function shortened(words) {
  let room = ROOM_FOR_TOKEN;
  const letters = Array.from(words);
  const fitting = letters.findIndex((letter) => (room -= letter.codePointAt(0) > 0x10ff ? 12.5 : 7.3) < 0);
  return fitting < 0 ? words : `${letters.slice(0, Math.max(1, fitting - 1)).join("")}…`;
}

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
