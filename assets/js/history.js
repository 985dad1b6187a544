// The widgets of the History tab: what is wrong with an imported file, the table of runs, and what is compared.
// Data is written by textContent only.

import { Actions } from "./history_actions.js";
import { Comparison } from "./history_comparison.js";
import { size } from "./history_row.js";
import { selection } from "./history_selection.js";
import { Table } from "./history_table.js";
import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const LISTED_EVERY = 3000;
const SECOND = 1000;

export function mountComparison(root, props, tell, watch) {
  const comparison = new Comparison(root.querySelector(".pp-panel"), props.plotly, tell.differ);
  watch("value", () => comparison.answer(props.value || {}));
  window.addEventListener("playground:compare", () => comparison.open());
}

export function mountTable(root, props, tell, watch) {
  const page = new Page(root, tell);
  const receive = () => page.receive(props.value || {});
  watch("value", receive);
  receive();
}

class Page {
  constructor(root, tell) {
    this.root = root;
    this.tell = tell;
    this.turn = 0;
    this.waiting = new Map(); // turn -> runs that wait for its answer
    this.table = new Table({ look: ({ run }) => tell.look({ run }), rename: (run, name) => this.ask("rename", [run], { run, name }) });
    this.actions = new Actions({
      compare: () => window.dispatchEvent(new Event("playground:compare")),
      rename: (run) => this.table.edit(run),
      use: (run) => this.ask("use", [run], { run }),
      free: (runs) => this.ask("free", runs, { runs }),
      restore: (runs) => this.ask("restore", runs, { runs }),
      erase: (runs) => this.ask("erase", runs, { runs }),
    });
    this.total = element("p", "pp-note ph-total");
    this.said = element("p", "ph-said");
    this.said.setAttribute("role", "status");
    this.wrong = element("p", "pp-error");
    this.wrong.setAttribute("role", "alert");
    this.wrong.hidden = true;
    root.querySelector(".pp-panel").replaceChildren(this.total, this.table.tools, this.actions.element, this.said, this.wrong, this.table.element);
    window.addEventListener("playground:runs", () => this.refresh());
    new IntersectionObserver(([seen]) => seen.isIntersecting && this.refresh()).observe(root);
    setInterval(() => this.visible() && this.table.age(), SECOND);
    this.refresh();
  }

  visible() {
    return !document.hidden && this.root.checkVisibility();
  }

  ask(what, runs, asked) {
    this.turn += 1;
    this.waiting.set(this.turn, runs);
    this.table.busy(runs, true);
    this.tell[what]({ ...asked, turn: this.turn });
  }

  /** What the server answered: who is looking, or how something went that was asked for. */
  async receive({ viewer, turn, refused, done, count, bytes }) {
    if (viewer) {
      this.table.setViewer(viewer);
      this.actions.setViewer(viewer);
    }
    if (!turn) return;
    this.wrong.textContent = playground.sentence(refused || "");
    this.wrong.hidden = !refused;
    this.said.textContent = done ? say(`history.done.${done}`, { count, size: size(bytes ?? 0) }) : "";
    await this.refresh(true);
    this.table.busy(this.waiting.get(turn) ?? [], false);
    this.waiting.delete(turn);
  }

  /** @param {boolean} fresh  whether a list of a second ago will not do */
  async refresh(fresh = false) {
    clearTimeout(this.timer);
    if (this.visible()) {
      try {
        const answer = await fetch(playground.url(fresh ? "history?fresh=1" : "history"), { cache: "no-cache" });
        const tag = answer.headers.get("etag");
        if (answer.ok && tag !== this.tag) {
          this.tag = tag;
          this.draw(await answer.json());
        }
      } catch {
        // the server is away; the chip in the header says so
      }
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), LISTED_EVERY);
  }

  draw({ entries, bytes, free }) {
    const runs = entries.filter(({ kind }) => kind === "run").length;
    const values = { runs: runs.toLocaleString(), evaluations: (entries.length - runs).toLocaleString(), size: size(bytes), free: size(free) };
    this.total.textContent = say("history.total", values);
    this.table.show(entries);
  }
}
