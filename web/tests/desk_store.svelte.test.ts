import { flushSync } from "svelte";
import { describe, expect, test } from "vitest";

import type { DeskUpdate, Explanation } from "../src/trading/desk";
import { DeskFeed } from "../src/desk/feed";
import type { FixtureLiability } from "../src/risk/liability";
import { DeskStore } from "../src/desk/store.svelte";
import type { Book } from "../src/odds/book";
import type { TradingClient } from "../src/wire/trading";

const layout = { marketIds: ["1x2", "btts"], outcomeIds: ["home", "draw", "away", "yes", "no"], outcomeStarts: new Uint32Array([0, 3, 5]) };

function book(fixtureId: string, version: number, odds = [2000, 3000, 4000, 1800, 1900]): Book {
  return {
    fixtureId,
    version,
    publishedTimeMs: version,
    feedTimeMs: version,
    description: { sport: "football", competition: "", homeName: "Ajax", awayName: "PSV", startTimeMs: 0, participantNames: new Map() },
    state: {
      status: 2, period: 2, homeScore: 0, awayScore: 0, clockSeconds: 60, stoppageSeconds: 0, sport: null, homeRedCards: 0,
      awayRedCards: 0, homeYellowCards: 0, awayYellowCards: 0, homeCorners: 0, awayCorners: 0,
    },
    layout,
    marketStatuses: new Uint8Array([1, 1]),
    suspensionReasons: new Uint8Array(2),
    marketVersions: new Float64Array(2),
    decimalOddsMilli: new Uint32Array(odds),
    traderSuspensions: [],
  };
}

function liability(fixtureId: string, version: number, worstLossMinor: number): FixtureLiability {
  return { fixtureId, version, currency: "EUR", markets: new Map(), worstLossMinor, turnoverMinor: 7 };
}

function update(changes: Partial<DeskUpdate>): DeskUpdate {
  return {
    books: [], bookParts: [], pricing: [], removedFixtureIds: [], liabilities: [], worstLosses: [], bets: [], providers: [], explanation: null, figures: null,
    serverTimeMs: 0, ...changes,
  };
}

function newStore() {
  const draws: (() => void)[] = [];
  let nowMs = 10_000;
  const store = new DeskStore((draw) => void draws.push(draw), () => nowMs);
  const put = (changes: Partial<DeskUpdate>) => {
    store.put(update(changes));
    draws.splice(0).forEach((draw) => draw());
  };
  const ids = () => store.fixtures.map((entry) => entry.fixtureId).sort();
  return { store, draws, put, ids, pass: (durationMs: number) => (nowMs += durationMs) };
}

