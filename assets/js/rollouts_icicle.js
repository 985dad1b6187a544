/**
 * The tree of shared beginnings as an icicle: from left to right as the texts go on, as high as the share of rollouts
 * that go on so, shaded by the mean reward of these. One is zoomed in by a click or Enter, and read by pointing at it or
 * walking to it with the arrow keys.
 */

import { make, percent, text as say, visible } from "./distribution_page.js";
import { node, short } from "./rollouts_chart.js";
import { Figure, table } from "./rollouts_figure.js";
import { below, prefixTree } from "./rollouts_tree.js";

const LETTER = 7.3; // width of one at 12 px of a monospaced font
const SHADES = 5;
const ROW = 15;
const TALLEST = 720;
const READABLE = 10; // pixels of height below which a box has no words
const LOWEST = 180;

export class Icicle {
  /** @param {{caption: () => string[], pick: (row: number) => void}} wanted  `pick` hears of a rollout that was clicked */
  constructor({ caption, pick }) {
    this.pick = pick;
    this.detail = make("p", { class: "pgr-detail", "data-fact": "prefix" });
    this.path = make("nav", { class: "pgr-path", "aria-label": say("rollouts.tree_path") });
    this.legend = make("p", { class: "pgr-legend" });
    this.figure = new Figure("tree", { draw: (width) => this.draw(width), csv: () => this.csv(), caption });
    this.figure.picture.before(this.path);
    this.figure.picture.after(this.legend, this.detail);
    this.element = this.figure.element;
  }

  /** @param {{ids: number[], logs: number[]}[]} rollouts @param {Object<string, string>} tokens @param {number[]} rewards */
  show(rollouts, tokens, rewards) {
    this.rollouts = rollouts;
    this.words = (ids) => ids.map((id) => visible(tokens[id])).join("");
    this.root = prefixTree(rollouts);
    this.zoomed = this.root;
    this.score(rewards);
    this.figure.refresh();
  }

  score(rewards) {
    this.rewards = rewards;
    this.means = new Map([this.root, ...below(this.root)].map((one) => [one, one.rows.reduce((sum, row) => sum + rewards[row], 0) / one.rows.length]));
    this.low = Math.min(...this.means.values());
    this.high = Math.max(...this.means.values());
    const boxes = Array.from({ length: SHADES }, (_, shade) => make("i", { "data-shade": shade }));
    this.legend.replaceChildren(say("rollouts.tree_shade"), make("span", {}, short(this.low)), ...boxes, make("span", {}, short(this.high)));
  }

  shade(one) {
    const place = this.high > this.low ? (this.means.get(one) - this.low) / (this.high - this.low) : 0;
    return Math.min(SHADES - 1, Math.floor(place * SHADES));
  }

  draw(width) {
    const height = Math.min(TALLEST, Math.max(LOWEST, this.zoomed.rows.length * ROW));
    const column = Math.max(64, Math.min(128, width / 7));
    const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": say("rollouts.figure_tree"), "font-family": "ui-monospace, monospace", "font-size": 12 });
    this.places = new Map();
    this.lay(this.zoomed, 0, 0, height, { svg, width, column, height });
    this.crumbs();
    const first = this.zoomed.children[0];
    if (first && this.places.has(first)) this.places.get(first).setAttribute("tabindex", "0");
    this.read(this.zoomed === this.root ? null : this.zoomed);
    return svg;
  }

  /** Lays out what follows one node, from `left` on and between `top` and `top + height`. */
  lay(parent, left, top, height, sheet) {
    let from = top;
    for (const child of parent.children) {
      const high = (child.rows.length / parent.rows.length) * height;
      const wide = child.children.length ? Math.min(sheet.column, sheet.width - left) : sheet.width - left;
      if (wide > 8 && high > 0.4) {
        sheet.svg.append(this.box(child, left, from, wide, high));
        this.lay(child, left + wide, from, high, sheet);
      }
      from += high;
    }
  }

