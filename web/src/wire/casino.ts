/** Client of games of our own, and rounds off the wire. */
import { createClient, type Transport } from "@connectrpc/connect";

import type { CasinoClient } from "../casino/client";
import type { Game, Round } from "../casino/game";
import { CasinoService } from "./gen/overround/casino/v1/casino_service_pb";
import type { Game as WireGame } from "./gen/overround/casino/v1/game_pb";
import type { Round as WireRound } from "./gen/overround/casino/v1/round_pb";
import { present, toBalance, toMoney } from "./money";
import { callOptions } from "./transport";

const ROUNDS_A_PAGE = 20;

export function createCasinoClient(transport: Transport): CasinoClient {
  const client = createClient(CasinoService, transport);
  return {
    async listGames() {
      const { games } = await client.listGames({}, callOptions());
      return games.map(toGame);
    },
    async spin(requestId, gameCode, { amountMinor, currency }) {
      const stake = { amountMinor: BigInt(amountMinor), currency };
      const { round, balance } = await client.spin({ requestId, gameCode, stake }, callOptions());
      return { round: toRound(present(round)), balance: toBalance(present(balance)) };
    },
    async listRounds(token) {
      const { rounds, nextToken } = await client.listRounds({ page: { size: ROUNDS_A_PAGE, token } }, callOptions());
      return { rounds: rounds.map(toRound), nextToken };
    },
  };
}

export function toGame(wire: WireGame): Game {
  return {
    gameCode: wire.gameCode,
    version: wire.version,
    name: wire.name,
    reels: wire.reels.map(({ symbols }) => symbols),
    rows: wire.rows,
    lines: wire.lines.map(({ rows }) => rows),
    pays: wire.pays.map(({ symbol, count, times }) => ({ symbol, count, times })),
    rtp: Number(wire.rtpNumerator) / Number(wire.rtpDenominator),
    stakeMin: toMoney(wire.stakeMin),
    stakeMax: toMoney(wire.stakeMax),
    cycleMs: wire.cycleMs,
  };
}

export function toRound(wire: WireRound): Round {
  return {
    roundId: wire.roundId,
    gameCode: wire.gameCode,
    window: wire.window.map(({ symbols }) => symbols),
    lineWins: wire.lineWins.map(({ line, symbol, count, times }) => ({ line, symbol, count, times })),
    stake: toMoney(wire.stake),
    win: toMoney(wire.win),
    timeMs: Number(wire.timeUs) / 1000,
  };
}
