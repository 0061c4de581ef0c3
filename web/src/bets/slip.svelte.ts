/**
 * The slip of this page: its bets, kept over reloads, and the calls that place them.
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
  BETS_MAX,
  isPending,
  leftUndecided,
  legKey,
  type LegPrice,
  placeCommand,
  pressed,
  refusalOf,
  SINGLE,
  singleOn,
  type SlipBet,
  type SlipContext,
  type SlipLeg,
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
  readonly slips: Readonly<Record<string, readonly SlipBet[]>>;
}

export class SlipState {
  bets = $state.raw<readonly SlipBet[]>([]);
  pricePolicy = $state(storedPolicy());
  /** How long a bet in play waits; the server says so with its prices. */
  inPlayDelayMs = 0;
  readonly #betting: BettingClient;
  readonly #events: SlipEvents;
  #owner: string;
  /** Slips of players who are not here, by player. */
  readonly #putAway: Map<string, readonly SlipBet[]>;
  /** Requests that are being asked about. */
  readonly #asked = new Set<string>();
  readonly #chosen = $derived(new Set(this.bets.filter(isUnplaced).flatMap((bet) => bet.legs.map(legKey))));

  constructor(betting: BettingClient, events: SlipEvents) {
    this.#betting = betting;
    this.#events = events;
    const { owner, slips } = storedSlips();
    this.#owner = owner;
    this.#putAway = new Map(Object.entries(slips));
    this.bets = this.#putAway.get(owner) ?? [];
    this.#putAway.delete(owner);
  }

  /** Shows the slip of this player, "" for nobody, and finds out about presses whose answer is out. */
  belongTo(playerId: string): void {
    if (playerId !== this.#owner) {
      const brought = this.#owner === NOBODY ? this.bets : [];
      if (this.#owner !== NOBODY) this.#putAway.set(this.#owner, this.bets);
      if (this.#putAway.size > SLIPS_MAX) this.#putAway.delete([...this.#putAway.keys()][0] ?? "");
      const own = this.#putAway.get(playerId) ?? [];
      this.#putAway.delete(playerId);
      this.#owner = playerId;
      const keys = new Set(own.map((bet) => bet.key));
      this.#set([...own, ...brought.filter((bet) => !keys.has(bet.key))].slice(0, BETS_MAX));
    }
    for (const bet of this.bets) if (bet.placement.kind === "asking") void this.#ask(bet);
  }

  /** Whether a leg is on the slip and not placed yet. */
  isChosen(leg: Pick<SlipLeg, "fixtureId" | "marketId" | "outcomeId">): boolean {
    return this.#chosen.has(legKey(leg));
  }

  /** Adds a single on a leg, or takes away the bet that has it. */
  toggle(leg: SlipLeg): void {
    const chosen = this.bets.find((bet) => isUnplaced(bet) && bet.legs.some((other) => legKey(other) === legKey(leg)));
    if (chosen) return this.remove(chosen.key);
    const single = singleOn(leg);
    const others = this.bets.filter((bet) => bet.key !== single.key);
    if (others.length >= BETS_MAX) {
      announcer.say(`The slip is full: ${BETS_MAX} selections.`);
      return;
    }
    this.#set([...others, single]);
    announcer.say(`${leg.outcomeName} added to the slip.`);
  }

  remove(key: string): void {
    this.#set(this.bets.filter((bet) => bet.key !== key || isPending(bet)));
  }

  setStake(key: string, stakeText: string): void {
    this.#replace(key, (bet) => withStake(bet, stakeText));
  }

  setStakeMinor(key: string, stakeMinor: number, currency: string): void {
    this.setStake(key, formatAmount(stakeMinor, currency));
  }

  acceptPrice(key: string, price: LegPrice): void {
    this.#replace(key, (bet) => withPriceAccepted(bet, price));
  }

  choosePolicy(policy: PricePolicy): void {
    this.pricePolicy = policy;
    writeStored(POLICY_KEY, String(policy));
  }

  /** Places a bet: the id of this press is stored before anything is sent. */
  async place(key: string, context: SlipContext): Promise<void> {
    if (this.#events.playerId() !== this.#owner) return;
    this.#replace(key, (bet) => pressed(bet, context, crypto.randomUUID(), this.inPlayDelayMs));
    const bet = this.#find(key);
    const command = bet && placeCommand(bet, context.currency, context.pricePolicy);
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
    const asking = this.#change(requestId, (bet) =>
      isEnded ? leftUndecided(bet, refusalOf(reason, message), Date.now()) : answerLost(bet),
    );
    if (asking) void this.#ask(asking);
  }

  /** Asks for the answer of a press until it is known or its player has left; bounded, as its absence grows certain. */
  async #ask({ placement }: SlipBet): Promise<void> {
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
        if (isCertain) this.#change(requestId, (bet) => answerMissing(bet, Date.now()));
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(ASK_AGAIN_MS_MAX, waitMs * 1.5);
    }
    this.#asked.delete(requestId);
  }

  #isAskedUnderItsSession(requestId: string): boolean {
    const isOwn = this.#events.playerId() === this.#owner;
    return isOwn && this.bets.some(({ placement }) => placement.kind === "asking" && placement.requestId === requestId);
  }

  /** A slip is sent with one bet, so that each is placed by its own press. */
  #answer(requestId: string, [answer]: readonly BetAnswer[]): void {
    if (!answer) return;
    const bet = this.#change(requestId, (asked) => answered(asked, requestId, answer));
    // Of somebody who has left nothing is said to whoever is here now.
    if (!bet || !this.bets.includes(bet) || this.#events.playerId() !== this.#owner) return;
    if (answer.kind === "accepted") {
      announcer.say(`Bet placed: ${formatMoney(answer.bet.stake)}.`);
      this.#events.onPlaced(answer.bet, answer.balance);
    } else {
      announcer.say("The bet was not placed.");
    }
  }

  #find(key: string): SlipBet | undefined {
    return this.bets.find((bet) => bet.key === key);
  }

  #replace(key: string, change: (bet: SlipBet) => SlipBet): void {
    this.#set(this.bets.map((bet) => (bet.key === key ? change(bet) : bet)));
  }

  /** Changes the bet of a press, whoever's slip it is on; returns it as it is then. */
  #change(requestId: string, change: (bet: SlipBet) => SlipBet): SlipBet | undefined {
    const isOfPress = ({ placement }: SlipBet) => "requestId" in placement && placement.requestId === requestId;
    for (const [owner, bets] of [[this.#owner, this.bets] as const, ...this.#putAway]) {
      const before = bets.find(isOfPress);
      if (!before) continue;
      const after = change(before);
      const changed = bets.map((bet) => (bet === before ? after : bet));
      if (owner === this.#owner) this.bets = changed;
      else this.#putAway.set(owner, changed);
      this.#store();
      return after;
    }
    return undefined;
  }

  #set(bets: readonly SlipBet[]): void {
    this.bets = bets;
    this.#store();
  }

  #store(): void {
    const slips = { ...Object.fromEntries(this.#putAway), [this.#owner]: this.bets };
    try {
      sessionStorage.setItem(STORAGE_KEY, JSON.stringify({ owner: this.#owner, slips } satisfies StoredSlips));
    } catch {
      // Storage refused: the slips live as long as the page.
    }
  }
}

/** A bet as a page stored it; one of before had one selection, and its refusals said nothing of legs. */
type StoredBet = SlipBet | (Omit<SlipBet, "legs" | "lines"> & { readonly selection: SlipLeg });

function storedSlips(): StoredSlips {
  try {
    const { owner, slips } = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "") as {
      owner: string;
      slips: Record<string, StoredBet[]>;
    };
    const reopened = Object.entries(slips).map(([player, bets]) => [player, bets.filter(isUnplaced).map(reopen)]);
    return { owner, slips: Object.fromEntries(reopened) as StoredSlips["slips"] };
  } catch {
    return { owner: NOBODY, slips: {} };
  }
}

function reopen(stored: StoredBet): SlipBet {
  const bet = "selection" in stored ? fromSelection(stored) : stored;
  const { placement } = bet;
  if (placement.kind !== "refused") return answerLost(bet);
  return { ...bet, placement: { ...placement, refusal: { ...refusalOf("", ""), ...placement.refusal } } };
}

function fromSelection({ selection, ...bet }: Extract<StoredBet, { selection: SlipLeg }>): SlipBet {
  return { ...bet, legs: [selection], lines: SINGLE };
}

function isUnplaced(bet: Pick<SlipBet, "placement">): boolean {
  return bet.placement.kind !== "accepted";
}

function storedPolicy(): PricePolicy {
  const stored = Number(readStored(POLICY_KEY)) as PricePolicy;
  return [PricePolicy.NONE, PricePolicy.ANY].includes(stored) ? stored : PricePolicy.BETTER_ONLY;
}
