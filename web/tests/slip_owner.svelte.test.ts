import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { type Bet, PricePolicy } from "../src/bets/bet";
import { ANSWER_CERTAIN_AFTER_MS, type SlipContext, type SlipLeg } from "../src/bets/slip";
import { SlipState } from "../src/bets/slip.svelte";
import type { BettingClient } from "../src/bets/client";
import { stubBrowser } from "./fake_storage";

const leg: SlipLeg = {
  fixtureId: "sim:1:1", marketId: "1x2", outcomeId: "draw", fixtureName: "Ajax v PSV", marketName: "Match result",
  outcomeName: "Draw", isInPlay: false, decimalOddsMilli: 3430, bookVersion: 7,
};
const context: SlipContext = {
  isLoading: false, live: [{ isOpen: true, isSuspended: false, decimalOddsMilli: 3430, bookVersion: 7 }], connection: "live",
  isSignedIn: true, isBlocked: false, currency: "EUR", availableMinor: 5_000, pricePolicy: PricePolicy.ANY,
  oddsFormat: "decimal", nowMs: 0,
};

/** One browser tab at a server that has taken the first player's bet, and whose answer got lost. */
class World {
  playerId: string | null = "ann";
  readonly placed: Bet[] = [];
  readonly asked: string[] = [];
  isAnswering = false;
  placeError: unknown = new ConnectError("reset", Code.Unavailable);
  slip = this.open();

  open(): SlipState {
    const betting = {
      place: async () => {
        throw this.placeError;
      },
      findAnswers: async (requestId: string) => {
        this.asked.push(`${this.playerId}`);
        if (!this.isAnswering) throw new ConnectError("reset", Code.Unavailable);
        if (this.playerId !== "ann") throw new ConnectError("unknown", Code.NotFound);
        return [{ kind: "accepted", bet: { requestId, stake: { amountMinor: 1_000, currency: "EUR" } } as Bet }];
      },
    } as unknown as BettingClient;
    return new SlipState(betting, { playerId: () => this.playerId, onPlaced: (bet) => void this.placed.push(bet) });
  }

  become(playerId: string): void {
    this.playerId = playerId;
    this.slip.belongTo(playerId);
  }

  async press(): Promise<void> {
    this.slip.toggle(leg);
    const key = this.slip.bets[0]?.key ?? "";
    this.slip.setStake(key, "10");
    await this.slip.place(key, { ...context, nowMs: Date.now() });
  }

  get kind(): string | undefined {
    return this.slip.bets[0]?.placement.kind;
  }
}

beforeEach(() => {
  stubBrowser();
  vi.useFakeTimers();
});

afterEach(() => vi.useRealTimers());

test("an error that decides nothing is no answer: the bet is asked about, and found", async () => {
  const world = new World();
  world.placeError = new ConnectError("Log in again", Code.Unauthenticated);
  world.become("ann");
  await world.press();
  expect(world.kind).toBe("asking");
  world.isAnswering = true;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(world.kind).toBe("accepted");
});

describe("a slip belongs to its player", () => {
  test("nobody else is shown it, and it is back when they are", async () => {
    const world = new World();
    world.become("ann");
    await world.press();
    expect(world.kind).toBe("asking");
    world.become("");
    expect(world.slip.bets).toEqual([]);
    world.become("bob");
    expect(world.slip.bets).toEqual([]);
    world.become("ann");
    expect(world.kind).toBe("asking");
  });

  test("a bet that stands is not denied because another account knows nothing of it", async () => {
    const world = new World();
    world.become("ann");
    await world.press();
    world.isAnswering = true;
    world.become("");
    world.become("bob");
    const askedBefore = world.asked.length;
    await vi.advanceTimersByTimeAsync(ANSWER_CERTAIN_AFTER_MS * 2);
    expect(world.asked.slice(askedBefore)).toEqual([]);
    world.become("ann");
    await vi.advanceTimersByTimeAsync(0);
    expect(world.kind).toBe("accepted");
    expect(world.placed).toHaveLength(1);
  });

  test("it outlives a reload under somebody else", async () => {
    const world = new World();
    world.become("ann");
    await world.press();
    world.become("bob");
    world.slip = world.open();
    world.become("bob");
    expect(world.slip.bets).toEqual([]);
    world.isAnswering = true;
    world.become("ann");
    await vi.advanceTimersByTimeAsync(0);
    expect(world.kind).toBe("accepted");
  });

  test("a page of before stored one selection and no lines: its press is asked for all the same", async () => {
    const { decimalOddsMilli, bookVersion, ...chosen } = leg;
    const placement = { kind: "placing", requestId: "r1", sentTimeMs: Date.now(), delayMs: 0 };
    const selection = { ...chosen, decimalOddsMilli, bookVersion };
    const stored = { key: "k", selection, stakeText: "10", placement };
    sessionStorage.setItem("overround.slips", JSON.stringify({ owner: "ann", slips: { ann: [stored] } }));
    const world = new World();
    world.isAnswering = true;
    expect(world.slip.bets).toMatchObject([{ legs: [leg], lines: [[0]], placement: { kind: "asking", requestId: "r1" } }]);
    expect(world.slip.isChosen(leg)).toBe(true);
    world.become("ann");
    await vi.advanceTimersByTimeAsync(0);
    expect(world.kind).toBe("accepted");
  });

  test("a session that goes over to another account while the answer is out gives no certainty", async () => {
    const world = new World();
    world.become("ann");
    await world.press();
    world.isAnswering = true;
    world.playerId = "bob";
    await vi.advanceTimersByTimeAsync(ANSWER_CERTAIN_AFTER_MS * 2);
    expect(world.kind).toBe("asking");
  });

  test("what was chosen before logging in goes to who logs in", () => {
    const world = new World();
    world.become("");
    world.slip.toggle(leg);
    world.become("ann");
    expect(world.slip.bets).toHaveLength(1);
    world.become("");
    expect(world.slip.bets).toEqual([]);
  });

  test("nothing is placed for one player under the session of another", async () => {
    const world = new World();
    world.become("ann");
    world.playerId = "bob";
    await world.press();
    expect(world.kind).toBe("editing");
  });
});