describe("the desk's store", () => {
  test("draws many updates of a frame once, the newest of each fixture", () => {
    const { store, draws } = newStore();
    store.put(update({ books: [book("a", 3, [2300, 3000, 4000, 1800, 1900])] }));
    store.put(update({ books: [book("a", 2), book("b", 1)] }));
    expect(draws).toHaveLength(1);
    draws[0]?.();
    expect(store.fixture("a")?.book.version).toBe(3);
    expect(store.fixtures).toHaveLength(2);
  });

  test("touches only the cells that changed", () => {
    const { store, put } = newStore();
    put({ books: [book("a", 1)] });
    store.openFixture("a");
    const outcomes = store.open?.view.markets[0]?.outcomes ?? [];
    const draws = [0, 0, 0];
    const stop = $effect.root(() => {
      outcomes.forEach((outcome, place) => {
        $effect(() => {
          if (outcome.decimalOddsMilli > 0) draws[place] = (draws[place] ?? 0) + 1;
        });
      });
    });
    flushSync();
    put({ books: [book("a", 2, [2000, 3050, 4000, 1800, 1900])] });
    flushSync();
    stop();
    expect(draws).toEqual([1, 2, 1]);
    expect(outcomes[1]?.direction).toBe(1);
  });

  test("opens the fixture of the address as soon as its book comes, and recalls its last move", () => {
    const { store, put, pass } = newStore();
    store.openFixture("a");
    put({ books: [book("b", 1)] });
    expect(store.open).toBeNull();
    put({ books: [book("a", 1)] });
    expect(store.open?.entry.fixtureId).toBe("a");
    store.openFixture("");
    expect(store.open).toBeNull();
    pass(2_000);
    put({ books: [book("a", 2, [1900, 3000, 4000, 1800, 1900])] });
    store.openFixture("a");
    expect(store.open?.view.markets[0]?.outcomes[0]).toMatchObject({ direction: -1, movedTimeMs: 12_000 });
  });

  test("keeps a liability that comes before its book, and never goes back to an older one", () => {
    const { store, put } = newStore();
    put({ liabilities: [liability("a", 5, 100)] });
    put({ books: [book("a", 1)] });
    expect(store.fixture("a")?.worstLossMinor).toBe(100);
    put({ liabilities: [liability("a", 4, 999)] });
    expect(store.fixture("a")?.worstLossMinor).toBe(100);
    put({ liabilities: [liability("a", 6, 40)] });
    expect(store.fixture("a")?.worstLossMinor).toBe(40);
  });

  test("puts the worst loss over possible scores in the place of the bound, whichever comes first", () => {
    const { store, put } = newStore();
    put({ worstLosses: [{ fixtureId: "a", amountMinor: 55, score: "4–4", undecidedMinor: 0 }] });
    put({ books: [book("a", 1)], liabilities: [liability("a", 5, 99)] });
    expect(store.fixture("a")).toMatchObject({ worstLossMinor: 55, boundMinor: 99, isBound: false, worstLossWords: "Worst loss at 4–4" });
    put({ worstLosses: [{ fixtureId: "a", amountMinor: 70, score: "", undecidedMinor: 20 }] });
    expect(store.fixture("a")).toMatchObject({ worstLossMinor: 70, isBound: true, worstLossWords: "Worst loss, bound" });
  });

  test("says of each fixture whether what prices it stands still", () => {
    const { store, put } = newStore();
    const live = { isLive: true, heardTimeMs: 50 };
    const silent = { isLive: false, heardTimeMs: 40 };
    put({ books: [book("a", 1), book("b", 1)], bookParts: [0, 1], pricing: [live, live] });
    expect(store.pause).toBeNull();
    put({ pricing: [live, silent] });
    expect(store.pause).toEqual({ isWhole: false, fixtureCount: 1, heardTimeMs: 40 });
    expect(store.fixture("a")?.standing.words).toBe("Open");
    expect(store.fixture("b")?.standing.words).toBe("Pricing is paused");
    put({ books: [book("c", 1)], bookParts: [1] });
    expect(store.fixture("c")?.isPaused).toBe(true);
    put({ pricing: [silent, silent] });
    expect(store.pause?.isWhole).toBe(true);
    put({ pricing: [live, live] });
    expect(store.pause).toBeNull();
    expect(store.fixture("b")?.standing.words).toBe("Open");
  });

  test("counts the markets that go with the main one, as far as they take bets", () => {
    const { store, put } = newStore();
    store.openFixture("a");
    put({ books: [book("a", 1)] });
    const explanation: Explanation = {
      fixtureId: "a", version: 1, layout, fairProbabilities: new Float64Array(5), overrounds: new Float64Array(2),
      providerWeights: [], ownMarkets: new Uint8Array([0, 1]),
    };
    expect(store.open?.followerCount).toBe(0);
    put({ explanation });
    expect(store.open).toMatchObject({ mainMarketId: "1x2", followerCount: 1 });
    put({ books: [{ ...book("a", 2), marketStatuses: new Uint8Array([1, 4]) }] });
    expect(store.open?.followerCount).toBe(0);
  });

  test("drops what the server removes and what a new connection names no more", () => {
    const { store, put, ids, pass } = newStore();
    store.beginSnapshot();
    put({ books: [book("a", 1), book("b", 1), book("c", 1)] });
    put({ removedFixtureIds: ["c"] });
    expect(ids()).toEqual(["a", "b"]);
    store.beginSnapshot();
    put({ books: [book("a", 1)] });
    pass(2_999);
    put({});
    expect(ids()).toEqual(["a", "b"]);
    pass(1);
    put({});
    expect(ids()).toEqual(["a"]);
  });

  test("counts moves of the last ten seconds and shows an explanation of the open fixture alone", () => {
    const { store, put } = newStore();
    put({ books: [book("a", 1), book("b", 1)] });
    store.openFixture("a");
    put({ books: [book("a", 2, [2100, 3100, 4000, 1800, 1900])] });
    store.tick();
    expect(store.fixture("a")?.moveCount).toBe(2);
    const explanation = { fixtureId: "b", version: 1, layout, fairProbabilities: new Float64Array(5), overrounds: new Float64Array(2), providerWeights: [], ownMarkets: new Uint8Array() };
    put({ explanation: explanation satisfies Explanation });
    expect(store.open?.explanation).toBeNull();
    expect(store.fixture("b")?.coverage).toEqual({ countingCount: 0, totalCount: 0 });
  });
});

describe("the desk's stream", () => {
  test("is opened anew for another fixture without an end of the run", async () => {
    const asked: string[] = [];
    const client = {
      async *watchDesk(fixtureId: string, signal: AbortSignal) {
        asked.push(fixtureId);
        yield update({ serverTimeMs: asked.length });
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
        throw new Error("cut");
      },
    } as unknown as TradingClient;
    let snapshots = 0;
    const feed = new DeskFeed(client, () => (snapshots += 1));
    const stopped = new AbortController();
    const seen: number[] = [];
    const run = (async () => {
      for await (const message of feed.open(stopped.signal)) {
        seen.push(message.serverTimeMs);
        if (seen.length === 1) {
          feed.focus("passed by");
          feed.focus("a");
        } else stopped.abort();
      }
    })();
    await expect(run).rejects.toThrow("cut");
    expect(asked).toEqual(["", "a"]);
    expect([seen, snapshots]).toEqual([[1, 2], 2]);
  });

  test("that fails is the runner's to mend", async () => {
    const client = {
      async *watchDesk() {
        throw new Error("no server");
      },
    } as unknown as TradingClient;
    const feed = new DeskFeed(client, () => undefined);
    await expect(feed.open(new AbortController().signal)[Symbol.asyncIterator]().next()).rejects.toThrow("no server");
  });
});
