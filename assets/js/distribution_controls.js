/**
 * The steps from logits to probabilities, in the order in which they act: each has a switch, a range input and a number
 * input that say the same, and the number of tokens it leaves. Ranges and defaults come from the settings.
 */

import { count, help, make, text } from "./distribution_page.js";

// What a slider offers; the number beside it takes the setting's whole range.
const SLIDERS = {
  repetition_penalty: { min: 0.5, max: 2, step: 0.01 },
  presence_penalty: { min: -2, max: 2, step: 0.05 },
  frequency_penalty: { min: -2, max: 2, step: 0.05 },
  temperature: { min: 0, max: 5, step: 0.01 },
  top_k: { min: 0, max: 200, step: 1 },
  top_p: { min: 0, max: 1, step: 0.01 },
  min_p: { min: 0, max: 1, step: 0.01 },
  typical_p: { min: 0.01, max: 1, step: 0.01 },
};

export class Controls {
  /**
   * @param {{name: string, minimum: ?number, above: ?number, maximum: ?number, value: number, whole: boolean}[]} settings
   *   in the order in which they act; `value`, the default, changes nothing
   * @param {() => void} changed  called at every move
   * @param {string} [prefix]  of the ids, where a page has several of these
   */
  constructor(settings, changed, prefix = "pgd") {
    this.rows = settings.map((setting, place) => new Row(setting, place + 1, changed, prefix));
    const reset = make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": "reset" }, text("distribution.reset"));
    reset.addEventListener("click", () => {
      this.apply({}, []);
      changed();
    });
    const about = help(text("distribution.settings"), () => text("distribution.settings_help"));
    const title = make("span", { class: "pgd-name" }, make("h2", {}, text("distribution.settings")), about);
    const steps = make("ol", { class: "pgd-steps" }, ...this.rows.map(({ element }) => element));
    this.element = make("div", { class: "pgd-controls" }, make("div", { class: "pgd-head" }, title, reset), steps);
  }

  /** What each setting amounts to: its value, or the one that changes nothing where it is switched off. */
  get values() {
    return Object.fromEntries(this.rows.map((row) => [row.name, row.on ? row.value : row.setting.value]));
  }

  /** Settings that are not at their defaults, and the names of those that are switched off. */
  get state() {
    const moved = this.rows.filter(({ value, setting }) => value !== setting.value);
    return { values: Object.fromEntries(moved.map(({ name, value }) => [name, value])), off: this.rows.filter(({ on }) => !on).map(({ name }) => name) };
  }

  /** Takes over a `state`; what is missing in it, or out of its range, goes to its default. */
  apply(values, off) {
    for (const row of this.rows) {
      const value = values[row.name];
      row.set(value !== undefined && allowed(row.setting, value) ? value : row.setting.value);
      row.write();
      row.turn(!off.includes(row.name));
    }
  }

  /** Says beside each cut how many tokens it left. */
  report({ after }) {
    for (const row of this.rows) if (row.name in after) row.left.textContent = text("distribution.stay", { count: count(after[row.name]) });
  }
}

class Row {
  constructor(setting, place, changed, prefix) {
    const { name } = setting;
    Object.assign(this, { setting, name, on: true, view: SLIDERS[name] });
    const label = text(`setting.generation.${name}.label`);
    const id = `${prefix}-${name}`;
    const { min, max, step } = this.view;
    this.range = make("input", { type: "range", id, min, max, step, "data-setting": name });
    this.number = make("input", { type: "number", step: "any", inputmode: "decimal", "aria-label": label, "data-setting": name });
    this.power = make("input", { type: "checkbox", role: "switch", "aria-label": text("distribution.switch", { name: label }), "data-switch": name });
    this.left = make("span", { class: "pgd-left" });
    this.listen(changed);
    const title = make("label", { for: id }, make("span", { class: "pgd-place", "aria-hidden": "true" }, String(place)), label);
    const about = help(label, () => text(`setting.generation.${name}.help`));
    const head = make("span", { class: "pgd-name" }, title, about, this.left);
    this.element = make("li", { class: "pgd-control" }, this.power, head, this.range, this.number);
    this.set(setting.value);
    this.write();
    this.turn(true);
  }

  listen(changed) {
    const { range, number, power } = this;
    // Whoever moves a step wants to see it act.
    const moved = (value) => {
      this.set(value);
      this.turn(true);
      changed();
    };
    range.addEventListener("input", () => {
      moved(Number(range.value));
      this.write();
    });
    number.addEventListener("input", () => {
      const good = allowed(this.setting, number.valueAsNumber);
      number.toggleAttribute("aria-invalid", !good);
      if (good) moved(number.valueAsNumber);
    });
    number.addEventListener("blur", () => this.write());
    power.addEventListener("change", () => {
      this.turn(power.checked);
      changed();
    });
  }

  set(value) {
    this.value = value;
    this.range.value = value;
    const { min, max } = this.view;
    this.range.style.setProperty("--share", (Number(this.range.value) - min) / (max - min));
    this.mark();
  }

  write() {
    this.number.value = this.value;
    this.number.removeAttribute("aria-invalid");
  }

  turn(on) {
    this.on = this.power.checked = on;
    this.mark();
  }

  mark() {
    this.element?.classList.toggle("pgd-off", !this.on);
    this.element?.classList.toggle("pgd-acts", this.on && this.value !== this.setting.value);
  }
}

function allowed({ minimum, above, maximum, whole }, value) {
  if (!Number.isFinite(value) || (whole && !Number.isInteger(value))) return false;
  return !(minimum !== null && value < minimum) && !(above !== null && value <= above) && !(maximum !== null && value > maximum);
}
