/** The explanation of a market's prices off the wire. */
import type { ExplainedOutcome, ExplainedPrices, PriceSource } from "../odds/explained";
import { PriceSource as WireSource } from "./gen/overround/odds/v1/book_pb";
import type {
  ExplainedOutcome as WireOutcome,
  ExplainPriceResponse,
} from "./gen/overround/trading/v1/trading_service_pb";
import { present } from "./money";

const SOURCES: Readonly<Partial<Record<WireSource, PriceSource>>> = {
  [WireSource.MARKET]: "market",
  [WireSource.GOALS]: "goals",
  [WireSource.MODEL]: "model",
};

/** The one market that was asked for. */
export function toExplainedPrices(wire: ExplainPriceResponse): ExplainedPrices {
  const market = present(wire.markets[0]);
  return {
    version: Number(wire.version),
    publishedTimeMs: Number(wire.publishedTimeUs) / 1000,
    marginRemoval: wire.marginRemoval,
    marginApplication: wire.marginApplication,
    ladder: wire.ladder,
    figures: wire.figures,
    marketId: market.marketId,
    status: market.status,
    source: SOURCES[market.priceSource] ?? "none",
    overroundWanted: market.overroundWanted ?? Number.NaN,
    overround: market.overround ?? Number.NaN,
    providers: market.providers.map((provider) => ({
      providerId: provider.providerId,
      weight: provider.weight,
      receivedTimeMs: Number(provider.receivedTimeUs) / 1000,
      status: provider.status,
      isBehind: provider.isBehind,
      isBetStopped: provider.isBetStopped,
    })),
    outcomes: market.outcomes.map(toOutcome),
  };
}

function toOutcome(wire: WireOutcome): ExplainedOutcome {
  return {
    outcomeId: wire.outcomeId,
    priceByProvider: new Map(
      wire.providerPrices.map(({ providerId, decimalOddsMilli, fairProbability }) => [
        providerId,
        { decimalOddsMilli, fairProbability: fairProbability ?? Number.NaN },
      ]),
    ),
    blendedProbability: wire.blendedProbability ?? Number.NaN,
    fairProbability: wire.fairProbability ?? Number.NaN,
    shiftLogit: wire.shiftLogit ?? Number.NaN,
    decimalOddsBeforeLadder: wire.decimalOddsBeforeLadder ?? Number.NaN,
    decimalOddsMilli: wire.decimalOddsMilli,
  };
}
