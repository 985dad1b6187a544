// Which column holds what, chosen by hand, with the first rows as they would be read. Texts by textContent only.

import { alertOf, button, reasonList } from "./data.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const WAIT = 250; // ms after the last change before a preview is asked for

export class Mapping {
  constructor(tell) {
    this.tell = tell;
    this.element = element("section", "pp-card pda-mapping");
    this.element.id = "data-mapping";
    this.element.hidden = true;
    this.element.setAttribute("aria-label", say("data.mapping"));
  }

  close() {
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  focus() {
    this.format?.focus();
  }

  /** @param {Object} offered  `data_view.mapping` */
  show(offered) {
    this.offered = offered;
    const formats = Object.keys(offered.formats);
    this.format = select("data-mapping-format", formats.map((name) => [name, say(`data.format.${name}`)]), offered.now.format || formats[0]);
    this.format.addEventListener("change", () => this.fill({}));
    this.fields = element("div", "pda-mapping-fields");
    this.result = element("div", "pda-preview");
    this.result.setAttribute("aria-live", "polite");
    this.accept = button("pda-button pda-primary", say("data.mapping.use"), () => this.tell.use({ columns: this.chosen() }), "data-mapping-use");
    const actions = element("div", "pda-actions");
    actions.append(this.accept, button("pda-button", say("data.mapping.close"), () => this.close(), "data-mapping-close"));
    this.element.replaceChildren(
      element("h3", "pp-name", say("data.mapping")), element("p", "pp-note", say("data.mapping.help")), this.head(),
      labelled(say("data.mapping.format"), this.format), this.fields, this.result, actions,
    );
    this.element.hidden = false;
    this.fill(offered.now.columns);
  }

  /** The first rows of the source as they stand. */
  head() {
    const { head } = this.offered;
    const columns = Object.keys(head[0] ?? {});
    const scroll = element("div", "pda-scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", say("data.mapping.head"));
    const table = element("table", "pda-table");
    const names = element("tr");
    for (const column of columns) {
      const cell = element("th", "", column);
      cell.scope = "col";
      names.append(cell);
    }
    const top = element("thead");
    top.append(names);
    const body = element("tbody");
    for (const row of head) {
      const line = element("tr");
      for (const column of columns) {
        const cell = element("td");
        cell.append(element("div", "", row[column]));
        line.append(cell);
      }
      body.append(line);
    }
    table.append(top, body);
    scroll.append(table);
    return scroll;
  }

  fill(columns) {
    const fields = this.offered.formats[this.format.value];
    this.selects = new Map();
    const boxes = fields.map((field) => {
      const optional = this.offered.optional[this.format.value].includes(field);
      const none = ["", say(optional ? "data.mapping.none" : "data.mapping.choose")];
      const guess = columns[field] ?? this.offered.columns.find((column) => column.toLowerCase() === field) ?? "";
      const box = select(`data-mapping-${field}`, [none, ...this.offered.columns.map((column) => [column, column])], guess);
      box.addEventListener("change", () => this.changed());
      this.selects.set(field, box);
      return labelled(optional ? `${field} (${say("data.mapping.optional")})` : field, box);
    });
    this.fields.replaceChildren(...boxes);
    this.changed();
  }

  chosen() {
    return Object.fromEntries([...this.selects].map(([field, box]) => [field, box.value]).filter(([, column]) => column));
  }

  changed() {
    clearTimeout(this.timer);
    const missing = [...this.selects].filter(([field, box]) => !box.value && !this.offered.optional[this.format.value].includes(field));
    this.accept.disabled = true;
    if (missing.length) {
      this.result.replaceChildren(element("p", "pp-note", say("data.mapping.missing", { fields: missing.map(([field]) => field).join(", ") })));
      return;
    }
    this.timer = setTimeout(() => this.tell.preview({ columns: this.chosen() }), WAIT);
  }

  preview({ error, rows, usable, tried, reasons }) {
    if (this.element.hidden) return;
    if (error) return this.result.replaceChildren(alertOf(error));
    this.accept.disabled = false;
    const parts = [element("h4", "", say("data.mapping.preview")), element("p", "pp-note", say("data.mapping.usable", { usable, tried }))];
    for (const row of rows) parts.push(fieldList(row));
    if (reasons.length) parts.push(reasonList(reasons));
    return this.result.replaceChildren(...parts);
  }
}

/** The texts of a row by name. */
export function fieldList(fields) {
  const list = element("dl", "pda-fields");
  for (const { name, role, text, more } of fields) {
    const value = element("dd", text ? "" : "pp-note", text || say("data.cell.empty"));
    if (more) value.append(element("span", "pp-note", ` ${say("data.cell.more", { count: more.toLocaleString() })}`));
    list.append(element("dt", "", name ?? say(`data.role.${role}`)), value);
  }
  return list;
}

function select(id, options, value) {
  const box = element("select");
  box.id = id;
  for (const [key, words] of options) {
    const option = element("option", "", words);
    option.value = key;
    box.append(option);
  }
  box.value = value;
  return box;
}

function labelled(words, field) {
  const box = element("label", "pda-labelled");
  box.append(element("span", "", words), field);
  return box;
}
