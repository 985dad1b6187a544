// A figure of the live view that is drawn by us: its title and explanation, a picture as wide as there is room, a line of
// words below. It is drawn when it can be seen.

import { help } from "./distribution_page.js";
import { WhenSeen } from "./seen.js";
import { element } from "./status.js";

const NEAR = 150; // pixels; a figure is drawn within a frame, so it may wait until it is nearly there

const say = (key, values) => playground.text(key, values);

export class LiveFigure {
  /**
   * @param {string} name  its keys are `train.figure.NAME` and `train.figure.NAME.help`
   * @param {(width: number) => ?SVGElement} draw  gives null where there is nothing to see
   * @param {number} [height]  of the picture in pixels, so that nothing moves once it is drawn
   */
  constructor(name, draw, height = 0) {
    this.picture = element("div", "pt-picture");
    this.picture.style.minHeight = `${height}px`;
    this.note = element("p", "pt-figure-note");
    this.head = element("div", "pt-figure-head");
    this.head.append(element("h3", "", say(`train.figure.${name}`)), help(say(`train.figure.${name}`), () => say(`train.figure.${name}.help`)));
    this.element = element("section", "pt-figure");
    this.element.dataset.figure = name;
    this.element.append(this.head, this.picture, this.note);
    this.seen = new WhenSeen(this.picture, () => this.paint(draw), NEAR);
    this.sizes = new ResizeObserver(() => this.width !== this.picture.clientWidth && this.refresh());
    this.sizes.observe(this.picture);
  }

  /** Draws anew, at the latest when it comes into view. */
  refresh() {
    this.seen.want();
  }

  say(sentence) {
    if (this.note.textContent !== sentence) this.note.textContent = sentence;
  }

  paint(draw) {
    this.width = this.picture.clientWidth;
    if (!this.width) return;
    const svg = draw(this.width);
    this.picture.replaceChildren(...(svg ? [svg] : []));
  }

  remove() {
    this.seen.remove();
    this.sizes.disconnect();
  }
}
