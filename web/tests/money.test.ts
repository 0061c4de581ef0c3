import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";

import { formatMoney } from "../src/shared/format";
import { MoneySchema } from "../src/wire/gen/overround/common/v1/money_pb";
import { toMoney } from "../src/wire/money";

describe("money off the wire", () => {
  test("keeps its currency", () => {
    expect(toMoney(create(MoneySchema, { amountMinor: 1_050n, currency: "SEK" }))).toEqual({ amountMinor: 1_050, currency: "SEK" });
  });

  test("whose currency got lost is shown in none, and not in another one", () => {
    expect(formatMoney(toMoney(create(MoneySchema, { amountMinor: 1_050n })))).toBe("10.50");
  });

  test("that the contract promises and that is missing is no amount of nothing", () => {
    expect(() => toMoney(undefined)).toThrow(/promises/);
  });
});
