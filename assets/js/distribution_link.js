/**
 * A view of the distribution as the part of an address behind the `#`, which a browser keeps to itself: prompts reach
 * no server's log by it, and the host key, which is never there, cannot be copied along.
 */

const NAME = "distribution";

/**
 * @typedef {Object} View
 * @property {string} model   title of the model that was looked at
 * @property {string} prompt
 * @property {boolean} chat
 * @property {string} run     "" for the model itself
 * @property {number[]} drawn tokens after the prompt
 * @property {Object<string, number>} values  settings that are not at their defaults
 * @property {string[]} off   settings that are switched off
 * @property {number} seed
 * @property {number} samples thousands that were drawn
 * @property {string} heat    what the text is shaded by
 */

/** @param {View} view @returns {string} beginning with `#` */
export function written(view) {
  const query = new URLSearchParams({ model: view.model, prompt: view.prompt });
  if (view.chat) query.set("chat", "1");
  if (view.run) query.set("run", view.run);
  if (view.drawn.length) query.set("drawn", view.drawn.join(" "));
  for (const [name, value] of Object.entries(view.values)) query.set(name, String(value));
  if (view.off.length) query.set("off", view.off.join(" "));
  query.set("seed", String(view.seed));
  if (view.samples) query.set("samples", String(view.samples));
  if (view.heat) query.set("heat", view.heat);
  return `#${NAME}?${query}`;
}

/**
 * @param {string} hash         of an address
 * @param {string[]} settings   names that `values` and `off` may have
 * @returns {?View} null for an address that is none of ours; whatever is wrong in one of ours is left out
 */
export function read(hash, settings) {
  if (!hash.startsWith(`#${NAME}?`)) return null;
  const query = new URLSearchParams(hash.slice(NAME.length + 2));
  const words = (name) => (query.get(name) ?? "").split(" ").filter(Boolean);
  const whole = (value) => /^\d{1,10}$/.test(value);
  const given = settings.filter((name) => (query.get(name) ?? "") !== "" && Number.isFinite(Number(query.get(name))));
  const number = (name) => (whole(query.get(name) ?? "") ? Number(query.get(name)) : 0);
  return {
    model: query.get("model") ?? "",
    prompt: query.get("prompt") ?? "",
    chat: query.get("chat") === "1",
    run: query.get("run") ?? "",
    drawn: words("drawn").filter(whole).map(Number),
    values: Object.fromEntries(given.map((name) => [name, Number(query.get(name))])),
    off: words("off").filter((name) => settings.includes(name)),
    seed: number("seed"),
    samples: Math.min(number("samples"), 100),
    heat: query.get("heat") ?? "",
  };
}
