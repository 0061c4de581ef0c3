/** Client of betting, and bets off the wire. */
import { createClient, type Transport } from "@connectrpc/connect";

import type { Balance, Bet, BetAnswer, BetsUpdate, PlaceBet } from "../bets/bet";
import type { Money } from "../shared/format";
import { toBetRefusal } from "./errors";
import type { Bet as WireBet } from "./gen/overround/bets/v1/bet_pb";
import { BettingService } from "./gen/overround/bets/v1/betting_service_pb";
import type { Money as WireMoney } from "./gen/overround/common/v1/money_pb";
import type { Balance as WireBalance } from "./gen/overround/wallet/v1/wallet_pb";
import { callOptions } from "./transport";

/** After this long the server has given up on a PlaceBet: asking then gets the last word. */
export const PLACE_TIMEOUT_MS = 15_000;

export interface BetsPage {
  readonly bets: readonly Bet[];
  /** Empty on the last page. */
  readonly nextToken: string;
}

export interface BettingClient {
  place(command: PlaceBet): Promise<{ bet: Bet; balance: Balance | null }>;
  /** Returns the answer to a PlaceBet; fails with "not_found" where the server never took it in. */
  findAnswer(requestId: string): Promise<BetAnswer>;
  getBet(betId: string): Promise<Bet>;
  /** Status 0 lists all. */
  listBets(status: number, token: string): Promise<BetsPage>;
  watchBets(signal: AbortSignal): AsyncIterable<BetsUpdate>;
}

export function createBettingClient(transport: Transport): BettingClient {
  const client = createClient(BettingService, transport);
  return {
    async place(command) {
      const { bookVersion, ...leg } = command.leg;
      const response = await client.placeBet(
        {
          requestId: command.requestId,
          legs: [{ ...leg, bookVersion: BigInt(bookVersion) }],
          stake: { amountMinor: BigInt(command.stake.amountMinor), currency: command.stake.currency },
          pricePolicy: command.pricePolicy,
        },
        callOptions(PLACE_TIMEOUT_MS),
      );
      return { bet: toBet(present(response.bet)), balance: response.balance ? toBalance(response.balance) : null };
    },
    async findAnswer(requestId) {
      const response = await client.getBet({ key: { case: "requestId", value: requestId } }, callOptions());
      if (response.refusal) return { kind: "refused", refusal: toBetRefusal(response.refusal) };
      return { kind: "accepted", bet: toBet(present(response.bet)) };
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

export function toBalance(wire: WireBalance): Balance {
  return {
    available: toMoney(wire.available),
    held: toMoney(wire.held),
    accountVersion: Number(wire.accountVersion),
  };
}

export function toMoney(wire: WireMoney | undefined): Money {
  return { amountMinor: Number(wire?.amountMinor ?? 0n), currency: wire?.currency || "EUR" };
}

/** Returns a field that the contract promises. */
export function present<Field>(field: Field | undefined): Field {
  if (field === undefined) throw new Error("The server's answer lacked what the contract promises");
  return field;
}
