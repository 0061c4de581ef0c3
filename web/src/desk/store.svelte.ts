/**
 * All that the desk shows, by key.
 *
 * Updates wait, the newest of each key wins, and everything that waits is drawn once an animation frame.
 */
import type { Book } from "../odds/book";
import { onNextFrame, type Scheduler } from "../odds/books.svelte";
import type { FixtureLiability, FixtureWorstLoss } from "../risk/liability";
import { UNKNOWN_CURRENCY } from "../shared/format";
import type { DeskFigures, DeskUpdate, Explanation, PricingPart, ProviderSign } from "../trading/desk";
import { FixtureEntry, OpenFixture } from "./fixture.svelte";
import { type PricingPause, pricingPause } from "./pricing";

/** A new connection's snapshot is complete when no message has named an older fixture for this long. */
const SNAPSHOT_SETTLES_MS = 3_000;
const LIABILITIES_MAX = 20_000;

export interface DeskStoreListeners {
  /** Called for each book that was drawn. */
  onBook(book: Book): void;
  /** Called with all the books of a frame and the time at which it was drawn. */
  onDrawn(books: readonly Book[], nowMs: number): void;
}

export class DeskStore {
  /** In no order; replaced when a fixture comes or goes, not when something in one changes. */
  fixtures = $state.raw<readonly FixtureEntry[]>([]);
  providers = $state.raw<readonly ProviderSign[]>([]);
  figures = $state.raw<DeskFigures | null>(null);
  open = $state.raw<OpenFixture | null>(null);
  /** What all positions are reckoned in, as far as any has come. */
  currency = $state(UNKNOWN_CURRENCY);
  /** What of pricing stands still; null while all of it works. */
  pause = $state.raw<PricingPause | null>(null);
  /** Whether the snapshot of a connection has been drawn. */
  isLoaded = $state(false);
  /** The server's clock less this machine's. */
  clockOffsetMs = 0;
  /** The server's clock when it last said anything. */
  saidTimeMs = 0;
  listeners: DeskStoreListeners = { onBook: () => undefined, onDrawn: () => undefined };
  readonly #entries = new Map<string, FixtureEntry>();
  readonly #providers = new Map<string, ProviderSign>();
  /** Of fixtures that are not known as well: their books may come later. */
  readonly #liabilities = new Map<string, FixtureLiability>();
  readonly #worstLosses = new Map<string, FixtureWorstLoss>();
  /** The part of pricing of each fixture. */
  readonly #parts = new Map<string, number>();
  #pricing: readonly PricingPart[] = [];
  readonly #waitingBooks = new Map<string, Book>();
  readonly #waitingLiabilities = new Map<string, FixtureLiability>();
  readonly #waitingWorstLosses = new Map<string, FixtureWorstLoss>();
  #waitingExplanation: Explanation | null = null;
  #waitingFigures: DeskFigures | null = null;
  #areProvidersChanged = false;
  #removed: string[] = [];
  #openId = "";
  #generation = 0;
  #olderSeenMs = 0;
  #isSwept = true;
  #isScheduled = false;
  readonly #schedule: Scheduler;
  readonly #now: () => number;

  constructor(schedule: Scheduler = onNextFrame, now: () => number = Date.now) {
    this.#schedule = schedule;
    this.#now = now;
  }

  get serverNowMs(): number {
    return this.#now() + this.clockOffsetMs;
  }

  fixture(fixtureId: string): FixtureEntry | undefined {
    // Reading the list makes whoever asks follow fixtures that come and go.
    return this.fixtures.length >= 0 ? this.#entries.get(fixtureId) : undefined;
  }

  /** Shows this fixture in full, "" for none, as soon as its book is here. */
  openFixture(fixtureId: string): void {
    this.#openId = fixtureId;
    if (this.open?.entry.fixtureId === fixtureId) return;
    const entry = this.#entries.get(fixtureId);
    this.open = entry ? new OpenFixture(entry, this.#now()) : null;
  }

  /** A new connection starts with everything; fixtures that it does not name are over. */
  beginSnapshot(): void {
    this.#generation += 1;
    this.#isSwept = false;
    this.#olderSeenMs = this.#now();
  }

  put(update: DeskUpdate): void {
    this.clockOffsetMs = update.serverTimeMs - this.#now();
    this.saidTimeMs = update.serverTimeMs;
    update.books.forEach((book, index) => this.#parts.set(book.fixtureId, update.bookParts[index] ?? -1));
    if (update.pricing.length > 0) this.#pricing = update.pricing;
    for (const loss of update.worstLosses) this.#waitingWorstLosses.set(loss.fixtureId, loss);
    for (const book of update.books) {
      const waiting = this.#waitingBooks.get(book.fixtureId);
      if (!waiting || waiting.version <= book.version) this.#waitingBooks.set(book.fixtureId, book);
    }
    for (const liability of update.liabilities) this.#waitingLiabilities.set(liability.fixtureId, liability);
    for (const sign of update.providers) this.#providers.set(sign.providerId, sign);
    this.#areProvidersChanged ||= update.providers.length > 0;
    this.#waitingExplanation = update.explanation ?? this.#waitingExplanation;
    this.#waitingFigures = update.figures ?? this.#waitingFigures;
    this.#removed.push(...update.removedFixtureIds);
    this.#scheduleDraw();
  }

  /** Lets moves grow old and histories show; call once a second. */
  tick(): void {
    const nowMs = this.#now();
    for (const entry of this.#entries.values()) entry.tick(nowMs);
    this.open?.tick();
  }

  #scheduleDraw(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#schedule(() => {
      this.#isScheduled = false;
      this.#draw();
    });
  }

