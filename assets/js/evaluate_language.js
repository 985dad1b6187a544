// What a language model as judge says, how much of it could not be read, and how far people agree with it. Texts by
// textContent only.

import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const share = (value) => `${(100 * value).toFixed(1)} %`;

/** Mean scores, each with its interval. */
export function languageScore(judge, names) {
  const box = section(judge);
  const [, ...others] = judge.models;
  for (const model of judge.models) {
    if (model.mean === null) {
      box.append(element("p", "", say("evaluate.judging.no_mean", { model: names[model.id] })));
      continue;
    }
    const [low, high] = model.interval.map((end) => end.toFixed(1));
    box.append(element("p", "", say("evaluate.judging.mean", { model: names[model.id], mean: model.mean.toFixed(1), low, high, judged: model.judged.toLocaleString() })));
    if (others.includes(model) && "may_be_noise" in model) box.append(noise(model));
  }
  box.append(...reading(judge, names), people(judge));
  return box;
}

/** How often each model's answer is preferred to the base's, in both orders. */
export function languagePair(judge, names, bar) {
  const box = section(judge);
  for (const model of judge.models.slice(1)) {
    if (!model.judged) {
      box.append(element("p", "", say("evaluate.judging.no_mean", { model: names[model.id] })));
      continue;
    }
    const [low, high] = model.interval.map(share);
    box.append(element("p", "", say("evaluate.judging.rate", { model: names[model.id], rate: share(model.win_rate), low, high })), bar(model), noise(model));
    if (model.turned) box.append(element("p", "pp-note", say("evaluate.judging.turned", { count: model.turned.toLocaleString() })));
  }
  box.append(...reading(judge, names), people(judge));
  return box;
}

function section({ name }) {
  const box = element("section", "pe-judge pe-language");
  box.append(element("h3", "", say("evaluate.judge.title", { name })));
  return box;
}

function noise({ may_be_noise: noisy }) {
  return element("p", noisy ? "pp-bad" : "pp-good", say(noisy ? "evaluate.judging.noise" : "evaluate.judging.clear"));
}

/** How many replies could not be read, and the first of them as they stand. */
function reading({ replies, unreadable, raw }, names) {
  const counts = { replies: replies.toLocaleString(), unreadable: unreadable.toLocaleString() };
  const line = element("p", unreadable ? "pp-bad" : "pp-note", say(unreadable ? "evaluate.judging.unreadable" : "evaluate.judging.all_read", counts));
  if (!raw.length) return [line];
  const details = element("details", "pp-template");
  const list = element("ul", "pe-raw");
  for (const { id, row, reply } of raw) {
    const item = element("li");
    item.append(element("span", "pp-note", say("evaluate.judging.row", { row, model: names[id] })), element("pre", "", reply));
    list.append(item);
  }
  details.append(element("summary", "", say("evaluate.judging.raw")), list);
  return [line, details];
}

/** Whether people who voted on the same pairs say the same. */
export function people({ votes }) {
  if (!votes) return element("p", "pp-note", say("evaluate.judging.votes.none"));
  const kappa = votes.kappa === null ? say("evaluate.judging.kappa.none") : votes.kappa.toFixed(2);
  return element("p", "", say("evaluate.judging.votes", { share: share(votes.share), pairs: votes.pairs.toLocaleString(), kappa }));
}
