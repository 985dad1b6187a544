// The panel of PPO: one slider through the updates, and under it what each of them did. What the snapshots hold is said in
// playground/training/methods/ppo/snapshots.py.

import { Action } from "./ppo_action.js";
import { ClipPlot } from "./ppo_clip.js";
import { Plane } from "./ppo_plane.js";
import { Moves } from "./ppo_ratio.js";
import { RolloutCards } from "./ppo_rollouts.js";
import { Scrubber, Steps } from "./scrubber.js";
import { WhenSeen } from "./seen.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);

const BY_STEP = ["ppo.clip", "ppo.rollouts", "ppo.action"];

export class PPO {
  constructor() {
    this.steps = Object.fromEntries(BY_STEP.map((name) => [name, new Steps()]));
    this.plane = new Plane();
    this.clip = new ClipPlot();
    this.moves = new Moves();
    this.rollouts = new RolloutCards();
    this.action = new Action();
    const words = (step, last) => say("ppo.step", { step, last });
    this.scrubber = new Scrubber("ppo-step", { words, pick: (step) => this.show(step) });
    this.element = element("section", "ppo");
    this.element.hidden = true;
    this.element.append(
      element("h3", "ppo-title", say("ppo.title")), this.scrubber.element, this.action.element, this.plane.element, this.clip.element, this.moves.element,
      this.rollouts.element,
    );
    this.seen = new WhenSeen(this.element, () => this.show(this.scrubber.step));
  }

  add({ kind, step, values, name, data }) {
    if (kind === "metric") this.plane.add(step, values);
    else if (kind === "snapshot" && name === "ppo.reference") this.plane.reference(data.scores);
    else if (kind === "snapshot" && name in this.steps) this.steps[name].set(step, data);
    else return;
    this.changed = true;
  }

  cut(step) {
    for (const steps of Object.values(this.steps)) steps.cut(step);
    this.plane.cut(step);
    this.changed = true;
  }

  /** The steps that one of the figures has something of. */
  get order() {
    const all = new Set(Object.values(this.steps).flatMap(({ order }) => order));
    return [...all].sort((one, other) => one - other);
  }

  draw() {
    if (!this.changed) return;
    this.changed = false;
    const { order } = this;
    this.element.hidden = !order.length;
    if (!order.length) return;
    this.scrubber.show(order, this.isRead());
    this.seen.want();
  }

  /** Whether somebody points at a token or walks through them: a new update must not take it away. */
  isRead() {
    return [this.clip.element, this.rollouts.cards].some((part) => part.matches(":hover, :focus-within"));
  }

  /** What each figure has of a step, or of the last one before it; nothing is drawn twice. */
  show(step) {
    this.plane.show(step);
    const [clip, table, action] = Object.values(this.steps).map((steps) => (steps.size ? steps.get(steps.nearest(step)) : null));
    put(this.clip, clip, table?.rows ?? []);
    put(this.moves, clip);
    put(this.rollouts, table);
    put(this.action, action, this.steps["ppo.action"]);
  }

  remove() {
    for (const part of [this.seen, this.plane.figure, this.clip, this.moves, this.action]) part.remove();
  }
}

function put(figure, data, ...more) {
  figure.element.hidden = !data;
  if (data && figure.shown !== data) figure.show(data, ...more);
  figure.shown = data;
}
