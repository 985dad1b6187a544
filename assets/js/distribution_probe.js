/** The probability of a token that the reader names: any text becomes tokens, and the first of them is looked up. */

import { count, help, make, percent, text, visible } from "./distribution_page.js";
import { cutBy, probabilityAt, rawProbability } from "./sampling.js";

const PAUSE_MS = 250;
const LONGEST = 200;

export class Probe {
  /**
   * @param {(text: string) => Promise<{readings?: number[][], error?: string}>} ask  what the text becomes
   * @param {{append: (ids: number[]) => void, changed: () => void}} acts  `changed`: there are readings to be drawn
   */
  constructor(ask, acts) {
    this.ask = ask;
    this.acts = acts;
    this.readings = [];
    this.input = make("input", { type: "text", id: "pgd-probe", maxlength: LONGEST, placeholder: text("distribution.probe_placeholder"), autocomplete: "off" });
    this.list = make("ul", { class: "pgd-readings", "aria-live": "polite" });
    const label = make("label", { for: "pgd-probe" }, text("distribution.probe"));
    const about = help(text("distribution.probe"), () => text("distribution.probe_help"));
    this.element = make("div", { class: "pgd-probe" }, make("span", { class: "pgd-name" }, label, about), this.input, this.list);
    this.input.addEventListener("input", () => this.wait());
  }

  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), PAUSE_MS);
  }

  /** Asks what the text becomes; the answer to a text that was changed meanwhile is dropped. */
  async look() {
    const typed = this.input.value;
    const answer = typed === "" ? { readings: [] } : await this.ask(typed).catch(() => ({ error: text("distribution.probe_failed") }));
    if (typed !== this.input.value) return;
    this.readings = answer.readings ?? [];
    if (answer.error) this.list.replaceChildren(make("li", { class: "pgd-hint" }, playground.sentence(answer.error)));
    else this.acts.changed();
  }

  /** The numbers of the first token of each reading. */
  draw(ranking, distribution, settings, tokens) {
    if (this.readings.length === 0 && this.input.value !== "") return;
    this.list.replaceChildren(...this.readings.map((ids) => this.reading(ids, { ranking, distribution, settings, tokens })));
  }

  reading(ids, { ranking, distribution, settings, tokens }) {
    const at = ranking.order.indexOf(ids[0]);
    const chips = ids.map((id, place) => make("span", { class: place === 0 ? "pgd-chip pgd-named" : "pgd-chip" }, visible(tokens[id])));
    const filter = cutBy(distribution, at, settings.temperature);
    const status = filter ? text("distribution.probe_cut", { filter: text(`setting.generation.${filter}.label`) }) : text("distribution.probe_stays");
    const facts = text("distribution.probe_facts", {
      rank: count(at + 1),
      total: count(ranking.order.length),
      raw: percent(rawProbability(ranking, ids[0])),
      final: percent(probabilityAt(distribution, at).final),
    });
    const append = make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": "probe" }, text("distribution.append"));
    append.addEventListener("click", () => this.acts.append(ids));
    const words = make("span", { class: "pgd-reading-facts" }, facts, " ", make("b", { class: filter ? "pgd-status-cut" : "" }, status));
    return make("li", {}, make("span", { class: "pgd-reading-tokens" }, ...chips), words, append);
  }
}
