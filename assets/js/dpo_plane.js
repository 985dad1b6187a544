// Reward against divergence of a run that learns from pairs, where a reward model judges its answers: a point for each
// evaluation.

import { Plane } from "./ppo_plane.js";

export class PairPlane {
  constructor() {
    this.plane = new Plane("dpo_plane");
    this.element = this.plane.element;
    this.element.hidden = true;
  }

  add({ kind, step, values }) {
    if (kind !== "metric") return;
    this.plane.add(step, { "objective/kl": values["eval_objective/kl"], "objective/scores": values["eval_objective/scores"] });
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
