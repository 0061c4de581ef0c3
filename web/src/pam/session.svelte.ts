/** Who is logged in on this page, and the token that proves it. */
import type { Balance } from "../bets/bet";
import type { Money } from "../shared/format";
import { readStored, writeStored } from "../shared/preferences.svelte";
import { toFailure } from "../wire/errors";
import type { LoggedIn, PlayersClient } from "../wire/players";
import type { Player } from "./player";

export type SessionPhase = "unknown" | "signed_out" | "signed_in";

export class SessionState {
  phase = $state<SessionPhase>("unknown");
  player = $state.raw<Player | null>(null);
  balance = $state.raw<Balance | null>(null);
  readonly #storageKey: string;
  #token: string | null;

  /** The desk and the betslip keep their sessions apart: one browser may be trader and bettor at once. */
  constructor(storageKey: string) {
    this.#storageKey = storageKey;
    this.#token = readStored(storageKey);
    if (this.#token === null) this.phase = "signed_out";
  }

  get token(): string | null {
    return this.#token;
  }

  /** Finds out whether the stored token still holds. A network failure leaves it unknown and is thrown. */
  async resume(players: PlayersClient): Promise<void> {
    if (this.#token === null) return;
    try {
      const { player, balance } = await players.getMe();
      this.player = player;
      if (balance) this.putBalance(balance);
      this.phase = "signed_in";
    } catch (error) {
      if (toFailure(error).kind !== "signed_out") throw error;
      this.end();
    }
  }

  begin({ player, session }: LoggedIn): void {
    this.#token = session.token;
    writeStored(this.#storageKey, session.token);
    this.balance = null;
    this.player = player;
    this.phase = "signed_in";
  }

  /** Forgets the session here; the server's end of it is `logOut`. */
  end(): void {
    this.#token = null;
    writeStored(this.#storageKey, null);
    this.player = null;
    this.balance = null;
    this.phase = "signed_out";
  }

  async logOut(players: PlayersClient): Promise<void> {
    try {
      await players.logOut(crypto.randomUUID());
    } finally {
      this.end();
    }
  }

  /** Takes in a balance unless a newer one is here. */
  putBalance(balance: Balance): void {
    if (this.balance && balance.accountVersion < this.balance.accountVersion) return;
    this.balance = balance;
  }

  get available(): Money | null {
    return this.balance?.available ?? null;
  }
}
