/** A view of rollouts as the part of an address behind the `#`, as `distribution_link.js` has one of a distribution. */

const NAME = "rollouts";

/**
 * @typedef {Object} View
 * @property {string} model   title of the model that drew them
 * @property {string} prompt
 * @property {boolean} chat
 * @property {string} run     "" for the model itself
 * @property {Object<string, number>} settings  count, and how they were drawn
 * @property {?Object} reward as `config/rewards.py` writes it
 * @property {number} beta
 */

/** @param {View} view @returns {string} beginning with `#` */
export function written(view) {
  const query = new URLSearchParams({ model: view.model, prompt: view.prompt });
  if (view.chat) query.set("chat", "1");
  if (view.run) query.set("run", view.run);
  query.set("settings", JSON.stringify(view.settings));
  query.set("reward", JSON.stringify(view.reward));
  query.set("beta", String(view.beta));
  return `#${NAME}?${query}`;
}

/** @param {string} hash @returns {?View} null for an address that is none of ours; whatever is wrong is left out */
export function read(hash) {
  if (!hash.startsWith(`#${NAME}?`)) return null;
  const query = new URLSearchParams(hash.slice(NAME.length + 2));
  const beta = Number(query.get("beta"));
  return {
    model: query.get("model") ?? "",
    prompt: query.get("prompt") ?? "",
    chat: query.get("chat") === "1",
    run: query.get("run") ?? "",
    settings: object(query.get("settings")) ?? {},
    reward: object(query.get("reward")),
    beta: beta > 0 && Number.isFinite(beta) ? beta : 1,
  };
}

function object(json) {
  try {
    const found = JSON.parse(json);
    return found && typeof found === "object" && !Array.isArray(found) ? found : null;
  } catch {
    return null;
  }
}
