// What the ticked runs have in common and what not: their curves in one chart, and of two their settings.

import { differences } from "./history_differences.js";
import { Overlay } from "./history_overlay.js";
import { selection } from "./history_selection.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);

export class Comparison {
  /** @param {(asked: {runs: string[]}) => void} askForDifferences */
  constructor(panel, version, askForDifferences) {
    this.panel = panel;
    this.version = version;
    this.ask = askForDifferences;
    this.isOpen = false;
    this.asked = "";
    panel.classList.add("ph-comparison");
    selection.addEventListener("change", () => this.isOpen && this.follow());
  }

  open() {
    if (!this.isOpen) this.build();
    this.follow();
    this.panel.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    this.title.focus({ preventScroll: true });
  }

  build() {
    this.isOpen = true;
    this.title = element("h3", "pt-runs-title", say("history.comparison"));
    this.title.tabIndex = -1;
    const close = element("button", "pe-button", say("history.comparison.close"));
    Object.assign(close, { type: "button", id: "history-comparison-close" });
    close.addEventListener("click", () => this.close());
    const head = element("div", "pt-head ph-comparison-head");
    head.append(this.title, close);
    this.hint = element("p", "pp-note", say("history.comparison.hint"));
    this.overlay = new Overlay(this.version);
    this.settings = element("section", "ph-settings");
    this.panel.replaceChildren(head, this.hint, this.overlay.element, this.settings);
  }

  close() {
    this.isOpen = false;
    this.asked = "";
    this.overlay.leave();
    this.panel.replaceChildren();
    document.getElementById("history-compare")?.focus();
  }

  /** Shows what is ticked now. */
  follow() {
    const { chosen } = selection;
    const runs = chosen.filter(({ run, kind }) => kind === "run" && selection.line(run));
    this.hint.hidden = chosen.length > 1;
    this.overlay.show(runs);
    const two = chosen.length === 2 && chosen[0].kind === chosen[1].kind ? chosen.map(({ run }) => run) : [];
    if (two.join() === this.asked) return this.naming?.();
    this.asked = two.join();
    this.naming = null;
    this.settings.replaceChildren();
    if (two.length) this.ask({ runs: two });
    return undefined;
  }

  /** The settings of two runs came, if they are still the two that are ticked. */
  answer({ runs, error, settings }) {
    if (!this.isOpen || !runs || runs.join() !== this.asked) return;
    if (error) {
      this.settings.replaceChildren(element("p", "pp-note", playground.sentence(error)));
      return;
    }
    const [parts, naming] = differences(runs, settings);
    this.naming = naming;
    this.settings.replaceChildren(...parts);
  }
}
