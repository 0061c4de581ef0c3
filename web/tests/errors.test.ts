import { create } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";

import { readErrorInfo } from "../src/shared/error_info";
import { toFailure } from "../src/shared/failure";
import { toAnswer } from "../src/wire/bets";
import { BetAnswerSchema } from "../src/wire/gen/overround/bets/v1/betting_service_pb";

function errorInfo(reason: string, name = "stake_minor_max", figure = "4210"): Uint8Array {
  const entry = new BinaryWriter().tag(1, WireType.LengthDelimited).string(name);
  entry.tag(2, WireType.LengthDelimited).string(figure);
  return new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(reason)
    .tag(2, WireType.LengthDelimited)
    .string("overround")
    .tag(9, WireType.Varint)
    .uint32(1)
    .tag(3, WireType.LengthDelimited)
    .bytes(entry.finish())
    .finish();
}

function refusal(code: Code, reason: string): ConnectError {
  const error = new ConnectError("Stake must be at most 42.10, was 50.00", code);
  error.details = [{ type: "google.rpc.ErrorInfo", value: errorInfo(reason) }];
  return error;
}

describe("error details", () => {
  test("ErrorInfo is read past fields it does not know", () => {
    expect(readErrorInfo(errorInfo("STAKE_LIMIT_EXCEEDED"))).toEqual({
      reason: "STAKE_LIMIT_EXCEEDED",
      domain: "overround",
      metadata: new Map([["stake_minor_max", "4210"]]),
    });
  });

  test("a refused bet says what would be taken, by stake and by leg", () => {
    const leg = { leg: 1, reason: "PRICE_CHANGED", message: "Moved", decimalOddsMilli: 1850, bookVersion: 9n };
    const refusal = { reason: "PRICE_CHANGED", message: "Moved", stakeMax: { amountMinor: 4210n, currency: "EUR" }, legs: [leg] };
    expect(toAnswer(create(BetAnswerSchema, { answer: { case: "refusal", value: refusal } }), null)).toEqual({
      kind: "refused",
      refusal: {
        reason: "PRICE_CHANGED",
        message: "Moved",
        stakeMaxMinor: 4210,
        stakeMinMinor: null,
        legs: [{ leg: 1, reason: "PRICE_CHANGED", message: "Moved", decimalOddsMilli: 1850, bookVersion: 9 }],
      },
    });
  });
});

describe("failures", () => {
  test("with a reason are refusals, also where the status says unavailable", () => {
    expect(toFailure(refusal(Code.Unavailable, "PRICING_UNAVAILABLE"))).toMatchObject({
      kind: "refused",
      reason: "PRICING_UNAVAILABLE",
      message: "Pricing is down for the moment; try again when prices move.",
    });
  });

  test("say the figure that came with them", () => {
    const error = new ConnectError("in the words of the code", Code.ResourceExhausted);
    error.details = [{ type: "google.rpc.ErrorInfo", value: errorInfo("LOGIN_RATE_LIMITED", "retry_s", "40") }];
    expect(toFailure(error).message).toBe("Too many log-ins failed; try again in 40 s.");
  });

  test("of a reason that is newer than the page keep the server's words", () => {
    expect(toFailure(refusal(Code.FailedPrecondition, "NEWER_THAN_THE_PAGE")).message).toMatch(/^Stake must be at most/);
  });

  test.each([
    [new ConnectError("reset", Code.Unavailable), "unreachable"],
    [new ConnectError("late", Code.DeadlineExceeded), "unreachable"],
    [new TypeError("Failed to fetch"), "unreachable"],
    [new ConnectError("who are you", Code.Unauthenticated), "signed_out"],
    [new ConnectError("none", Code.NotFound), "not_found"],
    [new ConnectError("bug", Code.Internal), "broken"],
  ])("%s is %s", (error, kind) => expect(toFailure(error).kind).toBe(kind));

  test("a bare error's inner words are not shown", () => {
    expect(toFailure(new ConnectError("stack at line 7", Code.Internal)).message).toBe("Something failed on our side.");
  });
});
