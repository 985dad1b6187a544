// One text of a table: with its line breaks, opened on demand where it is long, with marks where it differs from another.

import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const LONG = 420; // letters of a text that is shown whole
const TAGS = { added: "ins", removed: "del", same: "span" };

/**
 * @param {string|[string, string][]} text  or stretches of text, each with its kind: same, added or removed
 */
export function passage(text, className = "") {
  const stretches = typeof text === "string" ? [["same", text]] : text;
  const box = element("div", `pe-passage ${className}`);
  const length = stretches.reduce((sum, [, part]) => sum + part.length, 0);
  if (!stretches.some(([, part]) => part.trim())) {
    box.append(element("p", "pp-note", say("evaluate.rows.nothing")));
    return box;
  }
  const words = element("p");
  box.append(words);
  if (length <= LONG) {
    words.append(...marked(stretches));
    return box;
  }
  let open = false;
  const more = element("button", "pe-more");
  more.type = "button";
  const draw = () => {
    words.replaceChildren(...marked(open ? stretches : cut(stretches, LONG - 60)), ...(open ? [] : ["…"]));
    more.textContent = say(open ? "evaluate.rows.less" : "evaluate.rows.more");
    more.setAttribute("aria-expanded", String(open));
  };
  more.addEventListener("click", () => {
    open = !open;
    draw();
  });
  draw();
  box.append(more);
  return box;
}

const marked = (stretches) => stretches.map(([kind, part]) => (kind === "same" ? document.createTextNode(part) : element(TAGS[kind], "", part)));

function cut(stretches, letters) {
  const kept = [];
  let left = letters;
  for (const [kind, part] of stretches) {
    if (left <= 0) break;
    kept.push([kind, part.slice(0, left)]);
    left -= part.length;
  }
  return kept;
}
