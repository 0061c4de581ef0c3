import { describe, expect, test } from "vitest";

import { type Bet, type BetRefusal, PricePolicy } from "../src/bets/bet";
import {
  ANSWER_CERTAIN_AFTER_MS,
  answered,
  answerLost,
  answerMissing,
  END_CERTAIN_AFTER_MS,
  leftUndecided,
  newEntry,
  placeCommand,
  pressed,
  refusalOf,
  type Selection,
  slipButton,
  type SlipContext,
  type SlipEntry,
  withPriceAccepted,
  withStake,
} from "../src/bets/slip";

const selection: Selection = {
  fixtureId: "sim:1:1",
  marketId: "1x2",
  outcomeId: "home",
  fixtureName: "Ajax v PSV",
  marketName: "Match result",
  outcomeName: "Ajax",
  isInPlay: true,
  decimalOddsMilli: 2050,
  bookVersion: 7,
};

const live = { isOpen: true, isSuspended: false, decimalOddsMilli: 2050, bookVersion: 9 };

const context: SlipContext = {
  isLoading: false,
  live,
  connection: "live",
  isSignedIn: true,
  isBlocked: false,
  currency: "EUR",
  availableMinor: 5_000,
  pricePolicy: PricePolicy.BETTER_ONLY,
  oddsFormat: "decimal",
  nowMs: 1_000,
};

const bet = { betId: "b1", requestId: "r1" } as Bet;
const staked = withStake(newEntry(selection), "10");
const placing = pressed(staked, context, "r1", 4_000);

function label(entry: SlipEntry, changes: Partial<SlipContext> = {}): string {
  return slipButton(entry, { ...context, ...changes }).label;
}

function refused(refusal: Partial<BetRefusal>): SlipEntry {
  return answered(placing, "r1", { kind: "refused", refusal: { ...refusalOf("X", "It was refused."), ...refusal } });
}

