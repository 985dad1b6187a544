// Drawing only what can be seen: a long live view has many figures, and most of them are off the screen.

const MARGIN = 1200; // pixels from the screen at which something is drawn, before it is scrolled to

/** Draws something when it is wanted and can be seen (or nearly), at the latest when it comes into view. */
export class WhenSeen {
  /** @param {HTMLElement} element @param {() => void} draw @param {number} [margin] */
  constructor(element, draw, margin = MARGIN) {
    this.draw = draw;
    this.observer = new IntersectionObserver((entries) => this.look(entries.at(-1).isIntersecting), { rootMargin: `${margin}px` });
    this.observer.observe(element);
  }

  look(seen) {
    this.seen = seen;
    if (seen && this.wanted) this.now();
  }

  /** Asks for a drawing; several before it can be seen are one. */
  want() {
    this.wanted = true;
    if (this.seen) this.now();
  }

  now() {
    this.wanted = false;
    this.draw();
  }

  remove() {
    this.observer.disconnect();
  }
}
