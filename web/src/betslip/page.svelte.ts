/** Everything that lives as long as the betslip page: clients, stores and the streams that feed them. */
import { getContext, setContext } from "svelte";

import { BetsState } from "../bets/bets.svelte";
import type { BetsUpdate } from "../bets/bet";
import { SlipState } from "../bets/slip.svelte";
import { CasinoState } from "../casino/casino.svelte";
import type { LivePrice, SlipLeg } from "../bets/slip";
import { type BooksUpdate, fixtureName, FixtureStatus, MarketStatus } from "../odds/book";
import { BookStore, type FixtureView, type MarketView, type OutcomeView } from "../odds/books.svelte";
import { SessionState } from "../pam/session.svelte";
import { marketName, outcomeName } from "../markets/names";
import { createBettingClient } from "../wire/bets";
import { createCasinoClient } from "../wire/casino";
import { toFailure } from "../shared/failure";
import { createOddsClient, type OddsClient, type WatchedBooks } from "../wire/odds";
import { createPlayersClient } from "../wire/players";
import { createProtectionClient } from "../wire/protection";
import { createTransport } from "../wire/transport";
import { createWalletClient } from "../wire/wallet";
import { Watch } from "../wire/watch.svelte";

export type DialogName = "none" | "log_in" | "register" | "deposit" | "slip";

/** After a new connection, fixtures that no message named for this long are over. */
const SNAPSHOT_SETTLES_MS = 3_000;

export class BetslipPage {
  readonly session = new SessionState("overround.session.betslip");
  readonly books = new BookStore();
  readonly players;
  readonly wallet;
  readonly protection;
  readonly slip: SlipState;
  readonly bets: BetsState;
  readonly casino: CasinoState;
  /** Main markets of every fixture: what lists show. */
  readonly listWatch = new Watch<BooksUpdate>();
  /** Whole books of the match on the screen and of the fixtures on the slip. */
  readonly focusWatch = new Watch<BooksUpdate>();
  readonly betsWatch = new Watch<BetsUpdate>();
  /** Since when pricing is known to stand still, by performance.now(), as the list and the focus were told. */
  #listPausedMs = $state<number | null>(null);
  #focusPausedMs = $state<number | null>(null);
  dialog = $state<DialogName>("none");
  /** What a deposit is asked for: the stake it should reach for. */
  depositMinor = $state(0);
  readonly #odds: OddsClient;
  #focusIds: readonly string[] = [];
  /** The focus ids whose first books have been drawn. */
  drawnFocus = $state.raw<readonly string[]>([]);

  constructor() {
    const transport = createTransport(this.session);
    this.#odds = createOddsClient(transport);
    this.players = createPlayersClient(transport);
    this.wallet = createWalletClient(transport);
    this.protection = createProtectionClient(transport);
    const betting = createBettingClient(transport);
    this.bets = new BetsState(betting);
    this.casino = new CasinoState(createCasinoClient(transport), (balance) => this.session.putBalance(balance));
    this.slip = new SlipState(betting, {
      playerId: () => this.session.playerId,
      onPlaced: (bet, balance) => {
        this.bets.put([bet]);
        if (balance) this.session.putBalance(balance);
      },
    });
    this.watchBets = () =>
      this.betsWatch.start({
        open: (signal) => betting.watchBets(signal),
        onMessage: ({ bets, balance }) => {
          this.bets.put(bets);
          if (balance) this.session.putBalance(balance);
        },
        // A trader has no bets, however often one asks.
        isFinal: (error) => {
          const { kind, reason } = toFailure(error);
          return kind === "signed_out" || reason === "BETTOR_REQUIRED";
        },
      });
  }

  readonly watchBets: () => void;

  /** Goes over to whoever is there now: nothing of the one before stays. */
  followPlayer(playerId: string | null): void {
    this.betsWatch.stop();
    this.bets.clear();
    this.casino.belongTo(playerId ?? "");
    if (playerId === null) return;
    this.slip.belongTo(playerId);
    if (playerId !== "") this.watchBets();
  }

  watchList(): void {
    const request = { fixtureIds: [], isMainMarketOnly: true };
    this.listWatch.start({
      open: (signal) => this.#openList(request, signal),
      onMessage: (update) => {
        this.#listPausedMs = update.isPricingLive ? null : (this.#listPausedMs ?? performance.now());
        this.#take(update, false);
      },
    });
  }

