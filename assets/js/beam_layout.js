/**
 * Where each candidate of a search stands: a column per step, and within it the order of its parents, so that no two
 * lines cross. Columns are as close to their parents as that and the height of the whole allow.
 */

export const MOST_DROPPED = 600;
/** Dropped candidates that are drawn in the whole tree; those that stay are always drawn. */

export class Layout {
  /** @param {boolean} dropped  whether dropped candidates are drawn at all */
  constructor(longest, dropped) {
    this.perStep = dropped ? Math.max(1, Math.floor(MOST_DROPPED / longest)) : 0;
    this.columns = [[-1]];
    this.rows = new Map([[-1, 0]]);
    this.top = this.bottom = 0;
    this.left = 0;
  }

  /** Places the next column of a search. */
  add(search) {
    const step = this.columns.length;
    const shown = new Set(this.chosen(search, step));
    const column = this.columns.at(-1).flatMap((parent) => search.children(parent).filter((at) => shown.has(at)));
    const wanted = column.map((at) => {
      const siblings = search.children(search.parents[at]).filter((other) => shown.has(other));
      return this.rows.get(search.parents[at]) + siblings.indexOf(at) - (siblings.length - 1) / 2;
    });
    const most = Math.min(search.width, 2 * search.beams + this.perStep);
    spread(wanted, most).forEach((row, place) => this.rows.set(column[place], row));
    this.columns.push(column);
    this.top = Math.min(this.top, this.rows.get(column[0]) ?? 0);
    this.bottom = Math.max(this.bottom, this.rows.get(column.at(-1)) ?? 0);
    return column;
  }

  /** All of a step's candidates that stay or finish, and the best few of the others. */
  chosen(search, step) {
    let room = this.perStep;
    const found = search.places(step).filter((at) => search.fates[at] === "kept" || search.fates[at] === "finished" || room-- > 0);
    this.left += search.width - found.length;
    return found;
  }
}

/**
 * Rows at least one apart, in the given order, within `most` rows around 0, whose squared distances from the wanted
 * ones are least.
 *
 * With one taken off per place, "at least one apart" becomes "never falling": isotonic regression, by pooling
 * adjacent violators (Barlow et al. 1972). Bounds are then a matter of cutting off what is beyond them.
 */
export function spread(wanted, most) {
  const pools = [];
  wanted.forEach((row, place) => {
    pools.push({ sum: row - place, size: 1 });
    while (pools.length > 1 && mean(pools.at(-2)) > mean(pools.at(-1))) {
      const { sum, size } = pools.pop();
      pools.at(-1).sum += sum;
      pools.at(-1).size += size;
    }
  });
  const highest = (1 - most) / 2;
  const lowest = Math.max(highest, (most + 1) / 2 - wanted.length);
  const within = (row) => Math.min(Math.max(row, highest), lowest);
  return pools.flatMap((pool) => Array(pool.size).fill(within(mean(pool)))).map((row, place) => row + place);
}

const mean = ({ sum, size }) => sum / size;