describe("the button says what will happen", () => {
  test("with nothing staked it asks for a stake", () => {
    expect(slipButton(newEntry(selection), context)).toMatchObject({ label: "Enter a stake", action: null });
    expect(slipButton(withStake(staked, "0.00"), context).action).toBeNull();
    expect(slipButton(withStake(staked, "1.234"), context).action).toBeNull();
  });

  test("with a stake it places exactly that", () => {
    expect(slipButton(staked, context)).toMatchObject({ label: expect.stringMatching(/^Place .*10\.00/), action: { kind: "place" } });
  });

  test("the in-play delay counts down to zero and not below", () => {
    expect(label(placing, { nowMs: 1_000 })).toBe("Placing… 4 s");
    expect(label(placing, { nowMs: 4_200 })).toBe("Placing… 1 s");
    expect(label(placing, { nowMs: 9_000 })).toBe("Placing…");
  });

  test("a bet before the match has no delay to count", () => {
    const early = pressed({ ...staked, selection: { ...selection, isInPlay: false } }, context, "r1", 4_000);
    expect(label(early)).toBe("Placing…");
  });

  test("a stake past the limit offers the limit", () => {
    const button = slipButton(refused({ reason: "STAKE_LIMIT_EXCEEDED", stakeMaxMinor: 4_210 }), context);
    expect(button.label).toMatch(/^Most we can take is .*42\.10.*: use it$/);
    expect(button.action).toEqual({ kind: "use_stake", stakeMinor: 4_210 });
  });

  test("a limit of nothing leaves nothing to press, and says why", () => {
    const button = slipButton(refused({ reason: "PLAYER_STAKE_LIMIT_EXCEEDED", stakeMaxMinor: 0 }), context);
    expect(button).toMatchObject({ label: "Nothing more can be taken on this", action: null });
    expect(button.note).toMatch(/from one player on a market; stake less, or .* Nothing was taken\.$/);
  });

  test("a stake that the balance cannot pay is never called more than we can take", () => {
    const short = { reason: "INSUFFICIENT_FUNDS", stakeMinMinor: 10 };
    expect(label(refused({ ...short, stakeMaxMinor: 500 }))).toMatch(/^Your balance pays .*5\.00: use it$/);
    const empty = refused({ ...short, stakeMaxMinor: 0 });
    expect(slipButton(empty, { ...context, availableMinor: 5 }).action).toEqual({ kind: "deposit", missingMinor: 995 });
  });

  test("a stake under the least offers the least, whatever the most is", () => {
    for (const stakeMaxMinor of [null, 10, 100_000]) {
      const penny = answered(pressed(withStake(newEntry(selection), "0.01"), context, "r1", 0), "r1", {
        kind: "refused",
        refusal: { ...refusalOf("STAKE_BELOW_MINIMUM", "Too little."), stakeMinMinor: 10, stakeMaxMinor },
      });
      const button = slipButton(penny, context);
      expect(button.label).toMatch(/^Least we can take is .*0\.10: use it$/);
      expect(button.action).toEqual({ kind: "use_stake", stakeMinor: 10 });
    }
  });

  test("the most that is offered is never more than the balance pays", () => {
    const button = slipButton(refused({ stakeMaxMinor: 900 }), { ...context, availableMinor: 500 });
    expect(button.label).toMatch(/^Your balance is .*5\.00: use it$/);
    expect(button.action).toEqual({ kind: "use_stake", stakeMinor: 500 });
  });

  test("every stake that a button offers lies within both limits", () => {
    const figures = [null, 0, 1, 10, 999, 1_000, 1_001, 100_000];
    for (const stakeMinMinor of figures) {
      for (const stakeMaxMinor of figures) {
        const { action } = slipButton(refused({ stakeMinMinor, stakeMaxMinor }), context);
        if (action?.kind !== "use_stake") continue;
        expect(action.stakeMinor).toBeGreaterThanOrEqual(Math.max(1, stakeMinMinor ?? 0));
        expect(action.stakeMinor).toBeLessThanOrEqual(stakeMaxMinor ?? Infinity);
        expect(action.stakeMinor).not.toBe(1_000);
      }
    }
  });

  test.each([
    ["what is not known yet", { isLoading: true, isSignedIn: false, live: null }, "Loading price…"],
    ["signed out", { isSignedIn: false }, "Log in to bet"],
    ["blocked", { isBlocked: true }, "Betting is blocked"],
    ["stale prices", { connection: "stale" as const }, "Waiting for the connection"],
    ["pricing down", { connection: "paused" as const }, "Bets are paused"],
    ["suspended", { live: { ...live, isOpen: false, isSuspended: true } }, "Suspended"],
    ["closed", { live: { ...live, isOpen: false } }, "Market closed: remove"],
    ["gone", { live: null }, "No longer on offer: remove"],
    ["not offered", { live: { ...live, decimalOddsMilli: 0 } }, "Not offered now"],
    ["too little money", { availableMinor: 999 }, "Deposit to place it"],
  ])("%s comes before placing", (_, changes, expected) => {
    expect(label(staked, changes)).toBe(expected);
    expect(slipButton(staked, { ...context, ...changes }).action?.kind).not.toBe("place");
  });

  test("money for exactly the stake is enough", () => {
    expect(slipButton(staked, { ...context, availableMinor: 1_000 }).action).toEqual({ kind: "place" });
  });
});

