/** How much a fixture moves: price changes in the last ten seconds, by the second. */

const WINDOW_S = 10;

export class MoveCount {
  readonly #bins = new Uint32Array(WINDOW_S);
  #second = 0;

  add(count: number, nowMs: number): void {
    this.#advance(nowMs);
    const place = this.#second % WINDOW_S;
    this.#bins[place] = (this.#bins[place] ?? 0) + count;
  }

  total(nowMs: number): number {
    this.#advance(nowMs);
    return this.#bins.reduce((sum, count) => sum + count, 0);
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const passed = Math.min(second - this.#second, WINDOW_S);
    for (let step = 0; step < passed; step++) this.#bins[(second - step) % WINDOW_S] = 0;
    this.#second = Math.max(this.#second, second);
  }
}

/** Outcomes whose price differs between two columns of one layout; an outcome that comes or goes is no move. */
export function countMoves(before: Uint32Array, after: Uint32Array): number {
  let count = 0;
  for (let offset = 0; offset < after.length; offset++) {
    const [was, is] = [before[offset] ?? 0, after[offset] ?? 0];
    if (was !== is && was > 0 && is > 0) count++;
  }
  return count;
}
