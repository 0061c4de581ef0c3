import { describe, expect, test } from "vitest";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BookMalformed, toBook } from "../src/wire/books";
import { ColumnMalformed, float64Column, startsOf, uint32Column, uint64Column } from "../src/wire/columns";
import { BookSchema } from "../src/wire/gen/overround/odds/v1/book_pb";

/** A window into a larger buffer at an odd offset, as a field of a message is. */
function misaligned(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.length + 3);
  whole.set(bytes, 3);
  return whole.subarray(3);
}

function bytesOf(values: Uint16Array | Uint32Array | BigUint64Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer);
}

function wireBook() {
  const message = create(BookSchema, {
    fixtureId: "sim:1:7",
    version: 1_763_712_000_000_001n,
    publishedTimeUs: 1_763_712_000_000_500n,
    description: { sport: "football", homeName: "Ajax", awayName: "PSV", participants: [{ id: "7", name: "Seven" }] },
    state: { status: 2, period: 2, homeScore: 1, clockSeconds: 0 },
    layoutHash: 5n,
    marketIds: ["1x2", "total:2.5"],
    outcomeCounts: bytesOf(new Uint16Array([3, 2])),
    outcomeIds: ["home", "draw", "away", "over", "under"],
    marketStatuses: new Uint8Array([1, 2]),
    suspensionReasons: new Uint8Array([0, 5]),
    marketVersions: bytesOf(new BigUint64Array([1_763_712_000_000_001n, 3n])),
    decimalOddsMilli: bytesOf(new Uint32Array([2050, 3400, 3900, 0, 70_000])),
  });
  return fromBinary(BookSchema, toBinary(BookSchema, message));
}

describe("columns", () => {
  test("are read at any offset, little-endian", () => {
    expect([...uint32Column(misaligned(new Uint8Array([2, 8, 0, 0, 112, 17, 1, 0])))]).toEqual([2050, 70_000]);
  });

  test("keep every digit of a version", () => {
    const column = bytesOf(new BigUint64Array([1_763_712_000_000_001n, 9_007_199_254_740_991n]));
    expect([...uint64Column(misaligned(column))]).toEqual([1_763_712_000_000_001, Number.MAX_SAFE_INTEGER]);
  });

  test("keep NaN where there is no probability", () => {
    expect([...float64Column(misaligned(bytesOf(new Float64Array([0.5, NaN]))))]).toEqual([0.5, NaN]);
  });

  test("of a broken length are refused", () => {
    expect(() => uint32Column(new Uint8Array(7))).toThrow(ColumnMalformed);
  });

  test("starts are running sums with the total at the end", () => {
    expect([...startsOf(new Uint16Array([3, 0, 2]))]).toEqual([0, 3, 3, 5]);
  });
});

describe("a book off the wire", () => {
  test("has its prices where its layout says", () => {
    const book = toBook(wireBook());
    expect(book.version).toBe(1_763_712_000_000_001);
    expect([...book.layout.outcomeStarts]).toEqual([0, 3, 5]);
    expect([...book.decimalOddsMilli]).toEqual([2050, 3400, 3900, 0, 70_000]);
    expect([...book.suspensionReasons]).toEqual([0, 5]);
    expect(book.description.participantNames.get("7")).toBe("Seven");
  });

  test("tells a clock at zero from no clock", () => {
    expect(toBook(wireBook()).state.clockSeconds).toBe(0);
    const clockless = wireBook();
    delete clockless.state?.clockSeconds;
    expect(toBook(clockless).state.clockSeconds).toBeNull();
  });

  test("shares its layout object with the next version", () => {
    expect(toBook(wireBook()).layout).toBe(toBook(wireBook()).layout);
  });

  test("with one price too few is refused", () => {
    const short = wireBook();
    short.decimalOddsMilli = short.decimalOddsMilli.slice(4);
    expect(() => toBook(short)).toThrow(BookMalformed);
  });

  test("with a layout that does not add up is refused", () => {
    const odd = wireBook();
    odd.fixtureId = "sim:1:8";
    odd.outcomeIds = ["home"];
    expect(() => toBook(odd)).toThrow(BookMalformed);
  });
});
