/**
 * A text as its tokens, each on a ground that says how far a number lies from zero and to which side: blue and a bar on
 * top above it, vermillion and a bar below under it, the wider the farther. The number itself is told of a token that is
 * pointed at, or walked to with the arrow keys.
 */

import { element } from "./status.js";
import { visible } from "./distribution_page.js";

const LEVELS = 3;
const TYPICAL = 0.95; // a few extremes must not leave all others pale
const NOTHING = 0.05; // of the scale, below which a token has no ground

/** The number that stands for a full ground: nearly the largest there is. @param {(number|null)[]} values */
export function scaleOf(values) {
  const sizes = values.filter(Number.isFinite).map(Math.abs).sort((one, other) => one - other);
  return sizes.length ? sizes[Math.ceil(TYPICAL * sizes.length) - 1] || sizes.at(-1) : 0;
}

/** -3 … 3: how far a number lies from zero, in thirds of the scale; 0 for what is nearly none, or no number. */
export function level(value, scale) {
  if (!Number.isFinite(value) || !(scale > 0) || Math.abs(value) < NOTHING * scale) return 0;
  return Math.sign(value) * Math.min(LEVELS, Math.floor((LEVELS * Math.abs(value)) / scale) + 1);
}

/** Space in front of a word is left as it is, so that the text can be read; all other white space is made visible. */
const written = (token) => visible(token).replace(/^␣(?=[^␣])/, " ");

export class TokenStrip {
  /**
   * @param {{label: string, told: (at: number) => string, hint?: string, look?: (at: number) => void}} wanted
   *   `told` gives the sentence about a token, `hint` stands in its place before one is pointed at; `look` hears of it too
   */
  constructor({ label, told, hint = "", look = () => {} }) {
    Object.assign(this, { told, hint, look });
    this.box = element("div", "pt-strip");
    this.box.setAttribute("role", "toolbar");
    this.box.setAttribute("aria-label", label);
    this.detail = element("p", "pt-strip-detail", hint);
    this.detail.setAttribute("role", "status");
    this.element = element("div", "pt-strip-whole");
    this.element.append(this.box, this.detail);
    this.box.addEventListener("pointerover", ({ target }) => this.read(this.chips.indexOf(target)));
    this.box.addEventListener("focusin", ({ target }) => this.read(this.chips.indexOf(target)));
    this.box.addEventListener("keydown", (event) => this.walk(event));
  }

  /** @param {string[]} tokens @param {(number|null)[]} values @param {number} scale  see `scaleOf` */
  show(tokens, values, scale) {
    this.chips = tokens.map((token) => {
      const chip = element("button", "pt-token", written(token));
      Object.assign(chip, { type: "button", tabIndex: -1 });
      return chip;
    });
    // A line break within the text is one on the screen too.
    this.box.replaceChildren(...this.chips.flatMap((chip, at) => (tokens[at].includes("\n") ? [chip, element("br")] : [chip])));
    if (this.chips.length) this.chips[0].tabIndex = 0;
    this.detail.textContent = this.hint;
    this.paint(values, scale);
  }

  /** Other numbers for the same tokens. */
  paint(values, scale) {
    this.chips.forEach((chip, at) => (chip.dataset.level = level(values[at], scale)));
    if (this.at !== undefined && this.chips[this.at]) this.read(this.at);
  }

  /** Marks a token from outside, or none. */
  mark(at) {
    this.chips.forEach((chip, place) => chip.toggleAttribute("data-marked", place === at));
  }

  read(at) {
    if (at < 0) return;
    this.at = at;
    this.detail.textContent = this.told(at);
    this.look(at);
  }

  walk(event) {
    const at = this.chips.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: this.chips.length - 1 }[event.key];
    if (at < 0 || to === undefined || !this.chips[to]) return;
    event.preventDefault();
    this.chips[at].tabIndex = -1;
    this.chips[to].tabIndex = 0;
    this.chips[to].focus();
  }
}

/** What the grounds mean: the scale's ends in numbers. @param {(value: number) => string} format */
export function stripLegend(scale, format) {
  const legend = element("span", "pt-strip-legend");
  for (let step = -LEVELS; step <= LEVELS; step++) {
    const box = element("i");
    box.dataset.level = step;
    legend.append(box);
  }
  legend.prepend(element("span", "", `−${format(scale)}`));
  legend.append(element("span", "", `+${format(scale)}`));
  return legend;
}
