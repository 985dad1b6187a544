// Two answers, nobody knows whose, and three buttons for a thumb.

import { make, percent, say } from "./dom.js";

const CHOICES = ["left", "tie", "right"];
const LETTERS = { left: "A", tie: "=", right: "B" };
const KEYS = { 1: "left", a: "left", 2: "right", b: "right", 0: "tie", t: "tie" };

export class VoteView {
  /** @param {{post: Function, watching: boolean, mine: Function}} room */
  constructor(room) {
    this.room = room;
    this.title = make("h1");
    this.question = make("p", { class: "text" });
    this.input = make("p", { class: "text input" });
    this.sides = Object.fromEntries(["left", "right"].map((side) => [side, this.side(side)]));
    this.state = make("p", { class: "state", role: "status" });
    this.bar = make("div", { class: "bar", role: "group", "aria-label": say("audience.vote.mine_label") });
    this.buttons = {};
    for (const choice of CHOICES) {
      const button = make("button", { type: "button", id: `vote-${choice}`, class: `big ${choice}`, onclick: () => this.vote(choice) },
        make("strong", { "aria-hidden": "true" }, LETTERS[choice]), make("span", {}, say(`votes.choice.${choice}`)));
      this.buttons[choice] = button;
      this.bar.append(button);
    }
    this.tally = make("div", { class: "tally" });
    const asked = make("div", { class: "card asked" }, this.question, this.input);
    const pair = make("div", { class: "pair" }, this.sides.left.card, this.sides.right.card);
    this.foot = make("div", { class: "foot" }, this.state, this.bar);
    this.element = make("section", { class: "vote" }, this.title, asked, pair, this.tally, this.foot);
  }

  side(side) {
    const head = make("h2", {}, make("span", { class: "letter" }, LETTERS[side]));
    const name = make("span", { class: "name" });
    head.append(name);
    const answer = make("p", { class: "text", id: `answer-${side}` });
    return { name, answer, card: make("article", { class: `card ${side}`, "aria-label": LETTERS[side] }, head, answer) };
  }

  show(told) {
    this.told = told;
    const begins = this.pair !== told.pair;
    this.pair = told.pair;
    this.title.textContent = `${say("audience.vote.title")} `;
    this.title.append(make("span", { class: "quiet" }, say("audience.vote.number", { number: told.number })));
    this.question.textContent = told.instruction;
    this.input.textContent = told.input;
    this.input.hidden = !told.input;
    for (const [at, side] of ["left", "right"].entries()) {
      const { answer, name } = this.sides[side];
      answer.textContent = told[side].trim() || say("audience.vote.nothing");
      answer.classList.toggle("quiet", !told[side].trim());
      name.textContent = told.names?.[at] ?? "";
    }
    this.element.classList.toggle("closed", !told.open);
    this.drawTally();
    this.drawChoice();
    if (begins) scrollTo({ top: 0 });
    const what = told.names ? "names" : told.open ? "open" : "closed";
    return { what: `${told.pair} ${what}`, text: told.open ? `${say("audience.vote.title")} ${say("audience.vote.number", { number: told.number })}` : this.result() };
  }

  result() {
    const { tally, names } = this.told;
    const whose = names ? `A: ${names[0]}. B: ${names[1]}. ` : "";
    return `${say("audience.vote.closed")} ${whose}A ${tally.left}, = ${tally.tie}, B ${tally.right}.`;
  }

  /** A choice as this phone remembers it: by what was chosen, as the same pair may come again the other way round. */
  named(choice) {
    return choice === "tie" ? choice : trace(this.told[choice]);
  }

  /** What this phone has chosen of the pair that is shown. */
  get mine() {
    const kept = this.room.mine(this.told.pair);
    return kept && CHOICES.find((choice) => this.named(choice) === kept);
  }

  drawChoice() {
    const { mine } = this;
    this.bar.hidden = !this.told.open || this.room.watching;
    for (const choice of CHOICES) this.buttons[choice].setAttribute("aria-pressed", String(mine === choice));
    const given = mine ? say(`votes.choice.${mine}`) : "";
    if (!this.told.open) this.state.textContent = say("audience.vote.closed");
    else if (this.room.watching) this.state.textContent = say("audience.vote.ask_hall");
    else this.state.textContent = mine ? say("audience.vote.mine", { choice: given }) : say("audience.vote.ask");
    this.state.classList.toggle("given", Boolean(mine));
  }

  drawTally() {
    const { tally } = this.told;
    this.tally.hidden = !tally;
    if (!tally) return;
    const total = tally.left + tally.tie + tally.right;
    const { mine } = this;
    this.tally.replaceChildren(
      ...CHOICES.map((choice) => {
        const share = total ? tally[choice] / total : 0;
        const fill = make("span", { class: "fill" });
        fill.style.setProperty("--share", share);
        return make("div", { class: `row ${choice}` },
          make("span", { class: "what" }, say(`votes.choice.${choice}`), mine === choice ? make("em", {}, ` ${say("audience.yours")}`) : null),
          make("span", { class: "track" }, fill),
          make("span", { class: "much" }, make("strong", {}, String(tally[choice])), total ? ` ${percent(share)}` : ""));
      }),
      make("p", { class: "note" }, say("audience.vote.total", { total })),
    );
  }

  async vote(choice) {
    if (!this.told.open || this.room.watching) return;
    const { pair } = this.told;
    const before = this.room.mine(pair);
    this.room.remember(pair, this.named(choice)); // shown at once, taken back where it is refused
    this.drawChoice();
    if (!(await this.room.post("vote", { pair, choice }))) {
      this.room.remember(pair, before);
      if (this.told.pair === pair) this.drawChoice();
    }
  }

  key(pressed) {
    if (KEYS[pressed]) this.vote(KEYS[pressed]);
  }
}

/** A short name of a text (FNV-1a, 32 bits). */
function trace(text) {
  let found = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) found = Math.imul(found ^ text.charCodeAt(at), 0x01000193);
  return (found >>> 0).toString(36);
}
