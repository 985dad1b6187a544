// The tokens of a row as the trainer takes them. Loss is told by colour and by underline, so that greys can be read.

import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const number = (value) => value.toLocaleString();
const MARKS = new Map([[" ", "·"], ["\t", "→\t"], ["\n", "⏎\n"], ["\r", "␍"], ["\u00a0", "⍽"], ["\u3000", "□"]]);

/** A token's text with its white space to be seen; a line break breaks the line behind its mark. */
export function visible(text) {
  return Array.from(text, (letter) => MARKS.get(letter) ?? spelled(letter)).join("");
}

function spelled(letter) {
  if (letter === "\u200d" || !/\p{Cc}|\p{Cf}|\p{Zs}|\p{Zl}|\p{Zp}/u.test(letter)) return letter;
  return `\\u{${letter.codePointAt(0).toString(16)}}`;
}

/** The tokens of one stretch of text, and beneath them what is known of the one that is pointed at. */
class TokenList {
  /**
   * @param {{tokens: Array, kept: number, count: number}} row
   * @param {{limit: number, before: number, label: string}} options  `before`: tokens that stand in front of these
   */
  constructor(row, { limit, before, label }) {
    this.row = row;
    this.before = before;
    this.chosen = 0;
    this.list = element("div", "pda-tokens");
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", label);
    this.list.addEventListener("keydown", (event) => this.move(event));
    this.list.addEventListener("pointerover", ({ target }) => this.point(target));
    this.list.addEventListener("focusin", ({ target }) => this.point(target));
    this.list.addEventListener("pointerleave", () => this.tell(this.chosen));
    this.fact = element("p", "pda-token-fact");
    this.boxes = row.tokens.map(tokenBox);
    for (const place of row.keys?.places ?? []) this.boxes[place]?.classList.add("pda-key-token");
    // A line may break between any two tokens, since the mark for a space is no space.
    // A break at a token's end stands behind its box, or the next line would begin with an empty end of it.
    const parts = this.boxes.flatMap((box, place) => [box, endsLine(row.tokens[place]) ? "\n" : element("wbr")]);
    if (row.kept < row.tokens.length) parts.splice(2 * row.kept, 0, cutMark(limit));
    this.list.append(...parts);
    if (this.boxes.length) this.boxes[0].tabIndex = 0;
    this.tell(0);
  }

  parts() {
    const { tokens, count } = this.row;
    const shown = say("data.tokens.shown", { shown: number(tokens.length), count: number(count) });
    return [this.list, this.fact, ...(tokens.length < count ? [element("p", "pp-note", shown)] : [])];
  }

  point(target) {
    const place = this.boxes.indexOf(target.closest(".pda-token"));
    if (place < 0) return;
    if (target === document.activeElement) this.choose(place);
    this.tell(place);
  }

  choose(place) {
    const before = this.boxes[this.chosen];
    before.tabIndex = -1;
    before.setAttribute("aria-selected", "false");
    this.boxes[place].tabIndex = 0;
    this.boxes[place].setAttribute("aria-selected", "true");
    this.boxes[place].setAttribute("aria-label", describe(this.row, place, this.before));
    this.chosen = place;
  }

  tell(place) {
    this.fact.textContent = this.boxes.length ? describe(this.row, place, this.before) : say("data.tokens.none");
  }

