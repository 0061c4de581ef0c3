/** What the desk is told, as its screens know it: what wire/trading.ts makes of the stream. */
import type { Bet } from "../bets/bet";
import type { Book, BookLayout } from "../odds/book";
import type { FixtureLiability } from "./liability";

export interface ProviderSign {
  readonly providerId: string;
  /** When its last sign of life arrived, by the server's clock. */
  readonly receivedTimeMs: number;
  /** False where the provider itself says it is down. */
  readonly isUp: boolean;
  /** Silence after which it counts as down; 0 for never. */
  readonly timeoutMs: number;
}

/** Figures of the strip; NaN where there is nothing to measure. */
export interface DeskFigures {
  readonly pricesPerSecond: number;
  readonly betsPerSecond: number;
  readonly acceptedRatio: number;
  readonly betP99Ms: number;
  readonly priceP99Ms: number;
  readonly environment: string;
  readonly traderName: string;
}

export interface DeskBet {
  readonly bet: Bet;
  readonly playerName: string;
}

/** One provider's part in the prices of a fixture, in the explanation's layout. */
export interface ProviderQuotes {
  readonly providerId: string;
  readonly receivedTimeMs: number;
  readonly decimalOddsMilli: Uint32Array;
  readonly marketStatuses: Uint8Array;
  /** Share of the blend, one a market, 0 to 1. */
  readonly weights: Float32Array;
  /** 1 where its bet-stop is in force, one a market. */
  readonly betStops: Uint8Array;
  /** It does not know of the last incident yet: its prices do not count. */
  readonly isBehind: boolean;
}

/** Why the prices of one book are what they are. */
export interface Explanation {
  readonly fixtureId: string;
  readonly version: number;
  readonly layout: BookLayout;
  /** NaN where there is none, one an outcome. */
  readonly fairProbabilities: Float64Array;
  /** 1.05 for 5 % margin; NaN without a price, one a market. */
  readonly overrounds: Float64Array;
  readonly providers: readonly ProviderQuotes[];
}

export interface DeskUpdate {
  readonly books: readonly Book[];
  readonly removedFixtureIds: readonly string[];
  readonly liabilities: readonly FixtureLiability[];
  /** Newly accepted or settled, oldest first. */
  readonly bets: readonly DeskBet[];
  readonly providers: readonly ProviderSign[];
  readonly explanation: Explanation | null;
  readonly figures: DeskFigures | null;
  readonly serverTimeMs: number;
}
