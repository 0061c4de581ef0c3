/** Who is logged in on this page, and the token that proves it. */
import { announcer } from "../shared/announcer.svelte";
import { toFailure } from "../shared/failure";
import { type Money, UNKNOWN_CURRENCY } from "../shared/format";
import { readStored, writeStored } from "../shared/preferences.svelte";
import type { Balance } from "../wallet/balance";
import type { LoggedIn, PlayersClient } from "./client";
import { NEW_ACCOUNT_CURRENCY, type Player } from "./player";

export type SessionPhase = "unknown" | "signed_out" | "signed_in";

export const SESSION_ENDED = "Your session has ended. Log in again.";
const RESUME_AGAIN_MS = 3_000;

export class SessionState {
  phase = $state<SessionPhase>("unknown");
  player = $state.raw<Player | null>(null);
  balance = $state.raw<Balance | null>(null);
  /** Whether it ended by itself or in another tab, and nobody has logged in since: then the page says so. */
  hasEnded = $state(false);
  /** Whether the server could not be asked who the token belongs to; it is asked again. */
  isUnreachable = $state(false);
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

  /** Who the token belongs to: "" for nobody, null while that is unknown. */
  get playerId(): string | null {
    if (this.phase === "unknown") return null;
    return this.player?.playerId ?? "";
  }

  /** Finds out who is there, and follows what other tabs do with the token; returns what stops it. */
  start(players: PlayersClient): () => void {
    const follow = (event: StorageEvent) => {
      if (event.key !== this.#storageKey && event.key !== null) return;
      const stored = readStored(this.#storageKey);
      if (stored === this.#token) return;
      this.#adopt(stored);
      if (stored === null) this.#sayEnded();
      void this.#keepAsking(players);
    };
    window.addEventListener("storage", follow);
    void this.#keepAsking(players);
    return () => window.removeEventListener("storage", follow);
  }

  /** Finds out whether the token still holds. A network failure leaves it unknown and is thrown. */
  async resume(players: PlayersClient): Promise<void> {
    const token = this.#token;
    if (token === null) return;
    try {
      const { player, balance } = await players.getMe();
      // Meanwhile another tab may have logged somebody else in.
      if (token !== this.#token) return;
      this.player = player;
      if (balance) this.putBalance(balance);
      this.isUnreachable = false;
      this.phase = "signed_in";
    } catch (error) {
      if (toFailure(error).kind !== "signed_out") throw error;
      this.refused(token);
    }
  }

  begin({ player, session }: LoggedIn): void {
    this.#token = session.token;
    writeStored(this.#storageKey, session.token);
    this.balance = null;
    this.player = player;
    this.hasEnded = false;
    this.phase = "signed_in";
  }

  /** Forgets the session here; the server's end of it is `logOut`. A token that another tab has stored stays. */
  end(): void {
    if (readStored(this.#storageKey) === this.#token) writeStored(this.#storageKey, null);
    this.#adopt(null);
  }

  /** The server no longer takes this token, which may be one from before. */
  refused(token: string): void {
    if (token !== this.#token) return;
    this.end();
    this.#sayEnded();
  }

  async logOut(players: PlayersClient): Promise<void> {
    const token = this.#token;
    try {
      await players.logOut(crypto.randomUUID());
    } finally {
      if (token === this.#token) this.end();
      this.hasEnded = false;
    }
  }

  /** Takes in a balance unless a newer one is here. */
  putBalance(balance: Balance): void {
    if (this.balance && balance.accountVersion < this.balance.accountVersion) return;
    this.balance = balance;
  }

  /** The currency of amounts here: the player's, and of somebody who is nobody yet what they would have. */
  get currency(): string {
    if (this.phase === "signed_out") return NEW_ACCOUNT_CURRENCY;
    return this.player?.currency ?? UNKNOWN_CURRENCY;
  }

  get available(): Money | null {
    return this.balance?.available ?? null;
  }

  /** Goes on with another token; what belonged to the one before is forgotten at once. */
  #adopt(token: string | null): void {
    this.#token = token;
    this.player = null;
    this.balance = null;
    this.hasEnded = false;
    this.phase = token === null ? "signed_out" : "unknown";
  }

  #sayEnded(): void {
    this.hasEnded = true;
    announcer.say(SESSION_ENDED);
  }

  async #keepAsking(players: PlayersClient): Promise<void> {
    const token = this.#token;
    while (token === this.#token && this.phase === "unknown") {
      try {
        await this.resume(players);
      } catch {
        this.isUnreachable = true;
        await new Promise((resolve) => setTimeout(resolve, RESUME_AGAIN_MS));
      }
    }
  }
}
