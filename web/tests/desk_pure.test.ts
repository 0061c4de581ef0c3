import { describe, expect, test } from "vitest";

import { bulkWords, isBulkDone, newBulk, noteBulkBook } from "../src/desk/bulk";
import {
  commandWords,
  isPending,
  LATE_AFTER_MS,
  newCommand,
  noteAnswer,
  noteBook,
  noteFailure,
  noteTime,
  sendAgain,
} from "../src/desk/command";
import { PriceHistory, SAMPLES_MAX, sparklinePath } from "../src/desk/history";
import { actionOf } from "../src/desk/keys";
import { type FixtureLiability, type MarketLiability, marketsByWorstLoss, profitIfWinsMinor, profitsByOutcome } from "../src/risk/liability";
import { countMoves, MoveCount } from "../src/desk/moves";
import { pauseSubject, pricingPause } from "../src/desk/pricing";
import { filterFixtures, type Orderable, sortFixtures } from "../src/desk/order";
import { quantile } from "../src/desk/perf.svelte";
import { coverageOf, isProviderUp, knownTimeMs, orderProviders, providerName } from "../src/desk/providers";
import { findHold, fixtureStatus, mainMarketId, marketStatus, pausedStatus } from "../src/desk/status";
import { mergeBets, orderBets, tickerEvent, TICKER_BETS_MAX } from "../src/desk/ticker";
import type { DeskBet, Explanation, ProviderSign } from "../src/trading/desk";
import { type Book, MarketStatus, SuspensionReason, type TraderSuspension } from "../src/odds/book";
import type { Failure } from "../src/shared/failure";

const layout = { marketIds: ["1x2"], outcomeIds: ["home", "draw", "away"], outcomeStarts: new Uint32Array([0, 3]) };

function market(stakes: Record<string, [stake: number, payout: number]>, marketId = "1x2"): MarketLiability {
  const outcomes = new Map(
    Object.entries(stakes).map(([id, [stakeMinor, payoutMinor]]) => [id, { stakeMinor, payoutMinor, betCount: 1 }]),
  );
  const stakeMinor = Object.values(stakes).reduce((sum, [stake]) => sum + stake, 0);
  const worst = Math.max(0, ...Object.values(stakes).map(([, payout]) => payout - stakeMinor));
  return { marketId, stakeMinor, betCount: outcomes.size, worstLossMinor: worst, winnerCount: 1, outcomes };
}

describe("profit and loss", () => {
  test("an outcome that wins costs its payouts and keeps every stake", () => {
    const position = market({ home: [1000, 2100], draw: [500, 1750] });
    expect(profitIfWinsMinor(position, "home")).toBe(-600);
    expect(profitIfWinsMinor(position, "draw")).toBe(-250);
    expect(profitIfWinsMinor(position, "away")).toBe(1500);
  });

  test("bars share one scale and only the largest loss is the worst", () => {
    const bars = profitsByOutcome(market({ home: [1000, 2100], draw: [500, 1750] }), ["home", "draw", "away"]);
    expect(bars.map((bar) => bar.share)).toEqual([0.4, 250 / 1500, 1]);
    expect(bars.map((bar) => bar.isWorst)).toEqual([true, false, false]);
  });

  test("where two outcomes win together, bars and profit count both and agree with the worst loss", () => {
    const position = { ...market({ "1x": [1000, 1300], "12": [500, 700], x2: [800, 1500] }, "double_chance"), winnerCount: 2 };
    expect(profitIfWinsMinor(position, "1x")).toBe(2300 - 1300 - 1500);
    expect(profitIfWinsMinor(position, "12")).toBe(2300 - 700 - 1500);
    const bars = profitsByOutcome(position, ["1x", "12", "x2"]);
    expect(Math.min(...bars.map((bar) => bar.profitMinor))).toBe(2300 - (1500 + 1300));
    expect(bars.filter((bar) => bar.isWorst).map((bar) => bar.outcomeId)).toEqual(["1x", "x2"]);
  });

  test("a market that cannot lose has no worst outcome", () => {
    const bars = profitsByOutcome(market({ home: [1000, 1000] }), ["home", "away"]);
    expect(bars.some((bar) => bar.isWorst)).toBe(false);
    expect(bars.map((bar) => bar.profitMinor)).toEqual([0, 1000]);
  });

  test("markets that hurt most come first, those that cannot hurt are left out", () => {
    const markets = [market({ home: [10, 30] }, "a"), market({ home: [10, 90] }, "b"), market({ home: [10, 5] }, "c")];
    const liability = { markets: new Map(markets.map((one) => [one.marketId, one])) } as unknown as FixtureLiability;
    expect(marketsByWorstLoss(liability, 5).map(({ marketId }) => marketId)).toEqual(["b", "a"]);
    expect(marketsByWorstLoss(liability, 1)).toHaveLength(1);
  });
});

