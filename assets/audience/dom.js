// Elements, texts in two languages, and what a phone keeps. Data is written by textContent only.

const TEXTS = JSON.parse(document.getElementById("texts").textContent);
const MARKS = new Map([[" ", "␣"], ["\n", "⏎"], ["\t", "⇥"], ["\r", "␍"], ["\u00a0", "⍽"], ["\u3000", "□"]]);

/** Storage may be forbidden; then things last as long as the page does. */
export const kept = {
  memory: new Map(),
  get(name) {
    try {
      return localStorage.getItem(name) ?? this.memory.get(name) ?? null;
    } catch {
      return this.memory.get(name) ?? null;
    }
  },
  set(name, value) {
    this.memory.set(name, value);
    try {
      localStorage.setItem(name, value);
    } catch {
      // kept in memory
    }
  },
};

const spoken = [kept.get("room-language"), ...navigator.languages.map((name) => name.split("-")[0])];
let language = spoken.find((name) => name in TEXTS) ?? "en";
document.documentElement.lang = language;

export const other = () => (language === "en" ? "ko" : "en");

export function speak(name) {
  language = name;
  document.documentElement.lang = name;
  kept.set("room-language", name);
}

export const knows = (key) => key in TEXTS.en;

export function say(key, values = {}) {
  const template = TEXTS[language][key] ?? key;
  return template.replace(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place));
}

export const number = (value, digits = 3) => new Intl.NumberFormat(language, { maximumSignificantDigits: digits }).format(value);

export const percent = (share) => (share > 0 && share < 0.0005 ? "< 0.1%" : inPercent(share));

const inPercent = (share) =>
  new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: share > 0 && share < 0.1 ? 1 : 0 }).format(share);

/** An element; children that are strings become text, never HTML. */
export function make(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function draw(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") element.addEventListener("click", value);
    else if (value !== false && value !== undefined) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A token with its white space made visible, and what cannot be seen as its code point. */
export function visible(token) {
  if (!token) return say("audience.token.empty");
  return Array.from(token, (letter) => MARKS.get(letter) ?? (/[\p{C}\p{Z}]/u.test(letter) ? `\\u{${letter.codePointAt(0).toString(16)}}` : letter)).join("");
}
