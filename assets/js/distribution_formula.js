/** How one token's probability comes about, step by step with its real numbers. */

import { count, factor, fixed, make, percent, text } from "./distribution_page.js";
import { cutBy, occurrences } from "./sampling.js";

const STEPS = ["logit", "penalised", "divided", "exp", "sum", "uncut", "filters", "final"];
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

export class Formula {
  constructor() {
    this.steps = new Map(STEPS.map((name) => [name, step(name)]));
    const list = make("ol", { class: "pgd-formula" }, ...Array.from(this.steps.values(), ({ element }) => element));
    const label = text("distribution.strip_label");
    // Scrolls sideways on a narrow screen, which a keyboard must be able to do too.
    this.element = make("div", { class: "pgd-formula-frame", role: "group", tabindex: 0, "aria-label": label }, list);
  }

  /**
   * @param {import("./sampling.js").Ranking} ranking  after the penalties
   * @param {{at: number, ids: number[], uncut: number, final: number}} token  its rank, the text before it, its shares
   */
  draw(ranking, distribution, settings, { at, ids, uncut, final }) {
    const id = ranking.order[at];
    const used = ranking.sorted[at];
    const { temperature } = settings;
    const write = (name, value, note = "") => this.steps.get(name).write(value, note);
    write("logit", fixed(ranking.logits[id], 2));
    write("penalised", fixed(used, 2), penaltiesOf(settings, occurrences(ids).get(id) ?? 0, ranking.logits[id]));
    if (temperature === 0) {
      for (const name of ["divided", "exp", "sum"]) write(name, "–", "T = 0");
      write("uncut", percent(uncut), text("distribution.strip_argmax"));
    } else {
      const largest = ranking.sorted[0] / temperature;
      write("divided", fixed(used / temperature, 2), `${fixed(used, 2)} ÷ ${temperature}`);
      write("exp", power(used / temperature));
      write("sum", power(largest + Math.log(distribution.sum)), text("distribution.strip_over", { count: count(ranking.order.length) }));
      write("uncut", percent(uncut), text("distribution.strip_uncut"));
    }
    const filter = cutBy(distribution, at, temperature);
    const label = filter && text(`setting.generation.${filter}.label`);
    const left = text("distribution.strip_left", { count: count(distribution.kept), total: count(ranking.order.length) });
    write("filters", text(filter ? "distribution.strip_cut" : "distribution.strip_stays"), filter ? text("distribution.strip_by", { filter: label }) : left);
    write("final", percent(final), filter ? "" : `${percent(uncut)} ÷ ${factor(distribution.keptMass)}`);
    this.element.classList.toggle("pgd-formula-cut", Boolean(filter));
  }
}

function step(name) {
  const value = make("strong", { "data-step": name });
  const note = make("small", { "data-note": name });
  const element = make("li", {}, make("span", {}, text(`distribution.strip_${name}_label`)), value, note);
  return { element, write: (words, more) => ((value.textContent = words), (note.textContent = more)) };
}

/** "÷ 1.2 − 0.5 − 3 × 0.2", or why nothing changes. */
function penaltiesOf({ repetition_penalty: repetition, presence_penalty: presence, frequency_penalty: frequency }, times, logit) {
  if (repetition === 1 && presence === 0 && frequency === 0) return text("distribution.strip_none");
  if (times === 0) return text("distribution.strip_unseen");
  const signed = (value) => (value < 0 ? `+ ${-value}` : `− ${value}`);
  const parts = [
    repetition === 1 ? "" : `${logit < 0 ? "×" : "÷"} ${repetition}`,
    presence === 0 ? "" : signed(presence),
    frequency === 0 ? "" : `${frequency < 0 ? "+" : "−"} ${times} × ${Math.abs(frequency)}`,
  ];
  return parts.filter(Boolean).join(" ");
}

/** exp(x) in decimal, also where no float could hold it: "1.23 × 10⁴⁵". */
export function power(x) {
  if (x === -Infinity) return "0";
  const decimal = x / Math.LN10;
  let exponent = Math.floor(decimal);
  let mantissa = 10 ** (decimal - exponent);
  if (mantissa >= 9.995) {
    mantissa = 1;
    exponent += 1;
  }
  if (exponent >= -3 && exponent < 5) return fixed(Math.exp(x), Math.max(0, 2 - exponent));
  const digits = Array.from(String(Math.abs(exponent)), (digit) => SUPERSCRIPTS[digit]).join("");
  return `${fixed(mantissa, 2)} × 10${exponent < 0 ? "⁻" : ""}${digits}`;
}
