import { describe, expect, test } from "vitest";

import {
  formatAge,
  formatAmount,
  formatMoney,
  formatOdds,
  formatPercent,
  formatStart,
  parseAmountMinor,
  potentialReturnMinor,
} from "../src/shared/format";

describe("odds", () => {
  test.each([
    [2050, "2.05", "21/20", "+105"],
    [1500, "1.50", "1/2", "−200"],
    [2000, "2.00", "1/1", "+100"],
    [3000, "3.00", "2/1", "+200"],
    [1125, "1.125", "1/8", "−800"],
    [1001, "1.001", "1/1000", "−100000"],
  ])("%i is read in each format", (milli, decimal, fractional, american) => {
    expect(formatOdds(milli, "decimal")).toBe(decimal);
    expect(formatOdds(milli, "fractional")).toBe(fractional);
    expect(formatOdds(milli, "american")).toBe(american);
  });

  test("that are not offered are a dash, never 0.00", () => {
    expect(formatOdds(0, "decimal")).toBe("–");
  });
});

describe("amounts", () => {
  test.each([
    ["10", 1000],
    ["10.5", 1050],
    ["10,50", 1050],
    [".5", 50],
    ["1.13", 113],
    ["0", 0],
    [" 7 ", 700],
  ])("%s is %i minor units", (text, minor) => expect(parseAmountMinor(text, "EUR")).toBe(minor));

  test.each(["", ".", "1.234", "-5", "1e3", "1.000,50", "ten"])("%s is no amount", (text) => {
    expect(parseAmountMinor(text, "EUR")).toBeNull();
  });

  test("follow their currency's digits", () => {
    expect(parseAmountMinor("500", "JPY")).toBe(500);
    expect(parseAmountMinor("500.5", "JPY")).toBeNull();
    expect(formatAmount(1050, "EUR")).toBe("10.50");
  });

  test("are shown with their currency", () => {
    expect(formatMoney({ amountMinor: 123_456, currency: "EUR" })).toMatch(/€.*1.?234.56|1.?234.56.*€/);
  });
});

describe("possible return", () => {
  test("is rounded down to the minor unit", () => {
    expect(potentialReturnMinor(333, 1_995)).toBe(664);
    expect(potentialReturnMinor(33, 2_050, 3_001)).toBe(203);
  });

  test("stays exact where a double would not", () => {
    expect(potentialReturnMinor(9_007_199_254_740, 1_001_000)).toBe(9_016_206_453_994_740);
  });
});

describe("times", () => {
  test("ages take the unit one would say", () => {
    expect([formatAge(4_400), formatAge(61_000), formatAge(7_200_000)]).toEqual(["4 s", "1 min", "2 h"]);
  });

  test("a start within the hour is counted in minutes", () => {
    expect(formatStart(1_000_000 + 59 * 60_000, 1_000_000)).toBe("in 59 min");
    expect(formatStart(0, 1_000_000)).toBe("Time to be announced");
  });

  test("nothing to take a share of is a dash", () => expect(formatPercent(NaN)).toBe("–"));
});
