/** Client of betting, and bets off the wire. */
import { createClient, type Transport } from "@connectrpc/connect";

import type { Bet, BetAnswer, BetRefusal } from "../bets/bet";
import type { BettingClient } from "../bets/client";
import type { Balance } from "../wallet/balance";
import type { Bet as WireBet } from "./gen/overround/bets/v1/bet_pb";
import {
  BettingService,
  type BetAnswer as WireBetAnswer,
  type BetRefusal as WireBetRefusal,
} from "./gen/overround/bets/v1/betting_service_pb";
import { present, toBalance, toMoney } from "./money";
import { callOptions } from "./transport";

/** After this long the server has given up on a PlaceSlip: asking then gets the last word. */
export const PLACE_TIMEOUT_MS = 15_000;

export function createBettingClient(transport: Transport): BettingClient {
  const client = createClient(BettingService, transport);
  return {
    async place({ requestId, bets, pricePolicy }) {
      const request = {
        requestId,
        bets: bets.map(({ legs, lines, lineStake }) => ({
          legs: legs.map((leg) => ({ ...leg, bookVersion: BigInt(leg.bookVersion) })),
          lines: lines.map((line) => ({ legs: [...line] })),
          lineStake: { amountMinor: BigInt(lineStake.amountMinor), currency: lineStake.currency },
        })),
        pricePolicy,
      };
      const { answers, balance } = await client.placeSlip(request, callOptions(PLACE_TIMEOUT_MS));
      return answers.map((answer) => toAnswer(answer, balance ? toBalance(balance) : null));
    },
    async findAnswers(requestId) {
      const { answers } = await client.getSlip({ requestId }, callOptions());
      return answers.map((answer) => toAnswer(answer, null));
    },
    async getBet(betId) {
      const response = await client.getBet({ betId }, callOptions());
      return toBet(present(response.bet));
    },
    async listBets(status, token) {
      const response = await client.listBets({ status, page: { size: 20, token } }, callOptions());
      return { bets: response.bets.map(toBet), nextToken: response.nextToken };
    },
    async *watchBets(signal) {
      for await (const response of client.watchBets({}, { signal })) {
        yield {
          bets: response.bets.map(toBet),
          balance: response.balance ? toBalance(response.balance) : null,
        };
      }
    },
  };
}

export function toBet(wire: WireBet): Bet {
  return {
    betId: wire.betId,
    playerId: wire.playerId,
    requestId: wire.requestId,
    legs: wire.legs.map((leg) => ({
      fixtureId: leg.fixtureId,
      marketId: leg.marketId,
      outcomeId: leg.outcomeId,
      decimalOddsMilli: leg.decimalOddsMilli,
      bookVersion: Number(leg.bookVersion),
      isInPlay: leg.isInPlay,
      fixtureName: leg.fixtureName,
    })),
    lines: wire.lines.map(({ legs }) => legs),
    stake: toMoney(wire.stake),
    potentialReturn: toMoney(wire.potentialReturn),
    status: wire.status,
    returned: toMoney(wire.returnAmount),
    placedTimeMs: Number(wire.placedTimeUs) / 1000,
    settledTimeMs: wire.settledTimeUs ? Number(wire.settledTimeUs) / 1000 : null,
    events: wire.events.map((event) => ({
      kind: event.kind,
      timeMs: Number(event.timeUs) / 1000,
      amount: toMoney(event.amount),
    })),
  };
}

export function toAnswer({ answer }: WireBetAnswer, balance: Balance | null): BetAnswer {
  if (answer.case === "refusal") return { kind: "refused", refusal: toBetRefusal(answer.value) };
  return { kind: "accepted", bet: toBet(present(answer.value)), balance };
}

function toBetRefusal(wire: WireBetRefusal): BetRefusal {
  return {
    reason: wire.reason,
    message: wire.message,
    stakeMaxMinor: wire.stakeMax ? Number(wire.stakeMax.amountMinor) : null,
    stakeMinMinor: wire.stakeMin ? Number(wire.stakeMin.amountMinor) : null,
    legs: wire.legs.map(({ leg, reason, message, decimalOddsMilli, bookVersion }) => ({
      leg,
      reason,
      message,
      decimalOddsMilli: decimalOddsMilli || null,
      bookVersion: Number(bookVersion) || null,
    })),
  };
}
