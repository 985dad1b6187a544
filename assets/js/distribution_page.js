/** Small things every part of the distribution picture needs: elements, texts, numbers, visible white space, tips. */

/**
 * An element with attributes and children. Strings become text nodes, never HTML, so tokens stay what they are.
 * @param {string} tag
 * @param {Object<string, string|number|boolean|Function>} [attributes]  `onclick` and its like take functions
 * @param {...(Node|string)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Adds a style sheet of ours to the page, once; done when it is there. */
export function style(path) {
  const address = playground.asset(path);
  if (document.querySelector(`link[href="${address}"]`)) return undefined;
  const link = make("link", { rel: "stylesheet", href: address });
  document.head.append(link);
  return new Promise((done) => (link.onload = link.onerror = done));
}

/** The text of a key in the reader's language, with `{name}` places filled in. */
export const text = (key, values) => window.playground.text(key, values);

const whole = new Intl.NumberFormat();
const formats = new Map();

/** 49152 -> "49,152" */
export function count(number) {
  return whole.format(number);
}

/** A number with this many digits after the point. */
export function fixed(number, digits) {
  if (!formats.has(digits)) {
    formats.set(digits, new Intl.NumberFormat(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  }
  return formats.get(digits).format(number);
}

/** A probability as a percentage that always shows at least two significant digits: "12.3 %", "0.0042 %". */
export function percent(probability) {
  const value = probability * 100;
  if (value === 0) return "0 %";
  if (value >= 99.995) return value === 100 ? "100 %" : "> 99.99 %";
  if (value >= 10) return `${fixed(value, 1)} %`;
  if (value >= 0.1) return `${fixed(value, 2)} %`;
  if (value >= 0.001) return `${fixed(value, 4)} %`;
  return `${value.toExponential(1)} %`;
}

/** A share as a factor between 0 and 1, with as many digits as it takes to tell it from 1. */
export function factor(share) {
  return share > 0.9995 && share < 1 ? fixed(share, 6) : share < 0.01 ? share.toPrecision(3) : fixed(share, 3);
}

const MARKS = new Map([[" ", "␣"], ["\n", "⏎"], ["\t", "⇥"], ["\r", "␍"], ["\u00a0", "⍽"], ["\u3000", "□"]]);

/** A token's text with its white space made visible and with what cannot be seen written as its code point. */
export function visible(token) {
  if (token === undefined) return text("distribution.no_text");
  if (token === "") return text("distribution.empty_token");
  return Array.from(token, (letter) => MARKS.get(letter) ?? escaped(letter)).join("");
}

function escaped(letter) {
  if (!/\p{C}|\p{Zs}|\p{Zl}|\p{Zp}/u.test(letter)) return letter;
  return `\\u{${letter.codePointAt(0).toString(16)}}`;
}

let bubble;

/**
 * Explains an element on hover and keyboard focus, and on tap unless tapping it does something; Escape closes.
 * @param {HTMLElement} element
 * @param {() => string} explain  read at the moment of showing, so that it can hold numbers
 * @param {{acts: boolean}} [kind]
 */
export function explained(element, explain, { acts = false } = {}) {
  if (!element.matches("button, input")) element.tabIndex = 0;
  const show = () => showTip(element, explain());
  element.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && show());
  element.addEventListener("focus", () => element.matches(":focus-visible") && show());
  element.addEventListener("click", acts ? hideTip : show);
  element.addEventListener("pointerleave", hideTip);
  element.addEventListener("blur", hideTip);
  element.addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
  return element;
}

function showTip(element, sentence) {
  bubble ??= document.body.appendChild(make("div", { class: "pgd-tip", role: "tooltip", id: "pgd-tip" }));
  bubble.textContent = sentence;
  bubble.hidden = false;
  element.setAttribute("aria-describedby", bubble.id);
  const place = element.getBoundingClientRect();
  const size = bubble.getBoundingClientRect();
  const left = Math.min(Math.max(8, place.left), document.documentElement.clientWidth - size.width - 8);
  const above = place.top - size.height - 8;
  bubble.style.left = `${left}px`;
  bubble.style.top = `${above > 8 ? above : place.bottom + 8}px`;
}

function hideTip() {
  if (bubble) bubble.hidden = true;
}

/** A round question mark that explains the thing it stands beside. */
export function help(name, explain) {
  return explained(make("button", { type: "button", class: "pgd-help", "aria-label": text("distribution.about", { name }) }, "?"), explain);
}
