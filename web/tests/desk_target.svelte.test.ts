import { beforeEach, describe, expect, test, vi } from "vitest";

import { DeskKeyboard } from "../src/desk/keyboard";
import { DeskPage } from "../src/desk/page.svelte";
import type { DeskUpdate } from "../src/trading/desk";
import type { Book } from "../src/odds/book";
import { stubBrowser } from "./fake_storage";

const layout = { marketIds: ["1x2", "btts"], outcomeIds: ["home", "draw", "away", "yes", "no"], outcomeStarts: new Uint32Array([0, 3, 5]) };

function book(fixtureId: string, changes: Partial<Book> = {}): Book {
  return {
    fixtureId, version: 1, publishedTimeMs: 1, feedTimeMs: 1,
    description: { sport: "football", competition: "", homeName: `Home of ${fixtureId}`, awayName: "PSV", startTimeMs: 0, participantNames: new Map() },
    state: {
      status: 2, period: 2, homeScore: 0, awayScore: 0, clockSeconds: 60, stoppageSeconds: 0, sport: null, homeRedCards: 0,
      awayRedCards: 0, homeYellowCards: 0, awayYellowCards: 0, homeCorners: 0, awayCorners: 0,
    },
    layout, marketStatuses: new Uint8Array([1, 1]), suspensionReasons: new Uint8Array(2), marketVersions: new Float64Array(2),
    decimalOddsMilli: new Uint32Array([2000, 3000, 4000, 1800, 1900]), traderSuspensions: [], ...changes,
  };
}

/** A desk with fixtures a and b of which a is open, and what its commands were told. */
function openDesk() {
  const desk = new DeskPage();
  const draws: (() => void)[] = [];
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => void draws.push(draw));
  const update: DeskUpdate = {
    books: [book("a"), book("b")], bookParts: [0, 0], pricing: [], removedFixtureIds: [], liabilities: [], worstLosses: [],
    bets: [], providers: [], figures: null, serverTimeMs: 0,
    explanation: {
      fixtureId: "a", version: 1, layout, fairProbabilities: new Float64Array(5), overrounds: new Float64Array(2),
      providerWeights: [], ownMarkets: new Uint8Array([0, 1]),
    },
  };
  desk.store.openFixture("a");
  for (const changes of [{ explanation: null }, { books: [], bookParts: [] }]) {
    desk.store.put({ ...update, ...changes });
    draws.splice(0).forEach((draw) => draw());
  }
  desk.follow("a");
  desk.list.refresh();
  const told: string[] = [];
  vi.spyOn(desk.commands, "give").mockImplementation((action, { subject }) => void told.push(`${action} ${subject}`));
  const keyboard = new DeskKeyboard(desk);
  const press = (key: string) =>
    keyboard.press({ key, target: null, timeStamp: 0, preventDefault: () => undefined } as unknown as KeyboardEvent);
  return { desk, told, press };
}

beforeEach(() => {
  stubBrowser();
  vi.stubGlobal("window", Object.assign(new EventTarget(), { location: { origin: "http://desk" } }));
  vi.stubGlobal("document", { visibilityState: "visible", getElementById: () => null });
  vi.stubGlobal("Element", class {});
});

describe("the suspending keys", () => {
  test("act on the fixture and market of the grid while one is there", () => {
    const { desk, told, press } = openDesk();
    desk.marketId = "btts";
    expect([desk.target.fixture?.fixtureId, desk.target.market?.marketId]).toEqual(["a", "btts"]);
    press("s");
    press("S");
    expect(told).toEqual(["suspend Both teams to score, Home of a v PSV", "suspend Home of a v PSV"]);
  });

  test("never act on two fixtures: in the list there is a fixture under the cursor, and no market", () => {
    const { desk, told, press } = openDesk();
    desk.part = "fixtures";
    desk.list.cursorId = "b";
    expect([desk.target.fixture?.fixtureId, desk.target.market]).toEqual(["b", undefined]);
    press("s");
    expect(told).toEqual([]);
    press("S");
    expect(told).toEqual(["suspend Home of b v PSV"]);
  });

  test("act on nothing where the cursor's row is filtered away", () => {
    const { desk, told, press } = openDesk();
    desk.part = "fixtures";
    desk.list.cursorId = "b";
    desk.list.filter = "no such team";
    press("S");
    expect(told).toEqual([]);
  });

  test("say how many markets go with the one that they are priced from", () => {
    const { told, press } = openDesk();
    press("s");
    expect(told).toEqual(["suspend Match result with 1 market priced from it, Home of a v PSV"]);
  });
});