  /** Follows whole books of these fixtures; the same ones again change nothing. */
  watchFocus(fixtureIds: readonly string[]): void {
    if (fixtureIds.join("\n") === this.#focusIds.join("\n")) return;
    this.#focusIds = fixtureIds;
    this.#focusPausedMs = null;
    if (fixtureIds.length === 0) return this.focusWatch.stop();
    this.focusWatch.start({
      open: (signal) => this.#odds.watchBooks({ fixtureIds, isMainMarketOnly: false }, signal),
      onMessage: (update) => {
        this.#focusPausedMs = update.isPricingLive ? null : (this.#focusPausedMs ?? performance.now());
        this.#take(update, true);
        if (this.drawnFocus !== fixtureIds) requestAnimationFrame(() => (this.drawnFocus = fixtureIds));
      },
    });
  }

  async *#openList(request: WatchedBooks, signal: AbortSignal): AsyncIterable<BooksUpdate> {
    const generation = this.books.beginSnapshot();
    const openedMs = performance.now();
    let isSettled = false;
    for await (const update of this.#odds.watchBooks(request, signal)) {
      yield update;
      if (isSettled || performance.now() - openedMs < SNAPSHOT_SETTLES_MS) continue;
      isSettled = true;
      this.books.endSnapshot(generation, this.#focusIds);
    }
  }

  #take(update: BooksUpdate, isWhole: boolean): void {
    this.slip.inPlayDelayMs = update.inPlayDelayMs;
    this.books.put(update.books, isWhole);
    this.books.remove(update.removedFixtureIds);
  }

  /** How fresh the prices of the match on the screen and of the slip are: those that a bet may be placed on. */
  get connection(): "live" | "stale" | "paused" {
    const isStale = [this.listWatch, this.focusWatch].some((watch) => watch.phase === "stale");
    if (isStale) return "stale";
    return this.#focusPausedMs === null ? "live" : "paused";
  }

  /** Since when pricing of anything stands still, by performance.now(), as far as this page knows; null for none. */
  get pausedSinceMs(): number | null {
    return this.#focusPausedMs ?? this.#listPausedMs;
  }

  /** Fixtures are priced in parts: those in the focus may be alive while others stand still. */
  get pausedSubject(): string {
    const isPart = this.#focusIds.length > 0 && this.#focusPausedMs === null;
    return isPart ? "Pricing of some matches" : "Pricing";
  }

  get lastDataMs(): number {
    const stale = [this.listWatch, this.focusWatch].filter((watch) => watch.phase === "stale");
    return Math.min(...stale.map((watch) => watch.lastDataMs));
  }

  /** Whether what the books say of a leg is all there is to say, and not just what has come so far. */
  isBookKnown(leg: SlipLeg): boolean {
    return this.livePrice(leg) !== null || this.drawnFocus.includes(leg.fixtureId);
  }

  livePrice(leg: SlipLeg): LivePrice | null {
    const market = this.books.fixture(leg.fixtureId)?.market(leg.marketId);
    const outcome = market?.outcome(leg.outcomeId);
    if (!market || !outcome) return null;
    return {
      isOpen: market.status === MarketStatus.OPEN,
      isSuspended: market.status === MarketStatus.SUSPENDED,
      decimalOddsMilli: outcome.decimalOddsMilli,
      bookVersion: market.bookVersion,
    };
  }
}

/** What a press on a price puts on the slip. */
export function toLeg(fixture: FixtureView, market: MarketView, outcome: OutcomeView): SlipLeg {
  return {
    fixtureId: fixture.fixtureId,
    marketId: market.marketId,
    outcomeId: outcome.outcomeId,
    fixtureName: fixtureName(fixture.description),
    marketName: marketName(market.marketId),
    outcomeName: outcomeName(market.marketId, outcome.outcomeId, fixture.description),
    isInPlay: fixture.state.status === FixtureStatus.IN_PLAY,
    decimalOddsMilli: outcome.decimalOddsMilli,
    bookVersion: market.bookVersion,
  };
}

const PAGE = Symbol("betslip page");

export function providePage(): BetslipPage {
  return setContext(PAGE, new BetslipPage());
}

export function getPage(): BetslipPage {
  return getContext<BetslipPage>(PAGE);
}
