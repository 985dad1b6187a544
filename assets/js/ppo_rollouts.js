// Answers of one update, token by token: each on a ground that says what it was worth, how far the policy has moved
// from the reference there, what was expected, or what came.

import { help } from "./distribution_page.js";
import { short } from "./rollouts_chart.js";
import { element } from "./status.js";
import { scaleOf, stripLegend, TokenStrip } from "./token_strip.js";

const say = (key, values) => playground.text(key, values);
const SHADES = ["advantage", "log_ratio", "value", "token_reward", "returns"];

export class RolloutCards {
  constructor() {
    this.shade = SHADES[0];
    this.picker = element("select");
    this.picker.id = "ppo-shade";
    for (const name of SHADES) {
      const option = element("option", "", say(`ppo.shade.${name}`));
      option.value = name;
      this.picker.append(option);
    }
    this.picker.addEventListener("change", () => this.colour(this.picker.value));
    const label = element("label", "", say("ppo.shade"));
    label.htmlFor = this.picker.id;
    this.legend = element("span", "ppo-legend");
    const bar = element("div", "ppo-shade");
    bar.append(label, this.picker, help(say("ppo.shade"), () => say(`ppo.shade.${this.shade}.help`)), this.legend);
    const head = element("div", "pt-figure-head");
    head.append(element("h3", "", say("train.figure.ppo_rollouts")), help(say("train.figure.ppo_rollouts"), () => say("train.figure.ppo_rollouts.help")));
    this.cards = element("div", "ppo-cards");
    this.element = element("section", "pt-figure ppo-rollouts");
    this.element.dataset.figure = "ppo_rollouts";
    this.element.append(head, bar, this.cards);
  }

  /** @param {{rows: Object[]}} data  of a `ppo.rollouts` snapshot */
  show({ rows }) {
    this.rows = rows;
    this.strips = rows.map((row) => new TokenStrip({ label: say("ppo.rollout.tokens", { row: row.row + 1 }), told: (at) => this.told(row, at), hint: " " }));
    this.cards.replaceChildren(...rows.map((row, at) => card(row, this.strips[at])));
    this.paint((strip, row, scale) => strip.show(row.tokens, row[this.shade], scale));
    rows.forEach((row, at) => markGap(this.strips[at], row));
  }

  colour(shade) {
    this.shade = shade;
    if (this.rows) this.paint((strip, row, scale) => strip.paint(row[shade], scale));
  }

  paint(put) {
    const scale = scaleOf(this.rows.flatMap((row) => row[this.shade]));
    this.legend.replaceChildren(stripLegend(scale, short));
    this.rows.forEach((row, at) => put(this.strips[at], row, scale));
  }

  /** Every number of a token, the one that colours it first. */
  told(row, at) {
    const order = [this.shade, ...SHADES.filter((name) => name !== this.shade)];
    return order.map((name) => `${say(`ppo.shade.${name}`)} ${short(row[name][at])}`).join(" · ");
  }
}

function card(row, strip) {
  const made = element("article", "pp-card ppo-card");
  const facts = element("p", "ppo-facts");
  const penalty = row.score !== row.reward ? [fact("score", short(row.score))] : [];
  facts.append(fact("reward", short(row.reward)), ...penalty, fact("kl", say("train.fact.nats", { value: short(row.kl) })), fact("end", say(row.ended ? "ppo.rollout.ended" : "ppo.rollout.cut")));
  const prompt = element("p", "ppo-prompt", row.prompt);
  prompt.title = say("ppo.rollout.prompt");
  made.append(facts, prompt, strip.element);
  if (row.tokens_left_out) strip.box.after(element("p", "pp-note", say("ppo.rollout.left_out", { count: row.tokens_left_out })));
  return made;
}

/** Where the middle of an answer is left out, the tokens behind it stand apart. */
function markGap({ chips }, { tokens_left_out: count, tokens_at_end: behind = 0 }) {
  if (!count || !behind) return;
  const gap = element("span", "ppo-gap", "…");
  gap.title = say("ppo.rollout.left_out", { count });
  chips.at(-behind).before(gap);
}

function fact(name, value) {
  const made = element("span", "", `${say(`ppo.rollout.${name}`)} `);
  made.append(element("strong", "", value));
  return made;
}
