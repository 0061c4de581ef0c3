/** What the desk is told, as its screens know it: what wire/trading.ts makes of the stream. */
import type { Bet } from "../bets/bet";
import type { Book, BookLayout } from "../odds/book";
import type { FixtureLiability, FixtureWorstLoss } from "../risk/liability";

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

/** One part of pricing; each fixture is priced by one. */
export interface PricingPart {
  /** Whether bets are taken on what it prices. */
  readonly isLive: boolean;
  /** When it last said that it works, by the server's clock; 0 for never. */
  readonly heardTimeMs: number;
}

export interface DeskBet {
  readonly bet: Bet;
  readonly playerName: string;
}

/** What the grid shows of why the prices of one book are what they are; `ExplainedPrices` tells all of one market. */
export interface Explanation {
  readonly fixtureId: string;
  readonly version: number;
  readonly layout: BookLayout;
  /** NaN where there is none, one an outcome. */
  readonly fairProbabilities: Float64Array;
  /** 1.05 for 5 % margin; NaN without a price, one a market. */
  readonly overrounds: Float64Array;
  /** Share of each provider in the blend, one a market, 0 to 1. */
  readonly providerWeights: readonly Float32Array[];
  /** 1 for markets that we alone offer, one a market: they go with the main market. Empty where there are none. */
  readonly ownMarkets: Uint8Array;
}

export interface DeskUpdate {
  readonly books: readonly Book[];
  /** The part of pricing, an index into `pricing`, of each of the books. */
  readonly bookParts: readonly number[];
  /** Every part of pricing; empty where nothing is said of it. */
  readonly pricing: readonly PricingPart[];
  readonly removedFixtureIds: readonly string[];
  readonly liabilities: readonly FixtureLiability[];
  readonly worstLosses: readonly FixtureWorstLoss[];
  /** Newly accepted or settled, oldest first. */
  readonly bets: readonly DeskBet[];
  readonly providers: readonly ProviderSign[];
  readonly explanation: Explanation | null;
  readonly figures: DeskFigures | null;
  readonly serverTimeMs: number;
}
