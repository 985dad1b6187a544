/**
 * A conversation with two answers to every message, as a tree: a message that is edited, or asked again, stands beside
 * the one it was made from, and nothing that was said is lost. No DOM.
 *
 * A turn: `{id, parent, user, attempt, base, tuned, state, …}`, `parent` -1 for a first one, `state` one of "answering",
 * "done", "stopped", "cut" (by a reload) and "error".
 */

export const SIDES = ["base", "tuned"];
const MOST = 300; // turns that are kept, branches included

export class Conversation {
  constructor(saved = {}) {
    this.turns = Array.isArray(saved.turns) ? saved.turns.filter(sound).map((turn) => ({ ...turn, state: turn.state === "answering" ? "cut" : turn.state })) : [];
    this.leaf = this.get(saved.leaf) ? saved.leaf : (this.turns.at(-1)?.id ?? -1);
    this.next = 1 + Math.max(-1, ...this.turns.map(({ id }) => id));
    if (this.turns.some(({ parent }) => parent !== -1 && !this.get(parent))) Object.assign(this, { turns: [], leaf: -1, next: 0 });
  }

  get(id) {
    return this.turns.find((turn) => turn.id === id);
  }

  /** The turns that are shown, from the first on. */
  path(leaf = this.leaf) {
    const found = [];
    for (let turn = this.get(leaf); turn; turn = this.get(turn.parent)) found.unshift(turn);
    return found;
  }

  /** A new message behind a turn, by default at the end. */
  say(user, parent = this.leaf, attempt = 0) {
    const turn = { id: this.next++, parent, user, attempt, base: "", tuned: "", state: "answering" };
    this.turns.push(turn);
    this.leaf = turn.id;
    this.thin();
    return turn;
  }

  /** The same message once more, with other random numbers. */
  again(turn) {
    const tries = this.beside(turn).filter(({ user }) => user === turn.user).map(({ attempt }) => attempt);
    return this.say(turn.user, turn.parent, 1 + Math.max(...tries));
  }

  /** A turn and its others: what was said instead of it. */
  beside({ parent }) {
    return this.turns.filter((turn) => turn.parent === parent);
  }

  /** Shows another of those beside a turn, with the newest of what followed it. */
  turnTo(turn) {
    let last = turn;
    for (let found; (found = this.turns.findLast(({ parent }) => parent === last.id)); ) last = found;
    this.leaf = last.id;
  }

  /** Messages up to a turn's own, as one side has heard and answered them. */
  messages(turn, side) {
    const before = this.path(turn.parent).flatMap((one) => [{ role: "user", content: one.user }, { role: "assistant", content: one[side] }]);
    return [...before, { role: "user", content: turn.user }];
  }

  /** What is shown, for a file. */
  document() {
    const path = this.path();
    const whole = (side) => path.flatMap((turn) => [{ role: "user", content: turn.user }, { role: "assistant", content: turn[side] }]);
    const turns = path.map(({ user, base, tuned, state, model, run, strength, form, strategy, attempt }) => ({ user, base, tuned, state, model, run, strength, form, strategy, attempt }));
    return { messages: { base: whole("base"), tuned: whole("tuned") }, turns };
  }

  saved() {
    return { turns: this.turns, leaf: this.leaf };
  }

  /** Of very many turns the oldest branches that are not shown go first. */
  thin() {
    const shown = new Set(this.path().map(({ id }) => id));
    while (this.turns.length > MOST) {
      const ends = this.turns.filter(({ id }) => !shown.has(id) && !this.turns.some(({ parent }) => parent === id));
      if (!ends.length) return;
      this.turns = this.turns.filter((turn) => turn !== ends[0]);
    }
  }
}

const sound = (turn) => Number.isInteger(turn?.id) && Number.isInteger(turn.parent) && ["user", ...SIDES].every((name) => typeof turn[name] === "string");
