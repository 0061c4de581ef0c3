/** Client of the trading desk: its one stream, and its commands. */
import { createClient, type Transport } from "@connectrpc/connect";

import type { DeskBet, DeskFigures, DeskUpdate, Explanation, PricingPart, ProviderSign } from "../trading/desk";
import type { ExplainedPrices } from "../odds/explained";
import type { FixtureLiability, FixtureWorstLoss, MarketLiability } from "../risk/liability";
import { toBet } from "./bets";
import { toBook, toLayout } from "./books";
import { float32Column, float64Column } from "./columns";
import { toExplainedPrices } from "./explained";
import type { ProviderHeartbeat } from "./gen/overround/feed/v1/feed_pb";
import type { PriceExplanation } from "./gen/overround/odds/v1/book_pb";
import type {
  FixtureLiability as WireLiability,
  FixtureWorstLoss as WireWorstLoss,
  MarketLiability as WireMarketLiability,
} from "./gen/overround/risk/v1/risk_pb";
import {
  type DeskBet as WireDeskBet,
  type DeskFigures as WireFigures,
  type PricingPart as WirePricingPart,
  TradingService,
  type WatchDeskResponse,
} from "./gen/overround/trading/v1/trading_service_pb";
import { present } from "./money";
import { callOptions } from "./transport";

/** The server gives up on the log after 1.8 s; asking again under the same id is safe. */
const COMMAND_TIMEOUT_MS = 4_000;

export interface CommandTarget {
  readonly fixtureId: string;
  /** Empty for the whole fixture. */
  readonly marketId: string;
}

export interface PriceQuestion {
  readonly fixtureId: string;
  readonly marketId: string;
  /** Of the book; 0 for the newest. */
  readonly version: number;
}

export interface TradingClient {
  /** Streams all the desk shows; the fixture is explained, "" for none. */
  watchDesk(fixtureId: string, signal: AbortSignal): AsyncIterable<DeskUpdate>;
  suspend(requestId: string, target: CommandTarget): Promise<void>;
  resume(requestId: string, target: CommandTarget): Promise<void>;
  /** Returns the fixtures that a command was sent for. */
  suspendAllInPlay(requestId: string): Promise<readonly string[]>;
  explainPrice(question: PriceQuestion): Promise<ExplainedPrices>;
}

export function createTradingClient(transport: Transport): TradingClient {
  const client = createClient(TradingService, transport);
  return {
    async *watchDesk(fixtureId, signal) {
      for await (const response of client.watchDesk({ fixtureId }, { signal })) yield toUpdate(response);
    },
    async suspend(requestId, target) {
      await client.suspend({ requestId, ...target }, callOptions(COMMAND_TIMEOUT_MS));
    },
    async resume(requestId, target) {
      await client.resume({ requestId, ...target }, callOptions(COMMAND_TIMEOUT_MS));
    },
    async suspendAllInPlay(requestId) {
      return (await client.suspendAllInPlay({ requestId }, callOptions(COMMAND_TIMEOUT_MS))).fixtureIds;
    },
    async explainPrice({ fixtureId, marketId, version }) {
      const request = { fixtureId, marketId, version: BigInt(version) };
      return toExplainedPrices(await client.explainPrice(request, callOptions(COMMAND_TIMEOUT_MS)));
    },
  };
}

function toUpdate(wire: WatchDeskResponse): DeskUpdate {
  return {
    books: wire.books.map(toBook),
    bookParts: wire.bookPartitions,
    pricing: wire.pricing.map(toPricingPart),
    removedFixtureIds: wire.removedFixtureIds,
    liabilities: wire.liabilities.map(toLiability),
    worstLosses: wire.worstLosses.map(toWorstLoss),
    bets: wire.bets.map(toDeskBet),
    providers: wire.providers.map(toProviderSign),
    explanation: wire.explanation ? toExplanation(wire.explanation) : null,
    figures: wire.figures ? toFigures(wire.figures) : null,
    serverTimeMs: Number(wire.serverTimeUs) / 1000,
  };
}

function toPricingPart(wire: WirePricingPart): PricingPart {
  return { isLive: wire.isLive, heardTimeMs: Number(wire.heardTimeUs) / 1000 };
}

function toWorstLoss(wire: WireWorstLoss): FixtureWorstLoss {
  return {
    fixtureId: wire.fixtureId,
    amountMinor: Number(wire.worstLossMinor),
    score: wire.score ? `${wire.score.home}–${wire.score.away}` : "",
    undecidedMinor: Number(wire.undecidedMinor),
  };
}

function toLiability(wire: WireLiability): FixtureLiability {
  return {
    fixtureId: wire.fixtureId,
    version: Number(wire.version),
    currency: wire.currency,
    markets: new Map(wire.markets.map((market) => [market.marketId, toMarketLiability(market)])),
    worstLossMinor: Number(wire.worstLossMinor),
    turnoverMinor: Number(wire.turnoverMinor),
  };
}

function toMarketLiability(wire: WireMarketLiability): MarketLiability {
  return {
    marketId: wire.marketId,
    stakeMinor: Number(wire.stakeMinor),
    betCount: wire.betCount,
    worstLossMinor: Number(wire.worstLossMinor),
    winnerCount: wire.winnerCount || 1,
    outcomes: new Map(
      wire.outcomes.map((outcome) => [
        outcome.outcomeId,
        {
          stakeMinor: Number(outcome.stakeMinor),
          payoutMinor: Number(outcome.payoutMinor),
          betCount: outcome.betCount,
        },
      ]),
    ),
  };
}

function toDeskBet(wire: WireDeskBet): DeskBet {
  return { bet: toBet(present(wire.bet)), playerName: wire.playerName };
}

function toProviderSign(wire: ProviderHeartbeat): ProviderSign {
  return {
    providerId: wire.providerId,
    receivedTimeMs: Number(wire.receivedTimeUs) / 1000,
    isUp: wire.isUp,
    timeoutMs: wire.timeoutMs,
  };
}

function toExplanation(wire: PriceExplanation): Explanation {
  return {
    fixtureId: wire.fixtureId,
    version: Number(wire.version),
    layout: toLayout(wire),
    fairProbabilities: float64Column(wire.fairProbabilities),
    overrounds: float64Column(wire.overrounds),
    providerWeights: wire.providers.map((provider) => float32Column(provider.weights)),
    ownMarkets: wire.ownMarkets.slice(),
  };
}

function toFigures(wire: WireFigures): DeskFigures {
  return {
    pricesPerSecond: wire.pricesPerSecond,
    betsPerSecond: wire.betsPerSecond,
    acceptedRatio: wire.acceptedRatio,
    betP99Ms: wire.betP99Ms,
    priceP99Ms: wire.priceP99Ms,
    environment: wire.environment,
    traderName: wire.traderName,
  };
}
