// Says the sentences of errors in the reader's language, as playground/ui/sentences.py does: the server makes them in
// English. shell.js loads this where the page is not in English; `playground.sentence(text)` is then `translated`.

const PLACE = /\{(\d+)\}/;
const GAPS = [["\n", "\n"], [". ", " "]]; // between two sentences, and what of it is not the first one's
const MOST_PARTS = 30; // sentences that are looked at one by one; what has more is somebody's text
const DEEPEST = 4; // sentences within sentences
let whole = new Map();
let placed = [];

/** Reads the catalogue of the page's language. */
export async function load() {
  const answer = await fetch(playground.asset(`i18n/sentences/${playground.language()}.json`));
  if (!answer.ok) return;
  learn(await answer.json());
  playground.sentence = translated;
}

/** @param {Object<string, string>} written  English templates, and what they are in the page's language */
export function learn(written) {
  const made = Object.entries(written).map(([english, told]) => {
    const pieces = english.split(PLACE).filter((_, at) => at % 2 === 0);
    return { pieces, told: told.split(PLACE), rank: rankOf(pieces) };
  });
  whole = new Map(made.filter(({ pieces }) => pieces.length === 1).map(({ pieces, told }) => [pieces[0], told[0]]));
  placed = made.filter(({ pieces }) => pieces.length > 1).sort((a, b) => a.rank - b.rank);
}

/** Sorts those first whose beginning and end are their own, and of these those with the longest text. */
function rankOf(pieces) {
  const bounded = pieces[0] && (pieces.at(-1) || /[:.] $/.test(pieces.at(-2)));
  return (bounded ? 0 : 1e6) - pieces.join("").length;
}

/** An error's sentence in the page's language; in English where it is not known. */
export const translated = (sentence) => (typeof sentence === "string" ? (toldOf(sentence, DEEPEST) ?? sentence) : sentence);

/** A sentence, lines or sentences in a row, translated; null for what is not known. */
function toldOf(text, deep) {
  if (!deep) return null;
  let partly = null;
  for (const [gap, between] of GAPS) {
    const parts = partsOf(text, gap);
    if (parts.length === 1 || parts.length > MOST_PARTS) continue;
    const told = parts.map((part) => toldOf(part, deep - 1));
    if (!told.includes(null)) return told.join(between);
    if (told.some(Boolean)) partly ??= told.map((found, at) => found ?? parts[at]).join(between);
  }
  return sentenceOf(text, deep) ?? partly;
}

function sentenceOf(text, deep) {
  if (whole.has(text)) return whole.get(text);
  for (const { pieces, told } of placed) {
    const places = captured(pieces, text)?.map((place) => toldOf(place, deep - 1) ?? place);
    if (places) return told.map((piece, at) => (at % 2 ? places[piece] : piece)).join("");
  }
  return null;
}

/** What stands between the pieces of a text, each as short as can be; null where they are not there. */
function captured(pieces, text) {
  const [first, last] = [pieces[0], pieces.at(-1)];
  const end = text.length - last.length;
  if (first.length > end || !text.startsWith(first) || !text.endsWith(last)) return null;
  const found = [];
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const start = text.indexOf(piece, at);
    if (start < 0 || start + piece.length > end) return null;
    found.push(text.slice(at, start));
    at = start + piece.length;
  }
  return [...found, text.slice(at, end)];
}

/** Sentences, each with its stop. */
function partsOf(text, gap) {
  const parts = text.split(gap);
  return parts.map((part, at) => (at < parts.length - 1 ? part + gap.trimEnd() : part));
}
