// Two configs side by side: only the settings that differ, or all of them.

import { selection, swatch } from "./history_selection.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);

/** The section's parts, and a function that brings the names above the columns in step. */
export function differences(runs, settings) {
  const differing = settings.filter(({ differs }) => differs);
  const title = element("h4", "ph-subtitle", say("history.settings", { count: differing.length, total: settings.length }));
  const all = element("label", "ph-all");
  const box = element("input");
  Object.assign(box, { type: "checkbox", id: "history-settings-all" });
  all.append(box, element("span", "", say("history.settings.all")));
  const head = element("div", "ph-settings-head");
  head.append(title, all);
  const same = element("p", "pp-note", say("history.settings.same"));
  const table = element("table", "ph-differences");
  const heads = element("tr");
  const first = element("th", "", say("history.settings.setting"));
  first.scope = "col";
  const columns = runs.map(() => Object.assign(element("th"), { scope: "col" }));
  heads.append(first, ...columns);
  const thead = element("thead");
  thead.append(heads);
  const body = element("tbody");
  table.append(thead, body);
  const draw = () => {
    const shown = box.checked ? settings : differing;
    body.replaceChildren(...shown.map(line));
    table.hidden = !shown.length;
    same.hidden = differing.length > 0;
  };
  box.addEventListener("change", draw);
  draw();
  const naming = () =>
    runs.forEach((run, at) => {
      const entry = selection.entries.get(run);
      const drawn = selection.line(run);
      columns[at].replaceChildren(...(drawn ? [swatch(drawn)] : []), element("span", "", entry?.name || run));
      body.querySelectorAll(`td:nth-child(${at + 2})`).forEach((cell) => (cell.dataset.label = entry?.name || run));
    });
  box.addEventListener("change", naming);
  naming();
  return [[head, same, table], naming];
}

function line({ path, label, values, differs }) {
  const row = element("tr", differs ? "" : "ph-same");
  row.dataset.path = path;
  const head = element("th");
  head.scope = "row";
  const words = say(label);
  if (words !== label) head.append(element("span", "", words));
  head.append(element("code", "", path));
  row.append(head, ...values.map(cell));
  return row;
}

/** A value as it stands in the config; what is not there, null and an empty text are told apart. */
function cell(found) {
  const box = element("td");
  const word = !("value" in found) ? "unset" : found.value === null ? "null" : found.value === "" ? "empty" : "";
  if (word) box.append(element("i", "ph-word", say(`history.settings.${word}`)));
  else box.append(element("span", "", inWords(found.value)));
  return box;
}

function inWords(value) {
  if (typeof value === "string") return value;
  if (value?.run) return say("history.on", { name: selection.entries.get(value.run)?.name || value.run });
  return Array.isArray(value) ? value.map(inWords).join(", ") : JSON.stringify(value);
}
