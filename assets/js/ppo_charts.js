// The line charts of PPO. Metrics are told by playground/training/methods/ppo/metrics.py.

const tuned = "--pp-tuned";
const [vermillion, orange, green, purple, sky] = ["--pp-vermillion", "--pp-orange", "--pp-green", "--pp-purple", "--pp-sky"];

export const PPO_CHARTS = [
  {
    key: "ppo_reward",
    height: 300,
    series: [
      ["objective/scores", tuned], ["objective/raw_scores", sky, "", "dot"], ["objective/rlhf_reward", orange, "", "dash"],
      ["eval_objective/scores", vermillion, "diamond"],
    ],
  },
  {
    key: "ppo_parts",
    height: 220,
    optional: true,
    series: [
      ["reward/sentiment", tuned], ["reward/length", orange, "", "dash"], ["reward/keyword", green, "", "dot"], ["reward/pattern", purple, "", "dashdot"],
      ["reward/classifier", vermillion, "", "longdash"], ["reward/reward_model", sky, "", "longdashdot"],
    ],
  },
  { key: "ppo_kl", height: 220, zero: true, series: [["objective/kl", tuned], ["kl_target", vermillion, "", "dot"]] },
  { key: "ppo_entropy", height: 220, zero: true, series: [["policy/entropy_avg", purple]] },
  { key: "ppo_length", height: 220, zero: true, series: [["length", sky], ["eval_length", vermillion, "diamond"]] },
  { key: "ppo_ended", height: 220, zero: true, format: ".0%", series: [["ended", green]] },
  { key: "ppo_policy_loss", later: true, height: 220, series: [["loss/policy_avg", tuned]] },
  { key: "ppo_value_loss", height: 220, zero: true, series: [["loss/value_avg", orange]] },
  { key: "ppo_explained", height: 220, series: [["val/var_explained", orange]] },
  { key: "ppo_clipped", height: 220, zero: true, format: ".1%", series: [["policy/clipfrac_avg", tuned], ["val/clipfrac_avg", orange, "", "dash"]] },
  { key: "ppo_step_kl", height: 220, zero: true, series: [["policy/approxkl_avg", tuned]] },
  { key: "ppo_beta", height: 220, zero: true, series: [["beta", green]] },
  {
    key: "ppo_time",
    height: 220,
    zero: true,
    series: [["time/rollout", tuned], ["time/score", orange, "", "dot"], ["time/update", vermillion, "", "dash"]],
  },
];

/** GRPO and RLOO under PPO's names where they mean the same, so that the methods can be laid over each other. */
export const GROUP_CHARTS = [
  { key: "group_reward", height: 300, series: [["objective/scores", tuned], ["eval_objective/scores", vermillion, "diamond"]] },
  PPO_CHARTS.find(({ key }) => key === "ppo_parts"),
  { key: "group_spread", height: 220, zero: true, series: [["reward_std", orange]] },
  { ...PPO_CHARTS.find(({ key }) => key === "ppo_kl"), optional: true },
  { key: "group_entropy", height: 220, zero: true, series: [["entropy", purple]] },
  { key: "ppo_length", height: 220, zero: true, series: [["length", sky], ["eval_length", vermillion, "diamond"]] },
  { key: "ppo_ended", height: 220, zero: true, format: ".0%", series: [["ended", green]] },
  { key: "group_clipped", height: 220, zero: true, format: ".1%", series: [["clip_ratio/region_mean", tuned]] },
];
