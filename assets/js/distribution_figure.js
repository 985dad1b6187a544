/** The bars as files: the whole vocabulary as CSV, the picture as SVG and PNG. */

import { percent, text, visible } from "./distribution_page.js";
import { cutBy, probabilityAt, rawProbability, stays } from "./sampling.js";

const WIDTH = 900;
const ROW = 24;
const TOP = 96;
const LABEL = 200;
const VALUE = 90;
const INK = "#161b21";
const QUIET = "#4b5563";
const SVG = "http://www.w3.org/2000/svg";

/**
 * Every token of the vocabulary, likeliest first. A token's text is written as JSON: white space is seen, and a table
 * program takes none for a formula.
 * @param {{ranking: Object, distribution: Object, settings: Object, tokens: string[], samples: ?Object}} shown
 */
export function csv({ ranking, distribution, settings, tokens, samples }) {
  const lines = ["rank,id,token,logit,penalised_logit,raw_probability,uncut_probability,probability,cut_by,samples"];
  for (let at = 0; at < ranking.order.length; at++) {
    const id = ranking.order[at];
    const { uncut, final } = probabilityAt(distribution, at);
    const words = `"${JSON.stringify(tokens[id] ?? "").replaceAll('"', '""')}"`;
    const numbers = [ranking.logits[id], ranking.sorted[at], rawProbability(ranking, id), uncut, final];
    lines.push([at + 1, id, words, ...numbers, cutBy(distribution, at, settings.temperature) ?? "", samples?.counts[at] ?? ""].join(","));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** The rows on the screen, with what they were made from above them; always light, for paper and slides. */
export function svg(shown, rows, caption) {
  const { ranking, distribution, tokens, samples } = shown;
  const height = TOP + rows * ROW + 16;
  const figure = node("svg", { xmlns: SVG, viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height, "font-family": "system-ui, sans-serif", "font-size": 13 });
  figure.append(node("rect", { width: WIDTH, height, fill: "#ffffff" }), ...defs());
  caption.forEach((line, at) => figure.append(words(20, 26 + at * 20, line, at === 0 ? { "font-weight": 600, "font-size": 15 } : { fill: QUIET })));
  legend(figure, Boolean(samples));
  const found = Array.from({ length: rows }, (_, at) => {
    const raw = rawProbability(ranking, ranking.order[at]);
    return { raw, final: probabilityAt(distribution, at).final, seen: samples ? samples.counts[at] / samples.total : 0 };
  });
  const highest = Math.max(...found.flatMap(Object.values));
  const scale = (share) => (share / highest) * (WIDTH - LABEL - VALUE - 40);
  found.forEach(({ raw, final, seen }, at) => {
    const top = TOP + at * ROW;
    const cut = !stays(distribution, at);
    const name = words(LABEL - 10, top + 16, visible(tokens[ranking.order[at]]), { "text-anchor": "end", "font-family": "ui-monospace, monospace" });
    if (cut) name.setAttribute("text-decoration", "line-through");
    const ghost = { fill: cut ? "url(#hatch)" : "#dfe3e8", stroke: "#98a2ae", "stroke-dasharray": "3 2" };
    figure.append(name, bar(top + 2, ROW - 4, scale(raw), ghost), bar(top + 6, ROW - 12, scale(final), { fill: "#0072b2" }));
    if (seen > 0) figure.append(bar(top + 2, ROW - 4, scale(seen), { fill: "none", stroke: "#d55e00", "stroke-width": 2 }));
    figure.append(words(WIDTH - VALUE - 10, top + 16, cut ? text("distribution.cut") : percent(final)));
  });
  return new XMLSerializer().serializeToString(figure);
}

/** An SVG's picture, twice as many pixels each way. */
export async function png(source) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([source], { type: "image/svg+xml" }));
  try {
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth * 2;
    canvas.height = image.naturalHeight * 2;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob(done, "image/png"));
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

/** Hands a file to the reader. */
export function save(content, type, name) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (key !== "xmlns") made.setAttribute(key, value);
  return made;
}

function words(x, y, content, attributes = {}) {
  const made = node("text", { x, y, fill: INK, ...attributes });
  made.textContent = content;
  return made;
}

const bar = (y, height, width, attributes) => node("rect", { x: LABEL, y, height, width: Math.max(0, width), ...attributes });

function defs() {
  const hatch = node("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  hatch.append(node("line", { x1: 0, y1: 0, x2: 0, y2: 6, stroke: "#98a2ae", "stroke-width": 3 }));
  const made = node("defs", {});
  made.append(hatch);
  return [made];
}

function legend(figure, samples) {
  const entries = [["final", { fill: "#0072b2" }], ["raw", { fill: "#dfe3e8", stroke: "#98a2ae", "stroke-dasharray": "3 2" }], ["cut", { fill: "url(#hatch)", stroke: "#98a2ae", "stroke-dasharray": "3 2" }]];
  if (samples) entries.push(["seen", { fill: "none", stroke: "#d55e00", "stroke-width": 2 }]);
  let x = LABEL;
  for (const [kind, look] of entries) {
    figure.append(node("rect", { x, y: 70, width: 22, height: 12, ...look }), words(x + 28, 81, text(`distribution.legend_${kind}`), { fill: QUIET, "font-size": 12 }));
    x += 62 + 7 * text(`distribution.legend_${kind}`).length;
  }
}
