// The line charts of learning from pairs. Metrics are TRL's; eval_objective/kl is told by playground/training/drift.py.

const [blue, vermillion, orange, green, purple] = ["--pp-tuned", "--pp-vermillion", "--pp-orange", "--pp-green", "--pp-purple"];

/** One metric in training and on held-out rows. */
const both = (metric, colour = blue) => [[metric, colour], [`eval_${metric}`, vermillion, "diamond"]];

/** Preferred against rejected; held-out rows are dotted. */
const sides = (metric) => [
  [`${metric}/chosen`, blue], [`${metric}/rejected`, orange, "square"],
  [`eval_${metric}/chosen`, blue, "diamond", "dot"], [`eval_${metric}/rejected`, orange, "diamond-open", "dot"],
];

export const LOSS = { key: "dpo_loss", height: 300, series: both("loss") };
export const REWARDS = { key: "dpo_rewards", height: 240, series: sides("rewards") };
export const MARGIN = { key: "dpo_margin", height: 220, series: both("rewards/margins", green) };
export const ACCURACY = { key: "dpo_accuracy", height: 220, format: ".1%", series: both("rewards/accuracies", green) };
export const LOGPS = { key: "dpo_logps", height: 240, series: sides("logps") };
export const KL = { key: "dpo_kl", height: 220, zero: true, optional: true, series: [["eval_objective/kl", purple, "diamond"]] };

/** KTO has no pairs to rank. */
export const KTO_CHARTS = [{ ...LOSS, key: "kto_loss" }, REWARDS, MARGIN, LOGPS, KL, { key: "kto_shift", height: 220, zero: true, series: both("kl", purple) }];
/** ORPO has no reference, and so no implicit rewards: likelihood and odds instead. */
export const ORPO_CHARTS = [
  { ...LOSS, key: "orpo_loss" },
  { key: "orpo_odds", height: 220, series: both("log_odds_ratio", green) },
  { ...ACCURACY, key: "orpo_accuracy" },
  { key: "orpo_nll", height: 220, series: both("nll_loss", orange) },
  LOGPS,
  KL,
];
export const DPO_CHARTS = [LOSS, REWARDS, MARGIN, ACCURACY, LOGPS, KL];
