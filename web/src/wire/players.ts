/** Client of players and their sessions. */
import { createClient, type Transport } from "@connectrpc/connect";

import type { LoggedIn, PlayersClient } from "../pam/client";
import type { Player } from "../pam/player";
import type { Player as WirePlayer } from "./gen/overround/pam/v1/player_pb";
import { type LogInResponse, PlayerService, type RegisterResponse } from "./gen/overround/pam/v1/player_service_pb";
import { present, toBalance } from "./money";
import { callOptions } from "./transport";

export function createPlayersClient(transport: Transport): PlayersClient {
  const players = createClient(PlayerService, transport);
  return {
    async register(requestId, username, password, currency) {
      return toLoggedIn(await players.register({ requestId, username, password, currency }, callOptions()));
    },
    async logIn(requestId, username, password) {
      return toLoggedIn(await players.logIn({ requestId, username, password }, callOptions()));
    },
    async logOut(requestId) {
      await players.logOut({ requestId }, callOptions());
    },
    async listCurrencies() {
      return (await players.listCurrencies({}, callOptions())).currencies;
    },
    async getMe() {
      const response = await players.getMe({}, callOptions());
      return {
        player: toPlayer(present(response.player)),
        balance: response.balance ? toBalance(response.balance) : null,
      };
    },
  };
}

function toLoggedIn(response: RegisterResponse | LogInResponse): LoggedIn {
  const session = present(response.session);
  return {
    player: toPlayer(present(response.player)),
    session: { token: session.token, expiresTimeMs: Number(session.expiresTimeUs) / 1000 },
  };
}

function toPlayer(wire: WirePlayer): Player {
  return {
    playerId: wire.playerId,
    username: wire.username,
    role: wire.role,
    status: wire.status,
    currency: wire.currency,
    timedOutUntilMs: Number(wire.timedOutUntilUs) / 1000,
    excludedUntilMs: Number(wire.excludedUntilUs) / 1000,
  };
}
