// The two panels of the Model tab: what was chosen, and what is loaded. Data is written by textContent only.

import { explained } from "./distribution_page.js";
import { bytes, count, element } from "./status.js";

const say = (key, values) => playground.text(key, values);

function factList(facts) {
  const list = element("dl", "pp-facts");
  for (const [name, value] of facts) {
    if (value === null || value === undefined || value === "") continue;
    const term = element("dt", "", say(`model.fact.${name}`));
    const hint = say(`model.fact.${name}.help`);
    if (hint !== `model.fact.${name}.help`) explained(term, () => hint);
    list.append(term, element("dd", "", value));
  }
  return list;
}

function verdict({ bytes: needed, available, fits, device }) {
  const key = fits ? "model.fits" : "model.fits.not";
  const line = element("p", fits ? "pp-verdict pp-good" : "pp-verdict pp-bad");
  line.textContent = say(key, { needed: bytes(needed), available: bytes(available), device });
  return line;
}

function choiceParts(choice) {
  const parts = [];
  if (choice.name) parts.push(element("p", "pp-note", say(`model.note.${choice.name}`)));
  const facts = factList([
    ["architecture", choice.architecture],
    ["parameters", choice.parameters && count(choice.parameters)],
    ["context", choice.context_length && say("model.tokens", { count: choice.context_length.toLocaleString() })],
    ["download", choice.local ? say("model.download.none") : choice.download_bytes && bytes(choice.download_bytes)],
    ["licence", choice.licence],
  ]);
  if (facts.childElementCount) parts.push(facts);
  if (choice.hint) parts.push(element("p", "pp-note", say(choice.hint)));
  if (choice.estimate) parts.push(verdict(choice.estimate));
  if (choice.error) {
    const line = element("p", "pp-error", playground.sentence(choice.error));
    line.setAttribute("role", "alert");
    parts.push(line);
  }
  return parts;
}

export function mountChoice(root, props, _tell, watch) {
  const draw = () => root.querySelector(".pp-panel")?.replaceChildren(...choiceParts(props.value || {}));
  watch("value", draw);
  draw();
}

function progressBar(status) {
  const box = element("div", "pp-progress");
  const bar = element("progress");
  bar.max = 1;
  if (typeof status.progress === "number") bar.value = status.progress;
  bar.setAttribute("aria-label", say("status.loading"));
  const stage = say(`model.stage.${status.stage || "start"}`);
  const words = status.title ? `${status.title} · ${stage}` : say(`status.${status.state}`);
  box.append(bar, element("p", "pp-note", words));
  return box;
}

// A model that comes in the background while another one is in use.
function arrivalParts({ state, title, stage, progress, error }) {
  const box = element("div", "pp-progress pp-arrival");
  const words = { title, stage: say(`model.stage.${stage}`) };
  box.append(element("p", "pp-note", say(`model.arrival.${state}`, words)));
  if (state === "arriving") {
    const bar = element("progress");
    bar.max = 1;
    if (typeof progress === "number") bar.value = progress;
    bar.setAttribute("aria-label", say("model.arrival.arriving", words));
    box.append(bar);
  }
  if (error) box.append(element("p", "pp-note", playground.sentence(error)));
  return box;
}

function loadedParts(status, template) {
  const parts = [];
  const info = status.info;
  if (info) {
    parts.push(element("h3", "pp-name", info.title));
    parts.push(factList([
      ["architecture", info.architecture],
      ["parameters", count(info.parameters)],
      ["dtype", info.dtype],
      ["device", info.device],
      ["memory", bytes(info.memory_bytes)],
      ["context", info.context_length && say("model.tokens", { count: info.context_length.toLocaleString() })],
      ["vocabulary", say("model.tokens", { count: info.vocabulary.toLocaleString() })],
      ["licence", status.licence],
      ["template", info.chat_template ? say("model.template.yes") : say("model.template.no")],
    ]));
    if (template) {
      const details = element("details", "pp-template");
      details.append(element("summary", "", say("model.template.show")), element("pre", "", template));
      parts.push(details);
    }
  }
  if (status.state === "loading" || status.state === "starting") parts.push(progressBar(status));
  if (status.state === "empty") parts.push(element("p", "pp-note", say("model.none")));
  if (status.state === "away") parts.push(element("p", "pp-error", say("status.away")));
  if (status.error) {
    const line = element("p", "pp-error", playground.sentence(status.error));
    line.setAttribute("role", "alert");
    parts.push(line);
  }
  if (status.arrival) parts.push(arrivalParts(status.arrival));
  return parts;
}

export function mountLoaded(root) {
  let shown = "";
  let template = { of: null, text: "" };
  const draw = async (status) => {
    const drawn = JSON.stringify([status, playground.language()]);
    if (drawn === shown) return;
    shown = drawn;
    const of = status.info?.chat_template ? JSON.stringify([status.info.title, status.info.vocabulary]) : null;
    if (of !== template.of) {
      template = { of, text: of ? await chatTemplate() : "" };
    }
    const open = root.querySelector("details")?.open ?? false;
    root.querySelector(".pp-panel").replaceChildren(...loadedParts(status, template.text));
    if (open && root.querySelector("details")) root.querySelector("details").open = true;
  };
  window.addEventListener("playground:status", ({ detail }) => draw(detail));
  if (playground.status) draw(playground.status);
}

async function chatTemplate() {
  const answer = await fetch(playground.url("template"), { cache: "no-store" });
  return answer.ok ? (await answer.json()).template : "";
}
