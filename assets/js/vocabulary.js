/** The texts of all tokens of a tokenizer by id, fetched once. */

const VOCABULARIES = new Map();

/** @param {string} id  that of a picture's value @returns {Promise<string[]>} */
export async function vocabulary(id) {
  if (!VOCABULARIES.has(id)) {
    const answer = await fetch(playground.url(`vocabulary?id=${encodeURIComponent(id)}`));
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error);
    VOCABULARIES.set(id, body);
  }
  return VOCABULARIES.get(id);
}
