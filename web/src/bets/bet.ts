/** Bets as the screens know them. */
import type { Money } from "../shared/format";
import type { Balance } from "../wallet/balance";
import type { BetEvent_Kind, BetStatus, PricePolicy } from "../wire/gen/overround/bets/v1/bet_pb";

export { BetEvent_Kind as BetEventKind, BetStatus, PricePolicy } from "../wire/gen/overround/bets/v1/bet_pb";

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
  readonly kind: BetEvent_Kind;
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
  readonly status: BetStatus;
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
  readonly pricePolicy: PricePolicy;
}

/** The one answer to a PlaceBet, now or later. */
export type BetAnswer =
  | { readonly kind: "accepted"; readonly bet: Bet; readonly balance: Balance | null }
  | { readonly kind: "refused"; readonly refusal: BetRefusal };

export interface BetsUpdate {
  readonly bets: readonly Bet[];
  readonly balance: Balance | null;
}