const unreachable: Failure = { kind: "unreachable", reason: "Unavailable", message: "", metadata: new Map(), errorId: "X" };
const refused: Failure = { ...unreachable, kind: "refused", reason: "MARKET_UNKNOWN" };

function suspension(requestId: string, marketId = "1x2", traderName = "ann"): TraderSuspension {
  return { marketId, traderName, suspendedTimeMs: 77, requestId };
}

const target = { fixtureId: "f", marketId: "1x2", subject: "Match result, A v B" };

describe("a command", () => {
  test("is confirmed by the book that carries its suspension, with who and when", () => {
    const waiting = noteAnswer(newCommand("r1", "suspend", target, [], 0));
    expect(waiting.phase).toBe("waiting");
    expect(commandWords(waiting)).toBe("Suspending Match result, A v B…");
    const done = noteBook(waiting, [suspension("r1")], "me", 5);
    expect(done).toMatchObject({ phase: "confirmed", doneBy: "ann", doneTimeMs: 77 });
    expect(isPending(done)).toBe(false);
  });

  test("is not confirmed by a book without it, nor by another market's suspension", () => {
    const waiting = noteAnswer(newCommand("r1", "suspend", target, [], 0));
    expect(noteBook(waiting, [], "me", 5).phase).toBe("waiting");
    expect(noteBook(waiting, [suspension("r2", "btts")], "me", 5).phase).toBe("waiting");
    expect(noteBook(waiting, [suspension("r2", "")], "me", 5).phase).toBe("waiting");
  });

  test("may be confirmed before its call is answered", () => {
    const done = noteBook(newCommand("r1", "suspend", target, [], 0), [suspension("r1")], "me", 5);
    expect(noteAnswer(done).phase).toBe("confirmed");
    expect(noteFailure(done, unreachable).phase).toBe("confirmed");
  });

  test("to suspend again waits for a suspension newer than the one in force", () => {
    const again = newCommand("r2", "suspend", target, [suspension("r1")], 0);
    expect(noteBook(again, [suspension("r1")], "me", 5).phase).toBe("sending");
    expect(noteBook(again, [suspension("r3", "1x2", "bob")], "me", 5)).toMatchObject({ phase: "confirmed", doneBy: "bob" });
  });

  test("to resume is confirmed by the book that has the suspension no more", () => {
    const resume = noteAnswer(newCommand("r2", "resume", target, [suspension("r1")], 0));
    expect(noteBook(resume, [suspension("r1")], "me", 5).phase).toBe("waiting");
    expect(noteBook(resume, [], "me", 9)).toMatchObject({ phase: "confirmed", doneBy: "me", doneTimeMs: 9 });
  });

  test("is late after three seconds, can be sent again, and still be confirmed", () => {
    const waiting = noteAnswer(newCommand("r1", "suspend", target, [], 100));
    expect(noteTime(waiting, 99 + LATE_AFTER_MS).phase).toBe("waiting");
    const late = noteTime(waiting, 100 + LATE_AFTER_MS);
    expect(late.phase).toBe("late");
    expect(sendAgain(late, 9_000)).toMatchObject({ phase: "sending", requestId: "r1", sentMs: 9_000 });
    expect(noteBook(late, [suspension("r1")], "me", 5).phase).toBe("confirmed");
  });

  test("that was refused is over; one without an answer may hold all the same", () => {
    const sending = newCommand("r1", "suspend", target, [], 0);
    expect(noteFailure(sending, refused).phase).toBe("failed");
    const unknown = noteFailure(sending, unreachable);
    expect(unknown.phase).toBe("late");
    expect(noteBook(unknown, [suspension("r1")], "me", 5)).toMatchObject({ phase: "confirmed", failure: null });
  });

  test("for many counts the fixtures whose book shows it", () => {
    const none = newBulk("suspend", ["a", "b"]);
    const one = noteBulkBook(none, "a", [suspension("x", "")]);
    expect(bulkWords(one)).toBe("Suspending 2 fixtures: 1 confirmed");
    expect(noteBulkBook(one, "b", [suspension("x", "1x2")])).toBe(one);
    expect(noteBulkBook(one, "c", [suspension("x", "")])).toBe(one);
    const both = noteBulkBook(one, "b", [suspension("y", "")]);
    expect(isBulkDone(both)).toBe(true);
    expect(bulkWords(both)).toBe("Suspended 2 fixtures");
    const back = noteBulkBook(newBulk("resume", ["a"]), "a", []);
    expect(bulkWords(back)).toBe("Resumed 1 fixture");
  });
});