  box(one, x, y, width, height) {
    const shade = this.shade(one);
    const group = node("g", { role: "button", tabindex: "-1", "aria-label": this.told(one), class: "pgr-node" });
    group.append(node("rect", { x, y, width, height, fill: `var(--pgr-shade-${shade})`, stroke: "var(--card)", "stroke-width": height > 4 ? 1 : 0.3 }));
    if (height >= READABLE) {
      const small = height < 14;
      const words = fitted(this.words(one.ids), (width - 8) / (small ? (LETTER * 10) / 12 : LETTER));
      group.append(node("text", { x: x + 4, y: y + Math.min(height / 2, 14) + (small ? 3.5 : 4), fill: `var(--pgr-shade-ink-${shade})`, "font-size": small ? 10 : undefined, "xml:space": "preserve" }, words));
    }
    group.addEventListener("pointerenter", () => this.read(one));
    group.addEventListener("focus", () => this.read(one));
    group.addEventListener("click", () => this.open(one));
    group.addEventListener("keydown", (event) => this.key(event, one));
    this.places.set(one, group);
    return group;
  }

  /** Zooms into a node, or shows the rollout that it is the end of. */
  open(one) {
    if (one.rows.length === 1) return this.pick(one.rows[0]);
    if (one.children.length) this.zoom(one);
    return undefined;
  }

  zoom(one) {
    this.zoomed = one;
    this.figure.refresh();
    this.places.get(one.children[0])?.focus();
  }

  key(event, one) {
    const peers = one.parent.children;
    const place = peers.indexOf(one);
    const to = { ArrowUp: peers[place - 1], ArrowDown: peers[place + 1], ArrowRight: one.children[0], ArrowLeft: one.parent }[event.key];
    if (event.key === "Enter" || event.key === " ") this.open(one);
    else if (event.key === "Escape" || event.key === "Backspace") this.zoom(this.zoomed.parent ?? this.root);
    else if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const target = this.places.get(to);
    if (!target) return;
    this.places.get(one)?.setAttribute("tabindex", "-1");
    target.setAttribute("tabindex", "0");
    target.focus();
  }

  crumbs() {
    const trail = [];
    for (let one = this.zoomed; one; one = one.parent) trail.unshift(one);
    const buttons = trail.map((one, at) => {
      const words = at ? fitted(this.words(one.ids), 24) : say("rollouts.tree_prompt");
      return make("button", { type: "button", class: "pgr-crumb", "aria-current": one === this.zoomed ? "location" : false, onclick: () => this.zoom(one) }, words);
    });
    this.path.replaceChildren(...buttons);
    this.path.hidden = trail.length < 2;
  }

  read(one) {
    this.detail.textContent = one ? this.told(one) : say("rollouts.tree_hint");
  }

  /** A beginning in words: its text, how many rollouts have it, and how likely it is by the model. */
  told(one) {
    const values = {
      text: this.words(this.upTo(one)), rows: one.rows.length, total: this.rollouts.length, mass: percent(one.rows.length / this.rollouts.length),
      probability: percent(Math.exp(one.log)), reward: short(this.means.get(one)),
    };
    return say("rollouts.tree_node", values);
  }

  /** All tokens of a beginning. */
  upTo(one) {
    return this.rollouts[one.rows[0]].ids.slice(0, one.length);
  }

  csv() {
    const rows = below(this.root).map((one) => [one.length, this.words(this.upTo(one)), one.rows.length, one.rows.length / this.rollouts.length, Math.exp(one.log), this.means.get(one)]);
    return table(["tokens", "beginning", "rollouts", "empirical_mass", "model_probability", "mean_reward"], rows);
  }
}

/** A text cut to so many letters of a monospaced font, of which those of East Asia take two. */
function fitted(words, room) {
  let used = 0;
  let kept = "";
  for (const letter of words) {
    used += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}]/u.test(letter) ? 2 : 1;
    if (used > room) return room > 3 ? `${Array.from(kept).slice(0, -1).join("")}…` : "";
    kept += letter;
  }
  return kept;
}