  move(event) {
    const last = this.boxes.length - 1;
    const to = { ArrowRight: this.chosen + 1, ArrowLeft: this.chosen - 1, ArrowDown: this.chosen + 10, ArrowUp: this.chosen - 10, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.boxes[Math.max(0, Math.min(last, to))].focus();
  }
}

/** @param {Object} row  `data_view.row` with tokens */
export function tokensOf(row) {
  const box = element("div", "pda-tokens-view");
  const { count, kept, loss, model, limit } = row;
  const counts = element("p", "pda-counts", say("data.tokens.counts", { count: number(count), loss: number(loss), cut: number(count - kept), model }));
  counts.id = "data-token-counts";
  box.append(counts, ...warnings(row), ...weight(row), legend(), ...new TokenList(row, { limit, before: 0, label: say("data.tokens") }).parts());
  return box;
}

function warnings({ left_out: leftOut, answer_cut: answerCut, answerless, limit }) {
  const words = answerless
    ? say("data.tokens.answerless")
    : leftOut
      ? say("data.tokens.left_out", { limit: number(limit) })
      : answerCut && say("data.tokens.answer_cut");
  return words ? [element("p", "pda-warning", words)] : [];
}

/** What key tokens make of the row, in the formula's own terms. */
function weight({ keys }) {
  if (!keys) return [];
  if (keys.problem) return [element("p", "pda-warning", playground.sentence(keys.problem))];
  const count = keys.places.length;
  const line = element("p", "pda-weight", say("data.tokens.weight", { alpha: number(keys.alpha), count: number(count), weight: number(keys.weight) }));
  line.title = say("data.tokens.weight.help");
  return [line];
}

/** Both answers of a preference; the prompt they share stands in front of them, once. */
export function pairOf({ pair, limit, model }) {
  const box = element("div", "pda-tokens-view");
  if (model) box.append(legend());
  const sides = element("div", "pda-sides");
  for (const name of ["prompt", "chosen", "rejected"]) {
    const { text, tokens, count, kept } = pair[name];
    const side = element("section", `pda-side pda-side-${name}`);
    side.id = `data-pair-${name}`;
    const title = element("h5", "", say(`data.pair.${name}`));
    side.append(title, textOf(text));
    if (tokens) {
      title.append(" ", element("span", "pp-note", say("data.pair.counts", { count: number(count), cut: number(count - kept) })));
      const before = name === "prompt" ? 0 : pair.prompt.count;
      side.append(...new TokenList(pair[name], { limit, before, label: say(`data.pair.${name}`) }).parts());
    }
    (name === "prompt" ? box : sides).append(side);
  }
  box.append(sides);
  return box;
}

/** The rendered text; what is in the loss is marked. */
export function textOf(segments) {
  const box = element("pre", "pda-text");
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", say("data.row.text"));
  for (const { text, in_loss: inLoss, more } of segments) {
    box.append(element(inLoss ? "mark" : "span", inLoss ? "pda-learnt" : "", text));
    if (more) box.append(element("span", "pp-note", ` ${say("data.cell.more", { count: number(more) })} `));
  }
  return box;
}

function endsLine([, text, part]) {
  return part === 1 && text.endsWith("\n");
}

function tokenBox([, text, part, , inLoss, kept, special], place) {
  const words = part > 1 ? "‥" : visible(text);
  const box = element("span", "pda-token", words.endsWith("\n") ? words.slice(0, -1) : words);
  box.dataset.place = place;
  box.classList.toggle("pda-learnt", inLoss);
  box.classList.toggle("pda-cut", !kept);
  box.classList.toggle("pda-special", special);
  box.setAttribute("role", "option");
  box.setAttribute("aria-selected", "false");
  box.tabIndex = -1;
  return box;
}

function cutMark(limit) {
  const mark = element("span", "pda-cut-mark", say("data.tokens.cut_here", { limit: number(limit) }));
  mark.setAttribute("role", "presentation");
  return mark;
}

function describe({ tokens, count, keys }, place, before) {
  const [id, text, part, parts, inLoss, kept, special] = tokens[place];
  const whole = part > 1 ? tokens[place - part + 1][1] : text;
  const state = !kept ? "cut" : inLoss ? "learnt" : "masked";
  const facts = [
    say("data.token.place", { place: number(before + place + 1), count: number(before + count) }),
    say("data.token.id", { id }),
    `“${visible(whole).replaceAll("\n", "").replaceAll("\t", "")}”`,
    ...(parts > 1 ? [say("data.token.part", { part, parts })] : []),
    ...(special ? [say("data.token.special")] : []),
    ...(keys?.places?.includes(place) ? [say("data.token.key")] : []),
    say(`data.token.${state}`),
  ];
  return facts.join("  ·  ");
}

function legend() {
  const box = element("div", "pda-legend");
  for (const kind of ["learnt", "masked", "special", "cut"]) {
    const entry = element("span", "pda-key");
    entry.append(element("span", `pda-token ${kind === "masked" ? "" : `pda-${kind}`}`, say(`data.legend.${kind}.sample`)), " ", say(`data.legend.${kind}`));
    entry.title = say(`data.legend.${kind}.help`);
    box.append(entry);
  }
  const marks = element("span", "pda-key", say("data.legend.space"));
  box.append(marks);
  return box;
}
