/**
 * The betslip's rules, without a screen or a network: what its bets are, what may happen to one, and what its one button
 * says and does. A slip has bets, a bet has lines, a line has legs; what is offered is singles, a line of a leg each.
 *
 * The rule above all others: from the press until the answer is known, nothing can be pressed again. An answer that did
 * not arrive is asked for by the id of the press, never guessed.
 */
import { formatMoney, formatOdds, type OddsFormat, parseAmountMinor, potentialReturnMinor } from "../shared/format";
import { refusalWords } from "../shared/refusals";
import { type Bet, type BetAnswer, type BetRefusal, type LegRequest, type Line, type PlaceSlip, PricePolicy } from "./bet";

export const BETS_MAX = 12;
/** The lines of a single. */
export const SINGLE: readonly Line[] = [[0]];
/** A PlaceSlip that the server does not know this long after it was sent will never be placed: 15 s until it has ended. */
export const ANSWER_CERTAIN_AFTER_MS = 25_000;
/** The same after the server itself has ended it. */
export const END_CERTAIN_AFTER_MS = 10_000;

/** What was chosen, with the price that the bettor has agreed to. */
export interface SlipLeg extends LegRequest {
  readonly fixtureName: string;
  readonly marketName: string;
  readonly outcomeName: string;
  readonly isInPlay: boolean;
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

export interface SlipBet {
  readonly key: string;
  readonly legs: readonly SlipLeg[];
  readonly lines: readonly Line[];
  /** On each line, as it was typed. */
  readonly stakeText: string;
  readonly placement: Placement;
}

/** A leg's market now, as the books say. */
export interface LivePrice {
  readonly isOpen: boolean;
  readonly isSuspended: boolean;
  /** 0 where the outcome is not offered. */
  readonly decimalOddsMilli: number;
  readonly bookVersion: number;
}

/** What else the button depends on. */
export interface SlipContext {
  /** Whether it is not yet known who is there, or what the book says of a leg. */
  readonly isLoading: boolean;
  /** Of each leg, in their order; null where it is not on offer at all. */
  readonly live: readonly (LivePrice | null)[];
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

/** A price of a leg, by the leg's place in its bet. */
export interface LegPrice {
  readonly leg: number;
  readonly decimalOddsMilli: number;
  readonly bookVersion: number;
}

export type SlipAction =
  | { readonly kind: "place" }
  | { readonly kind: "accept_price"; readonly price: LegPrice }
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

export function legKey(leg: Pick<SlipLeg, "fixtureId" | "marketId" | "outcomeId">): string {
  return `${leg.fixtureId}|${leg.marketId}|${leg.outcomeId}`;
}

export function singleOn(leg: SlipLeg): SlipBet {
  return { key: legKey(leg), legs: [leg], lines: SINGLE, stakeText: "", placement: EDITING };
}

/** Whether its answer is still out: then it cannot be edited, pressed or removed. */
export function isPending(bet: SlipBet): boolean {
  return bet.placement.kind === "placing" || bet.placement.kind === "asking";
}

export function withStake(bet: SlipBet, stakeText: string): SlipBet {
  return isPending(bet) ? bet : { ...bet, stakeText, placement: EDITING };
}

export function withPriceAccepted(bet: SlipBet, { leg, ...price }: LegPrice): SlipBet {
  if (isPending(bet)) return bet;
  const legs = bet.legs.map((agreed, place) => (place === leg ? { ...agreed, ...price } : agreed));
  return { ...bet, legs, placement: EDITING };
}

/** The press: remembers the prices that were on the screen and the id to ask by. */
export function pressed(bet: SlipBet, context: SlipContext, requestId: string, delayMs: number): SlipBet {
  if (slipButton(bet, context).action?.kind !== "place") return bet;
  const prices = pricesShown(bet, context);
  const legs = prices.map(({ agreed, decimalOddsMilli, bookVersion }) => ({ ...agreed, decimalOddsMilli, bookVersion }));
  const isInPlay = legs.some((leg) => leg.isInPlay);
  const placement = { kind: "placing", requestId, sentTimeMs: context.nowMs, delayMs: isInPlay ? delayMs : 0 } as const;
  return { ...bet, legs, placement };
}

/** The answer did not come: from here on it is only asked for. */
export function answerLost(bet: SlipBet): SlipBet {
  const { placement } = bet;
  if (placement.kind !== "placing") return bet;
  const { requestId, sentTimeMs } = placement;
  const certainTimeMs = sentTimeMs + ANSWER_CERTAIN_AFTER_MS;
  return { ...bet, placement: { kind: "asking", requestId, certainTimeMs, told: null } };
}

/** The server ended the call without deciding the bet, which says nothing of what it had begun: that is asked for. */
export function leftUndecided(bet: SlipBet, told: BetRefusal, nowMs: number): SlipBet {
  const { placement } = bet;
  if (placement.kind !== "placing") return bet;
  const { requestId } = placement;
  return { ...bet, placement: { kind: "asking", requestId, certainTimeMs: nowMs + END_CERTAIN_AFTER_MS, told } };
}

export function answered(bet: SlipBet, requestId: string, answer: BetAnswer): SlipBet {
  const { placement } = bet;
  const isWaitingForIt =
    (placement.kind === "placing" || placement.kind === "asking") && placement.requestId === requestId;
  if (!isWaitingForIt) return bet;
  if (answer.kind === "accepted") return { ...bet, placement: { kind: "accepted", bet: answer.bet } };
  return { ...bet, placement: { kind: "refused", refusal: answer.refusal } };
}

/** The server knows nothing of the request: certain only once it can no longer be on its way. */
export function answerMissing(bet: SlipBet, nowMs: number): SlipBet {
  const { placement } = bet;
  if (placement.kind !== "asking" || !(nowMs >= placement.certainTimeMs)) return bet;
  const refusal = placement.told ?? refusalOf("NOT_PLACED", "The connection broke before we got your bet.");
  return { ...bet, placement: { kind: "refused", refusal } };
}

export function refusalOf(reason: string, message: string): BetRefusal {
  return { reason, message, stakeMaxMinor: null, stakeMinMinor: null, legs: [] };
}

/** What a press sends: a slip with this bet alone. */
export function placeCommand(bet: SlipBet, currency: string, pricePolicy: PricePolicy): PlaceSlip | null {
  const lineStakeMinor = parseAmountMinor(bet.stakeText, currency);
  if (bet.placement.kind !== "placing" || lineStakeMinor === null) return null;
  const legs = bet.legs.map(({ fixtureId, marketId, outcomeId, decimalOddsMilli, bookVersion }) => ({
    fixtureId,
    marketId,
    outcomeId,
    decimalOddsMilli,
    bookVersion,
  }));
  const request = { legs, lines: bet.lines, lineStake: { amountMinor: lineStakeMinor, currency } };
  return { requestId: bet.placement.requestId, bets: [request], pricePolicy };
}

/** What it costs: the stake of all its lines, nothing while none can be read. */
export function stakeMinorOf(bet: SlipBet, currency: string): number {
  return (parseAmountMinor(bet.stakeText, currency) ?? 0) * bet.lines.length;
}

/** What it pays if every leg wins, each line rounded down by itself. */
export function potentialReturnMinorOf(bet: SlipBet, context: Pick<SlipContext, "live" | "pricePolicy" | "currency">): number {
  const lineStakeMinor = parseAmountMinor(bet.stakeText, context.currency) ?? 0;
  const odds = pricesShown(bet, context).map(({ decimalOddsMilli }) => decimalOddsMilli);
  const returns = bet.lines.map((line) => potentialReturnMinor(lineStakeMinor, ...line.map((leg) => odds[leg] ?? 0)));
  return returns.reduce((sum, minor) => sum + minor, 0);
}

/** The most that a balance pays for on each line; null while it is unknown. */
export function lineStakeMinorMax(bet: SlipBet, availableMinor: number | null): number | null {
  return availableMinor === null ? null : Math.floor(availableMinor / bet.lines.length);
}

export interface PriceShown extends LegPrice {
  /** The leg at the price that the bettor has agreed to. */
  readonly agreed: SlipLeg;
  /** Whether the bettor has to agree before it can be placed. */
  readonly needsAcceptance: boolean;
}

/** The price of each leg that a press would ask for, by what the bettor agreed to and the newest that is known. */
export function pricesShown(bet: SlipBet, context: Pick<SlipContext, "live" | "pricePolicy">): readonly PriceShown[] {
  return bet.legs.map((agreed, leg) => ({ leg, agreed, ...priceShown(bet, agreed, leg, context) }));
}

function priceShown(
  bet: SlipBet,
  { decimalOddsMilli, bookVersion }: SlipLeg,
  leg: number,
  { live, pricePolicy }: Pick<SlipContext, "live" | "pricePolicy">,
): Omit<PriceShown, "leg" | "agreed"> {
  const agreed = { decimalOddsMilli, bookVersion, needsAcceptance: false };
  // What was sent is sent: while the answer is out, the price that was asked for stays on the screen.
  if (isPending(bet)) return agreed;
  const newest = newestPrice(bet, leg, live[leg] ?? null);
  if (newest === null || newest.decimalOddsMilli === 0) return agreed;
  const isLonger = newest.decimalOddsMilli > decimalOddsMilli;
  const isSame = newest.decimalOddsMilli === decimalOddsMilli;
  const isAgreed = isSame || pricePolicy === PricePolicy.ANY || (pricePolicy === PricePolicy.BETTER_ONLY && isLonger);
  return { decimalOddsMilli: newest.decimalOddsMilli, bookVersion: newest.bookVersion, needsAcceptance: !isAgreed };
}

function newestPrice(bet: SlipBet, leg: number, live: LivePrice | null): Omit<LegPrice, "leg"> | null {
  const refused = bet.placement.kind === "refused" ? bet.placement.refusal.legs.find((told) => told.leg === leg) : undefined;
  const told =
    refused !== undefined && refused.decimalOddsMilli !== null
      ? { decimalOddsMilli: refused.decimalOddsMilli, bookVersion: refused.bookVersion ?? 0 }
      : null;
  // The refusal may be ahead of the stream of prices, or the stream ahead of the refusal.
  if (told !== null && (live === null || told.bookVersion > live.bookVersion)) return told;
  return live;
}

/** What the button says and does. The first thing that stands in the way decides. */
export function slipButton(bet: SlipBet, context: SlipContext): SlipButton {
  return (
    placementButton(bet, context) ??
    offerButton(context) ??
    stakeLimitButton(bet, context) ??
    priceButton(bet, context) ??
    stakeButton(bet, context)
  );
}

function nothing(label: string, note = ""): SlipButton {
  return { label, action: null, tone: "quiet", note };
}

function placementButton(bet: SlipBet, { nowMs }: SlipContext): SlipButton | null {
  const { placement } = bet;
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
  return live.map(legOfferButton).find((button) => button !== null) ?? null;
}

function legOfferButton(live: LivePrice | null): SlipButton | null {
  if (live === null) return { label: "No longer on offer: remove", action: { kind: "remove" }, tone: "quiet", note: "" };
  if (live.isSuspended) return nothing("Suspended", "No bets for the moment. It usually takes seconds.");
  if (!live.isOpen) return { label: "Market closed: remove", action: { kind: "remove" }, tone: "quiet", note: "" };
  if (live.decimalOddsMilli === 0) return nothing("Not offered now");
  return null;
}

/** Offers a stake a line that the refusal would have let through, and never one that the balance cannot pay. */
function stakeLimitButton(bet: SlipBet, context: SlipContext): SlipButton | null {
  if (bet.placement.kind !== "refused") return null;
  const { refusal } = bet.placement;
  const { currency } = context;
  const availableMinor = lineStakeMinorMax(bet, context.availableMinor);
  const { stakeMaxMinor, stakeMinMinor } = refusal;
  const stakeMinor = parseAmountMinor(bet.stakeText, currency) ?? 0;
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

/** One price after another: of each it is said what it was. */
function priceButton(bet: SlipBet, context: SlipContext): SlipButton | null {
  const moved = pricesShown(bet, context).find(({ needsAcceptance }) => needsAcceptance);
  if (moved === undefined) return null;
  const { leg, agreed, decimalOddsMilli, bookVersion } = moved;
  return {
    label: `Price is now ${formatOdds(decimalOddsMilli, context.oddsFormat)}: accept`,
    action: { kind: "accept_price", price: { leg, decimalOddsMilli, bookVersion } },
    tone: "warn",
    note: `It was ${formatOdds(agreed.decimalOddsMilli, context.oddsFormat)} when you chose it.`,
  };
}

function stakeButton(bet: SlipBet, { currency, availableMinor }: SlipContext): SlipButton {
  const lineStakeMinor = parseAmountMinor(bet.stakeText, currency);
  if (bet.stakeText.trim() === "" || lineStakeMinor === 0) return nothing("Enter a stake");
  if (lineStakeMinor === null) return nothing("Enter a stake", "Write it like 10 or 10.50.");
  const stakeMinor = stakeMinorOf(bet, currency);
  const refusal = bet.placement.kind === "refused" ? bet.placement.refusal : null;
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
