/**
 * Books on the screen, state per outcome.
 *
 * Updates wait by fixture, the newest wins, and are drawn once an animation frame. Each number is a signal of its own,
 * so that a cell that did not change is not touched.
 */
import type { Book, BookLayout, FixtureDescription, MatchState, TraderSuspension } from "./book";
import { MarketStatus, SuspensionReason } from "./book";

/** How long a move shows its direction. */
export const DIRECTION_SHOWN_MS = 3_000;
const SWEEP_EVERY_MS = 500;

export type Direction = -1 | 0 | 1;

export class OutcomeView {
  readonly outcomeId: string;
  decimalOddsMilli = $state(0);
  /** 1 longer, -1 shorter than before its last move; 0 once that is 3 s ago. */
  direction = $state<Direction>(0);
  /** When the price last moved on this screen; 0 for never. */
  movedTimeMs = $state(0);

  constructor(outcomeId: string) {
    this.outcomeId = outcomeId;
  }
}

export class MarketView {
  readonly marketId: string;
  readonly outcomes: readonly OutcomeView[];
  status = $state<MarketStatus>(MarketStatus.UNSPECIFIED);
  suspensionReason = $state<SuspensionReason>(SuspensionReason.UNSPECIFIED);
  /** Version of the newest book that these prices stand in. */
  bookVersion = 0;

  constructor(marketId: string, outcomeIds: readonly string[]) {
    this.marketId = marketId;
    this.outcomes = outcomeIds.map((outcomeId) => new OutcomeView(outcomeId));
  }

  get isOpen(): boolean {
    return this.status === MarketStatus.OPEN;
  }

  outcome(outcomeId: string): OutcomeView | undefined {
    return this.outcomes.find((outcome) => outcome.outcomeId === outcomeId);
  }
}

export class FixtureView {
  readonly fixtureId: string;
  description = $state.raw<FixtureDescription>() as FixtureDescription;
  state = $state.raw<MatchState>() as MatchState;
  markets = $state.raw<readonly MarketView[]>([]);
  traderSuspensions = $state.raw<readonly TraderSuspension[]>([]);
  version = $state.raw(0);
  /** When the newest book was published, by the server's clock. */
  publishedTimeMs = 0;
  /** When the state (score, clock) arrived, by this machine's clock. */
  stateTimeMs = $state.raw(0);
  /** The snapshot that last named it; see BookStore.beginSnapshot. */
  generation = 0;
  /** Whether every market is here, not the main one alone. */
  isWhole = $state(false);
  #layout: BookLayout | null = null;

  constructor(book: Book) {
    this.fixtureId = book.fixtureId;
    this.description = book.description;
    this.state = book.state;
  }

  market(marketId: string): MarketView | undefined {
    return this.markets.find((market) => market.marketId === marketId);
  }

  /** Takes in a book; calls `onMove` for each outcome whose price moved. */
  apply(book: Book, isWhole: boolean, nowMs: number, onMove: (outcome: OutcomeView) => void): void {
    if (book.version >= this.version) this.#applyFixture(book, nowMs);
    if (isWhole && book.layout !== this.#layout && book.version >= this.version) this.#applyLayout(book.layout);
    else if (this.markets.length === 0) this.markets = marketViews(book.layout, this.markets);
    this.#applyMarkets(book, nowMs, onMove);
  }

  #applyFixture(book: Book, nowMs: number): void {
    this.version = book.version;
    this.publishedTimeMs = book.publishedTimeMs;
    if (!isSame(this.description, book.description)) this.description = book.description;
    if (!isSame(this.state, book.state) || this.stateTimeMs === 0) {
      this.state = book.state;
      this.stateTimeMs = nowMs;
    }
    if (this.traderSuspensions.length > 0 || book.traderSuspensions.length > 0) {
      this.traderSuspensions = book.traderSuspensions;
    }
  }

  #applyLayout(layout: BookLayout): void {
    this.#layout = layout;
    this.isWhole = true;
    this.markets = marketViews(layout, this.markets);
  }

  #applyMarkets(book: Book, nowMs: number, onMove: (outcome: OutcomeView) => void): void {
    const { marketIds, outcomeStarts } = book.layout;
    for (let index = 0; index < marketIds.length; index++) {
      const marketId = marketIds[index] as string;
      const atSamePlace = this.markets[index];
      const market = atSamePlace?.marketId === marketId ? atSamePlace : this.market(marketId);
      if (!market || book.version < market.bookVersion) continue;
      applyMarket(market, book, index, outcomeStarts[index] ?? 0, nowMs, onMove);
    }
  }
}

function applyMarket(
  market: MarketView,
  book: Book,
  index: number,
  outcomeStart: number,
  nowMs: number,
  onMove: (outcome: OutcomeView) => void,
): void {
  const isFirst = market.bookVersion === 0;
  market.bookVersion = book.version;
  market.status = book.marketStatuses[index] ?? 0;
  market.suspensionReason = book.suspensionReasons[index] ?? 0;
  for (let place = 0; place < market.outcomes.length; place++) {
    const outcome = market.outcomes[place] as OutcomeView;
    const now = book.decimalOddsMilli[outcomeStart + place] ?? 0;
    const before = outcome.decimalOddsMilli;
    if (now === before) continue;
    outcome.decimalOddsMilli = now;
    if (isFirst || before === 0 || now === 0) continue;
    outcome.direction = now > before ? 1 : -1;
    outcome.movedTimeMs = nowMs;
    onMove(outcome);
  }
}

