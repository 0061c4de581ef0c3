/**
 * The betslip's rules, without a screen or a network: what an entry is, what may happen to it, and what its one button
 * says and does.
 *
 * The rule above all others: from the press until the answer is known, nothing can be pressed again. An answer that did
 * not arrive is asked for by the id of the press, never guessed.
 */
import { formatMoney, formatOdds, type OddsFormat, parseAmountMinor } from "../shared/format";
import { refusalWords } from "../shared/refusals";
import { type Bet, type BetAnswer, type BetRefusal, type PlaceSlip, PricePolicy } from "./bet";

export const ENTRIES_MAX = 12;
/** A PlaceSlip that the server does not know this long after it was sent will never be placed: 15 s until it has ended. */
export const ANSWER_CERTAIN_AFTER_MS = 25_000;
/** The same after the server itself has ended it. */
export const END_CERTAIN_AFTER_MS = 10_000;

/** What was chosen, with the price that the bettor has agreed to. */
export interface Selection {
  readonly fixtureId: string;
  readonly marketId: string;
  readonly outcomeId: string;
  readonly fixtureName: string;
  readonly marketName: string;
  readonly outcomeName: string;
  readonly isInPlay: boolean;
  readonly decimalOddsMilli: number;
  readonly bookVersion: number;
}

export type Placement =
  | { readonly kind: "editing" }
  | { readonly kind: "placing"; readonly requestId: string; readonly sentTimeMs: number; readonly delayMs: number }
  /** No answer decided it, or it got lost: it is asked for by the request's id. */
  | {
      readonly kind: "asking";
      readonly requestId: string;
      /** When it is certain that a request which the server does not know will never be placed. */
      readonly certainTimeMs: number;
      /** What the server said instead of an answer, if it said anything. */
      readonly told: BetRefusal | null;
    }
  | { readonly kind: "accepted"; readonly bet: Bet }
  | { readonly kind: "refused"; readonly refusal: BetRefusal };

export interface SlipEntry {
  readonly key: string;
  readonly selection: Selection;
  readonly stakeText: string;
  readonly placement: Placement;
}

/** The selection's market now, as the books say; null where it is not on offer at all. */
export interface LivePrice {
  readonly isOpen: boolean;
  readonly isSuspended: boolean;
  /** 0 where the outcome is not offered. */
  readonly decimalOddsMilli: number;
  readonly bookVersion: number;
}

/** What else the button depends on. */
export interface SlipContext {
  /** Whether it is not yet known who is there, or what the book says of the selection. */
  readonly isLoading: boolean;
  readonly live: LivePrice | null;
  /** Whether prices are fresh and the server takes bets. */
  readonly connection: "live" | "stale" | "paused";
  readonly isSignedIn: boolean;
  readonly isBlocked: boolean;
  readonly currency: string;
  /** Null while unknown. */
  readonly availableMinor: number | null;
  readonly pricePolicy: PricePolicy;
  readonly oddsFormat: OddsFormat;
  readonly nowMs: number;
}

export type SlipAction =
  | { readonly kind: "place" }
  | { readonly kind: "accept_price"; readonly decimalOddsMilli: number; readonly bookVersion: number }
  | { readonly kind: "use_stake"; readonly stakeMinor: number }
  | { readonly kind: "deposit"; readonly missingMinor: number }
  | { readonly kind: "log_in" }
  | { readonly kind: "remove" };

export interface SlipButton {
  readonly label: string;
  /** Null where there is nothing to press. */
  readonly action: SlipAction | null;
  readonly tone: "primary" | "warn" | "quiet";
  /** A sentence above the button: why it says what it says. */
  readonly note: string;
}

const EDITING: Placement = { kind: "editing" };

export function selectionKey(selection: Pick<Selection, "fixtureId" | "marketId" | "outcomeId">): string {
  return `${selection.fixtureId}|${selection.marketId}|${selection.outcomeId}`;
}

