/** Fixtures of the desk: a few signals for each in the list, every cell of the one that is open. */
import { isSameSport } from "../odds/books.svelte";
import { type Book, type FixtureDescription, MarketStatus, type MatchState, type TraderSuspension } from "../odds/book";
import { FixtureView } from "../odds/books.svelte";
import type { Explanation } from "../trading/desk";
import { PriceHistory } from "./history";
import type { FixtureLiability, FixtureWorstLoss } from "../risk/liability";
import { countMoves, MoveCount } from "./moves";
import type { Orderable } from "./order";
import { type Coverage, coverageOf } from "./providers";
import { findSuspension, fixtureStatus, mainMarketId, pausedStatus, type StatusTone, type StatusWords } from "./status";

/** A row of the list. Its whole book is kept as it came, so that ten thousand rows stay small. */
export class FixtureEntry implements Orderable {
  readonly fixtureId: string;
  readonly history = new PriceHistory();
  description = $state.raw<FixtureDescription>() as FixtureDescription;
  state = $state.raw<MatchState>() as MatchState;
  status = $state.raw<StatusWords>() as StatusWords;
  suspensions = $state.raw<readonly TraderSuspension[]>([]);
  liability = $state.raw<FixtureLiability | null>(null);
  /** Null until it is told. */
  worstLoss = $state.raw<FixtureWorstLoss | null>(null);
  /** Whether what prices it stands still: then no bet is taken, whatever its book says. */
  isPaused = $state(false);
  /** Known once the fixture has been open. */
  coverage = $state.raw<Coverage | null>(null);
  moveCount = $state(0);
  /** The snapshot that last named it. */
  generation = 0;
  #book: Book;
  readonly #moves = new MoveCount();

  constructor(book: Book, nowMs: number) {
    this.fixtureId = book.fixtureId;
    this.#book = book;
    this.#show(book);
    this.history.note(nowMs, book.layout, book.decimalOddsMilli);
  }

  get book(): Book {
    return this.#book;
  }

  get tone(): StatusTone {
    return this.status.tone;
  }

  /** How it stands, as far as anybody can know. */
  get standing(): StatusWords {
    return this.isPaused ? pausedStatus(this.status) : this.status;
  }

  /** Over the final scores still possible; until that is known the bound. */
  get worstLossMinor(): number {
    return this.worstLoss?.amountMinor ?? this.boundMinor;
  }

  /** Worst losses of its markets added up, as if they did not depend on each other. */
  get boundMinor(): number {
    return this.liability?.worstLossMinor ?? 0;
  }

  /** Whether the worst loss is no more than a bound, for what no score decides. */
  get isBound(): boolean {
    return this.worstLoss === null ? this.boundMinor > 0 : this.worstLoss.undecidedMinor > 0;
  }

  /** "Worst loss at 4–4", "Worst loss, bound". */
  get worstLossWords(): string {
    if (this.isBound) return "Worst loss, bound";
    return this.worstLoss?.score ? `Worst loss at ${this.worstLoss.score}` : "Worst loss";
  }

  get turnoverMinor(): number {
    return this.liability?.turnoverMinor ?? 0;
  }

  /** Takes in a newer book; returns whether it was one. */
  take(book: Book, nowMs: number): boolean {
    const before = this.#book;
    if (book.version <= before.version) return false;
    this.#book = book;
    const isSameLayout = book.layout === before.layout;
    const moved = isSameLayout ? countMoves(before.decimalOddsMilli, book.decimalOddsMilli) : 0;
    if (moved > 0) this.#moves.add(moved, nowMs);
    if (moved > 0 || !isSameLayout) this.history.note(nowMs, book.layout, book.decimalOddsMilli);
    this.#show(book);
    return true;
  }

  takeExplanation(explanation: Explanation): void {
    const coverage = coverageOf(explanation);
    const { countingCount, totalCount } = this.coverage ?? {};
    if (countingCount !== coverage.countingCount || totalCount !== coverage.totalCount) this.coverage = coverage;
  }

  /** Lets moves grow old; call once a second. */
  tick(nowMs: number): void {
    this.moveCount = this.#moves.total(nowMs);
  }

  #show(book: Book): void {
    if (!isSameDescription(this.description, book.description)) this.description = book.description;
    if (!isSameState(this.state, book.state)) this.state = book.state;
    const status = fixtureStatus(book);
    if (this.status?.words !== status.words) this.status = status;
    if (this.suspensions.length > 0 || book.traderSuspensions.length > 0) this.suspensions = book.traderSuspensions;
  }
}

/** The fixture in the middle of the desk: a signal for each cell. */
export class OpenFixture {
  readonly entry: FixtureEntry;
  readonly view: FixtureView;
  explanation = $state.raw<Explanation | null>(null);
  /** Rises when the history of prices has grown. */
  historyTick = $state(0);

  constructor(entry: FixtureEntry, nowMs: number) {
    this.entry = entry;
    this.view = new FixtureView(entry.book);
    this.take(entry.book, nowMs);
    this.#recallMoves();
  }

  take(book: Book, nowMs: number): void {
    this.view.apply(book, true, nowMs, () => undefined);
  }

  tick(): void {
    this.historyTick += 1;
  }

  /** The market that those which we alone offer go with. */
  get mainMarketId(): string {
    return mainMarketId(this.entry.book.layout.marketIds);
  }

  /** Markets that are priced from the main one, take bets and would be suspended with it. */
  get followerCount(): number {
    const { explanation } = this;
    if (!explanation) return 0;
    const own = explanation.layout.marketIds.filter((_, index) => explanation.ownMarkets[index] === 1);
    return own.filter((marketId) => {
      const status = this.view.market(marketId)?.status;
      const isHeld = findSuspension(this.entry.suspensions, marketId) !== undefined;
      return (status === MarketStatus.OPEN || status === MarketStatus.SUSPENDED) && !isHeld;
    }).length;
  }

  /** Version of the book in which a market last changed; 0 where the book has no such market. */
  marketVersion(marketId: string): number {
    const { layout, marketVersions } = this.entry.book;
    return marketVersions[layout.marketIds.indexOf(marketId)] ?? 0;
  }

  /** Its cells are new, but moves from before it was opened are in the history. */
  #recallMoves(): void {
    for (const market of this.view.markets) {
      for (const outcome of market.outcomes) {
        const move = this.entry.history.lastMove(market.marketId, outcome.outcomeId);
        if (!move) continue;
        outcome.direction = move.direction;
        outcome.movedTimeMs = move.timeMs;
      }
    }
  }
}

function isSameDescription(a: FixtureDescription | undefined, b: FixtureDescription): boolean {
  return (
    a?.homeName === b.homeName &&
    a.awayName === b.awayName &&
    a.competition === b.competition &&
    a.sport === b.sport &&
    a.startTimeMs === b.startTimeMs &&
    a.participantNames.size === b.participantNames.size
  );
}

function isSameState(a: MatchState | undefined, b: MatchState): boolean {
  return a !== undefined && (Object.keys(b) as (keyof MatchState)[]).every((key) => a[key] === b[key] || isSameSport(a[key], b[key]));
}
