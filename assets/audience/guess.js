// A text whose next token is guessed before the host draws it.

import { make, number, percent, say, visible } from "./dom.js";

const LETTERS = "ABCDEF";
/** A token in a sentence, where a comma would be taken for the sentence's own. */
const quoted = (token) => `“${visible(token)}”`;

export class GuessView {
  constructor(room) {
    this.room = room;
    this.title = make("h1", {}, say("audience.guess.title"));
    this.note = make("p", { class: "note" });
    this.text = make("p", { class: "text" });
    this.options = make("div", { class: "options", role: "group", "aria-label": say("audience.guess.title") });
    this.state = make("p", { class: "state", role: "status" });
    this.result = make("div", { class: "tally" });
    this.again = make("p", { class: "note" });
    this.element = make("section", { class: "guess" }, this.title, make("div", { class: "card asked" }, this.text), this.options, this.state, this.result, this.again, this.note);
  }

  show(told) {
    const begins = this.told?.id !== told.id;
    this.told = told;
    const slot = told.open ? make("span", { class: "slot", "aria-label": "…" }, "?") : make("mark", {}, visible(told.first));
    this.text.replaceChildren(told.prompt, told.text, slot);
    if (begins) {
      this.buttons = [...told.options.map(visible), say("audience.guess.other")].map((words, at) =>
        make("button", { type: "button", class: "option", id: `guess-${at}`, onclick: () => this.guess(at) },
          make("span", { class: "letter", "aria-hidden": "true" }, LETTERS[at]), make("span", { class: at < told.options.length ? "token" : "" }, words)));
      this.options.replaceChildren(...this.buttons);
      scrollTo({ top: 0 });
    }
    this.options.hidden = !told.open;
    this.note.hidden = this.room.watching && !told.open;
    this.note.textContent = `${say("audience.guess.help")} ${say("audience.guess.model", { model: told.model, temperature: number(told.temperature) })}`;
    this.drawGuess();
    this.drawResult();
    return { what: `${told.id} ${told.open}`, text: told.open ? `${say("audience.guess.title")} ${told.prompt}${told.text}` : this.sentence() };
  }

  drawGuess() {
    const mine = this.room.mine(this.told.id);
    for (const [at, button] of this.buttons.entries()) {
      button.setAttribute("aria-pressed", String(mine === at));
      button.disabled = this.room.watching;
    }
    if (!this.told.open) {
      const judged = mine === undefined || this.room.watching ? "" : mine === this.told.won ? say("audience.guess.right") : say("audience.guess.wrong");
      this.state.textContent = [judged, this.sentence(), this.room.watching ? "" : this.score(mine)].filter(Boolean).join(" ");
      this.state.classList.toggle("given", mine === this.told.won && !this.room.watching);
      return;
    }
    this.state.classList.toggle("given", mine !== undefined);
    if (this.room.watching) this.state.textContent = say("audience.guess.ask_hall");
    else this.state.textContent = mine === undefined ? say("audience.guess.ask") : say("audience.guess.mine", { token: this.name(mine, quoted) });
  }

  name(at, written = visible) {
    return at < this.told.options.length ? written(this.told.options[at]) : say("audience.guess.other");
  }

  sentence() {
    const { guesses, won } = this.told;
    const people = guesses.reduce((sum, count) => sum + count, 0);
    const drawn = say("audience.guess.drawn", { token: quoted(this.told.first), chance: percent(this.told.chance) });
    return people ? `${drawn} ${say("audience.guess.people", { count: guesses[won], total: people })}` : drawn;
  }

  /** How often this phone was right; each round counts once. */
  score(mine) {
    if (mine === undefined) return "";
    const { right, all } = this.room.judged(this.told.id, mine === this.told.won);
    return all > 1 ? say("audience.guess.score", { right, all }) : "";
  }

  drawResult() {
    const { open, chances, guesses, won, drawn } = this.told;
    this.result.hidden = this.again.hidden = open;
    if (open) return;
    const people = guesses.reduce((sum, count) => sum + count, 0);
    const order = chances.map((_, at) => at).sort((one, two) => chances[two] - chances[one]);
    const legend = make("p", { class: "legend" }, make("span", { class: "training" }, say("audience.guess.chance")), make("span", { class: "held" }, say("audience.guess.room")));
    const rows = order.map((at) => {
      const bars = make("span", { class: "tracks" }, bar("training", chances[at]), bar("held", people ? guesses[at] / people : 0));
      const much = make("span", { class: "much" }, make("strong", {}, percent(chances[at])), make("span", { class: "guessed" }, people ? percent(guesses[at] / people) : "–"));
      const what = make("span", { class: "what" }, make("span", { class: at < this.told.options.length ? "token" : "" }, this.name(at)), at === won ? make("em", {}, ` ✓ ${say("audience.guess.came")}`) : null,
        this.room.mine(this.told.id) === at && !this.room.watching ? make("em", {}, ` ${say("audience.yours")}`) : null);
      return make("div", { class: `row two${at === won ? " won" : ""}` }, what, bars, much);
    });
    this.result.replaceChildren(legend, ...rows);
    const draws = drawn.reduce((sum, count) => sum + count, 0);
    this.again.textContent = draws > 1 ? say("audience.guess.again", { count: draws, tokens: this.told.draws.map(quoted).join(" ") }) : "";
  }

  async guess(option) {
    if (!this.told.open || this.room.watching) return;
    const { id } = this.told;
    const before = this.room.mine(id);
    this.room.remember(id, option);
    this.drawGuess();
    if (!(await this.room.post("guess", { id, option }))) {
      this.room.remember(id, before);
      if (this.told.id === id) this.drawGuess();
    }
  }

  key(pressed) {
    const at = /^[1-6]$/.test(pressed) ? Number(pressed) - 1 : LETTERS.toLowerCase().indexOf(pressed);
    if (at >= 0 && at < this.buttons.length) this.guess(at);
  }
}

function bar(kind, share) {
  const fill = make("span", { class: `fill ${kind}` });
  fill.style.setProperty("--share", share);
  return make("span", { class: "track" }, fill);
}
