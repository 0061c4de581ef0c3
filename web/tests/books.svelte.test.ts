import { flushSync } from "svelte";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { Book } from "../src/odds/book";
import { BookStore } from "../src/odds/books.svelte";

const whole = { marketIds: ["1x2", "btts"], outcomeIds: ["home", "draw", "away", "yes", "no"], outcomeStarts: new Uint32Array([0, 3, 5]) };
const main = { marketIds: ["1x2"], outcomeIds: ["home", "draw", "away"], outcomeStarts: new Uint32Array([0, 3]) };

function book(version: number, odds: number[], layout = whole): Book {
  return {
    fixtureId: "sim:1:1",
    version,
    publishedTimeMs: version,
    feedTimeMs: version,
    description: { sport: "football", competition: "", homeName: "Ajax", awayName: "PSV", startTimeMs: 0, participantNames: new Map() },
    state: {
      status: 2, period: 2, homeScore: 0, awayScore: 0, clockSeconds: 60, stoppageSeconds: 0, sport: null, homeRedCards: 0,
      awayRedCards: 0, homeYellowCards: 0, awayYellowCards: 0, homeCorners: 0, awayCorners: 0,
    },
    layout,
    marketStatuses: new Uint8Array(layout.marketIds.length).fill(1),
    suspensionReasons: new Uint8Array(layout.marketIds.length),
    marketVersions: new Float64Array(layout.marketIds.length),
    decimalOddsMilli: new Uint32Array(odds),
    traderSuspensions: [],
  };
}

function newStore() {
  const draws: (() => void)[] = [];
  let nowMs = 10_000;
  const store = new BookStore((draw) => void draws.push(draw), () => nowMs);
  const frame = () => draws.splice(0).forEach((draw) => draw());
  const odds = () => store.fixture("sim:1:1")?.markets.flatMap((market) => market.outcomes.map((outcome) => outcome.decimalOddsMilli));
  return { store, draws, frame, odds, pass: (durationMs: number) => (nowMs += durationMs) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("books on the screen", () => {
  test("many updates in one frame are drawn once, the newest", () => {
    const { store, draws, frame, odds } = newStore();
    store.put([book(2, [2000, 3000, 4000, 1800, 1900])], true);
    store.put([book(4, [2200, 3000, 4000, 1800, 1900])], true);
    store.put([book(3, [2100, 3000, 4000, 1800, 1900])], true);
    expect(draws).toHaveLength(1);
    frame();
    expect(odds()).toEqual([2200, 3000, 4000, 1800, 1900]);
  });

  test("an older version never replaces a newer one", () => {
    const { store, frame, odds } = newStore();
    store.put([book(5, [2200, 3000, 4000, 1800, 1900])], true);
    frame();
    store.put([book(4, [1000, 1000, 1000, 1000, 1000])], true);
    frame();
    expect(odds()).toEqual([2200, 3000, 4000, 1800, 1900]);
  });

  test("a list's main market leaves the other markets alone", () => {
    const { store, frame, odds } = newStore();
    store.put([book(5, [2200, 3000, 4000, 1800, 1900])], true);
    frame();
    store.put([book(6, [2300, 3000, 4000], main)], false);
    frame();
    expect(odds()).toEqual([2300, 3000, 4000, 1800, 1900]);
  });

  test("the whole book of a version fills in what the list's market left out", () => {
    const { store, frame, odds } = newStore();
    store.put([book(5, [2200, 3000, 4000], main)], false);
    store.put([book(5, [2200, 3000, 4000, 1800, 1900])], true);
    frame();
    expect(odds()).toEqual([2200, 3000, 4000, 1800, 1900]);
    expect(store.fixture("sim:1:1")?.isWhole).toBe(true);
  });

  test("a move shows its direction for 3 s; the first price is no move", () => {
    const { store, frame, pass } = newStore();
    store.put([book(1, [2000, 3000, 4000, 1800, 1900])], true);
    frame();
    const [home, draw] = store.fixture("sim:1:1")?.markets[0]?.outcomes ?? [];
    expect(home?.direction).toBe(0);
    store.put([book(2, [1900, 3100, 4000, 1800, 1900])], true);
    frame();
    expect([home?.direction, draw?.direction]).toEqual([-1, 1]);
    pass(3_000);
    vi.advanceTimersByTime(3_000);
    expect([home?.direction, draw?.direction]).toEqual([0, 0]);
  });

  test("a cell that did not change is not touched", () => {
    const { store, frame } = newStore();
    store.put([book(1, [2000, 3000, 4000, 1800, 1900])], true);
    frame();
    const outcomes = store.fixture("sim:1:1")?.markets[0]?.outcomes ?? [];
    const draws = [0, 0, 0];
    const stop = $effect.root(() => {
      outcomes.forEach((outcome, place) => {
        $effect(() => {
          if (outcome.decimalOddsMilli > 0) draws[place] = (draws[place] ?? 0) + 1;
        });
      });
    });
    flushSync();
    store.put([book(2, [2000, 3050, 4000, 1800, 1900])], true);
    frame();
    flushSync();
    stop();
    expect(draws).toEqual([1, 2, 1]);
  });

  test("what a new connection does not name is over, but for what is kept", () => {
    const { store, frame } = newStore();
    store.put([book(1, [2000, 3000, 4000, 1800, 1900]), { ...book(1, [2000, 3000, 4000], main), fixtureId: "sim:1:2" }], false);
    frame();
    const generation = store.beginSnapshot();
    store.put([book(2, [2000, 3000, 4000, 1800, 1900])], false);
    frame();
    store.endSnapshot(generation, ["sim:1:2"]);
    expect(store.fixtures).toHaveLength(2);
    store.endSnapshot(generation, []);
    expect(store.fixtures.map((fixture) => fixture.fixtureId)).toEqual(["sim:1:1"]);
  });
});
