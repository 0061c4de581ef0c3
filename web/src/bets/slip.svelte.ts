/** The slip of this page: its entries, kept over reloads, and the calls that place them. */
import { announcer } from "../shared/announcer.svelte";
import { formatAmount, formatMoney } from "../shared/format";
import { readStored, writeStored } from "../shared/preferences.svelte";
import type { BettingClient } from "../wire/bets";
import { findBetRefusal, toFailure } from "../wire/errors";
import { type Balance, type Bet, type BetAnswer, PricePolicy } from "./bet";
import {
  answered,
  answerLost,
  answerMissing,
  ENTRIES_MAX,
  isPending,
  newEntry,
  placeCommand,
  pressed,
  refusalOf,
  type Selection,
  selectionKey,
  type SlipContext,
  type SlipEntry,
  withPriceAccepted,
  withStake,
} from "./slip";

const STORAGE_KEY = "overround.slip";
const POLICY_KEY = "overround.price_policy";
const ASK_AGAIN_MS = 1_000;
const ASK_AGAIN_MS_MAX = 5_000;
/** The bet may have been taken before these were said: the answer is found out, not assumed. */
const DOUBTFUL_REASONS = new Set(["LEDGER_UNAVAILABLE", "DEADLINE_EXCEEDED", "EXPOSURE_LOCK_LOST"]);

export interface SlipEvents {
  onPlaced(bet: Bet, balance: Balance | null): void;
  onSignedOut(): void;
}

export class SlipState {
  entries = $state.raw<readonly SlipEntry[]>([]);
  pricePolicy = $state(storedPolicy());
  /** How long a bet in play waits; the server says so with its prices. */
  inPlayDelayMs = 0;
  readonly #betting: BettingClient;
  readonly #events: SlipEvents;
  readonly #chosen = $derived(
    new Set(this.entries.filter((entry) => entry.placement.kind !== "accepted").map((entry) => entry.key)),
  );

  constructor(betting: BettingClient, events: SlipEvents) {
    this.#betting = betting;
    this.#events = events;
    this.entries = storedEntries();
  }

  /** Finds out about presses whose answer was out when the page was left. */
  resume(): void {
    for (const entry of this.entries) if (entry.placement.kind === "asking") void this.#ask(entry.key);
  }

  isChosen(key: string): boolean {
    return this.#chosen.has(key);
  }

  /** Adds a selection, or takes it away again. */
  toggle(selection: Selection): void {
    const key = selectionKey(selection);
    const entry = this.#find(key);
    if (entry && entry.placement.kind !== "accepted") return this.remove(key);
    if (!entry && this.entries.length >= ENTRIES_MAX) {
      announcer.say(`The slip is full: ${ENTRIES_MAX} selections.`);
      return;
    }
    const others = this.entries.filter((other) => other.key !== key);
    this.#set([...others, newEntry(selection)]);
    announcer.say(`${selection.outcomeName} added to the slip.`);
  }

  remove(key: string): void {
    this.#set(this.entries.filter((entry) => entry.key !== key || isPending(entry)));
  }

  setStake(key: string, stakeText: string): void {
    this.#replace(key, (entry) => withStake(entry, stakeText));
  }

  setStakeMinor(key: string, stakeMinor: number, currency: string): void {
    this.setStake(key, formatAmount(stakeMinor, currency));
  }

  acceptPrice(key: string, decimalOddsMilli: number, bookVersion: number): void {
    this.#replace(key, (entry) => withPriceAccepted(entry, decimalOddsMilli, bookVersion));
  }

  choosePolicy(policy: number): void {
    this.pricePolicy = policy;
    writeStored(POLICY_KEY, String(policy));
  }

  /** Places an entry: the id of this press is stored before anything is sent. */
  async place(key: string, context: SlipContext): Promise<void> {
    this.#replace(key, (entry) => pressed(entry, context, crypto.randomUUID(), this.inPlayDelayMs));
    const entry = this.#find(key);
    const command = entry && placeCommand(entry, context.currency, context.pricePolicy);
    if (!command) return;
    try {
      const { bet, balance } = await this.#betting.place(command);
      this.#answer(key, command.requestId, { kind: "accepted", bet }, balance);
    } catch (error) {
      this.#placeFailed(key, command.requestId, error);
    }
  }

  #placeFailed(key: string, requestId: string, error: unknown): void {
    const refusal = findBetRefusal(error);
    const failure = toFailure(error);
    if (failure.kind === "signed_out") {
      this.#answer(key, requestId, { kind: "refused", refusal: refusalOf("SESSION_REQUIRED", failure.message) }, null);
      this.#events.onSignedOut();
    } else if (failure.kind !== "refused" || DOUBTFUL_REASONS.has(failure.reason)) {
      this.#replace(key, answerLost);
      void this.#ask(key);
    } else {
      const told = refusal ?? refusalOf(failure.reason, failure.message);
      this.#answer(key, requestId, { kind: "refused", refusal: told }, null);
    }
  }

  /** Asks for the answer of an entry's press until it is known. Bounded: a missing answer is certain after a while. */
  async #ask(key: string): Promise<void> {
    let waitMs = ASK_AGAIN_MS;
    for (;;) {
      const entry = this.#find(key);
      if (entry?.placement.kind !== "asking") return;
      const { requestId } = entry.placement;
      try {
        this.#answer(key, requestId, await this.#betting.findAnswer(requestId), null);
        return;
      } catch (error) {
        const failure = toFailure(error);
        const isUnknown = failure.kind === "not_found" || failure.reason === "BET_UNKNOWN";
        if (isUnknown) this.#replace(key, (asking) => answerMissing(asking, Date.now()));
        if (failure.kind === "signed_out") this.#events.onSignedOut();
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(ASK_AGAIN_MS_MAX, waitMs * 1.5);
    }
  }

  #answer(key: string, requestId: string, answer: BetAnswer, balance: Balance | null): void {
    this.#replace(key, (entry) => answered(entry, requestId, answer));
    if (answer.kind === "accepted") {
      announcer.say(`Bet placed: ${formatMoney(answer.bet.stake)}.`);
      this.#events.onPlaced(answer.bet, balance);
    } else {
      announcer.say("The bet was not placed.");
    }
  }

  #find(key: string): SlipEntry | undefined {
    return this.entries.find((entry) => entry.key === key);
  }

  #replace(key: string, change: (entry: SlipEntry) => SlipEntry): void {
    this.#set(this.entries.map((entry) => (entry.key === key ? change(entry) : entry)));
  }

  #set(entries: readonly SlipEntry[]): void {
    this.entries = entries;
    try {
      sessionStorage.setItem(STORAGE_KEY, JSON.stringify(entries));
    } catch {
      // Storage refused: the slip lives as long as the page.
    }
  }
}

function storedEntries(): readonly SlipEntry[] {
  try {
    const entries = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "[]") as SlipEntry[];
    return entries.filter((entry) => entry.placement.kind !== "accepted").map(answerLost);
  } catch {
    return [];
  }
}

function storedPolicy(): number {
  const stored = Number(readStored(POLICY_KEY));
  return Object.values(PricePolicy).find((policy) => policy === stored) ?? PricePolicy.BETTER_ONLY;
}
