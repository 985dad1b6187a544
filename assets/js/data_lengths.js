// How long the training rows are in tokens, and what the maximum length does to them.

import { plotly } from "./charts.js";
import { reasonList } from "./data.js";
import { followModel } from "./data_rows.js";
import { explained } from "./distribution_page.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const number = (value) => value.toLocaleString();
const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
const BINS = 40;

export function mount(root, props, tell, watch) {
  const lengths = new Lengths(root.querySelector(".pp-panel"), props.plotly);
  let opened = false;
  const ask = () => opened && setTimeout(() => tell.ask({}));
  watch("value", () => opened && lengths.show(props.value || {}));
  window.addEventListener("playground:data", ({ detail }) => {
    opened = Boolean(detail);
    lengths.wait(opened);
    ask();
  });
  window.addEventListener("playground:data-stale", ask);
  followModel(ask);
}

class Lengths {
  constructor(panel, version) {
    this.panel = panel;
    this.version = version;
  }

  wait(opened) {
    this.panel.replaceChildren(...(opened ? [title(), element("p", "pp-note", say("data.lengths.wait"))] : []));
  }

  show(value) {
    if (value.state === "problem") return this.panel.replaceChildren(title(), element("p", "pp-error", playground.sentence(value.message))); // the row above says it aloud
    if (value.state === "unloaded") return this.panel.replaceChildren(title(), element("p", "pp-note", say("data.tokens.unloaded")));
    if (value.state !== "ready") return undefined;
    this.value = value;
    const figure = element("figure", "pt-chart");
    this.box = element("div", "pt-plot pda-plot");
    this.box.id = "data-lengths-plot";
    figure.append(element("figcaption", "", say("data.lengths.caption", { model: value.model })), this.box);
    this.panel.replaceChildren(title(), this.facts(), ...this.warnings(), figure);
    return this.draw();
  }

  facts() {
    const { lengths, tokens, loss_tokens: loss, truncated, left_out: leftOut, unusable, measured, ends_lost: lost } = this.value;
    const sorted = [...lengths].sort((one, other) => one - other);
    const dropped = leftOut + unusable.reduce((sum, { count }) => sum + count, 0);
    const share = (count) => say("data.lengths.share", { count: number(count), share: percent(count / measured) });
    const prompts = this.value.format === "prompt";
    const facts = [
      ["median", say("data.lengths.tokens", { count: number(sorted[sorted.length >> 1]) })],
      ["longest", say("data.lengths.tokens", { count: number(sorted.at(-1)) })],
      ["truncated", share(truncated)],
      // Prompts without answers are for generating; nothing of them is ever in a loss.
      ...(prompts ? [] : [
        ["ends_lost", share(lost)],
        ["dropped", share(dropped)],
        ["loss", say("data.lengths.share", { count: number(loss), share: percent(tokens ? loss / tokens : 0) })],
      ]),
    ];
    const list = element("dl", "pt-facts pda-facts");
    for (const [name, words] of facts) {
      const pair = element("div");
      const term = element("dt", "", say(`data.lengths.${name}`));
      explained(term, () => say(`data.lengths.${name}.help`));
      const shown = element("dd", "", words);
      shown.dataset.fact = name;
      pair.append(term, shown);
      list.append(pair);
    }
    return list;
  }

  warnings() {
    const { measured, total, ends_lost: lost, left_out: leftOut, limit, wanted, unusable } = this.value;
    const lines = [];
    const add = (className, words) => lines.push(element("p", className, words));
    if (this.value.format === "preference") add("pp-note", say("data.lengths.pairs"));
    if (this.value.format === "prompt") add("pp-note", say("data.lengths.prompts"));
    if (measured < total) add("pp-note", say("data.lengths.sampled", { measured: number(measured), total: number(total) }));
    if (limit < wanted) add("pda-warning", say("data.lengths.context", { limit: number(limit), wanted: number(wanted) }));
    if (lost) add("pda-warning", say("data.lengths.lost", { count: number(lost), limit: number(limit) }));
    if (leftOut && this.value.format !== "prompt") add("pda-warning", say("data.lengths.left_out", { count: number(leftOut), limit: number(limit) }));
    if (unusable.length) lines.push(reasonList(unusable));
    return lines;
  }

  async draw() {
    const { box, value } = this;
    try {
      const Plotly = await plotly(this.version);
      if (!box.isConnected) return;
      await Plotly.newPlot(box, this.traces(), this.layout(), { displaylogo: false, displayModeBar: false, responsive: true });
      const recolour = () => Plotly.react(box, this.traces(), this.layout());
      this.observer?.disconnect();
      this.observer = new MutationObserver(recolour);
      this.observer.observe(document.body, { attributes: true, attributeFilter: ["class"] });
      this.resizer?.disconnect();
      // A figure drawn in a tab that is not open has no width yet.
      this.resizer = new ResizeObserver(() => box.clientWidth && Plotly.Plots.resize(box));
      this.resizer.observe(box);
      this.panel.dataset.drawn = value.limit;
    } catch {
      box.textContent = say("train.chart.failed");
    }
  }

  traces() {
    const { lengths } = this.value;
    const longest = lengths.reduce((most, length) => Math.max(most, length), 1);
    const size = Math.max(1, Math.ceil(longest / BINS));
    return [{
      type: "histogram", x: lengths, autobinx: false, xbins: { start: 0, end: longest + size, size },
      marker: { color: colour("--pp-tuned"), line: { width: 1, color: colour("--block-background-fill") } },
      hovertemplate: say("data.lengths.hover", { range: "%{x}", count: "%{y}" }) + "<extra></extra>",
    }];
  }

  layout() {
    const { limit, lengths } = this.value;
    const longest = lengths.reduce((most, length) => Math.max(most, length), 1);
    const ink = colour("--body-text-color");
    const line = colour("--border-color-primary");
    const mark = colour("--pp-bad");
    // Far behind the longest row the line would squeeze the bars; it is said in words instead.
    const near = limit <= longest * 2;
    const axis = (words) => ({ title: { text: words, font: { size: 12 }, standoff: 8 }, gridcolor: line, zerolinecolor: line, linecolor: line, tickfont: { size: 11 }, automargin: true, fixedrange: true });
    const words = say(near ? "data.lengths.line" : "data.lengths.line.far", { limit: number(limit) });
    return {
      height: 260, margin: { l: 52, r: 14, t: 26, b: 40 }, bargap: 0.04, showlegend: false,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: colour("--font") || "sans-serif", size: 12, color: ink },
      hoverlabel: { bgcolor: colour("--block-background-fill"), bordercolor: line, font: { color: ink } },
      xaxis: { ...axis(say("data.lengths.axis")), range: [0, Math.max(longest, near ? limit : 0) * 1.06] }, yaxis: axis(say("data.lengths.rows")),
      shapes: near ? [{ type: "line", x0: limit, x1: limit, y0: 0, y1: 1, yref: "paper", line: { color: mark, width: 2, dash: "dash" } }] : [],
      annotations: [{ x: near ? limit : 1, xref: near ? "x" : "paper", y: 1, yref: "paper", text: words, showarrow: false, font: { size: 11, color: mark }, xanchor: near && limit < longest / 2 ? "left" : "right", yanchor: "bottom" }],
    };
  }
}

function title() {
  return element("h3", "pt-runs-title", say("data.lengths"));
}

function percent(share) {
  return `${(100 * share).toLocaleString(undefined, { maximumFractionDigits: share && share < 0.1 ? 1 : 0 })} %`;
}
