/** Scoreboards of sports: what lists, heads and tables say of a match. */
import { expect, test } from "vitest";

import { type FixtureDescription, FixtureStatus, type MatchState, type TennisState } from "../src/odds/book";
import { boardOf, incidentsBetween, minuteOf, periodName, scoreOf, sideScores } from "../src/odds/match";
import { pointsOf } from "../src/odds/sports/tennis";

const DESCRIPTION: FixtureDescription = {
  sport: "tennis", competition: "Coastal Open", homeName: "A. Varga", awayName: "B. Okafor", startTimeMs: 0, participantNames: new Map(),
};

function state(changes: Partial<MatchState>): MatchState {
  return {
    status: FixtureStatus.IN_PLAY, period: 0, homeScore: 0, awayScore: 0, clockSeconds: null, stoppageSeconds: 0, homeRedCards: 0,
    awayRedCards: 0, homeYellowCards: 0, awayYellowCards: 0, homeCorners: 0, awayCorners: 0, sport: null, ...changes,
  };
}

function sets(changes: Partial<TennisState> = {}): TennisState {
  return {
    kind: "tennis", sets: [{ home: 6, away: 4 }, { home: 2, away: 3 }], homePoints: 2, awayPoints: 3, isHomeServing: false, ...changes,
  };
}

test("a tennis match is told by sets, games and points", () => {
  const match = state({ homeScore: 1, sport: sets() });
  expect([minuteOf(match), scoreOf(match), sideScores(match)]).toEqual(["Set 2", "1–0, 2–3", ["1 2", "0 3"]]);
  expect(boardOf(match, DESCRIPTION)).toMatchObject({
    columns: ["Set 1", "Set 2", "Points"],
    rows: [
      { name: "A. Varga", cells: ["6", "2", "30"], isActive: false },
      { name: "B. Okafor", cells: ["4", "3", "40"], isActive: true },
    ],
  });
});

test.each([
  [3, 3, false, ["40", "40"]],
  [4, 3, false, ["A", "40"]],
  [5, 6, false, ["40", "A"]],
  [0, 1, false, ["0", "15"]],
  [5, 6, true, ["5", "6"]],
] as const)("points %i to %i, counted %s, are called %s", (homePoints, awayPoints, isCounted, called) => {
  expect(pointsOf(sets({ homePoints, awayPoints }), isCounted)).toEqual(called);
});

test("a tennis match that is over has its sets and nobody serving", () => {
  const match = state({
    status: FixtureStatus.ENDED, homeScore: 2,
    sport: sets({ sets: [{ home: 6, away: 4 }, { home: 7, away: 6 }], homePoints: 0, awayPoints: 0 }),
  });
  expect([minuteOf(match), periodName(match), scoreOf(match)]).toEqual(["End", "Finished", "2–0"]);
  const board = boardOf(match, DESCRIPTION);
  expect(board?.columns).toEqual(["Set 1", "Set 2"]);
  expect(board?.rows.some(({ isActive }) => isActive)).toBe(false);
});

test("a set won is no goal", () => {
  expect(incidentsBetween(state({ sport: sets() }), state({ homeScore: 1, sport: sets() }))).toEqual([]);
});

test("a football match has no board beside its score", () => {
  const match = state({ homeScore: 2, awayScore: 1, clockSeconds: 66 * 60 });
  expect([boardOf(match, DESCRIPTION), scoreOf(match), minuteOf(match)]).toEqual([null, "2–1", "67′"]);
});

test("a game by periods is told by them and the clock", () => {
  const match = state({
    homeScore: 88, awayScore: 80,
    sport: { kind: "periods", periodCount: 4, periods: [{ home: 30, away: 20 }, { home: 58, away: 60 }], secondsLeft: 65 },
  });
  expect([minuteOf(match), scoreOf(match), sideScores(match)]).toEqual(["Q2 1:05", "88–80", ["88", "80"]]);
  expect(boardOf(match, DESCRIPTION)).toMatchObject({
    columns: ["Q1", "Q2", "Total"],
    rows: [{ cells: ["30", "58", "88"] }, { cells: ["20", "60", "80"] }],
  });
});

test.each([
  [5, 4, "OT 5:00"],
  [6, 4, "OT2 5:00"],
  [2, 2, "H2 5:00"],
  [3, 3, "P3 5:00"],
  [4, 3, "OT 5:00"],
  [2, 0, "P2 5:00"],
])("period %i of a game of %i is called %s", (count, periodCount, called) => {
  const periods = Array.from({ length: count }, () => ({ home: 1, away: 1 }));
  expect(minuteOf(state({ sport: { kind: "periods", periodCount, periods, secondsLeft: 300 } }))).toBe(called);
});

test("a cricket match is told by runs, wickets, overs and what is wanted", () => {
  const match = state({
    homeScore: 158, awayScore: 60,
    sport: {
      kind: "cricket", target: 0,
      innings: [
        { isHomeBatting: true, runs: 158, wickets: 7, balls: 120 },
        { isHomeBatting: false, runs: 60, wickets: 1, balls: 40 },
      ],
    },
  });
  expect([minuteOf(match), scoreOf(match), sideScores(match)]).toEqual(["2nd inn, 6.4 ov", "158/7 v 60/1", ["158/7", "60/1"]]);
  expect(boardOf(match, DESCRIPTION)).toMatchObject({
    columns: ["Runs", "Wickets", "Overs", "To win"],
    rows: [
      { name: "A. Varga", cells: ["158", "7", "20.0", ""], isActive: false },
      { name: "B. Okafor", cells: ["60", "1", "6.4", "99"], isActive: true },
    ],
  });
});

test("a race is told by its runners, in front first and withdrawn ones last", () => {
  const runners = [
    { id: "a", isWithdrawn: true, position: 0 }, { id: "b", isWithdrawn: false, position: 2 }, { id: "c", isWithdrawn: false, position: 0 },
    { id: "d", isWithdrawn: false, position: 1 },
  ];
  const race = { ...DESCRIPTION, homeName: "", awayName: "", participantNames: new Map([["d", "Red Kite"]]) };
  const board = boardOf(state({ sport: { kind: "race", runners } }), race);
  expect(board?.rows.map(({ name, cells }) => [name, ...cells])).toEqual([["Red Kite", "1"], ["b", "2"], ["c", "–"], ["a", "NR"]]);
  expect(board?.rows.map(({ isActive, isOut }) => [isActive, isOut])).toEqual([[true, false], [false, false], [false, false], [false, true]]);
});
