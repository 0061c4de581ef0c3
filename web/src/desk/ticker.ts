/** Bets on the ticker: the newest by when something last happened to them, or the largest. */
import { BetEventKind, BetStatus } from "../bets/bet";
import type { DeskBet } from "../trading/desk";

export const TICKER_BETS_MAX = 200;

export type TickerOrder = "newest" | "largest";

/** When something last happened to a bet. */
export function tickerTimeMs({ bet }: DeskBet): number {
  return bet.events.at(-1)?.timeMs ?? bet.placedTimeMs;
}

/** The newest of both by bet, at most so many, newest first. */
export function mergeBets(held: readonly DeskBet[], come: readonly DeskBet[]): DeskBet[] {
  const byId = new Map(held.map((entry) => [entry.bet.betId, entry]));
  for (const entry of come) byId.set(entry.bet.betId, entry);
  return [...byId.values()].sort((a, b) => tickerTimeMs(b) - tickerTimeMs(a)).slice(0, TICKER_BETS_MAX);
}

export function orderBets(bets: readonly DeskBet[], order: TickerOrder): readonly DeskBet[] {
  if (order === "newest") return bets;
  return [...bets].sort((a, b) => b.bet.stake.amountMinor - a.bet.stake.amountMinor);
}

export interface TickerEvent {
  readonly words: string;
  readonly tone: "taken" | "paid" | "kept" | "void";
}

/** What happened last, in a word: "Taken", "Paid", "Lost", "Void". */
export function tickerEvent({ bet }: DeskBet): TickerEvent {
  const kind = bet.events.at(-1)?.kind;
  if (kind === BetEventKind.SETTLEMENT_ROLLED_BACK || kind === BetEventKind.VOID_ROLLED_BACK) {
    return { words: "Taken back", tone: "void" };
  }
  if (bet.status === BetStatus.VOID) return { words: "Void", tone: "void" };
  if (bet.status !== BetStatus.SETTLED) return { words: "Taken", tone: "taken" };
  return bet.returned.amountMinor > 0 ? { words: "Paid", tone: "paid" } : { words: "Lost", tone: "kept" };
}
