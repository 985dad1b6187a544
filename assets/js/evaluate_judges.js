// What judges say of everybody's answers, one section for each. Texts by textContent only.

import { languagePair, languageScore, people } from "./evaluate_language.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const share = (value) => `${(100 * value).toFixed(1)} %`;

/** By the `kind` of a judge's entry in the result: what draws it. */
const KINDS = {
  reward_model: rewardModel,
  language_score: languageScore,
  language_pair: (judge, names) => languagePair(judge, names, winBar),
};

/** One section per judge whose kind is known here. */
export const verdicts = (judges, names) => judges.filter(({ kind }) => KINDS[kind]).map((judge) => KINDS[judge.kind](judge, names));

/** How often a reward model prefers each model's answers to the base's: a sentence, and a bar of wins, ties and losses. */
function rewardModel({ name, models, votes }, names) {
  const box = element("section", "pe-judge");
  box.id = "evaluate-judge-result";
  box.append(element("h3", "", say("evaluate.judge.title", { name })));
  const [base, ...others] = models;
  for (const model of others) {
    const [low, high] = model.interval.map(share);
    box.append(
      element("p", "", say("evaluate.judge.rate", { model: names[model.id], rate: share(model.win_rate), low, high })),
      winBar(model),
      element("p", "pp-note", say("evaluate.judge.scores", { base: base.mean.toFixed(2), tuned: model.mean.toFixed(2) })),
      element("p", "pp-note", say(model.may_be_noise ? "evaluate.judge.unsure" : "evaluate.judge.sure")),
    );
  }
  box.append(people({ votes }));
  return box;
}

/** Wins, ties and losses as one bar with their counts. */
export function winBar({ wins, ties, losses }) {
  const bar = element("div", "pe-judge-bar");
  for (const [side, count] of [["wins", wins], ["ties", ties], ["losses", losses]]) {
    if (!count) continue;
    const part = element("span", `pe-judge-${side}`, say(`evaluate.judge.${side}`, { count: count.toLocaleString() }));
    part.style.flexGrow = count;
    bar.append(part);
  }
  return bar;
}
