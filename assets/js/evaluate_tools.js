// The fields above the table of answers: whose, by which metric, in which order, and files to take away.

import { metricsOf, nameOf, wayOf } from "./evaluate_metrics.js";
import { ORDERS, SHOWN } from "./evaluate_order.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);

export class Tools {
  /**
   * @param {Object} found  what `/playground/evaluation` gives
   * @param {Object} state  the choice that the fields show; see `chosen`
   * @param {function(Object): void} change  told of what is chosen anew
   */
  constructor(found, state, change) {
    const { names, rows, result } = found;
    const models = Object.entries(names);
    this.found = found;
    this.element = element("div", "pe-tools");
    this.fields = {};
    const offer = (name, options) => {
      const field = choice(`evaluate-rows-${name}`, options);
      field.value = state[name];
      field.addEventListener("change", () => change({ [name]: field.value }));
      this.fields[name] = field;
      return labelled(name, field);
    };
    const search = element("input");
    Object.assign(search, { type: "search", id: "evaluate-rows-search", placeholder: say("evaluate.rows.search.hint") });
    search.addEventListener("input", () => change({ search: search.value }));
    this.fields.search = search;
    const metrics = metricsOf(rows[0]?.scores[state.first] ?? {}).map((name) => [name, nameOf(name, result.judges)]);
    this.element.append(
      offer("first", models),
      offer("second", models),
      offer("metric", metrics),
      labelled("search", search),
      offer("shown", SHOWN.map((name) => [name, say(`evaluate.rows.show.${name}`)])),
      offer("order", ORDERS.map((name) => [name, ""])),
      this.marks(state, change),
      this.downloads(models, state.second),
    );
    this.show(state);
  }

  /** Fields as the choice has them; the orders are named by the two models. */
  show(state) {
    for (const [name, field] of Object.entries(this.fields)) field.value = state[name];
    const way = wayOf(state.metric) ? "quality" : "size";
    const named = { first: this.found.names[state.first], second: this.found.names[state.second] };
    for (const option of this.fields.order.options) {
      const [by, up] = option.value.split(".");
      option.textContent = by in named ? say(`evaluate.rows.order.${way}.${up}`, { name: named[by] }) : say(`evaluate.rows.order.${option.value}`);
    }
  }

  marks(state, change) {
    const box = element("label", "pe-check");
    const field = element("input");
    Object.assign(field, { type: "checkbox", id: "evaluate-rows-marks", checked: state.marks });
    field.addEventListener("change", () => change({ marks: field.checked }));
    box.append(field, element("span", "", say("evaluate.rows.marks")));
    return box;
  }

  downloads(models, chosen) {
    const box = element("div", "pe-downloads");
    const whose = choice("evaluate-rows-whose", [...models, ["", say("evaluate.rows.everybody")]]);
    whose.value = chosen;
    const links = ["csv", "json"].map((kind) => {
      const link = element("a", "pe-button", say(`evaluate.rows.${kind}`));
      Object.assign(link, { id: `evaluate-rows-${kind}`, download: "", title: say("evaluate.rows.form") });
      return [kind, link];
    });
    const point = () => {
      for (const [kind, link] of links) link.href = playground.url(`evaluation/answers?${new URLSearchParams({ id: this.found.evaluation, model: whose.value, kind })}`);
    };
    whose.addEventListener("change", point);
    point();
    box.append(labelled("whose", whose), ...links.map(([, link]) => link));
    return box;
  }
}

function choice(id, options) {
  const box = element("select");
  box.id = id;
  for (const [value, words] of options) {
    const option = element("option", "", words);
    option.value = value;
    box.append(option);
  }
  return box;
}

function labelled(name, field) {
  const box = element("label", `pe-field pe-field-${name}`);
  box.append(element("span", "", say(`evaluate.rows.${name}`)), field);
  return box;
}
