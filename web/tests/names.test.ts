import { describe, expect, test } from "vitest";

import { marketGroup, marketName, outcomeLabels, outcomeName, sportName } from "../src/markets/names";

const derby = { homeName: "Ajax", awayName: "PSV", participantNames: new Map([["47972", "Australia"]]) };

describe("market names", () => {
  test.each([
    ["1x2", "Match result"],
    ["total:2.5", "Total goals 2.5"],
    ["handicap:-0.25", "Handicap −0.25"],
    ["handicap:1.5", "Handicap +1.5"],
    ["handicap:0", "Handicap 0"],
    ["next_goal:3", "Third goal"],
    ["next_goal:11", "11th goal"],
    ["match_odds", "Match odds"],
    ["betfair:HALF_TIME", "Half time"],
    ["betfair:SET_WINNER:1.101", "Set winner · 1.101"],
    ["uof:186:x=1", "Market 186 · x=1"],
    ["some_new_market", "Some new market"],
    ["home_total:1.5", "Home goals 1.5"],
    ["next_goal_minute:2", "Minute of the second goal"],
    ["race_to:3", "Race to 3 goals"],
    ["first_half_next_goal:1", "First half: first goal"],
    ["double_chance:from=1", "Double chance from=1"],
    ["european_handicap:-1", "European handicap −1"],
    ["first_half_1x2", "First half: match result"],
    ["second_half_total:0.5", "Second half: total goals 0.5"],
  ])("%s is called %s", (marketId, name) => expect(marketName(marketId)).toBe(name));

  test("markets of a half stand together", () => expect(marketGroup("first_half_total:0.5")).toBe("Halves"));

  test("each is listed where the catalogue has it", () => {
    expect(["total:2.5", "1x2", "home_exact_goals"].map(marketGroup)).toEqual(["Goals", "Popular", "Goals"]);
  });

  test("unknown ones are listed under More", () => expect(marketGroup("uof:186")).toBe("More"));
});

describe("outcome names", () => {
  test.each([
    ["1x2", "home", "Ajax"],
    ["1x2", "draw", "Draw"],
    ["total:2.5", "over", "Over 2.5"],
    ["handicap:-0.25", "home", "Ajax −0.25"],
    ["handicap:-0.25", "away", "PSV +0.25"],
    ["handicap:0", "away", "PSV 0"],
    ["double_chance", "12", "Ajax or PSV"],
    ["double_chance", "x2", "Draw or PSV"],
    ["next_goal:1", "none", "No goal"],
    ["correct_score", "2-1", "2–1"],
    ["match_odds", "47972", "Australia"],
    ["uof:186", "12", "12"],
    ["first_half_total:0.5", "over", "Over 0.5"],
    ["first_half_1x2", "away", "PSV"],
    ["european_handicap:-1", "away", "PSV +1"],
    ["half_time_full_time", "draw/home", "Draw / Ajax"],
    ["winning_margin", "away:3+", "PSV by 3 or more"],
    ["winning_margin", "draw", "Draw"],
    ["most_goals_half", "second", "Second half"],
    ["exact_goals", "6+", "6 or more"],
    ["goal_range", "2-3", "2–3"],
  ])("%s %s is called %s", (marketId, outcomeId, name) => expect(outcomeName(marketId, outcomeId, derby)).toBe(name));
});

describe("labels where names are cut", () => {
  const sides = ["home", "draw", "away"];
  const MARKETS: Readonly<Record<string, readonly string[]>> = {
    "1x2": sides,
    first_half_1x2: sides,
    double_chance: ["1x", "12", "x2"],
    second_half_double_chance: ["1x", "12", "x2"],
    draw_no_bet: ["home", "away"],
    "handicap:-1.5": ["home", "away"],
    "handicap:0": ["home", "away"],
    "european_handicap:1": sides,
    half_time_full_time: sides.flatMap((half) => sides.map((full) => `${half}/${full}`)),
    winning_margin: ["home:1", "home:2", "home:3", "home:4+", "away:1", "away:2", "away:3", "away:4+", "draw"],
    correct_score: ["0-0", "1-0", "0-1", "3-3", "other"],
    "total:2.5": ["over", "under"],
    btts: ["yes", "no"],
    "next_goal:2": ["home", "none", "away"],
    exact_goals: ["0", "1", "2", "6+"],
    goal_range: ["0-1", "2-3", "4-5", "6+"],
    most_goals_half: ["first", "equal", "second"],
    "betfair:HALF_TIME_FULL_TIME": ["7", "8", "9"],
  };
  const runners = new Map([
    ["7", "Wolverhampton Wanderers/Draw"],
    ["8", "Wolverhampton Wanderers/Wolverhampton Wanderers"],
    ["9", "Wolverhampton Wanderers/Borussia Mönchengladbach"],
  ]);
  const PAIRS = [
    ["Wolverhampton Wanderers", "Borussia Mönchengladbach"],
    ["Manchester United", "Manchester City"],
    ["Wolverhampton Wanderers", "Wolverhampton Rovers"],
    ["Wolverhampton", "Wolverhampton Rovers"],
    ["Vanewick Rovers", "Vanewick Albion"],
    ["Reserves", "Reserves"],
    ["", ""],
  ] as const;

  test.each(PAIRS)("tell every outcome of %s v %s from the others in what a narrow phone shows", (homeName, awayName) => {
    const SEEN = 9;
    for (const [marketId, outcomeIds] of Object.entries(MARKETS)) {
      const labels = outcomeLabels(marketId, outcomeIds, { homeName, awayName, participantNames: runners });
      const seen = labels.map((label) => (label.length <= SEEN + 1 ? label : label.slice(0, SEEN)));
      expect(new Set(seen).size, `${marketId}: ${labels.join(", ")}`).toBe(outcomeIds.length);
    }
  });

  test.each([
    ["double_chance", "x2", "X2"],
    ["half_time_full_time", "draw/home", "D/H"],
    ["winning_margin", "away:3+", "A by 3+"],
    ["handicap:-0.25", "away", "+0.25 PSV"],
    ["1x2", "home", "Ajax"],
    ["match_odds", "47972", "Australia"],
  ])("%s %s is shown as %s", (marketId, outcomeId, label) => {
    expect(outcomeLabels(marketId, [outcomeId], derby)).toEqual([label]);
  });

  test("leave out what both sides begin with, at a word", () => {
    const labels = outcomeLabels("1x2", sides, { homeName: "Manchester United", awayName: "Manchester City", participantNames: new Map() });
    expect(labels).toEqual(["…United", "Draw", "…City"]);
  });
});

test("sports are words", () => expect([sportName("horse-racing"), sportName("")]).toEqual(["Horse racing", "Other"]));
