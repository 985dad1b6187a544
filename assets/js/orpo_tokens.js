// A held-out pair of ORPO, token by token: how much likelier or less likely each has become. Its loss knows no reference
// and no implicit reward, so there is no β to weigh with.

import { factor, left, PairTokens, precise, signed } from "./dpo_tokens.js";
import { stripLegend } from "./token_strip.js";

const say = (key, values) => playground.text(key, values);

export class PairShift extends PairTokens {
  heading() {
    return { title: say("train.orpo.tokens"), words: say("train.orpo.tokens.help") };
  }

  betaRow() {
    const row = super.betaRow();
    row.hidden = true;
    return row;
  }

  weigh() {
    for (const { name, strip, sum } of this.sides) {
      const side = this.data[name];
      strip.paint(side.ratios, this.ratioScale);
      sum.textContent = say("train.orpo.sum", { ratio: signed(side.sum) }) + left(side);
    }
    const { chosen, rejected } = this.data;
    this.sums.textContent = say("train.orpo.difference", { difference: signed(chosen.sum - rejected.sum) });
    this.legend.replaceChildren(say("train.orpo.legend"), " ", stripLegend(this.ratioScale, precise));
  }

  told(name, at) {
    const { tokens, ratios } = this.data[name];
    return say("train.orpo.token", { token: tokens[at], factor: factor(ratios[at]), ratio: signed(ratios[at], 3) });
  }
}