function orderable(fixtureId: string, changes: Partial<Orderable> & { home?: string; startTimeMs?: number }): Orderable {
  const { home = "Ajax", startTimeMs = 5, ...rest } = changes;
  const description = { sport: "football", competition: "Primera", homeName: home, awayName: "PSV", startTimeMs, participantNames: new Map() };
  return { fixtureId, description, tone: "open", worstLossMinor: 0, turnoverMinor: 0, moveCount: 0, ...rest };
}

describe("the order of fixtures", () => {
  const fixtures = [
    orderable("a", { worstLossMinor: 10, turnoverMinor: 5, moveCount: 3, startTimeMs: 9 }),
    orderable("b", { worstLossMinor: 30, turnoverMinor: 1, moveCount: 9, startTimeMs: 0 }),
    orderable("c", { worstLossMinor: 99, turnoverMinor: 99, moveCount: 99, tone: "over" }),
    orderable("d", { worstLossMinor: 20, turnoverMinor: 7, startTimeMs: 1 }),
  ];
  const ids = (sorted: readonly Orderable[]) => sorted.map(({ fixtureId }) => fixtureId).join("");

  test("puts the largest first and what is over last", () => {
    expect(ids(sortFixtures(fixtures, "worst_loss"))).toBe("bdac");
    expect(ids(sortFixtures(fixtures, "turnover"))).toBe("dabc");
    expect(ids(sortFixtures(fixtures, "moves"))).toBe("badc");
  });

  test("by start leaves fixtures without a time to the end", () => {
    expect(ids(sortFixtures(fixtures, "start"))).toBe("dabc");
  });

  test("filter finds every word anywhere, whatever case and accents", () => {
    const found = filterFixtures([orderable("a", { home: "Atlético" }), orderable("b", {})], " ATLETICO prim ");
    expect(ids(found)).toBe("a");
    expect(filterFixtures(fixtures, "  ")).toBe(fixtures);
  });
});

describe("moves", () => {
  test("count prices that changed; an outcome that comes or goes is none", () => {
    expect(countMoves(new Uint32Array([2000, 3000, 0, 4000]), new Uint32Array([2010, 3000, 1500, 0]))).toBe(1);
  });

  test("are forgotten after ten seconds", () => {
    const moves = new MoveCount();
    moves.add(2, 1_000);
    moves.add(3, 5_500);
    expect(moves.total(10_900)).toBe(5);
    expect(moves.total(11_000)).toBe(3);
    expect(moves.total(600_000)).toBe(0);
  });
});

describe("the history of prices", () => {
  test("keeps the newest price of a spacing and tells the last move", () => {
    const history = new PriceHistory();
    for (const [timeMs, odds] of [[0, 2000], [900, 2050], [1000, 2100], [1100, 1900]] as const) {
      history.note(timeMs, layout, new Uint32Array([odds, 3000, 4000]));
    }
    expect(history.points("1x2", "home").at(-1)).toEqual({ timeMs: 1100, decimalOddsMilli: 1900 });
    expect(history.lastMove("1x2", "home")).toEqual({ timeMs: 1100, direction: -1 });
    expect(history.lastMove("1x2", "draw")).toBeNull();
    expect(history.points("1x2", "none such")).toEqual([]);
  });

  test("never grows past its bound and keeps first and last", () => {
    const history = new PriceHistory();
    for (let second = 0; second <= 5_000; second++) history.note(second * 1000, layout, new Uint32Array([2000 + second, 1, 1]));
    const points = history.points("1x2", "home");
    expect(history.size).toBeLessThanOrEqual(SAMPLES_MAX);
    expect(points[0]?.timeMs).toBe(0);
    expect(points.at(-1)?.decimalOddsMilli).toBe(7000);
  });

  test("is drawn in steps that end now; a price that never moved draws nothing", () => {
    const points = [{ timeMs: 0, decimalOddsMilli: 2000 }, { timeMs: 50, decimalOddsMilli: 3000 }];
    expect(sparklinePath(points, 100, 10, 4)).toBe("M0 4H5V0H10");
    expect(sparklinePath(points.slice(0, 1), 100, 10, 4)).toBe("");
  });
});