export function newEntry(selection: Selection): SlipEntry {
  return { key: selectionKey(selection), selection, stakeText: "", placement: EDITING };
}

/** Whether its answer is still out: then it cannot be edited, pressed or removed. */
export function isPending(entry: SlipEntry): boolean {
  return entry.placement.kind === "placing" || entry.placement.kind === "asking";
}

export function withStake(entry: SlipEntry, stakeText: string): SlipEntry {
  return isPending(entry) ? entry : { ...entry, stakeText, placement: EDITING };
}

export function withPriceAccepted(entry: SlipEntry, decimalOddsMilli: number, bookVersion: number): SlipEntry {
  if (isPending(entry)) return entry;
  return { ...entry, selection: { ...entry.selection, decimalOddsMilli, bookVersion }, placement: EDITING };
}

/** The press: remembers the price that was on the screen and the id to ask by. */
export function pressed(entry: SlipEntry, context: SlipContext, requestId: string, delayMs: number): SlipEntry {
  if (slipButton(entry, context).action?.kind !== "place") return entry;
  const { decimalOddsMilli, bookVersion } = priceShown(entry, context);
  return {
    ...entry,
    selection: { ...entry.selection, decimalOddsMilli, bookVersion },
    placement: {
      kind: "placing",
      requestId,
      sentTimeMs: context.nowMs,
      delayMs: entry.selection.isInPlay ? delayMs : 0,
    },
  };
}

/** The answer did not come: from here on it is only asked for. */
export function answerLost(entry: SlipEntry): SlipEntry {
  const { placement } = entry;
  if (placement.kind !== "placing") return entry;
  const { requestId, sentTimeMs } = placement;
  const certainTimeMs = sentTimeMs + ANSWER_CERTAIN_AFTER_MS;
  return { ...entry, placement: { kind: "asking", requestId, certainTimeMs, told: null } };
}

/** The server ended the call without deciding the bet, which says nothing of what it had begun: that is asked for. */
export function leftUndecided(entry: SlipEntry, told: BetRefusal, nowMs: number): SlipEntry {
  const { placement } = entry;
  if (placement.kind !== "placing") return entry;
  const { requestId } = placement;
  return { ...entry, placement: { kind: "asking", requestId, certainTimeMs: nowMs + END_CERTAIN_AFTER_MS, told } };
}

export function answered(entry: SlipEntry, requestId: string, answer: BetAnswer): SlipEntry {
  const { placement } = entry;
  const isWaitingForIt =
    (placement.kind === "placing" || placement.kind === "asking") && placement.requestId === requestId;
  if (!isWaitingForIt) return entry;
  if (answer.kind === "accepted") return { ...entry, placement: { kind: "accepted", bet: answer.bet } };
  return { ...entry, placement: { kind: "refused", refusal: answer.refusal } };
}

/** The server knows nothing of the request: certain only once it can no longer be on its way. */
export function answerMissing(entry: SlipEntry, nowMs: number): SlipEntry {
  const { placement } = entry;
  if (placement.kind !== "asking" || !(nowMs >= placement.certainTimeMs)) return entry;
  const refusal = placement.told ?? refusalOf("NOT_PLACED", "The connection broke before we got your bet.");
  return { ...entry, placement: { kind: "refused", refusal } };
}

export function refusalOf(reason: string, message: string): BetRefusal {
  return { reason, message, stakeMaxMinor: null, stakeMinMinor: null, legs: [] };
}

/** What a press sends: a slip with a single, one line of one leg. */
export function placeCommand(entry: SlipEntry, currency: string, pricePolicy: PricePolicy): PlaceSlip | null {
  const stakeMinor = parseAmountMinor(entry.stakeText, currency);
  if (entry.placement.kind !== "placing" || stakeMinor === null) return null;
  const { fixtureId, marketId, outcomeId, decimalOddsMilli, bookVersion } = entry.selection;
  return {
    requestId: entry.placement.requestId,
    bets: [
      {
        legs: [{ fixtureId, marketId, outcomeId, decimalOddsMilli, bookVersion }],
        lines: [[0]],
        lineStake: { amountMinor: stakeMinor, currency },
      },
    ],
    pricePolicy,
  };
}

