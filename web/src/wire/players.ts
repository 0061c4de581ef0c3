/** Client of players, sessions and their money. */
import { createClient, type Transport } from "@connectrpc/connect";

import type { Balance } from "../bets/bet";
import type { Player, Session } from "../pam/player";
import type { Money } from "../shared/format";
import { present, toBalance } from "./bets";
import type { Player as WirePlayer } from "./gen/overround/pam/v1/player_pb";
import { type LogInResponse, PlayerService, type RegisterResponse } from "./gen/overround/pam/v1/player_service_pb";
import { WalletService } from "./gen/overround/wallet/v1/wallet_service_pb";
import { callOptions } from "./transport";

export interface LoggedIn {
  readonly player: Player;
  readonly session: Session;
}

export interface PlayersClient {
  register(requestId: string, username: string, password: string, currency: string): Promise<LoggedIn>;
  logIn(requestId: string, username: string, password: string): Promise<LoggedIn>;
  logOut(requestId: string): Promise<void>;
  getMe(): Promise<{ player: Player; balance: Balance | null }>;
  depositTestMoney(requestId: string, amount: Money): Promise<Balance>;
}

export function createPlayersClient(transport: Transport): PlayersClient {
  const players = createClient(PlayerService, transport);
  const wallet = createClient(WalletService, transport);
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
    async getMe() {
      const response = await players.getMe({}, callOptions());
      return {
        player: toPlayer(present(response.player)),
        balance: response.balance ? toBalance(response.balance) : null,
      };
    },
    async depositTestMoney(requestId, amount) {
      const wireAmount = { amountMinor: BigInt(amount.amountMinor), currency: amount.currency };
      const response = await wallet.depositTestMoney({ requestId, amount: wireAmount }, callOptions());
      return toBalance(present(response.balance));
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
    currency: wire.currency || "EUR",
  };
}
