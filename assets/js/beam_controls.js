/** The search's settings as fields; ranges, choices and defaults come from the settings themselves. */

import { help, make, text } from "./distribution_page.js";

export class Controls {
  /**
   * @param {{name: string, minimum: ?number, maximum: ?number, choices: string[], value: number|string, whole: boolean}[]} settings
   * @param {{search: () => void, stop: () => void}} acts
   */
  constructor(settings, acts) {
    this.settings = settings;
    this.fields = new Map(settings.map((setting) => [setting.name, field(setting)]));
    this.start = make("button", { type: "submit", class: "pgd-button pgb-start", "data-action": "search" }, text("beam.search"));
    this.halt = make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": "stop", disabled: true, onclick: acts.stop }, text("beam.stop"));
    const buttons = make("div", { class: "pgb-buttons" }, this.start, this.halt);
    const labelled = settings.map((setting) => this.labelled(setting));
    this.element = make("form", { class: "pgb-controls", novalidate: true }, ...labelled, buttons);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.valid) acts.search();
    });
  }

  labelled({ name }) {
    const label = text(`setting.beam.${name}.label`);
    const title = make("span", { class: "pgd-name" }, make("label", { for: `pgb-${name}` }, label), help(label, () => text(`setting.beam.${name}.help`)));
    return make("div", { class: "pgb-field" }, title, this.fields.get(name));
  }

  /** Whether every field can be searched with; those that cannot are marked. */
  get valid() {
    const wrong = this.settings.filter((setting) => !allowed(setting, this.value(setting)));
    for (const [name, input] of this.fields) input.toggleAttribute("aria-invalid", wrong.some((setting) => setting.name === name));
    if (wrong.length) this.fields.get(wrong[0].name).focus();
    return wrong.length === 0;
  }

  value({ name, choices }) {
    const input = this.fields.get(name);
    return choices.length ? input.value : input.valueAsNumber;
  }

  get values() {
    return Object.fromEntries(this.settings.map((setting) => [setting.name, this.value(setting)]));
  }

  /** Takes over values; what is missing in them, or out of its range, goes to its default. */
  apply(values) {
    for (const setting of this.settings) {
      const value = setting.choices.length ? values[setting.name] : Number(values[setting.name] ?? Number.NaN);
      this.fields.get(setting.name).value = allowed(setting, value) ? value : setting.value;
    }
  }

  /** @param {boolean} busy  whether a search is under way */
  set busy(busy) {
    this.start.disabled = busy;
    this.halt.disabled = !busy;
  }
}

function field({ name, minimum, maximum, choices, value, whole }) {
  const id = `pgb-${name}`;
  if (!choices.length) {
    const made = make("input", { type: "number", id, min: minimum, max: maximum, step: whole ? 1 : 0.1, inputmode: "decimal", "data-setting": name });
    made.value = value;
    return made;
  }
  const options = choices.map((choice) => make("option", { value: choice }, text(`beam.${name}_${choice}`)));
  const made = make("select", { id, "data-setting": name }, ...options);
  made.value = value;
  return made;
}

function allowed({ minimum, maximum, choices, whole }, value) {
  if (choices.length) return choices.includes(value);
  return Number.isFinite(value) && value >= minimum && value <= maximum && !(whole && !Number.isInteger(value));
}
