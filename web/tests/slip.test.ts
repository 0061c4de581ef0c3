import { describe, expect, test } from "vitest";

import { type Bet, type BetRefusal, PricePolicy } from "../src/bets/bet";
import {
  ANSWER_CERTAIN_AFTER_MS,
  answered,
  answerLost,
  answerMissing,
  END_CERTAIN_AFTER_MS,
  leftUndecided,
  placeCommand,
  potentialReturnMinorOf,
  pressed,
  refusalOf,
  singleOn,
  type SlipBet,
  slipButton,
  type SlipContext,
  type SlipLeg,
  withPriceAccepted,
  withStake,
} from "../src/bets/slip";

const leg: SlipLeg = {
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
  live: [live],
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
const staked = withStake(singleOn(leg), "10");
const placing = pressed(staked, context, "r1", 4_000);

function label(slipBet: SlipBet, changes: Partial<SlipContext> = {}): string {
  return slipButton(slipBet, { ...context, ...changes }).label;
}

function refused(refusal: Partial<BetRefusal>): SlipBet {
  return answered(placing, "r1", { kind: "refused", refusal: { ...refusalOf("X", "It was refused."), ...refusal } });
}

describe("the button says what will happen", () => {
  test("with nothing staked it asks for a stake", () => {
    expect(slipButton(singleOn(leg), context)).toMatchObject({ label: "Enter a stake", action: null });
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
    const early = pressed({ ...staked, legs: [{ ...leg, isInPlay: false }] }, context, "r1", 4_000);
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
      const penny = answered(pressed(withStake(singleOn(leg), "0.01"), context, "r1", 0), "r1", {
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
    ["what is not known yet", { isLoading: true, isSignedIn: false, live: [null] }, "Loading price…"],
    ["signed out", { isSignedIn: false }, "Log in to bet"],
    ["blocked", { isBlocked: true }, "Betting is blocked"],
    ["stale prices", { connection: "stale" as const }, "Waiting for the connection"],
    ["pricing down", { connection: "paused" as const }, "Bets are paused"],
    ["suspended", { live: [{ ...live, isOpen: false, isSuspended: true }] }, "Suspended"],
    ["closed", { live: [{ ...live, isOpen: false }] }, "Market closed: remove"],
    ["gone", { live: [null] }, "No longer on offer: remove"],
    ["not offered", { live: [{ ...live, decimalOddsMilli: 0 }] }, "Not offered now"],
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
    const { action } = slipButton(staked, { ...context, pricePolicy, live: [now] });
    expect(action?.kind).toBe(asks ? "accept_price" : "place");
  });

  test("is named on the button and placed only after it was accepted", () => {
    expect(label(staked, { live: [shorter] })).toBe("Price is now 1.85: accept");
    const accepted = withPriceAccepted(staked, { leg: 0, decimalOddsMilli: 1850, bookVersion: 9 });
    expect(slipButton(accepted, { ...context, live: [shorter] }).action).toEqual({ kind: "place" });
  });

  test("told by the refusal counts until the stream has caught up", () => {
    const told = refused({
      reason: "PRICE_CHANGED",
      legs: [{ leg: 0, reason: "PRICE_CHANGED", message: "", decimalOddsMilli: 1800, bookVersion: 12 }],
    });
    expect(label(told)).toBe("Price is now 1.80: accept");
    expect(label(told, { live: [{ ...shorter, bookVersion: 13 }] })).toBe("Price is now 1.85: accept");
  });

  test("is sent as it stood on the screen at the press", () => {
    const sent = pressed(staked, { ...context, live: [longer] }, "r2", 0);
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
    expect(slipButton(placing, { ...context, live: [shorter] }).action).toBeNull();
  });
});

test("until session and book are known there is nothing to press", () => {
  const unknown = { ...context, isLoading: true };
  for (const changes of [{}, { isSignedIn: false }, { live: [null] }, { live: [{ ...live, isOpen: false }] }]) {
    expect(slipButton(staked, { ...unknown, ...changes })).toMatchObject({ label: "Loading price…", action: null });
  }
});

describe("a bet has lines, and a line has legs", () => {
  const other: SlipLeg = { ...leg, fixtureId: "sim:1:2", outcomeName: "Feyenoord", decimalOddsMilli: 3_001, isInPlay: false };
  const two: SlipBet = { ...staked, key: "two", legs: [leg, other], lines: [[0], [1], [0, 1]] };
  const both = { ...context, live: [live, { ...live, decimalOddsMilli: 3_001 }] };

  test("a single is one line of one leg", () => {
    expect(singleOn(leg)).toMatchObject({ legs: [leg], lines: [[0]] });
  });

  test("it costs what is staked on all its lines, and the balance has to pay for that", () => {
    expect(slipButton(two, both).label).toMatch(/^Place .*30\.00/);
    expect(slipButton(two, { ...both, availableMinor: 2_999 }).action).toEqual({ kind: "deposit", missingMinor: 1 });
    const short = { kind: "refused" as const, refusal: { ...refusalOf("X", "No."), stakeMaxMinor: 900 } };
    const button = slipButton({ ...two, placement: short }, { ...both, availableMinor: 2_000 });
    expect(button.action).toEqual({ kind: "use_stake", stakeMinor: 666 });
  });

  test("each line is rounded down by itself", () => {
    const odd = withStake(two, "0.33");
    expect(potentialReturnMinorOf(odd, both)).toBe(67 + 99 + 203);
  });

  test("the first leg that stands in the way says so", () => {
    expect(slipButton(two, { ...both, live: [live, { ...live, isOpen: false, isSuspended: true }] }).label).toBe("Suspended");
    expect(slipButton(two, { ...both, live: [live, null] }).label).toBe("No longer on offer: remove");
  });

  test("prices that moved are accepted one by one, each for its own leg", () => {
    const moved = { ...both, live: [{ ...live, decimalOddsMilli: 1_900 }, { ...live, decimalOddsMilli: 2_900 }] };
    const first = slipButton(two, moved).action;
    expect(first).toEqual({ kind: "accept_price", price: { leg: 0, decimalOddsMilli: 1_900, bookVersion: 9 } });
    const half = withPriceAccepted(two, { leg: 0, decimalOddsMilli: 1_900, bookVersion: 9 });
    expect(half.legs.map(({ decimalOddsMilli }) => decimalOddsMilli)).toEqual([1_900, 3_001]);
    expect(slipButton(half, moved).label).toBe("Price is now 2.90: accept");
  });

  test("a price that the refusal tells is that of the leg it names", () => {
    const legs = [{ leg: 1, reason: "PRICE_CHANGED", message: "", decimalOddsMilli: 2_500, bookVersion: 12 }];
    const placement = { kind: "refused" as const, refusal: { ...refusalOf("PRICE_CHANGED", "It moved."), legs } };
    expect(slipButton({ ...two, placement }, both).label).toBe("Price is now 2.50: accept");
  });

  test("it is sent whole, and waits where one of its legs is in play", () => {
    const sent = pressed(two, both, "r1", 4_000);
    expect(sent.placement).toMatchObject({ kind: "placing", delayMs: 4_000 });
    expect(placeCommand(sent, "EUR", PricePolicy.NONE)?.bets).toEqual([
      {
        legs: [
          { fixtureId: "sim:1:1", marketId: "1x2", outcomeId: "home", decimalOddsMilli: 2_050, bookVersion: 9 },
          { fixtureId: "sim:1:2", marketId: "1x2", outcomeId: "home", decimalOddsMilli: 3_001, bookVersion: 9 },
        ],
        lines: [[0], [1], [0, 1]],
        lineStake: { amountMinor: 1_000, currency: "EUR" },
      },
    ]);
  });
});

describe("nobody bets twice by accident", () => {
  const asking = answerLost(placing);

  test("while placing and while asking there is nothing to press, edit or accept", () => {
    for (const waiting of [placing, asking]) {
      expect(slipButton(waiting, context).action).toBeNull();
      expect(pressed(waiting, context, "r2", 0)).toBe(waiting);
      expect(withStake(waiting, "99")).toBe(waiting);
      expect(withPriceAccepted(waiting, { leg: 0, decimalOddsMilli: 1, bookVersion: 1 })).toBe(waiting);
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