  #draw(): void {
    const nowMs = this.#now();
    const countBefore = this.#entries.size;
    const books = [...this.#waitingBooks.values()];
    this.#waitingBooks.clear();
    for (const book of books) this.#drawBook(book, nowMs);
    this.#drawLiabilities();
    this.#drawWorstLosses();
    this.#drawPause();
    const isShorter = this.#drop(this.#removed.splice(0)) || this.#sweep(nowMs);
    if (isShorter || this.#entries.size !== countBefore) this.fixtures = [...this.#entries.values()];
    this.#drawRest();
    if (!this.open && this.#openId) this.openFixture(this.#openId);
    this.isLoaded = true;
    this.listeners.onDrawn(books, nowMs);
  }

  #drawBook(book: Book, nowMs: number): void {
    let entry = this.#entries.get(book.fixtureId);
    if (!entry) {
      entry = new FixtureEntry(book, nowMs);
      entry.liability = this.#liabilities.get(book.fixtureId) ?? null;
      entry.worstLoss = this.#worstLosses.get(book.fixtureId) ?? null;
      this.#entries.set(book.fixtureId, entry);
    } else if (entry.take(book, nowMs) && this.open?.entry === entry) {
      this.open.take(book, nowMs);
    }
    if (entry.generation < this.#generation) {
      entry.generation = this.#generation;
      this.#olderSeenMs = nowMs;
    }
    this.listeners.onBook(book);
  }

  #drawLiabilities(): void {
    for (const liability of this.#waitingLiabilities.values()) {
      const held = this.#liabilities.get(liability.fixtureId);
      if (held && held.version > liability.version) continue;
      this.#liabilities.delete(liability.fixtureId);
      this.#liabilities.set(liability.fixtureId, liability);
      const entry = this.#entries.get(liability.fixtureId);
      if (entry) entry.liability = liability;
      this.currency = liability.currency;
    }
    this.#waitingLiabilities.clear();
    dropOldest(this.#liabilities, LIABILITIES_MAX);
  }

  #drawWorstLosses(): void {
    for (const [fixtureId, loss] of this.#waitingWorstLosses) {
      this.#worstLosses.delete(fixtureId);
      this.#worstLosses.set(fixtureId, loss);
      const entry = this.#entries.get(fixtureId);
      if (entry) entry.worstLoss = loss;
    }
    this.#waitingWorstLosses.clear();
    dropOldest(this.#worstLosses, LIABILITIES_MAX);
  }

  #drawPause(): void {
    const isWorking = this.#pricing.every((part) => part.isLive);
    if (isWorking && this.pause === null) return;
    let pausedCount = 0;
    for (const entry of this.#entries.values()) {
      entry.isPaused = !isWorking && !this.#pricing[this.#parts.get(entry.fixtureId) ?? -1]?.isLive;
      if (entry.isPaused && entry.tone !== "over") pausedCount += 1;
    }
    const pause = pricingPause(this.#pricing, pausedCount);
    const isSame = pause?.heardTimeMs === this.pause?.heardTimeMs && pause?.fixtureCount === this.pause?.fixtureCount;
    if (!isSame || pause?.isWhole !== this.pause?.isWhole) this.pause = pause;
  }

  #drawRest(): void {
    if (this.#areProvidersChanged) this.providers = [...this.#providers.values()];
    this.#areProvidersChanged = false;
    this.figures = this.#waitingFigures ?? this.figures;
    const explanation = this.#waitingExplanation;
    this.#waitingExplanation = null;
    if (!explanation) return;
    this.#entries.get(explanation.fixtureId)?.takeExplanation(explanation);
    if (this.open?.entry.fixtureId === explanation.fixtureId) this.open.explanation = explanation;
  }

  #sweep(nowMs: number): boolean {
    if (this.#isSwept || nowMs - this.#olderSeenMs < SNAPSHOT_SETTLES_MS) return false;
    this.#isSwept = true;
    const old = [...this.#entries.values()].filter((entry) => entry.generation < this.#generation);
    return this.#drop(old.map((entry) => entry.fixtureId));
  }

  #drop(fixtureIds: readonly string[]): boolean {
    for (const fixtureId of fixtureIds) {
      this.#entries.delete(fixtureId);
      this.#parts.delete(fixtureId);
      if (this.open?.entry.fixtureId === fixtureId) this.open = null;
    }
    return fixtureIds.length > 0;
  }
}

function dropOldest<Value>(map: Map<string, Value>, sizeMax: number): void {
  for (const key of map.keys()) {
    if (map.size <= sizeMax) break;
    map.delete(key);
  }
}
