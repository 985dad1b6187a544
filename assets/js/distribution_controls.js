/** The sliders: each a range input and a number input that say the same. Ranges and defaults come from the settings. */

import { help, make, text } from "./distribution_page.js";

// What a slider offers; the number beside it takes the setting's whole range.
const SLIDERS = {
  temperature: { max: 5, step: 0.01 },
  top_k: { max: 200, step: 1 },
  top_p: { max: 1, step: 0.01 },
  min_p: { max: 1, step: 0.01 },
  repetition_penalty: { min: 0.5, max: 2, step: 0.01 },
};

/**
 * @param {{name: string, minimum: ?number, above: ?number, maximum: ?number, value: number, whole: boolean}[]} settings
 * @param {(values: Object<string, number>) => void} changed  called at every move, with the value of every setting
 * @returns {{element: HTMLElement, values: Object<string, number>}}
 */
export function controls(settings, changed) {
  const values = {};
  const rows = settings.map((setting) => row(setting, values, () => changed(values)));
  const reset = make("button", { type: "button", class: "pgd-button pgd-quiet", "data-action": "reset" }, text("distribution.reset"));
  reset.addEventListener("click", () => {
    for (const { restore } of rows) restore();
    changed(values);
  });
  const head = make("div", { class: "pgd-head" }, make("h2", {}, text("distribution.settings")), reset);
  return { element: make("div", { class: "pgd-controls" }, head, ...rows.map(({ element }) => element)), values };
}

function row(setting, values, changed) {
  const { name } = setting;
  const label = text(`setting.generation.${name}.label`);
  const view = { min: setting.minimum ?? 0, ...SLIDERS[name] };
  const id = `pgd-${name}`;
  const range = make("input", { type: "range", id, min: view.min, max: view.max, step: view.step, "data-setting": name });
  const number = make("input", { type: "number", step: "any", inputmode: "decimal", "aria-label": label, "data-setting": name });
  const set = (value) => {
    values[name] = value;
    range.value = value;
    range.style.setProperty("--share", (Number(range.value) - view.min) / (view.max - view.min));
  };
  const restore = () => {
    set(setting.value);
    number.value = setting.value;
    number.removeAttribute("aria-invalid");
  };
  range.addEventListener("input", () => {
    set(Number(range.value));
    number.value = range.value;
    number.removeAttribute("aria-invalid");
    changed();
  });
  number.addEventListener("input", () => {
    const value = number.valueAsNumber;
    const good = allowed(setting, value);
    number.toggleAttribute("aria-invalid", !good);
    if (!good) return;
    set(value);
    changed();
  });
  number.addEventListener("blur", () => {
    number.value = values[name];
    number.removeAttribute("aria-invalid");
  });
  restore();
  const words = make("label", { for: id }, label);
  const about = help(label, () => text(`setting.generation.${name}.help`));
  return { element: make("div", { class: "pgd-control" }, make("span", { class: "pgd-name" }, words, about), range, number), restore };
}

function allowed({ minimum, above, maximum, whole }, value) {
  if (!Number.isFinite(value) || (whole && !Number.isInteger(value))) return false;
  return !(value < minimum) && !(above !== null && value <= above) && !(maximum !== null && value > maximum);
}
