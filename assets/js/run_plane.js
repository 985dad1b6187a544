// Reward against divergence of a run, as a panel of its own: a point for each step, or for each evaluation.

import { Plane } from "./ppo_plane.js";

class RunPlane {
  /** @param {string} name  of the figure @param {string} prefix  of the metrics' names */
  constructor(name, prefix) {
    this.prefix = prefix;
    this.plane = new Plane(name);
    this.element = this.plane.element;
    this.element.hidden = true;
  }

  add({ kind, name, step, values, data }) {
    if (kind === "metric") this.plane.add(step, { "objective/kl": values[`${this.prefix}objective/kl`], "objective/scores": values[`${this.prefix}objective/scores`] });
    else if (kind === "snapshot" && name === "group.reference") this.plane.reference(data.scores);
  }

  cut(step) {
    this.plane.cut(step);
  }

  draw() {
    this.plane.show(this.plane.points.last ?? 0);
  }

  remove() {
    this.plane.figure.remove();
  }
}

/** Of a run that learns from pairs, where a reward model judges its answers. */
export class PairPlane extends RunPlane {
  constructor() {
    super("dpo_plane", "eval_");
  }
}

/** Of GRPO and RLOO; their first step's groups are answers of the reference. */
export class GroupPlane extends RunPlane {
  constructor() {
    super("group_plane", "");
  }
}
