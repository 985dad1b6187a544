// The Room tab for everybody: what participants may do, and their address; and the same in a line where runs are started.
// Data is written by textContent only.

import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);
const COPIED_MS = 2000;

export function mountGuide(root, props, _tell, watch) {
  const panel = root.querySelector(".pp-panel");
  panel.classList.add("pr-guide");
  const draw = whenChanged(
    () => [props.value?.viewer ?? null, playground.status?.room ?? null, playground.hostKey ?? ""],
    ([viewer, rules, key]) => panel.replaceChildren(allowed(viewer, rules), links(viewer?.host === true, key)),
  );
  watch("value", draw);
  for (const event of ["playground:status", "playground:host"]) window.addEventListener(event, draw);
  draw();
}

/** What may be started, beside what starts it; nothing for the host. */
export function mountNote(root, props, _tell, watch) {
  const panel = root.querySelector(".pp-panel");
  const draw = whenChanged(
    () => [props.value?.viewer?.host ?? true, playground.status?.room ?? null],
    ([host, rules]) => panel.replaceChildren(...(host || !rules ? [] : [element("p", "pp-note", say(rules.allow_runs ? "room.note" : "room.may.watch", counted(rules)))])),
  );
  watch("value", draw);
  window.addEventListener("playground:status", draw);
  draw();
}

/** What came of changing the rules. */
export function mountSaid(root, props, _tell, watch) {
  const draw = () => {
    const { error, saved, called_off: count } = props.value || {};
    const done = saved ? [say("room.rules.saved"), ...(count ? [say("room.rules.called_off", { count })] : [])] : [];
    const line = element("p", error ? "pp-error" : "pp-good", error ? playground.sentence(error) : done.join(" "));
    line.setAttribute("role", error ? "alert" : "status");
    root.querySelector(".pp-panel").replaceChildren(...(error || saved ? [line] : []));
  };
  watch("value", draw);
  draw();
}

/** Draws anew only where something is other than it was: what is polled must not take the focus from a button. */
function whenChanged(read, draw) {
  let drawn = "";
  return () => {
    const now = read();
    const next = JSON.stringify([now, playground.language()]);
    if (next !== drawn) draw(now);
    drawn = next;
  };
}

const counted = (rules) => Object.fromEntries(Object.entries(rules).map(([name, value]) => [name, value.toLocaleString()]));
const started = (rules) => say(rules.allow_runs ? "room.may.runs" : "room.may.watch", counted(rules));

function allowed(viewer, rules) {
  const box = element("div", "pr-side");
  if (!rules) return box;
  const lines = [
    started(rules),
    ...(rules.allow_runs ? [say("room.may.evaluate", counted(rules))] : []),
    say(rules.allow_models ? "room.may.models" : "room.may.no_models", counted(rules)),
    say("room.may.pace", counted(rules)),
    say("room.may.always"),
  ];
  const list = element("ul", "pr-may");
  list.append(...lines.map((words) => element("li", "", words)));
  box.append(element("p", "pr-who", say(viewer?.host ? "room.you.host" : "room.you.guest")), list);
  return box;
}

/** The page's own address, which has no key in it. */
const address = () => location.origin + location.pathname;

function links(host, key) {
  const list = element("ul", "pr-links");
  list.append(link("room-link-people", "people", address()));
  if (host && key) list.append(link("room-link-host", "host", `${address()}?host=${encodeURIComponent(key)}`, true));
  const box = element("div", "pr-side");
  box.append(list);
  // The host is told beside the code for phones.
  if (!host && LOOPBACK.has(location.hostname)) box.append(element("p", "pp-note", say("room.link.loopback")));
  return box;
}

/** One address with a button that copies it; a secret one is not shown, for it may be on a projector. */
function link(id, name, href, secret = false) {
  const row = element("li", "pr-link");
  const words = element("span", "pr-link-words");
  words.append(element("strong", "", say(`room.link.${name}`)), element("span", "pr-link-address", secret ? say("room.link.hidden") : href));
  const button = element("button", "pe-button", say("room.link.copy"));
  Object.assign(button, { type: "button", id });
  button.addEventListener("click", async () => {
    const done = await copied(href);
    button.textContent = say(done ? "room.link.copied" : "room.link.failed");
    setTimeout(() => (button.textContent = say("room.link.copy")), COPIED_MS);
  });
  row.append(words, button);
  return row;
}

/** Whether a text is on the clipboard now; only pages over HTTPS and on this machine may write to it without a field. */
async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const field = element("textarea", "pr-copy");
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
