/**
 * The tree of beginnings that rollouts share. Tokens that always follow one another are one node.
 *
 * @typedef {Object} Node
 * @property {number[]} ids     tokens of this node
 * @property {number} length    tokens from the prompt to its end
 * @property {number} log       ln of the exact probability that the policy draws this beginning
 * @property {number[]} rows    rollouts that begin so
 * @property {Node[]} children  most rollouts first; rollouts that end here have none
 * @property {?Node} parent
 * @property {number} level     nodes above it
 */

/** @param {{ids: number[], logs: number[]}[]} rollouts @returns {Node} the root, which is the prompt */
export function prefixTree(rollouts) {
  const root = { ids: [], length: 0, log: 0, rows: rollouts.map((_, at) => at), children: [], parent: null, level: 0 };
  grow(root, rollouts);
  return root;
}

function grow(root, rollouts) {
  const open = [root];
  while (open.length) {
    const node = open.pop();
    const groups = grouped(node.rows, rollouts, node.length);
    for (const rows of groups) {
      const child = { ids: [], length: node.length, log: node.log, rows, children: [], parent: node, level: node.level + 1 };
      const [row] = rows;
      do {
        child.ids.push(rollouts[row].ids[child.length]);
        child.log += rollouts[row].logs[child.length];
        child.length += 1;
      } while (together(rows, rollouts, child.length));
      node.children.push(child);
      open.push(child);
    }
  }
}

/** Rollouts by their token at a place, the largest group first; those that have ended are in none. */
function grouped(rows, rollouts, place) {
  const groups = new Map();
  for (const row of rows) {
    const token = rollouts[row].ids[place];
    if (token === undefined) continue;
    if (!groups.has(token)) groups.set(token, []);
    groups.get(token).push(row);
  }
  return [...groups.values()].sort((one, other) => other.length - one.length || one[0] - other[0]);
}

/** Whether all these rollouts go on, and with the same token. */
function together(rows, rollouts, place) {
  const token = rollouts[rows[0]].ids[place];
  return token !== undefined && rows.every((row) => rollouts[row].ids[place] === token);
}

/** Every node below one, parents first. @param {Node} root @returns {Node[]} */
export function below(root) {
  const found = [];
  const open = [...root.children];
  while (open.length) {
    const node = open.shift();
    found.push(node);
    open.unshift(...node.children);
  }
  return found;
}