describe("words", () => {
  const state = { status: 2 } as Book["state"];
  const book = (statuses: number[], reasons: number[], traderSuspensions: TraderSuspension[] = []) =>
    ({ state, marketStatuses: new Uint8Array(statuses), suspensionReasons: new Uint8Array(reasons), traderSuspensions }) as unknown as Book;

  test("a market says why it is suspended", () => {
    expect(marketStatus(2, 2).words).toBe("Suspended: bet stop");
    expect(marketStatus(2, 0).words).toBe("Suspended");
    expect(marketStatus(4, 0)).toEqual({ tone: "over", words: "Settled" });
  });

  test("every reason that a book may give has words of its own", () => {
    const reasons = Object.values(SuspensionReason).filter((reason) => typeof reason === "number");
    const words = reasons.map((reason) => marketStatus(MarketStatus.SUSPENDED, reason).words);
    expect(new Set(words).size).toBe(reasons.length);
    expect(words.filter((said) => said === "Suspended")).toHaveLength(1);
  });

  test("a status that is newer than the page is not called one that it may not be", () => {
    expect(marketStatus(99 as MarketStatus, 0).words).toBe("Status unknown");
  });

  test("a fixture says what of it takes bets", () => {
    expect(fixtureStatus(book([1, 1], [0, 0])).words).toBe("Open");
    expect(fixtureStatus(book([1, 2], [0, 1]))).toEqual({ tone: "part", words: "Open, 1 suspended" });
    expect(fixtureStatus(book([2, 4], [3, 0])).words).toBe("Suspended: provider down");
    expect(fixtureStatus(book([3, 4], [0, 0])).words).toBe("Closed");
    expect(fixtureStatus(book([4, 5], [0, 0])).words).toBe("Settled");
    expect(fixtureStatus(book([2, 2], [5, 5], [suspension("r", "")])).words).toBe("Suspended: by the desk");
  });
});

describe("a market held by the desk", () => {
  const held = { marketId: "btts", suspensionReason: SuspensionReason.TRADER };

  test("is held for itself, with its fixture, or with the market that it is priced from", () => {
    expect(findHold([suspension("r", "btts"), suspension("s", "")], held, "1x2")).toMatchObject({ by: "itself" });
    expect(findHold([suspension("s", "")], held, "1x2")).toMatchObject({ by: "fixture" });
    expect(findHold([suspension("m", "1x2")], held, "1x2")).toMatchObject({ by: "main", suspension: { requestId: "m" } });
  });

  test("is not said to be held where something else suspends it", () => {
    expect(findHold([suspension("m", "1x2")], { ...held, suspensionReason: SuspensionReason.BET_STOP }, "1x2")).toBeNull();
    expect(findHold([], held, "1x2")).toBeNull();
  });

  test("goes with the result, or with the first where there is none", () => {
    expect(mainMarketId(["btts", "1x2"])).toBe("1x2");
    expect(mainMarketId(["match_odds", "total:2.5"])).toBe("match_odds");
  });
});

describe("pricing that stands still", () => {
  const part = (isLive: boolean, heardTimeMs = 9) => ({ isLive, heardTimeMs });

  test("is nothing to say while all of it works, or what does not prices nothing", () => {
    expect(pricingPause([part(true), part(true)], 0)).toBeNull();
    expect(pricingPause([part(true), part(false)], 0)).toBeNull();
  });

  test("is said of all, or of how many fixtures, since it was last heard", () => {
    const whole = pricingPause([part(false, 7), part(false, 5)], 0);
    expect(whole).toEqual({ isWhole: true, fixtureCount: 0, heardTimeMs: 5 });
    expect(whole && pauseSubject(whole)).toBe("Pricing");
    const some = pricingPause([part(true), part(false, 5)], 12);
    expect(some && pauseSubject(some)).toBe("Pricing of 12 fixtures");
  });

  test("leaves nothing open but what is over", () => {
    expect(pausedStatus({ tone: "open", words: "Open" }).words).toBe("Pricing is paused");
    expect(pausedStatus({ tone: "over", words: "Settled" }).words).toBe("Settled");
  });
});

