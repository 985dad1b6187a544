// How large what an adapter learnt is, by layer and kind of module: a table whose grounds darken with the numbers.

import { help, make, text as say } from "./distribution_page.js";

const number = (value) => value.toLocaleString(undefined, { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
/** An update may well be larger than the weight it is added to. */
const percent = (share) => `${number(100 * share)} %`;
/** A share of a weight's size; of a quantised weight there is none, and the size itself stands there. */
const told = ({ norm, share }) => (share === null ? number(norm) : percent(share));

export function mount(root, props, _tell, watch) {
  const panel = root.querySelector(".pp-panel");
  const draw = () => panel.replaceChildren(...parts(props.value ?? {}));
  watch("value", draw);
  draw();
}

function parts(value) {
  if (value.state === "error") return [make("p", { class: "pp-error", role: "alert" }, playground.sentence(value.message))];
  if (value.state !== "ready") return [make("div", { class: "pt-empty" }, make("p", { class: "pp-name" }, say("adapter_size.empty")))];
  const { norm, share } = value.whole;
  const whole = make("p", {}, share === null ? say("adapter_size.whole_norm", { norm: number(norm) }) : say("adapter_size.whole", { norm: number(norm), share: percent(share) }));
  const title = make("h3", {}, value.name, " ", help(say("adapter_size.table"), () => say("adapter_size.help")));
  return [title, whole, make("div", { class: "pca-frame", tabindex: 0, role: "region", "aria-label": say("adapter_size.table") }, table(value))];
}

function table({ kinds, rows, columns, whole }) {
  const of = (cell) => (cell === null ? 0 : (cell.share ?? cell.norm));
  const largest = Math.max(...rows.flatMap(({ cells }) => cells.map(of))) || 1;
  const head = (words, scope = "col") => make("th", { scope }, words);
  const layer = (at) => (at < 0 ? say("adapter_size.outside") : say("adapter_size.layer", { layer: at }));
  const lines = rows.map((row) => make("tr", {}, head(layer(row.layer), "row"), ...row.cells.map((cell) => field(cell, of(cell) / largest)), field(row.whole)));
  const foot = make("tr", {}, head(say("adapter_size.all"), "row"), ...columns.map((cell) => field(cell)), field(whole));
  return make(
    "table",
    { class: "pca-table" },
    make("caption", {}, say("adapter_size.table")),
    make("thead", {}, make("tr", {}, head(say("adapter_size.where")), ...kinds.map((kind) => head(kind)), head(say("adapter_size.all")))),
    make("tbody", {}, ...lines),
    make("tfoot", {}, foot),
  );
}

function field(cell, depth) {
  if (cell === null) return make("td", {}, "–");
  const made = make("td", { title: say("adapter_size.cell", { norm: number(cell.norm) }) }, told(cell));
  if (depth !== undefined) made.style.setProperty("--depth", `${Math.round(55 * depth)}%`);
  return made;
}
