/** Bets as the screens know them. */
import type { Money } from "../shared/format";

export const BetStatus = { OPEN: 1, SETTLED: 2, VOID: 3 } as const;

export const BetEventKind = { ACCEPTED: 1, SETTLED: 2, SETTLEMENT_ROLLED_BACK: 3, VOIDED: 4, VOID_ROLLED_BACK: 5 } as const;

/** What the bettor agrees to when the price has moved. */
export const PricePolicy = { NONE: 1, BETTER_ONLY: 2, ANY: 3 } as const;

export interface Leg {
  readonly fixtureId: string;
  readonly marketId: string;
  readonly outcomeId: string;
  readonly decimalOddsMilli: number;
  readonly bookVersion: number;
  readonly isInPlay: boolean;
  readonly fixtureName: string;
}

export interface BetEvent {
  readonly kind: number;
  readonly timeMs: number;
  readonly amount: Money;
}

export interface Bet {
  readonly betId: string;
  readonly playerId: string;
  readonly requestId: string;
  readonly legs: readonly Leg[];
  readonly stake: Money;
  readonly potentialReturn: Money;
  readonly status: number;
  readonly returned: Money;
  readonly placedTimeMs: number;
  readonly settledTimeMs: number | null;
  readonly events: readonly BetEvent[];
}

/** Why a bet was not taken, and what would be. */
export interface BetRefusal {
  readonly reason: string;
  readonly message: string;
  readonly stakeMaxMinor: number | null;
  readonly stakeMinMinor: number | null;
  readonly decimalOddsMilli: number | null;
  readonly bookVersion: number | null;
}

export interface PlaceBet {
  readonly requestId: string;
  readonly leg: Omit<Leg, "isInPlay" | "fixtureName">;
  readonly stake: Money;
  readonly pricePolicy: number;
}

/** The one answer to a PlaceBet, now or later. */
export type BetAnswer =
  | { readonly kind: "accepted"; readonly bet: Bet }
  | { readonly kind: "refused"; readonly refusal: BetRefusal };

export interface BetsUpdate {
  readonly bets: readonly Bet[];
  readonly balance: Balance | null;
}

export interface Balance {
  readonly available: Money;
  readonly held: Money;
  /** Rises with every movement: an older balance never replaces a newer one. */
  readonly accountVersion: number;
}
