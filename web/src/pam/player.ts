/** Who is logged in. */
export const PlayerRole = { BETTOR: 1, TRADER: 2 } as const;

export const PlayerStatus = { ACTIVE: 1, BLOCKED: 2 } as const;

export interface Player {
  readonly playerId: string;
  readonly username: string;
  readonly role: number;
  readonly status: number;
  readonly currency: string;
}

export interface Session {
  readonly token: string;
  readonly expiresTimeMs: number;
}
