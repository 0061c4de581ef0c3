import { describe, expect, test } from "vitest";

import { marketGroup, marketName, outcomeName, sportName } from "../src/shared/names";

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
    ["european_handicap:-1", "European handicap −1"],
    ["first_half_1x2", "First half: match result"],
    ["second_half_total:0.5", "Second half: total goals 0.5"],
  ])("%s is called %s", (marketId, name) => expect(marketName(marketId)).toBe(name));

  test("markets of a half stand together", () => expect(marketGroup("first_half_total:0.5")).toBe("Halves"));

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

test("sports are words", () => expect([sportName("horse-racing"), sportName("")]).toEqual(["Horse racing", "Other"]));
