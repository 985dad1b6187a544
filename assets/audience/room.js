// The audience page: asks what is on stage, shows it, and sends what this phone answers. With ?hall in its address it is
// the hall's own screen, which shows the address as a code and answers nothing; with ?preview it only shows.

import { CurveView } from "./curve.js";
import { kept, make, other, say, speak } from "./dom.js";
import { GuessView } from "./guess.js";
import { VoteView } from "./vote.js";

const EVERY_MS = 1500;
const SLOWEST_MS = 10_000;
const HELD_S = 5; // how long the app may hold its answer to a phone until something changes
const LOST_S = 6; // an answer that is so late will not come any more
const KEPT = 200; // answers that a phone remembers
const LANGUAGES = { en: "English", ko: "한국어" };

const asked = new URLSearchParams(location.search);
const hall = asked.has("hall");
const watching = hall || asked.has("preview");
const root = new URL(".", location.href).href; // where the app is: this page is its /room
const stage = document.getElementById("stage");
const away = document.getElementById("away");
const said = document.getElementById("said");
const answers = new Map(JSON.parse(kept.get("room-answers") ?? "[]"));
let view = null;
let told = null;
let tag = "";
let failures = 0;
let timer = 0;
let asking = new AbortController();
let spoken = "";

/** This phone's own key: nobody else has it, and the server keeps only its hash. */
function key() {
  const known = kept.get("room-key");
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  const made = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
  kept.set("room-key", made);
  return made;
}

const room = {
  watching,
  mine: (question) => answers.get(question),
  remember(question, answer) {
    answers.delete(question);
    if (answer !== undefined) answers.set(question, answer);
    kept.set("room-answers", JSON.stringify([...answers].slice(-KEPT)));
  },
  /** Counts each round once. */
  judged(question, right) {
    const score = new Map(JSON.parse(kept.get("room-score") ?? "[]"));
    score.set(question, right);
    kept.set("room-score", JSON.stringify([...score].slice(-KEPT)));
    return { right: [...score.values()].filter(Boolean).length, all: score.size };
  },
  async post(where, body) {
    const limit = new AbortController();
    const late = ends(limit, LOST_S);
    const refusal = await fetch(`${root}room/${where}`, {
      method: "POST", headers: { "Content-Type": "application/json", "X-Room-Key": key() }, body: JSON.stringify(body), signal: limit.signal,
    }).then(async (answer) => (answer.ok ? "" : await answer.json().then((found) => found.reason, () => "refused")), () => "away");
    clearTimeout(late);
    if (refusal) {
      notice(say(`audience.refused.${refusal}`));
      look();
    }
    return !refusal;
  },
};

/** Gives a request up after so many seconds; `clearTimeout` takes that back. */
const ends = (request, seconds) => setTimeout(() => request.abort(), seconds * 1000);

function notice(words) {
  away.textContent = words;
  away.hidden = !words;
}

async function look() {
  clearTimeout(timer);
  asking.abort();
  const mine = (asking = new AbortController());
  const late = ends(mine, HELD_S + LOST_S);
  const begun = performance.now();
  try {
    await ask(mine.signal);
    if (failures) notice("");
    failures = 0;
  } catch {
    if (asking !== mine) return; // another look took its place
    failures += 1;
    if (failures > 1) notice(say("audience.away"));
  } finally {
    clearTimeout(late);
  }
  // Spread, so that a hundred phones do not ask in one breath. An answer that was held has waited already.
  const every = Math.min(SLOWEST_MS, EVERY_MS * 1.5 ** failures) * (0.9 + 0.2 * Math.random());
  if (!document.hidden) timer = setTimeout(look, Math.max(0, begun + every - performance.now()));
}

async function ask(signal) {
  const headers = tag ? { "If-None-Match": tag } : {};
  if (!watching) Object.assign(headers, { "X-Room-Key": key(), Prefer: `wait=${HELD_S}` });
  const [answer] = await Promise.all([fetch(`${root}room/now`, { headers, signal, cache: "no-store" }), hall ? count(signal) : null]);
  if (answer.status === 304) return;
  if (!answer.ok) throw new Error(answer.status);
  told = await answer.json();
  tag = answer.headers.get("ETag") ?? "";
  show();
}

function show() {
  if (told.kind !== view?.kind) {
    view = VIEWS[told.kind]();
    view.kind = told.kind;
    stage.replaceChildren(view.element);
    document.body.dataset.kind = told.kind;
    notice("");
  }
  const { what, text } = view.show(told);
  if (what !== spoken) said.textContent = text;
  spoken = what;
}

const VIEWS = {
  curve: () => new CurveView(hall),
  vote: () => new VoteView(room),
  guess: () => new GuessView(room),
  writing: () => waiting("audience.writing", "audience.writing.help"),
  nothing: () => waiting("audience.waiting", "audience.waiting.help"),
};

function waiting(title, help) {
  const dots = make("p", { class: "dots", "aria-hidden": "true" }, make("span"), make("span"), make("span"));
  const element = make("section", { class: "waiting" }, dots, make("h1", {}, say(title)), make("p", {}, say(help)), make("p", { class: "quiet" }, `${location.host}${location.pathname}`));
  return { element, show: () => ({ what: title, text: say(title) }) };
}

// The hall's screen: where phones go, and how many are here.
const counted = make("p", { class: "counted" });

async function count(signal) {
  const { phones, answers: given } = await fetch(`${root}room/count`, { signal, cache: "no-store" }).then((answer) => answer.json());
  const open = told?.open ? ` · ${say("audience.hall.answers", { count: given })}` : "";
  counted.textContent = say("audience.hall.phones", { count: phones }) + open;
}

async function join() {
  const aside = document.getElementById("join");
  aside.hidden = false;
  document.body.classList.add("hall");
  const found = await fetch(`${root}room/address?${new URLSearchParams({ seen: root })}`).then((answer) => answer.json());
  const code = make("img", { src: `${root}room/code?${new URLSearchParams({ of: found.address })}`, alt: say("audience.hall.code"), width: 400, height: 400 });
  const words = found.reach === "machine" ? make("p", { class: "note" }, say("audience.hall.machine")) : null;
  aside.replaceChildren(make("p", { class: "join-title" }, say("audience.hall.join")), code, make("p", { class: "join-address" }, found.address.replace(/^https?:\/\//, "")), counted, ...(words ? [words] : []));
}

const language = document.getElementById("language");
function offerLanguage() {
  language.textContent = LANGUAGES[other()];
  language.lang = other();
}
language.addEventListener("click", () => {
  speak(other());
  offerLanguage();
  view = null;
  notice("");
  if (told) show();
  if (hall) join();
});
offerLanguage();

document.addEventListener("visibilitychange", () => !document.hidden && look());
addEventListener("online", look);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  view?.key?.(event.key.toLowerCase());
});

if (hall) join();
look();
