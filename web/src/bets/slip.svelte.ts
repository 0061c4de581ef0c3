/**
 * The slip of this page: its entries, kept over reloads, and the calls that place them.
 *
 * A slip belongs to its player: it is put away when they leave and comes back with them. Whether a bet stands is asked
 * under its player's own session alone, since to anybody else the server says that it knows of none.
 */
import { announcer } from "../shared/announcer.svelte";
import { toFailure } from "../shared/failure";
import { formatAmount, formatMoney } from "../shared/format";
import { readStored, writeStored } from "../shared/preferences.svelte";
import type { Balance } from "../wallet/balance";
import { type Bet, type BetAnswer, PricePolicy } from "./bet";
import type { BettingClient } from "./client";
import {
  answered,
  answerLost,
  answerMissing,
  ENTRIES_MAX,
  isPending,
  leftUndecided,
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

const STORAGE_KEY = "overround.slips";
/** Slips put away in one tab at most; the one put away first gives way. */
const SLIPS_MAX = 20;
/** Whose slip it is while nobody is logged in: who logs in takes it over. */
const NOBODY = "";
const POLICY_KEY = "overround.price_policy";
const ASK_AGAIN_MS = 1_000;
const ASK_AGAIN_MS_MAX = 5_000;

export interface SlipEvents {
  /** Whose session calls are made under now: "" for nobody's, null while unknown. */
  playerId(): string | null;
  onPlaced(bet: Bet, balance: Balance | null): void;
}

/** Every player's slip of this tab, and whose is shown. */
interface StoredSlips {
  readonly owner: string;
  readonly slips: Readonly<Record<string, readonly SlipEntry[]>>;
}

export class SlipState {
  entries = $state.raw<readonly SlipEntry[]>([]);
  pricePolicy = $state(storedPolicy());
  /** How long a bet in play waits; the server says so with its prices. */
  inPlayDelayMs = 0;
  readonly #betting: BettingClient;
  readonly #events: SlipEvents;
  #owner: string;
  /** Slips of players who are not here, by player. */
  readonly #putAway: Map<string, readonly SlipEntry[]>;
  /** Requests that are being asked about. */
  readonly #asked = new Set<string>();
  readonly #chosen = $derived(
    new Set(this.entries.filter((entry) => entry.placement.kind !== "accepted").map((entry) => entry.key)),
  );

  constructor(betting: BettingClient, events: SlipEvents) {
    this.#betting = betting;
    this.#events = events;
    const { owner, slips } = storedSlips();
    this.#owner = owner;
    this.#putAway = new Map(Object.entries(slips));
    this.entries = this.#putAway.get(owner) ?? [];
    this.#putAway.delete(owner);
  }

  /** Shows the slip of this player, "" for nobody, and finds out about presses whose answer is out. */
  belongTo(playerId: string): void {
    if (playerId !== this.#owner) {
      const brought = this.#owner === NOBODY ? this.entries : [];
      if (this.#owner !== NOBODY) this.#putAway.set(this.#owner, this.entries);
      if (this.#putAway.size > SLIPS_MAX) this.#putAway.delete([...this.#putAway.keys()][0] ?? "");
      const own = this.#putAway.get(playerId) ?? [];
      this.#putAway.delete(playerId);
      this.#owner = playerId;
      const keys = new Set(own.map((entry) => entry.key));
      this.#set([...own, ...brought.filter((entry) => !keys.has(entry.key))].slice(0, ENTRIES_MAX));
    }
    for (const entry of this.entries) if (entry.placement.kind === "asking") void this.#ask(entry);
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

  choosePolicy(policy: PricePolicy): void {
    this.pricePolicy = policy;
    writeStored(POLICY_KEY, String(policy));
  }

  /** Places an entry: the id of this press is stored before anything is sent. */
  async place(key: string, context: SlipContext): Promise<void> {
    if (this.#events.playerId() !== this.#owner) return;
    this.#replace(key, (entry) => pressed(entry, context, crypto.randomUUID(), this.inPlayDelayMs));
    const entry = this.#find(key);
    const command = entry && placeCommand(entry, context.currency, context.pricePolicy);
    if (!command) return;
    try {
      this.#answer(command.requestId, await this.#betting.place(command));
    } catch (error) {
      this.#placeFailed(command.requestId, error);
    }
  }

  #placeFailed(requestId: string, error: unknown): void {
    // Only a refusal of the bet decides it. Whatever else the server says, it may have begun before.
    const { kind, reason, message } = toFailure(error);
    const isEnded = kind === "refused" || kind === "signed_out";
    const asking = this.#change(requestId, (entry) =>
      isEnded ? leftUndecided(entry, refusalOf(reason, message), Date.now()) : answerLost(entry),
    );
    if (asking) void this.#ask(asking);
  }

  /** Asks for the answer of a press until it is known or its player has left; bounded, as its absence grows certain. */
  async #ask({ placement }: SlipEntry): Promise<void> {
    if (placement.kind !== "asking" || this.#asked.has(placement.requestId)) return;
    const { requestId } = placement;
    this.#asked.add(requestId);
    let waitMs = ASK_AGAIN_MS;
    while (this.#isAskedUnderItsSession(requestId)) {
      try {
        this.#answer(requestId, await this.#betting.findAnswers(requestId));
        break;
      } catch (error) {
        const failure = toFailure(error);
        const isUnknown = failure.kind === "not_found" || failure.reason === "BET_UNKNOWN";
        const isCertain = isUnknown && this.#isAskedUnderItsSession(requestId);
        if (isCertain) this.#change(requestId, (entry) => answerMissing(entry, Date.now()));
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(ASK_AGAIN_MS_MAX, waitMs * 1.5);
    }
    this.#asked.delete(requestId);
  }

  #isAskedUnderItsSession(requestId: string): boolean {
    const isOwn = this.#events.playerId() === this.#owner;
    return isOwn && this.entries.some(({ placement }) => placement.kind === "asking" && placement.requestId === requestId);
  }

  /** A slip is sent with one bet, so that each is placed by its own press. */
  #answer(requestId: string, [answer]: readonly BetAnswer[]): void {
    if (!answer) return;
    const entry = this.#change(requestId, (asked) => answered(asked, requestId, answer));
    // Of somebody who has left nothing is said to whoever is here now.
    if (!entry || !this.entries.includes(entry) || this.#events.playerId() !== this.#owner) return;
    if (answer.kind === "accepted") {
      announcer.say(`Bet placed: ${formatMoney(answer.bet.stake)}.`);
      this.#events.onPlaced(answer.bet, answer.balance);
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

  /** Changes the entry of a press, whoever's slip it is on; returns it as it is then. */
  #change(requestId: string, change: (entry: SlipEntry) => SlipEntry): SlipEntry | undefined {
    const isOfPress = ({ placement }: SlipEntry) => "requestId" in placement && placement.requestId === requestId;
    for (const [owner, entries] of [[this.#owner, this.entries] as const, ...this.#putAway]) {
      const before = entries.find(isOfPress);
      if (!before) continue;
      const after = change(before);
      const changed = entries.map((entry) => (entry === before ? after : entry));
      if (owner === this.#owner) this.entries = changed;
      else this.#putAway.set(owner, changed);
      this.#store();
      return after;
    }
    return undefined;
  }

  #set(entries: readonly SlipEntry[]): void {
    this.entries = entries;
    this.#store();
  }

  #store(): void {
    const slips = { ...Object.fromEntries(this.#putAway), [this.#owner]: this.entries };
    try {
      sessionStorage.setItem(STORAGE_KEY, JSON.stringify({ owner: this.#owner, slips } satisfies StoredSlips));
    } catch {
      // Storage refused: the slips live as long as the page.
    }
  }
}

function storedSlips(): StoredSlips {
  try {
    const { owner, slips } = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "") as StoredSlips;
    const reopened = Object.entries(slips).map(([player, entries]) => [player, entries.filter(isUnplaced).map(reopen)]);
    return { owner, slips: Object.fromEntries(reopened) as StoredSlips["slips"] };
  } catch {
    return { owner: NOBODY, slips: {} };
  }
}

function reopen(entry: SlipEntry): SlipEntry {
  const { placement } = entry;
  if (placement.kind !== "refused") return answerLost(entry);
  // What a page of before has stored says nothing of legs.
  return { ...entry, placement: { ...placement, refusal: { ...refusalOf("", ""), ...placement.refusal } } };
}

function isUnplaced(entry: SlipEntry): boolean {
  return entry.placement.kind !== "accepted";
}

function storedPolicy(): PricePolicy {
  const stored = Number(readStored(POLICY_KEY)) as PricePolicy;
  return [PricePolicy.NONE, PricePolicy.ANY].includes(stored) ? stored : PricePolicy.BETTER_ONLY;
}
