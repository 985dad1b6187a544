// What a run shows while it goes on, by its method: line charts of its metrics, and panels of its samples and snapshots.
//
// A panel is a class with `element`, `add(event)` for every sample and snapshot (it takes its own), `cut(step)` to take
// back what came after a step, `draw()` after the events of an answer, and perhaps `remove()`. It is made with the
// version of Plotly. A method's own figures are one file that is named here.

import { DPO_CHARTS, KTO_CHARTS, ORPO_CHARTS } from "./dpo_charts.js";
import { PairTokens } from "./dpo_tokens.js";
import { PairShift } from "./orpo_tokens.js";
import { PPO } from "./ppo.js";
import { GROUP_CHARTS, PPO_CHARTS } from "./ppo_charts.js";
import { GroupPlane, PairPlane } from "./run_plane.js";
import { Reward } from "./reward.js";
import { REWARD_CHARTS } from "./reward_charts.js";
import { Samples } from "./samples.js";
import { SoftPrompt } from "./soft_prompt.js";

const tuned = "--pp-tuned";
const heldOut = "--pp-vermillion";

/** A metric in training, and the same on held-out rows. */
const both = (metric) => [[metric, tuned], [`eval_${metric}`, heldOut, "diamond"]];

const LOSS = { key: "loss", height: 300, zero: false, series: both("loss") };
const ACCURACY = { key: "accuracy", height: 200, format: ".1%", series: both("mean_token_accuracy") };
const LABELS = { key: "label_accuracy", height: 220, format: ".1%", optional: true, series: [["eval_label_accuracy", heldOut, "diamond"]] };
/** How the optimiser and the machine fare, whatever is learnt; below what is learnt. */
const MACHINE = [
  { key: "rate", later: true, height: 200, zero: true, series: [["learning_rate", "--pp-green"]] },
  { key: "gradient", height: 200, zero: true, series: [["grad_norm", "--pp-purple"]] },
  { key: "speed", height: 200, zero: true, series: [["tokens_per_second", "--pp-orange"]] },
  { key: "memory", height: 200, zero: true, series: [["memory_gb", "--pp-sky"]] },
];

/**
 * By method, its charts; the first is the large one, one that is `optional` is there once it has points, and from one that is
 * `later` on they stand below the panels. `series` are [metric, colour, symbol?, dash?], called `train.metric.<metric>`.
 * Texts: `train.chart.<key>`, `.help`, `.unit`.
 */
const CHARTS = {
  sft: [LOSS, LABELS, ACCURACY],
  reward: REWARD_CHARTS,
  dpo: DPO_CHARTS,
  kto: KTO_CHARTS,
  orpo: ORPO_CHARTS,
  ppo: PPO_CHARTS,
  grpo: GROUP_CHARTS,
  rloo: GROUP_CHARTS,
};
/** By method, the panels below the charts. */
const PANELS = {
  sft: [SoftPrompt, Samples],
  reward: [Reward],
  dpo: [PairTokens, PairPlane, Samples],
  kto: [PairTokens, PairPlane, Samples],
  orpo: [PairShift, PairPlane, Samples],
  ppo: [PPO, Samples],
  grpo: [GroupPlane, Samples],
  rloo: [GroupPlane, Samples],
};
const GROUP_FACTS = [["score", "objective/scores", 3], ["eval_score", "eval_objective/scores", 3], ["kl", "objective/kl", 2, "train.fact.nats"], ["length", "length", 1, "train.fact.tokens"]];
/** By method, the numbers that say how it goes: [`train.fact.<name>`, metric, digits, key of the words around it?]. */
const FACTS = {
  reward: [["loss", "loss", 3], ["eval_loss", "eval_loss", 3], ["pair_accuracy", "eval_accuracy", 3], ["score_margin", "eval_margin", 2]],
  dpo: [["loss", "loss", 3], ["eval_margin", "eval_rewards/margins", 2], ["eval_accuracy", "eval_rewards/accuracies", 2], ["eval_kl", "eval_objective/kl", 2, "train.fact.nats"]],
  kto: [["loss", "loss", 3], ["eval_margin", "eval_rewards/margins", 2], ["eval_kl", "eval_objective/kl", 2, "train.fact.nats"]],
  orpo: [["loss", "loss", 3], ["eval_loss", "eval_loss", 3], ["eval_accuracy", "eval_rewards/accuracies", 2], ["eval_kl", "eval_objective/kl", 2, "train.fact.nats"]],
  ppo: [["score", "objective/scores", 3], ["eval_score", "eval_objective/scores", 3], ["kl", "objective/kl", 2, "train.fact.nats"], ["length", "length", 1, "train.fact.tokens"]],
  grpo: GROUP_FACTS,
  rloo: GROUP_FACTS,
};
const LOSSES = [["loss", "loss", 3], ["eval_loss", "eval_loss", 3]];

export const chartsOf = (method) => [...(CHARTS[method] ?? [LOSS]), ...MACHINE];
export const factsOf = (method) => FACTS[method] ?? LOSSES;
export const panelsOf = (method, version) => (PANELS[method] ?? [Samples]).map((Panel) => new Panel(version));
