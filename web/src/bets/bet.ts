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

/** A combination of a bet's legs that wins together: their places in the bet. */
export type Line = readonly number[];

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
  /** What its stake is on: places of legs that win together, the same share on each. */
  readonly lines: readonly Line[];
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
  /** On a line. */
  readonly stakeMaxMinor: number | null;
  readonly stakeMinMinor: number | null;
  /** The legs that are the trouble. */
  readonly legs: readonly LegRefusal[];
}

/** Why a leg was not taken, and at what price it would be. */
export interface LegRefusal {
  /** Its place in the bet. */
  readonly leg: number;
  readonly reason: string;
  readonly message: string;
  readonly decimalOddsMilli: number | null;
  readonly bookVersion: number | null;
}

export type LegRequest = Omit<Leg, "isInPlay" | "fixtureName">;

export interface BetRequest {
  readonly legs: readonly LegRequest[];
  readonly lines: readonly Line[];
  /** On each line. */
  readonly lineStake: Money;
}

/** A press of the button: the bets that it places. */
export interface PlaceSlip {
  readonly requestId: string;
  readonly bets: readonly BetRequest[];
  readonly pricePolicy: PricePolicy;
}

/** The one answer to a bet of a slip, now or later. */
export type BetAnswer =
  | { readonly kind: "accepted"; readonly bet: Bet; readonly balance: Balance | null }
  | { readonly kind: "refused"; readonly refusal: BetRefusal };

export interface BetsUpdate {
  readonly bets: readonly Bet[];
  readonly balance: Balance | null;
}