/** Views for a layout; those that were there before and have the same outcomes stay. */
function marketViews(layout: BookLayout, before: readonly MarketView[]): readonly MarketView[] {
  const known = new Map(before.map((market) => [market.marketId, market]));
  return layout.marketIds.map((marketId, index) => {
    const outcomeIds = layout.outcomeIds.slice(layout.outcomeStarts[index], layout.outcomeStarts[index + 1]);
    const market = known.get(marketId);
    const isSameMarket =
      market?.outcomes.length === outcomeIds.length &&
      market.outcomes.every((outcome, place) => outcome.outcomeId === outcomeIds[place]);
    return isSameMarket ? market : new MarketView(marketId, outcomeIds);
  });
}

function isSame<Shape extends object>(a: Shape, b: Shape): boolean {
  return (Object.keys(a) as (keyof Shape)[]).every((key) => {
    const [left, right] = [a[key], b[key]];
    if (left instanceof Map && right instanceof Map) {
      return left.size === right.size && [...left].every(([id, name]) => right.get(id) === name);
    }
    return left === right || isSameSport(left, right);
  });
}

/** Draws at the next animation frame; a page nobody looks at gets no frames, so it draws once a second. */
export type Scheduler = (draw: () => void) => void;

export const onNextFrame: Scheduler = (draw) => {
  if (document.visibilityState === "visible") requestAnimationFrame(draw);
  else setTimeout(draw, 1_000);
};

export class BookStore {
  /** In no order; replaced when a fixture comes or goes, not when a price moves. */
  fixtures = $state.raw<readonly FixtureView[]>([]);
  /** Called after each draw with the fixtures drawn: for measuring. */
  onDrawn: ((books: readonly Book[]) => void) | null = null;
  readonly #byId = new Map<string, FixtureView>();
  readonly #waiting = new Map<string, { book: Book; isWhole: boolean }>();
  readonly #moved = new Set<OutcomeView>();
  readonly #schedule: Scheduler;
  readonly #now: () => number;
  #isScheduled = false;
  #generation = 0;
  #sweep: ReturnType<typeof setInterval> | null = null;

  constructor(schedule: Scheduler = onNextFrame, now: () => number = Date.now) {
    this.#schedule = schedule;
    this.#now = now;
  }

  fixture(fixtureId: string): FixtureView | undefined {
    // Reading the list makes whoever asks follow fixtures that come and go.
    return this.fixtures.length >= 0 ? this.#byId.get(fixtureId) : undefined;
  }

  /** Queues books; `isWhole` where they carry every market of their fixtures. */
  put(books: readonly Book[], isWhole: boolean): void {
    for (const book of books) {
      // A list's main market and a page's whole book of one fixture are different things and both wait.
      const key = `${isWhole ? "whole" : "main"}|${book.fixtureId}`;
      const waiting = this.#waiting.get(key);
      if (!waiting || waiting.book.version <= book.version) this.#waiting.set(key, { book, isWhole });
    }
    if (this.#waiting.size > 0) this.#scheduleDraw();
  }

  remove(fixtureIds: readonly string[]): void {
    if (fixtureIds.length === 0) return;
    for (const fixtureId of fixtureIds) {
      this.#byId.delete(fixtureId);
      this.#waiting.delete(`main|${fixtureId}`);
      this.#waiting.delete(`whole|${fixtureId}`);
    }
    this.fixtures = [...this.#byId.values()];
  }

  /** A new connection starts with every current book; what it does not name by `endSnapshot` is over. */
  beginSnapshot(): number {
    this.#generation += 1;
    return this.#generation;
  }

  endSnapshot(generation: number, keptFixtureIds: readonly string[]): void {
    if (generation !== this.#generation) return;
    const kept = new Set(keptFixtureIds);
    this.remove(
      this.fixtures
        .filter((fixture) => fixture.generation < generation && !kept.has(fixture.fixtureId))
        .map((fixture) => fixture.fixtureId),
    );
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
    const countBefore = this.#byId.size;
    for (const { book, isWhole } of this.#waiting.values()) {
      let view = this.#byId.get(book.fixtureId);
      if (!view) {
        view = new FixtureView(book);
        this.#byId.set(book.fixtureId, view);
      }
      view.generation = this.#generation;
      view.apply(book, isWhole, nowMs, (outcome) => this.#noteMove(outcome));
    }
    const drawn = this.onDrawn ? [...this.#waiting.values()].map(({ book }) => book) : [];
    this.#waiting.clear();
    if (this.#byId.size !== countBefore) this.fixtures = [...this.#byId.values()];
    this.onDrawn?.(drawn);
  }

  #noteMove(outcome: OutcomeView): void {
    this.#moved.add(outcome);
    this.#sweep ??= setInterval(() => this.#sweepMoves(), SWEEP_EVERY_MS);
  }

  #sweepMoves(): void {
    const nowMs = this.#now();
    for (const outcome of this.#moved) {
      if (nowMs - outcome.movedTimeMs < DIRECTION_SHOWN_MS) continue;
      outcome.direction = 0;
      this.#moved.delete(outcome);
    }
    if (this.#moved.size > 0 || this.#sweep === null) return;
    clearInterval(this.#sweep);
    this.#sweep = null;
  }
}

/** States of a sport are small values of their own, made anew of each message. */
export function isSameSport(left: unknown, right: unknown): boolean {
  const areObjects = typeof left === "object" && typeof right === "object" && left !== null && right !== null;
  return areObjects && "kind" in left && JSON.stringify(left) === JSON.stringify(right);
}
