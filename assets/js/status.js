// Polls the model server's state, shows it in the chip of the header, and tells everyone else by an event.

const FAST = 700; // while something moves, in milliseconds
const SLOW = 4000; // while nothing does
let timer = 0;
let known = "";

const moving = (status) =>
  status.state === "starting" || status.state === "loading" || status.arrival?.state === "arriving";

async function poll() {
  clearTimeout(timer);
  if (!document.hidden) announce(await current());
  timer = setTimeout(poll, playground.status && !moving(playground.status) ? SLOW : FAST);
}

async function current() {
  try {
    const answer = await fetch(playground.url("status"), { cache: "no-store" });
    return answer.ok ? await answer.json() : { state: "away" };
  } catch {
    return { state: "away" };
  }
}

function announce(status) {
  playground.status = status;
  document.body.dataset.model = status.state; // lets CSS show Cancel only while there is something to cancel
  window.dispatchEvent(new CustomEvent("playground:status", { detail: status }));
}

/** 75 -> "1:15" */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

export function bytes(number) {
  const large = number >= 1e9;
  return `${(number / (large ? 1e9 : 1e6)).toFixed(large ? 1 : 0)} ${large ? "GB" : "MB"}`;
}

export function count(number) {
  return number >= 1e9 ? `${(number / 1e9).toFixed(2)} B` : `${Math.round(number / 1e6) || (number / 1e6).toFixed(2)} M`;
}

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function chipParts(status) {
  const dot = element("span", "pp-dot");
  const { info } = status;
  if (status.state === "ready" && info) {
    const facts = [info.dtype, info.device, bytes(info.memory_bytes)].join(" · ");
    return [dot, element("strong", "", status.title || info.title), element("span", "pp-chip-facts", facts)];
  }
  const share = typeof status.progress === "number" ? ` ${Math.round(status.progress * 100)} %` : "";
  const words = element("span", "", playground.text(`status.${status.state}`) + share);
  return status.title ? [dot, element("strong", "", status.title), words] : [dot, words];
}

export function mountChip(root, changed) {
  const chip = root.querySelector("#pp-chip");
  let drawn = "";
  window.addEventListener("playground:status", ({ detail }) => {
    const next = JSON.stringify([detail, playground.language()]);
    if (next !== drawn) {
      drawn = next;
      chip.dataset.state = detail.state;
      chip.style.setProperty("--pp-progress", detail.progress ?? 0);
      chip.replaceChildren(...chipParts(detail));
    }
    const now = JSON.stringify([detail.state, detail.ref ?? null, detail.title ?? null]);
    if (known && now !== known) changed();
    known = now;
  });
  document.addEventListener("visibilitychange", () => document.hidden || poll());
  playground.refresh = poll;
  poll();
}
