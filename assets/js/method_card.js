// How the chosen method works: a fold below the choice with its formula, what the letters mean, and its paper.

import { METHODS } from "./method_formulas.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);

export function mount(root, props, _tell, watch) {
  const fold = element("details", "pp-template pt-about");
  fold.id = "train-about";
  root.querySelector(".pp-panel").append(fold);
  const draw = () => explain(fold, props.value?.method ?? props.method);
  watch("value", draw);
  draw();
}

function explain(fold, method) {
  const known = METHODS[method];
  fold.hidden = !known;
  if (!known) return fold.replaceChildren();
  const name = say(`method.${method}`);
  const parts = [element("summary", "", say("method.about", { name })), indexed(say(`method.${method}.how`))];
  for (const words of known.formulas) parts.push(indexed(words, "pt-formula"));
  parts.push(indexed(say(`method.${method}.symbols`), "pp-note"), papers(known.sources));
  if (known.losses) parts.push(losses(known.losses));
  return fold.replaceChildren(...parts);
}

/** A line whose indices and powers, in braces, stand low and high. */
export function indexed(words, className = "") {
  const line = element("p", className);
  for (const [, plain, kind, index] of words.matchAll(/([^_^]+)|([_^])\{([^}]*)\}/g)) {
    line.append(plain ?? element(kind === "_" ? "sub" : "sup", "", index));
  }
  return line;
}

function papers(sources) {
  const line = element("p", "pp-note", `${say("method.source")} `);
  sources.forEach((source, index) => line.append(index ? " · " : "", paper(source)));
  return line;
}

function paper([words, href]) {
  const link = element("a", "", words);
  Object.assign(link, { href, target: "_blank", rel: "noopener noreferrer" });
  return link;
}

/** The losses of a method that has several, by the names of the setting. */
function losses(all) {
  const table = element("table", "pt-losses");
  table.append(element("caption", "pp-note", say("method.losses")));
  for (const [name, words, source] of all) {
    const row = element("tr");
    const head = element("th", "", name);
    head.scope = "row";
    const cells = [element("td"), element("td")];
    cells[0].append(indexed(words, "pt-formula"));
    cells[1].append(paper(source));
    row.append(head, ...cells);
    table.append(row);
  }
  const box = element("div", "pt-losses-box");
  Object.assign(box, { tabIndex: 0 });
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", say("method.losses"));
  box.append(table);
  return box;
}
