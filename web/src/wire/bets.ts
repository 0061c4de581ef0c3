/** Client of betting, and bets off the wire. */
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";

import type { Bet, BetRefusal } from "../bets/bet";
import type { BettingClient } from "../bets/client";
import type { Bet as WireBet } from "./gen/overround/bets/v1/bet_pb";
import { BettingService, type PlaceBetRefusal, PlaceBetRefusalSchema } from "./gen/overround/bets/v1/betting_service_pb";
import { present, toBalance, toMoney } from "./money";
import { callOptions } from "./transport";

/** After this long the server has given up on a PlaceBet: asking then gets the last word. */
export const PLACE_TIMEOUT_MS = 15_000;

export function createBettingClient(transport: Transport): BettingClient {
  const client = createClient(BettingService, transport);
  return {
    async place(command) {
      const { bookVersion, ...leg } = command.leg;
      const request = {
        requestId: command.requestId,
        legs: [{ ...leg, bookVersion: BigInt(bookVersion) }],
        stake: { amountMinor: BigInt(command.stake.amountMinor), currency: command.stake.currency },
        pricePolicy: command.pricePolicy,
      };
      try {
        const { bet, balance } = await client.placeBet(request, callOptions(PLACE_TIMEOUT_MS));
        return { kind: "accepted", bet: toBet(present(bet)), balance: balance ? toBalance(balance) : null };
      } catch (error) {
        const refusal = findBetRefusal(error);
        if (refusal === null) throw error;
        return { kind: "refused", refusal };
      }
    },
    async findAnswer(requestId) {
      const response = await client.getBet({ key: { case: "requestId", value: requestId } }, callOptions());
      if (response.refusal) return { kind: "refused", refusal: toBetRefusal(response.refusal) };
      return { kind: "accepted", bet: toBet(present(response.bet)), balance: null };
    },
    async getBet(betId) {
      const response = await client.getBet({ key: { case: "betId", value: betId } }, callOptions());
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

/** What a refused PlaceBet would have accepted; null where the error is no refusal of a bet. */
export function findBetRefusal(error: unknown): BetRefusal | null {
  const [detail] = ConnectError.from(error).findDetails(PlaceBetRefusalSchema);
  return detail ? toBetRefusal(detail) : null;
}

function toBetRefusal(wire: PlaceBetRefusal): BetRefusal {
  return {
    reason: wire.reason,
    message: wire.message,
    stakeMaxMinor: wire.stakeMax ? Number(wire.stakeMax.amountMinor) : null,
    stakeMinMinor: wire.stakeMin ? Number(wire.stakeMin.amountMinor) : null,
    decimalOddsMilli: wire.decimalOddsMilli || null,
    bookVersion: Number(wire.bookVersion) || null,
  };
}