describe("providers", () => {
  const sign = (providerId: string, changes: Partial<ProviderSign> = {}): ProviderSign => ({
    providerId, receivedTimeMs: 1_000, isUp: true, timeoutMs: 3_000, ...changes,
  });

  test("are down when they say so or are silent past their time, and then come first", () => {
    expect(isProviderUp(sign("a"), 4_000)).toBe(true);
    expect(isProviderUp(sign("a"), 4_001)).toBe(false);
    expect(isProviderUp(sign("a", { isUp: false }), 1_000)).toBe(false);
    const ordered = orderProviders([sign("b"), sign("a"), sign("c", { isUp: false })], 1_000);
    expect(ordered.map(({ providerId }) => providerId)).toEqual(["c", "a", "b"]);
  });

  test("are judged by what is known: a line that is down makes nobody older", () => {
    expect(knownTimeMs(2_400, 1_000)).toBe(2_400);
    expect(knownTimeMs(60_000, 1_000)).toBe(2_500);
    expect(isProviderUp(sign("a"), knownTimeMs(60_000, 1_000))).toBe(true);
  });

  test("have names as people say them", () => {
    expect(["uof:3", "betfair", "sim-alpha"].map(providerName)).toEqual(["UOF 3", "Betfair", "Sim alpha"]);
  });

  test("cover a fixture where they count in its main market", () => {
    const explanation: Explanation = {
      fixtureId: "f", version: 1, layout, fairProbabilities: new Float64Array(3), overrounds: new Float64Array(1),
      providerWeights: [new Float32Array([0]), new Float32Array([1])], ownMarkets: new Uint8Array(),
    };
    expect(coverageOf(explanation)).toEqual({ countingCount: 1, totalCount: 2 });
  });
});

describe("the ticker", () => {
  function bet(betId: string, timeMs: number, stakeMinor: number, changes: Partial<DeskBet["bet"]> = {}): DeskBet {
    const events = [{ kind: 1, timeMs, amount: { amountMinor: 0, currency: "EUR" } }];
    const money = (amountMinor: number) => ({ amountMinor, currency: "EUR" });
    return {
      playerName: "p",
      bet: {
        betId, playerId: "", requestId: "", legs: [], lines: [], stake: money(stakeMinor), potentialReturn: money(0), status: 1,
        returned: money(0), placedTimeMs: timeMs, settledTimeMs: null, events, ...changes,
      },
    };
  }

  test("shows the newest first, each bet once, within its bound", () => {
    const held = mergeBets([], [bet("a", 1, 5), bet("b", 2, 9)]);
    const merged = mergeBets(held, [bet("a", 3, 5)]);
    expect(merged.map((entry) => entry.bet.betId)).toEqual(["a", "b"]);
    expect(orderBets(merged, "largest").map((entry) => entry.bet.betId)).toEqual(["b", "a"]);
    const many = Array.from({ length: 300 }, (_, index) => bet(`x${index}`, index, 1));
    expect(mergeBets(merged, many)).toHaveLength(TICKER_BETS_MAX);
  });

  test("says in a word what happened", () => {
    expect(tickerEvent(bet("a", 1, 5)).words).toBe("Taken");
    expect(tickerEvent(bet("a", 1, 5, { status: 2 })).words).toBe("Lost");
    expect(tickerEvent(bet("a", 1, 5, { status: 2, returned: { amountMinor: 1, currency: "EUR" } })).words).toBe("Paid");
    expect(tickerEvent(bet("a", 1, 5, { status: 3 })).words).toBe("Void");
  });
});

describe("keys", () => {
  test("mean what the help says; with a modifier they stay the browser's", () => {
    expect(actionOf({ key: "s", isModified: false }, false)).toBe("suspend_market");
    expect(actionOf({ key: "S", isModified: false }, false)).toBe("suspend_fixture");
    expect(actionOf({ key: "s", isModified: true }, false)).toBeNull();
    expect(actionOf({ key: "t", isModified: false }, false)).toBeNull();
    expect(actionOf({ key: "t", isModified: false }, true)).toBe("go_ticker");
    expect(actionOf({ key: "s", isModified: false }, true)).toBeNull();
  });
});

test("a quantile of nothing is no number", () => {
  expect(quantile([], 0.99)).toBeNaN();
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(3);
  expect(quantile([1, 2, 3, 4], 0.99)).toBe(4);
});
