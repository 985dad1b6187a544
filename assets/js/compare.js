// Two answers side by side, as they grow. Texts are written by textContent only.

import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);

export function mount(root, props, _tell, watch) {
  const panel = root.querySelector(".pp-panel");
  const board = new Board(panel);
  const draw = () => board.show(props.value || {});
  watch("value", draw);
  window.addEventListener("playground:stopped", () => board.stopped());
  draw();
}

/** The tuned side's name, with its strength where that is not the trained one. */
export const tunedAt = (strength = 1) => (strength === 1 ? say("compare.tuned") : say("compare.tuned_at", { strength: strength.toLocaleString() }));

/** Gradio's own button, which knows nothing of what it would stop. */
function offerStop(offered) {
  const button = document.getElementById("compare-stop");
  if (button) button.disabled = !offered;
}

class Board {
  constructor(panel) {
    this.panel = panel;
    this.sides = {};
    const empty = element("div", "pt-empty");
    empty.append(element("p", "pp-name", say("compare.empty")), element("p", "pp-note", say("compare.empty.help")));
    this.empty = empty;
    this.prompt = element("div", "pc-prompt");
    this.state = element("p", "pp-note pc-state");
    this.state.setAttribute("role", "status");
    const pair = element("div", "pc-pair");
    for (const side of ["base", "tuned"]) pair.append(this.side(side));
    this.reference = element("div", "pp-card pc-reference");
    this.body = [this.prompt, this.state, pair, this.reference];
  }

  side(name) {
    const card = element("article", `pp-card pc-side pc-${name}`);
    const answer = element("p", "pc-answer");
    answer.id = `compare-${name}`;
    const title = element("h3", "", say(`compare.${name}`));
    card.append(title, answer);
    this.sides[name] = answer;
    if (name === "tuned") this.title = title;
    return card;
  }

  show(value) {
    offerStop(Boolean(value.state) && !["done", "error"].includes(value.state));
    if (!value.state) return this.panel.replaceChildren(this.empty);
    if (value.state === "error") {
      const line = element("p", "pp-error", playground.sentence(value.message));
      line.setAttribute("role", "alert");
      return this.panel.replaceChildren(line);
    }
    if (this.panel.firstChild !== this.prompt) this.panel.replaceChildren(...this.body);
    this.prompt.replaceChildren(element("h3", "", say("compare.asked")), element("p", "", value.prompt));
    for (const side of ["base", "tuned"]) this.sides[side].textContent = value[side] ?? "";
    this.title.textContent = tunedAt(value.strength);
    this.panel.dataset.state = value.state;
    this.state.textContent = this.words(value);
    this.reference.hidden = !value.reference;
    this.reference.replaceChildren(element("h3", "", say("compare.reference")), element("p", "pc-answer", value.reference));
    return undefined;
  }

  words({ state, ahead, whole }) {
    if (state === "done") return say("compare.done");
    if (ahead) return say("compare.ahead", { ahead });
    return say(whole ? "compare.answering.whole" : "compare.answering");
  }

  stopped() {
    if (this.panel.dataset.state === "done" || !this.panel.contains(this.state)) return;
    offerStop(false);
    this.panel.dataset.state = "done";
    this.state.textContent = say("compare.stopped");
  }
}
