// The line charts of a reward model. Metrics are TRL's, and each side's mean score (playground/training/methods/reward.py).

const [blue, vermillion, orange, green] = ["--pp-tuned", "--pp-vermillion", "--pp-orange", "--pp-green"];

/** One metric in training and on held-out pairs. */
const both = (metric, colour = blue) => [[metric, colour], [`eval_${metric}`, vermillion, "diamond"]];

export const REWARD_CHARTS = [
  { key: "reward_loss", height: 300, series: both("loss") },
  { key: "reward_accuracy", height: 220, format: ".1%", series: both("accuracy", green) },
  { key: "reward_margin", height: 220, series: both("margin", green) },
  {
    key: "reward_scores", height: 240,
    series: [
      ["chosen_reward", blue], ["rejected_reward", orange, "square"],
      ["eval_chosen_reward", blue, "diamond", "dot"], ["eval_rejected_reward", orange, "diamond-open", "dot"],
    ],
  },
];