export interface PriceShown {
  readonly decimalOddsMilli: number;
  readonly bookVersion: number;
  /** Whether the bettor has to agree before it can be placed. */
  readonly needsAcceptance: boolean;
}

/** The price that a press would ask for, by what the bettor agreed to and the newest that is known. */
export function priceShown(entry: SlipEntry, context: Pick<SlipContext, "live" | "pricePolicy">): PriceShown {
  const agreed = entry.selection;
  // What was sent is sent: while the answer is out, the price that was asked for stays on the screen.
  if (isPending(entry)) return { ...agreed, needsAcceptance: false };
  const newest = newestPrice(entry, context.live);
  if (newest === null || newest.decimalOddsMilli === 0) return { ...agreed, needsAcceptance: false };
  const isLonger = newest.decimalOddsMilli > agreed.decimalOddsMilli;
  const isSame = newest.decimalOddsMilli === agreed.decimalOddsMilli;
  const isAgreed =
    isSame ||
    context.pricePolicy === PricePolicy.ANY ||
    (context.pricePolicy === PricePolicy.BETTER_ONLY && isLonger);
  return { ...newest, needsAcceptance: !isAgreed };
}

function newestPrice(entry: SlipEntry, live: LivePrice | null): Pick<PriceShown, "decimalOddsMilli" | "bookVersion"> | null {
  const refused = entry.placement.kind === "refused" ? entry.placement.refusal.legs[0] : undefined;
  const told =
    refused !== undefined && refused.decimalOddsMilli !== null
      ? { decimalOddsMilli: refused.decimalOddsMilli, bookVersion: refused.bookVersion ?? 0 }
      : null;
  // The refusal may be ahead of the stream of prices, or the stream ahead of the refusal.
  if (told !== null && (live === null || told.bookVersion > live.bookVersion)) return told;
  return live;
}

/** What the button says and does. The first thing that stands in the way decides. */
export function slipButton(entry: SlipEntry, context: SlipContext): SlipButton {
  return (
    placementButton(entry, context) ??
    offerButton(context) ??
    stakeLimitButton(entry, context) ??
    priceButton(entry, context) ??
    stakeButton(entry, context)
  );
}

function nothing(label: string, note = ""): SlipButton {
  return { label, action: null, tone: "quiet", note };
}

function placementButton(entry: SlipEntry, { nowMs }: SlipContext): SlipButton | null {
  const { placement } = entry;
  if (placement.kind === "placing") {
    const seconds = Math.ceil((placement.sentTimeMs + placement.delayMs - nowMs) / 1000);
    return nothing(seconds > 0 ? `Placing… ${seconds} s` : "Placing…");
  }
  if (placement.kind === "asking") {
    return nothing("Finding out…", "We got no answer to your bet. We are asking what became of it; that takes 25 s at most.");
  }
  if (placement.kind === "accepted") return { label: "Done", action: { kind: "remove" }, tone: "quiet", note: "" };
  return null;
}

function offerButton({ isLoading, live, connection, isSignedIn, isBlocked }: SlipContext): SlipButton | null {
  if (isLoading) return nothing("Loading price…");
  if (!isSignedIn) return { label: "Log in to bet", action: { kind: "log_in" }, tone: "primary", note: "" };
  if (isBlocked) return nothing("Betting is blocked", "This account may not bet. Write to support.");
  if (connection === "stale") return nothing("Waiting for the connection", "Prices are old. Nothing can be placed on them.");
  if (connection === "paused") return nothing("Bets are paused", "Pricing is down. Betting resumes by itself.");
  if (live === null) return { label: "No longer on offer: remove", action: { kind: "remove" }, tone: "quiet", note: "" };
  if (live.isSuspended) return nothing("Suspended", "No bets for the moment. It usually takes seconds.");
  if (!live.isOpen) return { label: "Market closed: remove", action: { kind: "remove" }, tone: "quiet", note: "" };
  if (live.decimalOddsMilli === 0) return nothing("Not offered now");
  return null;
}

