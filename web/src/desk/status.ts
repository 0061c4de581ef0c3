/** Statuses and reasons in the words of the trade. */
import { type Book, FixtureStatus, MarketStatus, SuspensionReason, type TraderSuspension } from "../odds/book";
import { minuteOf } from "../odds/match";
import { formatTime } from "../shared/format";

export type StatusTone = "open" | "part" | "suspended" | "over";

export interface StatusWords {
  readonly tone: StatusTone;
  readonly words: string;
}

const REASON_WORDS: Readonly<Record<SuspensionReason, string>> = {
  [SuspensionReason.UNSPECIFIED]: "",
  [SuspensionReason.PROVIDER]: "by the provider",
  [SuspensionReason.BET_STOP]: "bet stop",
  [SuspensionReason.PROVIDER_DOWN]: "provider down",
  [SuspensionReason.CLOCK_STALE]: "clock stands still",
  [SuspensionReason.TRADER]: "by the desk",
  [SuspensionReason.NO_PRICE]: "no price",
  [SuspensionReason.NOT_STARTED_IN_TIME]: "not started in time",
  [SuspensionReason.NOT_RESTORED]: "waits for its providers",
  [SuspensionReason.PRICING_FAILED]: "pricing failed",
  [SuspensionReason.RESULT_REFERRED]: "a result waits for a person",
};

const STATUS_WORDS: Readonly<Record<MarketStatus, StatusWords>> = {
  [MarketStatus.UNSPECIFIED]: { tone: "suspended", words: "Status unknown" },
  [MarketStatus.OPEN]: { tone: "open", words: "Open" },
  [MarketStatus.SUSPENDED]: { tone: "suspended", words: "Suspended" },
  [MarketStatus.CLOSED]: { tone: "over", words: "Closed, no result yet" },
  [MarketStatus.SETTLED]: { tone: "over", words: "Settled" },
  [MarketStatus.CANCELLED]: { tone: "over", words: "Void" },
  [MarketStatus.HANDED_OVER]: { tone: "suspended", words: "With the provider's other product" },
};

/** "Open", "Suspended: bet stop", "Settled". */
export function marketStatus(status: MarketStatus, reason: SuspensionReason): StatusWords {
  // A server that is newer than the page may say what is not known here.
  const said = STATUS_WORDS[status] ?? STATUS_WORDS[MarketStatus.UNSPECIFIED];
  const why = status === MarketStatus.SUSPENDED ? (REASON_WORDS[reason] ?? "") : "";
  return why === "" ? said : { ...said, words: `${said.words}: ${why}` };
}

/** How a fixture stands as a whole: what of it takes bets, and why the rest does not. */
export function fixtureStatus(book: Book): StatusWords {
  if (book.state.status === FixtureStatus.CANCELLED) return { tone: "over", words: "Called off" };
  if (findSuspension(book.traderSuspensions, "")) return { tone: "suspended", words: "Suspended: by the desk" };
  const statuses = [...book.marketStatuses] as MarketStatus[];
  const openCount = statuses.filter((status) => status === MarketStatus.OPEN).length;
  const firstSuspended = statuses.indexOf(MarketStatus.SUSPENDED);
  if (firstSuspended >= 0 && openCount > 0) {
    const suspendedCount = statuses.filter((status) => status === MarketStatus.SUSPENDED).length;
    return { tone: "part", words: `Open, ${suspendedCount} suspended` };
  }
  if (openCount > 0) return { tone: "open", words: "Open" };
  if (firstSuspended >= 0) return marketStatus(MarketStatus.SUSPENDED, book.suspensionReasons[firstSuspended] ?? 0);
  const isSettled = statuses.length > 0 && statuses.every((status) => status !== MarketStatus.CLOSED);
  return { tone: "over", words: isSettled ? "Settled" : "Closed" };
}

/** What a fixture or market is said to be while nothing prices it: what is over stays so. */
export function pausedStatus(status: StatusWords): StatusWords {
  return status.tone === "over" ? status : { tone: "suspended", words: "Pricing is paused" };
}

/** The market that those which we alone offer go with: the result, else the first. */
export function mainMarketId(marketIds: readonly string[]): string {
  return marketIds.includes("1x2") ? "1x2" : (marketIds[0] ?? "");
}

/** Why the desk holds a market: for itself, with its whole fixture, or with the main market that it is priced from. */
export interface DeskHold {
  readonly by: "itself" | "fixture" | "main";
  readonly suspension: TraderSuspension;
}

export function findHold(
  suspensions: readonly TraderSuspension[],
  market: { readonly marketId: string; readonly suspensionReason: SuspensionReason },
  mainId: string,
): DeskHold | null {
  const own = findSuspension(suspensions, market.marketId);
  if (own) return { by: "itself", suspension: own };
  if (market.suspensionReason !== SuspensionReason.TRADER) return null;
  const whole = findSuspension(suspensions, "");
  if (whole) return { by: "fixture", suspension: whole };
  const main = findSuspension(suspensions, mainId);
  return main ? { by: "main", suspension: main } : null;
}

/** The desk's suspension of a market, or with "" of the whole fixture. */
export function findSuspension(
  suspensions: readonly TraderSuspension[],
  marketId: string,
): TraderSuspension | undefined {
  return suspensions.find((suspension) => suspension.marketId === marketId);
}

/** "67′" in play, "20:45" before, "FT" after. */
export function fixtureClock(book: Pick<Book, "state" | "description">, nowMs: number): string {
  if (book.state.status === FixtureStatus.CANCELLED) return "Off";
  if (book.state.status === FixtureStatus.PRE_MATCH || book.state.status === FixtureStatus.UNSPECIFIED) {
    return book.description.startTimeMs > 0 ? formatTime(book.description.startTimeMs, nowMs) : "TBA";
  }
  return minuteOf(book.state);
}