describe("a moved price", () => {
  const shorter = { ...live, decimalOddsMilli: 1850 };
  const longer = { ...live, decimalOddsMilli: 2200 };

  test.each([
    [PricePolicy.NONE, shorter, true],
    [PricePolicy.NONE, longer, true],
    [PricePolicy.BETTER_ONLY, shorter, true],
    [PricePolicy.BETTER_ONLY, longer, false],
    [PricePolicy.ANY, shorter, false],
    [PricePolicy.ANY, longer, false],
  ])("under policy %i asks or not, as agreed", (pricePolicy, now, asks) => {
    const { action } = slipButton(staked, { ...context, pricePolicy, live: now });
    expect(action?.kind).toBe(asks ? "accept_price" : "place");
  });

  test("is named on the button and placed only after it was accepted", () => {
    expect(label(staked, { live: shorter })).toBe("Price is now 1.85: accept");
    const accepted = withPriceAccepted(staked, 1850, 9);
    expect(slipButton(accepted, { ...context, live: shorter }).action).toEqual({ kind: "place" });
  });

  test("told by the refusal counts until the stream has caught up", () => {
    const told = refused({
      reason: "PRICE_CHANGED",
      legs: [{ leg: 0, reason: "PRICE_CHANGED", message: "", decimalOddsMilli: 1800, bookVersion: 12 }],
    });
    expect(label(told)).toBe("Price is now 1.80: accept");
    expect(label(told, { live: { ...shorter, bookVersion: 13 } })).toBe("Price is now 1.85: accept");
  });

  test("is sent as it stood on the screen at the press", () => {
    const sent = pressed(staked, { ...context, live: longer }, "r2", 0);
    expect(placeCommand(sent, "EUR", PricePolicy.BETTER_ONLY)).toMatchObject({
      requestId: "r2",
      bets: [
        {
          legs: [{ decimalOddsMilli: 2200, bookVersion: 9 }],
          lines: [[0]],
          lineStake: { amountMinor: 1_000, currency: "EUR" },
        },
      ],
    });
  });

  test("does not change what is already on its way", () => {
    expect(slipButton(placing, { ...context, live: shorter }).action).toBeNull();
  });
});

test("until session and book are known there is nothing to press", () => {
  const unknown = { ...context, isLoading: true };
  for (const changes of [{}, { isSignedIn: false }, { live: null }, { live: { ...live, isOpen: false } }]) {
    expect(slipButton(staked, { ...unknown, ...changes })).toMatchObject({ label: "Loading price…", action: null });
  }
});

describe("nobody bets twice by accident", () => {
  const asking = answerLost(placing);

  test("while placing and while asking there is nothing to press, edit or accept", () => {
    for (const waiting of [placing, asking]) {
      expect(slipButton(waiting, context).action).toBeNull();
      expect(pressed(waiting, context, "r2", 0)).toBe(waiting);
      expect(withStake(waiting, "99")).toBe(waiting);
      expect(withPriceAccepted(waiting, 1, 1)).toBe(waiting);
    }
  });

  test("a lost answer is asked for by the id of the press", () => {
    expect(asking.placement).toMatchObject({ kind: "asking", requestId: "r1" });
    expect(answered(asking, "r1", { kind: "accepted", bet, balance: null }).placement).toEqual({ kind: "accepted", bet });
  });

  test("a call that the server ended without deciding the bet is asked about too, and then says why", () => {
    const told = refusalOf("OVERLOADED", "Too many bets are under way");
    const undecided = leftUndecided(placing, told, 5_000);
    expect(undecided.placement).toMatchObject({ kind: "asking", requestId: "r1" });
    expect(answered(undecided, "r1", { kind: "accepted", bet, balance: null }).placement.kind).toBe("accepted");
    expect(answerMissing(undecided, 4_999 + END_CERTAIN_AFTER_MS)).toBe(undecided);
    const missing = answerMissing(undecided, 5_000 + END_CERTAIN_AFTER_MS);
    expect(slipButton(missing, context).note).toMatch(/Very many requests .* Nothing was taken/);
  });

  test("an answer to another press changes nothing", () => {
    expect(answered(asking, "r0", { kind: "accepted", bet, balance: null })).toBe(asking);
    expect(answered(staked, "r1", { kind: "accepted", bet, balance: null })).toBe(staked);
  });

  test("that the server does not know it counts only once it cannot be on its way any more", () => {
    const sentMs = context.nowMs;
    expect(answerMissing(asking, sentMs + ANSWER_CERTAIN_AFTER_MS - 1)).toBe(asking);
    const missing = answerMissing(asking, sentMs + ANSWER_CERTAIN_AFTER_MS);
    expect(missing.placement).toMatchObject({ kind: "refused", refusal: { reason: "NOT_PLACED" } });
    expect(slipButton(missing, context).action).toEqual({ kind: "place" });
  });

  test("a press that the button does not allow does nothing", () => {
    expect(pressed(staked, { ...context, connection: "stale" }, "r1", 0)).toBe(staked);
  });
});
