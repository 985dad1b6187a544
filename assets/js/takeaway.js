// The panel Take away: what a run gives, each part at a click, and how a push to the Hub goes. Data is written by textContent only.

import { ENDED } from "./follow.js";
import { bytes, element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const LOADING = new Set(["find", "read", "merge", "move", "wait", "download", "check", "convert"]);

export function mountTakeaway(root, props, tell, watch) {
  const panel = new Panel(root.querySelector(".pp-panel"), tell);
  const receive = () => panel.receive(props.value || {});
  watch("value", receive);
  window.addEventListener("playground:listed", ({ detail }) => panel.listed(detail));
  window.addEventListener("playground:taken", () => panel.save());
  receive();
}

class Panel {
  constructor(root, tell) {
    this.root = root;
    this.tell = tell;
    this.items = [];
  }

  receive(told) {
    if ("items" in told) {
      const other = told.run !== this.run;
      this.run = told.run;
      this.items = told.items;
      this.base = told.base;
      this.brings = told.brings;
      this.ended = told.ended;
      this.problem = told.problem;
      if (other) this.busy = this.ready = this.failed = null;
    } else if (told.busy || told.ready || told.failed) {
      this.busy = told.busy ?? null;
      this.ready = told.ready ?? null;
      this.failed = told.failed ?? null;
      this.unsaved = Boolean(told.ready);
    }
    this.draw();
  }

  /** The list of runs came anew: a run that has ended since, or goes on again, is asked about. */
  listed(runs) {
    const shown = runs.find(({ run }) => run === this.run);
    if (!shown) return;
    const ended = ENDED.has(shown.phase);
    if (ended !== this.ended) this.tell.look({ run: this.run });
    this.ended = ended;
  }

  /** Presses the button that holds the file. */
  save() {
    if (!this.unsaved) return;
    this.unsaved = false;
    press();
  }

  draw() {
    if (this.problem) return this.root.replaceChildren(element("p", "pp-error", playground.sentence(this.problem)));
    if (!this.items.length) return this.root.replaceChildren();
    // A button that was pressed keeps the focus of a keyboard.
    const focused = this.root.contains(document.activeElement) ? document.activeElement.dataset.what : null;
    const list = element("ul", "pa-items");
    list.append(...this.items.map((item) => this.item(item)));
    const title = element("h3", "pt-runs-title", say("takeaway.title"));
    const note = this.brings ? [element("p", "pp-note", say(this.brings, { base: this.base }))] : [];
    this.root.replaceChildren(title, ...note, list, this.state());
    if (focused) list.querySelector(`[data-what="${CSS.escape(focused)}"]`)?.focus();
    return undefined;
  }

  item({ what, bytes: large, why }) {
    const line = element("li");
    const button = element("button", "pa-item");
    button.type = "button";
    button.id = `takeaway-${what}`;
    button.dataset.what = what;
    const head = element("span", "pa-head");
    head.append(element("strong", "", say(`takeaway.${what}`)));
    if (large) head.append(element("span", "pa-size", say("takeaway.about", { size: size(large) })));
    button.append(head, element("span", "pa-note", say(why || `takeaway.${what}.help`)));
    // Not `disabled`: what cannot be had still says why to whoever comes to it by keyboard.
    button.setAttribute("aria-disabled", String(Boolean(why || this.busy)));
    button.addEventListener("click", () => {
      if (why || this.busy) return;
      this.receive({ busy: { what } });
      this.tell.take({ run: this.run, what });
    });
    line.append(button);
    return line;
  }

  state() {
    const box = element("div", "pa-state");
    box.setAttribute("role", "status");
    if (this.busy) box.append(progress(this.busy, say("takeaway.making", { what: say(`takeaway.${this.busy.what}`) })));
    if (this.failed) box.append(element("p", "pp-error", playground.sentence(this.failed.error)));
    if (this.ready) {
      const again = element("button", "pa-again", say("takeaway.again"));
      again.type = "button";
      again.addEventListener("click", press);
      const words = say("takeaway.ready", { name: this.ready.name, size: size(this.ready.bytes) });
      const line = element("p", "pa-ready");
      line.append(element("span", "", words), again);
      box.append(line);
    }
    return box;
  }
}

/** 1159 -> "1.2 kB" */
function size(number) {
  return number >= 1e6 ? bytes(number) : `${(number / 1e3).toFixed(number >= 1e4 ? 0 : 1)} kB`;
}

function press() {
  const place = document.getElementById("takeaway-file");
  (place?.closest("a") ?? place?.querySelector("a") ?? place)?.click();
}

/** How a push goes, and where it went. */
export function mountPushed(root, props, tell, watch) {
  const panel = root.querySelector(".pp-panel");
  const draw = () => panel.replaceChildren(...pushedParts(props.value || {}));
  panel.setAttribute("role", "status");
  watch("value", draw);
  draw();
}

function pushedParts({ busy, url, error, cancelled }) {
  if (busy) return [progress(busy, say("takeaway.pushing"))];
  if (error) return [element("p", "pp-error", playground.sentence(error))];
  if (cancelled) return [element("p", "pp-note", say("takeaway.cancelled"))];
  if (!url) return [];
  const line = element("p", "pp-verdict pp-good", `${say("takeaway.pushed")} `);
  const link = element("a", "", url);
  if (/^https?:\/\//.test(url)) link.href = url;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  line.append(link);
  return [line];
}

function progress({ stage, done, total, unit }, words) {
  const box = element("div", "pp-progress");
  const bar = element("progress");
  bar.max = 1;
  bar.setAttribute("aria-label", words);
  if (total > 0 && done > 0) bar.value = done / total;
  box.append(bar, element("p", "pp-note", [words, stageWords(stage, done, total, unit)].filter(Boolean).join(" · ")));
  return box;
}

function stageWords(stage, done, total, unit) {
  if (!stage) return "";
  if (stage === "data") return say("stage.data");
  if (unit === "bytes" && stage === "upload") return say("takeaway.stage.upload", { done: bytes(done), total: bytes(total) });
  if (["upload", "write", "zip", "turn"].includes(stage)) return say(`takeaway.stage.${stage}.open`);
  return LOADING.has(stage) ? say(`model.stage.${stage}`) : "";
}
