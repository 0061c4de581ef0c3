import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { CasinoState, sentenceOf } from "../src/casino/casino.svelte";
import type { CasinoClient } from "../src/casino/client";
import { type Game, outcomeOf, paidCells, type Played, restingWindow, type Round, stakesOf } from "../src/casino/game";
import type { Balance } from "../src/wallet/balance";

const euro = (amountMinor: number) => ({ amountMinor, currency: "EUR" });
const GAME: Game = {
  gameCode: "two",
  version: 1,
  name: "Two",
  reels: [["a", "b", "c"], ["b", "a", "c"]],
  rows: 2,
  lines: [[0, 1], [1, 0]],
  pays: [{ symbol: "a", count: 2, times: 5 }],
  rtp: 0.95,
  stakeMin: euro(10),
  stakeMax: euro(500),
  cycleMs: 2_500,
};

function round(winMinor: number, stakeMinor = 100): Round {
  return {
    roundId: "r",
    gameCode: "two",
    window: [["a", "b"], ["b", "a"]],
    lineWins: winMinor === 0 ? [] : [{ line: 0, symbol: "a", count: 2, times: 5 }],
    stake: euro(stakeMinor),
    win: euro(winMinor),
    timeMs: 1,
  };
}

const BALANCE: Balance = { available: euro(900), held: euro(0), accountVersion: 2 };

class FakeCasino implements CasinoClient {
  readonly asked: string[] = [];
  readonly answers: (Played | ConnectError)[] = [];

  listGames() {
    return Promise.resolve([GAME]);
  }

  spin(requestId: string): Promise<Played> {
    this.asked.push(requestId);
    const answer = this.answers.shift();
    return answer instanceof ConnectError || !answer ? Promise.reject(answer ?? new Error("nothing")) : Promise.resolve(answer);
  }

  listRounds() {
    return Promise.resolve({ rounds: [round(0)], nextToken: "" });
  }
}

describe("a game", () => {
  it("offers stakes of 1, 2 and 5 within its bounds, each as much on every line, and its most", () => {
    expect(stakesOf(GAME)).toEqual([10, 20, 50, 100, 200, 500]);
    expect(stakesOf({ ...GAME, stakeMax: euro(320) })).toEqual([10, 20, 50, 100, 200, 320]);
    expect(stakesOf({ ...GAME, stakeMin: euro(1) })).not.toContain(1);
  });

  it("shows the first places of its reels before it was played", () => {
    expect(restingWindow(GAME)).toEqual([["a", "b"], ["b", "a"]]);
  });

  it("marks the cells that paid", () => {
    expect([...paidCells(round(250), GAME)]).toEqual(["0.0", "1.1"]);
    expect(paidCells(round(0), GAME).size).toBe(0);
  });

  it("makes something of what is more than the stake, and of nothing else", () => {
    expect([round(0), round(99), round(100), round(101)].map(outcomeOf)).toEqual(["nothing", "part", "part", "won"]);
    expect(sentenceOf(round(100))).toBe("Returned €1.00 of €1.00.");
  });
});

describe("a spin", () => {
  let client: FakeCasino;
  let casino: CasinoState;
  let balances: Balance[];

  beforeEach(() => {
    vi.useFakeTimers();
    client = new FakeCasino();
    balances = [];
    casino = new CasinoState(client, (balance) => balances.push(balance));
    casino.belongTo("ann");
  });
  afterEach(() => vi.useRealTimers());

  it("is one request a press, and waits for the cycle of the game", async () => {
    client.answers.push({ round: round(250), balance: BALANCE });
    await casino.spin(GAME, euro(100));
    expect(casino.round?.win.amountMinor).toBe(250);
    expect(balances).toEqual([BALANCE]);
    await casino.spin(GAME, euro(100));
    expect(client.asked).toHaveLength(1);
    expect(casino.readyAtMs).toBe(performance.now() + 2_500);
  });

  it("is asked for by the same id until it is known what came of it", async () => {
    client.answers.push(new ConnectError("gone", Code.Unavailable), new ConnectError("gone", Code.DeadlineExceeded));
    client.answers.push({ round: round(0), balance: BALANCE });
    const spinning = casino.spin(GAME, euro(100));
    await vi.advanceTimersByTimeAsync(10);
    expect(casino.phase).toBe("asking");
    await casino.spin(GAME, euro(100));
    await vi.advanceTimersByTimeAsync(5_000);
    await spinning;
    expect(casino.phase).toBe("ready");
    expect(client.asked).toHaveLength(3);
    expect(new Set(client.asked).size).toBe(1);
  });

  it("that is refused says why, and the next press is another request", async () => {
    client.answers.push(new ConnectError("no", Code.PermissionDenied), { round: round(0), balance: BALANCE });
    await casino.spin(GAME, euro(100));
    expect(casino.failure?.kind).toBe("refused");
    await casino.spin(GAME, euro(100));
    expect(casino.failure).toBeNull();
    expect(new Set(client.asked).size).toBe(2);
  });

  it("of somebody who has left is nobody else's", async () => {
    client.answers.push({ round: round(250), balance: BALANCE });
    const spinning = casino.spin(GAME, euro(100));
    casino.belongTo("bob");
    await spinning;
    expect(casino.round).toBeNull();
    expect(balances).toEqual([]);
  });
});
