/** The list of fixtures: order, filter, and where the cursor is. */
import type { FixtureEntry } from "./fixture.svelte";
import { filterFixtures, type Sort, sortFixtures } from "./order";
import type { DeskStore } from "./store.svelte";

export class FixtureListState {
  sort = $state<Sort>("worst_loss");
  filter = $state("");
  cursorId = $state("");
  /** The end of the scale that all bars of the list share. */
  worstLossMinorMax = $state(1);
  /** Rows keep their places while the pointer is on them. */
  isHeld = $state(false);
  #sorted = $state.raw<readonly FixtureEntry[]>([]);
  readonly rows = $derived(filterFixtures(this.#sorted, this.filter));
  readonly #store: DeskStore;

  constructor(store: DeskStore) {
    this.#store = store;
  }

  get cursorIndex(): number {
    return this.rows.findIndex((fixture) => fixture.fixtureId === this.cursorId);
  }

  chooseSort(sort: Sort): void {
    this.sort = sort;
    this.#order();
  }

  /** Puts rows in order again; call once a second and when fixtures came or went. */
  refresh(): void {
    const isSameFixtures = this.#sorted.length === this.#store.fixtures.length;
    if (!this.isHeld || !isSameFixtures) this.#order();
    this.worstLossMinorMax = this.#store.fixtures.reduce((most, { worstLossMinor }) => Math.max(most, worstLossMinor), 1);
  }

  /** Moves the cursor by so many rows, within the list; the first step lands on the first row. */
  step(by: number): void {
    const index = this.cursorIndex;
    const next = index < 0 ? 0 : Math.min(this.rows.length - 1, Math.max(0, index + by));
    this.cursorId = this.rows[next]?.fixtureId ?? "";
  }

  #order(): void {
    this.#sorted = sortFixtures(this.#store.fixtures, this.sort);
  }
}
