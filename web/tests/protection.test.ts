import { describe, expect, it } from "vitest";

import { exclusionChoices, type Protection, timeOutChoices } from "../src/compliance/protection";

function rules(timeOutHours: [number, number], exclusionMonths: [number, number]): Protection {
  return { limits: [], windows: [], timeOutHours, exclusionMonths };
}

describe("what there is to choose from", () => {
  it("is what the rules of the player let one choose, and no more", () => {
    expect(timeOutChoices(rules([24, 1_008], [6, 60])).map(({ label }) => label)).toEqual(["24 hours", "7 days", "30 days", "42 days"]);
    expect(timeOutChoices(rules([25, 1_007], [6, 60])).map(({ value }) => value)).toEqual(["168", "720"]);
    expect(exclusionChoices(rules([24, 1_008], [6, 60])).map(({ label }) => label)).toEqual(["6 months", "1 year", "2 years", "5 years"]);
    expect(exclusionChoices(rules([24, 1_008], [7, 59])).map(({ value }) => value)).toEqual(["12", "24"]);
  });
});
