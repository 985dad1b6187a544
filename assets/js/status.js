// Polls the model server's state, shows it in the chip of the header, and tells everyone else by an event.

const FAST = 700; // while something moves, in milliseconds
const SLOW = 4000; // while nothing does
let latest = "";

const moving = (status) => status.state === "starting" || status.state === "loading";

async function poll() {
  if (!document.hidden) {
    try {
      const answer = await fetch(playground.url("status"), { cache: "no-store" });
      announce(await answer.json());
    } catch {
      announce({ state: "away" });
    }
  }
  setTimeout(poll, playground.status && !moving(playground.status) ? SLOW : FAST);
}

function announce(status) {
  playground.status = status;
  window.dispatchEvent(new CustomEvent("playground:status", { detail: status }));
}

export function bytes(count) {
  const [unit, size] = count >= 1e9 ? ["GB", 1e9] : ["MB", 1e6];
  return `${(count / size).toFixed(count >= 1e9 ? 1 : 0)} ${unit}`;
}

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function chipParts(status) {
  const parts = [element("span", "pp-dot")];
  const info = status.info;
  if (status.state === "ready" && info) {
    parts.push(element("strong", "", status.title || info.title));
    parts.push(element("span", "pp-facts", [info.dtype, info.device, bytes(info.memory_bytes)].join(" · ")));
  } else {
    const share = typeof status.progress === "number" ? ` ${Math.round(status.progress * 100)} %` : "";
    const name = status.title ? `${status.title} · ` : "";
    parts.push(element("span", "", name + playground.text(`status.${status.state}`) + share));
  }
  return parts;
}

export function mountChip(root, changed) {
  const chip = root.querySelector("#pp-chip");
  let shown = "";
  window.addEventListener("playground:status", ({ detail }) => {
    const drawn = JSON.stringify([detail, playground.language()]);
    if (drawn !== shown) {
      shown = drawn;
      chip.dataset.state = detail.state;
      chip.style.setProperty("--pp-progress", detail.progress ?? 0);
      chip.replaceChildren(...chipParts(detail));
    }
    const now = JSON.stringify([detail.state, detail.ref ?? null, detail.title ?? null]);
    if (latest && now !== latest) changed();
    latest = now;
  });
  poll();
}
