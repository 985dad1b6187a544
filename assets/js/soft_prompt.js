// A soft prompt in words: the tokens that each virtual token is nearest to, with a slider back to where it started from.

import { visible } from "./distribution_page.js";
import { StepPanel } from "./scrubber.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const FIGURE = "sft.soft_prompt";

export class SoftPrompt extends StepPanel {
  constructor() {
    super("pt-prompt", "train-prompt-step", (step, last) => say("train.prompt.step", { step, last }));
    this.note = element("p", "pp-note");
    this.body = element("tbody");
    const wide = element("div", "pt-prompt-wide");
    Object.assign(wide, { tabIndex: 0, role: "region" });
    wide.setAttribute("aria-label", say("train.prompt"));
    wide.append(this.table());
    this.element.append(element("h3", "", say("train.prompt")), element("p", "pp-note", say("train.prompt.help")), this.scrubber.element, wide, this.note);
  }

  table() {
    const table = element("table", "pt-prompt-table");
    const [top, row] = [element("thead"), element("tr")];
    for (const name of ["token", "nearest", "norm"]) {
      const cell = element("th", "", say(`train.prompt.${name}`));
      cell.scope = "col";
      row.append(cell);
    }
    top.append(row);
    table.append(element("caption", "pe-unseen", say("train.prompt")), top, this.body);
    return table;
  }

  add({ kind, name, step, data }) {
    if (kind !== "snapshot" || name !== FIGURE) return;
    this.steps.set(step, data);
    this.changed = true;
  }

  show(step) {
    const { tokens, cosines, norms, total, word_norm: norm } = this.steps.get(step);
    this.body.replaceChildren(...tokens.map((near, at) => this.row(at, near, cosines[at], norms[at])));
    const more = tokens.length < total ? [say("train.prompt.more", { shown: tokens.length, total })] : [];
    this.note.textContent = [say("train.prompt.words", { norm: norm.toFixed(2) }), ...more].join(" ");
  }

  row(at, near, cosines, norm) {
    const row = element("tr");
    const head = element("th", "", `P${at + 1}`);
    head.scope = "row";
    const words = element("div", "pt-prompt-near");
    near.forEach((word, place) => {
      const chip = element("span", "pt-prompt-word");
      chip.style.setProperty("--near", `${Math.round(100 * Math.max(0, cosines[place]))}%`);
      chip.append(element("span", "pt-prompt-text", visible(word)), element("span", "pt-prompt-cosine", cosines[place].toFixed(2)));
      words.append(chip);
    });
    const cell = element("td");
    cell.append(words);
    row.append(head, cell, element("td", "pt-prompt-norm", norm.toFixed(2)));
    return row;
  }
}
