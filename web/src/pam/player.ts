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
  /** Until when they stepped back; 0 for never. */
  readonly timedOutUntilMs: number;
  /** Until when at least they excluded themselves; 0 for never. */
  readonly excludedUntilMs: number;
}

export interface Session {
  readonly token: string;
  readonly expiresTimeMs: number;
}
