/** A beam search as the part of an address behind the `#`; see `distribution_link.js` for why it stands there. */

const NAME = "beam";

/**
 * @typedef {Object} View
 * @property {string} model     title of the model that was searched with
 * @property {string} prompt
 * @property {boolean} chat
 * @property {string} run       "" for the model itself
 * @property {Object<string, number|string>} settings  those that are not at their defaults
 * @property {?number} step     how far the tree is shown; null for all of it
 * @property {?number} beam     which final beam is shown, 1 being the best; null for none
 */

/** @param {View} view @returns {string} beginning with `#` */
export function written(view) {
  const query = new URLSearchParams({ model: view.model, prompt: view.prompt });
  if (view.chat) query.set("chat", "1");
  if (view.run) query.set("run", view.run);
  for (const [name, value] of Object.entries(view.settings)) query.set(name, String(value));
  if (view.step !== null) query.set("step", String(view.step));
  if (view.beam !== null) query.set("beam", String(view.beam));
  return `#${NAME}?${query}`;
}

/**
 * @param {string} hash        of an address
 * @param {{name: string, choices: string[]}[]} settings
 * @returns {?View} null for an address that is none of ours; whatever is wrong in one of ours is left out
 */
export function read(hash, settings) {
  if (!hash.startsWith(`#${NAME}?`)) return null;
  const query = new URLSearchParams(hash.slice(NAME.length + 2));
  const whole = (name) => (/^\d{1,4}$/.test(query.get(name) ?? "") ? Number(query.get(name)) : null);
  const given = settings.filter(({ name }) => query.get(name));
  return {
    model: query.get("model") ?? "",
    prompt: query.get("prompt") ?? "",
    chat: query.get("chat") === "1",
    run: query.get("run") ?? "",
    settings: Object.fromEntries(given.map(({ name, choices }) => [name, choices.length ? query.get(name) : Number(query.get(name))])),
    step: whole("step"),
    beam: whole("beam"),
  };
}
