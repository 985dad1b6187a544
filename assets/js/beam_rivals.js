/** How probable the best beam is beside greedy's text and texts drawn from the model, and what that is worth. */

import { chance, nats, times, written } from "./beam_facts.js";
import { count, make, text } from "./distribution_page.js";

export class Rivals {
  constructor() {
    this.sentences = make("div", { class: "pgb-sentences", role: "status" });
    this.rows = make("tbody", {});
    const heads = ["who", "chance", "log", "each", "tokens", "words"].map((name) => make("th", { scope: "col" }, text(`beam.rival_${name}`)));
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), this.rows);
    this.table = make("div", { class: "pgb-wide", tabindex: 0, role: "region", "aria-label": text("beam.rivals") }, table);
    this.element = make("section", { class: "pgb-rivals" }, make("h2", {}, text("beam.rivals")), this.sentences, this.table);
  }

  /** @param {import("./beam_search.js").Search} search  that is over; its rivals may still be on their way */
  draw(search) {
    this.element.hidden = !search.over;
    if (!search.over) return;
    const at = search.finished[0];
    const best = { ids: search.line(at), score: search.scores[at] };
    const drawn = [...search.drawn].sort((one, other) => other.score - one.score);
    const sentences = [...againstGreedy(search, best), ...againstDrawn(best, drawn), text("beam.better")];
    this.sentences.replaceChildren(...sentences.map((sentence) => make("p", {}, sentence)));
    const middle = drawn[Math.floor((drawn.length - 1) / 2)];
    const rivals = [["best", best], ["greedy", search.greedy], ["drawn_first", drawn[0]], ["drawn_middle", middle], ["drawn_last", drawn.at(-1)]];
    this.rows.replaceChildren(...rivals.filter(([, rival]) => rival).map(([who, rival]) => row(who, rival, search.texts)));
  }
}

function row(who, { ids, score }, texts) {
  const numbers = [chance(score), nats(score, 2), nats(score / ids.length, 3), count(ids.length)];
  const words = make("td", { class: "pgb-words" }, written(ids, texts));
  return make("tr", { "data-rival": who }, make("th", { scope: "row" }, text(`beam.who_${who}`)), ...numbers.map((number) => make("td", {}, number)), words);
}

function againstGreedy(search, best) {
  if (search.beams === 1) return [text("beam.greedy_is_it")];
  const { greedy } = search;
  if (!greedy) return [text(search.stopped ? "beam.comparison_stopped" : "beam.comparing")];
  if (greedy.ids.join() === best.ids.join()) return [text("beam.greedy_same", { chance: chance(best.score) })];
  const numbers = { chance: chance(best.score), greedy: chance(greedy.score), tokens: count(best.ids.length), greedy_tokens: count(greedy.ids.length) };
  const likelier = best.score >= greedy.score;
  const said = text(likelier ? "beam.greedy_less" : "beam.greedy_more", { ...numbers, times: times(Math.abs(best.score - greedy.score)) });
  const scores = text("beam.greedy_scores", { score: nats(search.score(best), 4), greedy_score: nats(search.score(greedy), 4) });
  return [`${said} ${scores} ${left(search, greedy)}`];
}

/** Where greedy's text left the beams. */
function left(search, greedy) {
  const at = search.follow(greedy.ids);
  if (at >= 0 && search.step(at) === greedy.ids.length && search.fates[at] === "finished") {
    const place = search.finished.indexOf(at) + 1;
    return place ? text("beam.greedy_finished", { place }) : text("beam.greedy_beaten", { beams: search.beams });
  }
  const step = at < 0 ? 1 : search.fates[at] === "kept" ? search.step(at) + 1 : search.step(at);
  return text("beam.greedy_left", { step });
}

function againstDrawn(best, drawn) {
  if (!drawn.length) return [];
  const less = drawn.filter(({ score }) => score < best.score).length;
  const middle = drawn[Math.floor((drawn.length - 1) / 2)];
  const numbers = { count: count(drawn.length), less: count(less), middle: chance(middle.score), times: times(Math.abs(best.score - middle.score)) };
  return [text(best.score >= middle.score ? "beam.drawn_less" : "beam.drawn_more", numbers)];
}
