// The host's view of the audience page: the code that brings phones there, how many came, and what they see now.

import { element } from "./status.js";

const say = (key, values) => playground.text(key, values);
const EVERY_MS = 1500;
const room = (path = "") => playground.url(`../room${path}`);

export function mount(root) {
  const screen = new Screen(root.querySelector(".ps-screen"));
  screen.find();
  setInterval(() => screen.count(), EVERY_MS);
}

class Screen {
  constructor(panel) {
    this.panel = panel;
    this.phones = element("strong", "ps-number", "0");
    this.answers = element("strong", "ps-number", "0");
    const counts = element("p", "ps-counts");
    counts.append(this.phones, ` ${say("stage.phones")} `, this.answers, ` ${say("stage.answers")}`);
    this.address = element("a", "ps-address");
    this.address.target = "_blank";
    this.address.id = "stage-address";
    this.note = element("p", "pp-note");
    this.code = document.createElement("img");
    Object.assign(this.code, { alt: say("stage.code"), width: 200, height: 200, className: "ps-code", id: "stage-code" });
    const large = this.button("stage-large", say("stage.large"), () => this.enlarge());
    const hall = element("a", "ps-button", say("stage.hall"));
    Object.assign(hall, { href: `${room()}?hall`, target: "_blank", id: "stage-hall" });
    const buttons = element("div", "ps-buttons");
    buttons.append(large, hall);
    const words = element("div", "ps-words");
    words.append(element("p", "pp-name", say("stage.join")), this.address, this.note, counts, buttons);
    const head = element("div", "pp-card ps-head");
    head.append(this.code, words);
    this.preview = document.createElement("iframe");
    Object.assign(this.preview, { title: say("stage.preview"), className: "ps-preview", loading: "lazy" });
    this.dialog = this.enlarged();
    panel.replaceChildren(head, element("p", "pp-name ps-sees", say("stage.preview")), this.preview, this.dialog);
  }

  button(id, words, act) {
    const made = element("button", "ps-button", words);
    Object.assign(made, { type: "button", id });
    made.addEventListener("click", act);
    return made;
  }

  /** The code as large as the screen, black on white in both themes. */
  enlarged() {
    const dialog = element("dialog", "ps-dialog");
    dialog.setAttribute("aria-label", say("stage.code"));
    this.largeCode = document.createElement("img");
    Object.assign(this.largeCode, { alt: say("stage.code"), className: "ps-large" });
    this.largeAddress = element("p", "ps-large-address");
    dialog.append(this.largeCode, this.largeAddress, this.button("stage-small", say("stage.small"), () => dialog.close()));
    dialog.addEventListener("close", () => document.fullscreenElement && document.exitFullscreen());
    return dialog;
  }

  enlarge() {
    this.dialog.showModal();
    this.dialog.requestFullscreen?.().catch(() => {}); // where a frame may not, the dialog fills the window
  }

  /** Asks for the address that phones need, out of the one at which this page is seen. */
  async find() {
    const answer = await fetch(room(`/address?${new URLSearchParams({ seen: playground.url("..") })}`)).catch(() => null);
    if (!answer?.ok) {
      this.note.textContent = answer ? playground.sentence((await answer.json()).error) : say("stage.away");
      return;
    }
    const { address, reach } = await answer.json();
    const code = room(`/code?${new URLSearchParams({ of: address })}`);
    this.code.src = this.largeCode.src = code;
    this.address.href = address;
    this.address.textContent = this.largeAddress.textContent = address.replace(/^https?:\/\//, "");
    this.note.textContent = reach === "others" ? "" : say(`stage.reach.${reach}`);
    this.note.classList.toggle("ps-alone", reach === "machine");
  }

  async count() {
    if (document.hidden || !this.panel.offsetParent) return;
    if (!this.preview.src) this.preview.src = `${room()}?preview`;
    const found = await fetch(room("/count"), { cache: "no-store" }).then((answer) => answer.json(), () => null);
    if (!found) return;
    this.phones.textContent = found.phones;
    this.answers.textContent = found.answers;
  }
}
