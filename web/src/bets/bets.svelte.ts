/** The player's bets on this page: pages of the list, and every change as it happens. */
import { untrack } from "svelte";
import { type Failure, toFailure } from "../shared/failure";
import { type Bet, BetStatus } from "./bet";
import type { BettingClient } from "./client";

export type BetFilter = "open" | "settled" | "all";

/** Pages read at once at most, looking for bets that a filter lets through. */
const PAGES_MAX = 5;
const ROWS_WANTED = 15;

export function matches(bet: Bet, filter: BetFilter): boolean {
  if (filter === "all") return true;
  return (bet.status === BetStatus.OPEN) === (filter === "open");
}

export class BetsState {
  /** Newest first. */
  bets = $state.raw<readonly Bet[]>([]);
  isLoading = $state(false);
  isWhole = $state(false);
  failure = $state.raw<Failure | null>(null);
  #nextToken = "";
  /** Counts sessions: an answer for the player before never shows up in the next one's list, which is read anew. */
  generation = $state(0);
  readonly #betting: BettingClient;

  constructor(betting: BettingClient) {
    this.#betting = betting;
  }

  get openCount(): number {
    return this.bets.filter((bet) => bet.status === BetStatus.OPEN).length;
  }

  find(betId: string): Bet | undefined {
    return this.bets.find((bet) => bet.betId === betId);
  }

  clear(): void {
    this.generation = untrack(() => this.generation) + 1;
    this.bets = [];
    this.#nextToken = "";
    this.isWhole = false;
    this.isLoading = false;
    this.failure = null;
  }

  /** Takes in bets from a page or the stream; the one with more behind it wins. */
  put(bets: readonly Bet[]): void {
    if (bets.length === 0) return;
    const byId = new Map(this.bets.map((bet) => [bet.betId, bet]));
    for (const bet of bets) {
      const known = byId.get(bet.betId);
      if (!known || known.events.length <= bet.events.length) byId.set(bet.betId, bet);
    }
    this.bets = [...byId.values()].sort((a, b) => b.placedTimeMs - a.placedTimeMs);
  }

  /** Reads on until some more bets pass the filter or the list ends. */
  async loadMore(filter: BetFilter): Promise<void> {
    if (this.isLoading || this.isWhole) return;
    const generation = this.generation;
    this.isLoading = true;
    this.failure = null;
    try {
      let found = 0;
      for (let page = 0; page < PAGES_MAX && found < ROWS_WANTED && !this.isWhole; page++) {
        const { bets, nextToken } = await this.#betting.listBets(BetStatus.UNSPECIFIED, this.#nextToken);
        if (generation !== this.generation) return;
        this.put(bets);
        this.#nextToken = nextToken;
        this.isWhole = nextToken === "";
        found += bets.filter((bet) => matches(bet, filter)).length;
      }
    } catch (error) {
      if (generation === this.generation) this.failure = toFailure(error);
    } finally {
      if (generation === this.generation) this.isLoading = false;
    }
  }

  /** Reads one bet that the list has not reached. */
  async load(betId: string): Promise<void> {
    if (this.find(betId)) return;
    this.failure = null;
    const generation = this.generation;
    try {
      const bet = await this.#betting.getBet(betId);
      if (generation === this.generation) this.put([bet]);
    } catch (error) {
      if (generation === this.generation) this.failure = toFailure(error);
    }
  }
}