/** Offers a stake that the refusal would have let through, and never one that the balance cannot pay. */
function stakeLimitButton(entry: SlipEntry, { currency, availableMinor }: SlipContext): SlipButton | null {
  if (entry.placement.kind !== "refused") return null;
  const { refusal } = entry.placement;
  const { stakeMaxMinor, stakeMinMinor } = refusal;
  const stakeMinor = parseAmountMinor(entry.stakeText, currency) ?? 0;
  const leastMinor = stakeMinMinor ?? 0;
  const useStake = (words: string, amountMinor: number): SlipButton => ({
    label: `${words} ${formatMoney({ amountMinor, currency })}: use it`,
    action: { kind: "use_stake", stakeMinor: amountMinor },
    tone: "warn",
    note: refusalSentence(refusal),
  });
  const isShortOfMoney = refusal.reason === "INSUFFICIENT_FUNDS";
  if (stakeMaxMinor !== null && (stakeMaxMinor <= 0 || stakeMaxMinor < leastMinor)) {
    // What more money would let through is not over: the next button says how much is missing.
    return isShortOfMoney ? null : nothing("Nothing more can be taken on this", refusalSentence(refusal));
  }
  if (stakeMinor < leastMinor) return useStake("Least we can take is", leastMinor);
  if (stakeMaxMinor === null || stakeMinor === stakeMaxMinor) return null;
  if (stakeMinMinor !== null && stakeMinor < stakeMaxMinor) return null;
  if (isShortOfMoney) return useStake("Your balance pays", stakeMaxMinor);
  const isCovered = availableMinor === null || availableMinor >= stakeMaxMinor || availableMinor < Math.max(1, leastMinor);
  return isCovered ? useStake("Most we can take is", stakeMaxMinor) : useStake("Your balance is", availableMinor);
}

function priceButton(entry: SlipEntry, context: SlipContext): SlipButton | null {
  const { decimalOddsMilli, bookVersion, needsAcceptance } = priceShown(entry, context);
  if (!needsAcceptance) return null;
  return {
    label: `Price is now ${formatOdds(decimalOddsMilli, context.oddsFormat)}: accept`,
    action: { kind: "accept_price", decimalOddsMilli, bookVersion },
    tone: "warn",
    note: `It was ${formatOdds(entry.selection.decimalOddsMilli, context.oddsFormat)} when you chose it.`,
  };
}

function stakeButton(entry: SlipEntry, { currency, availableMinor }: SlipContext): SlipButton {
  const stakeMinor = parseAmountMinor(entry.stakeText, currency);
  if (entry.stakeText.trim() === "" || stakeMinor === 0) return nothing("Enter a stake");
  if (stakeMinor === null) return nothing("Enter a stake", "Write it like 10 or 10.50.");
  const refusal = entry.placement.kind === "refused" ? entry.placement.refusal : null;
  const isShort = availableMinor !== null && availableMinor < stakeMinor;
  if (isShort || (refusal?.reason === "INSUFFICIENT_FUNDS" && availableMinor === null)) {
    const missingMinor = stakeMinor - (availableMinor ?? 0);
    const missing = formatMoney({ amountMinor: missingMinor, currency });
    return { label: "Deposit to place it", action: { kind: "deposit", missingMinor }, tone: "warn", note: `${missing} short.` };
  }
  const label = `Place ${formatMoney({ amountMinor: stakeMinor, currency })}`;
  return { label, action: { kind: "place" }, tone: "primary", note: refusal ? refusalSentence(refusal) : "" };
}

/** Why a bet was not taken and what works instead. */
export function refusalSentence(refusal: BetRefusal): string {
  return `${refusalWords(refusal.reason) ?? refusal.message} Nothing was taken.`;
}
