// Runs in the page's head before any component: what every other script of ours starts from.
// Plain script, not a module, so that it is there when the first component mounts.
(() => {
  // The page is the app's root, behind a proxy some folder; its address may lack the last slash.
  const root = location.origin + location.pathname.replace(/\/*$/, "/");
  const at = (path) => new URL(path, root).href;
  const texts = window.gradio_config?.i18n_translations ?? {};

  const language = () => (document.documentElement.lang || "en").split("-")[0];

  // Gradio takes the browser's language for its own few words; ours are English where we do not speak it.
  if (!(language() in texts)) document.documentElement.lang = "en";

  window.playgroundTexts = texts;
  window.playground = {
    // "ASSETS" is replaced by the versioned folder when the page is made.
    asset: (path) => at("ASSETS" + path),
    module: (path) => spoken.then(() => import(at("ASSETS" + path))),
    url: (path) => at(`playground/${path}`),
    language,
    /** A text with `{name}` filled in; `{name:step|steps}` is its first part where that is 1. */
    text(key, values = {}) {
      const template = texts[language()]?.[key] ?? texts.en?.[key] ?? key;
      return template.replace(/\{(\w+)(?::([^{|}]+)\|([^{|}]+))?\}/g, (place, name, one, more) => {
        if (!(name in values)) return place;
        const value = String(values[name]);
        return one ? (value === "1" ? one : more) : value;
      });
    },
    /** What an error says, which the server makes in English, in the reader's language. */
    sentence: (english) => english,
    status: null,
  };
  const spoken =
    language() === "en"
      ? Promise.resolve()
      : import(at("ASSETS" + "js/sentences.js")).then((sentences) => sentences.load()).catch(() => {});

  // The host key must not stay in the address bar: it may be on a projector, and it would be copied along.
  const address = new URL(location.href);
  const hostKey = address.searchParams.get("host");
  if (hostKey !== null) {
    address.searchParams.delete("host");
    history.replaceState(null, "", address);
  }
  window.playground.withHostKey = (person) => (hostKey ? { ...person, host: hostKey } : person);
})();
