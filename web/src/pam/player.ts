/** Who is logged in. */
import type { PlayerRole, PlayerStatus } from "../wire/gen/overround/pam/v1/player_pb";

export { PlayerRole, PlayerStatus } from "../wire/gen/overround/pam/v1/player_pb";

/** What accounts that are opened here are kept in. */
export const NEW_ACCOUNT_CURRENCY = "EUR";

export interface Player {
  readonly playerId: string;
  readonly username: string;
  readonly role: PlayerRole;
  readonly status: PlayerStatus;
  readonly currency: string;
}

export interface Session {
  readonly token: string;
  readonly expiresTimeMs: number;
}
