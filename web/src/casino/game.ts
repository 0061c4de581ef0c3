/** Games of our own, and rounds of them, as screens know them. */
import type { Money } from "../shared/format";
import type { Balance } from "../wallet/balance";

export interface Pay {
  readonly symbol: string;
  readonly count: number;
  /** The stake of the line is paid so often. */
  readonly times: number;
}

export interface Game {
  readonly gameCode: string;
  readonly version: number;
  readonly name: string;
  /** Symbols of each reel, all round. */
  readonly reels: readonly (readonly string[])[];
  readonly rows: number;
  /** The row of each line on every reel, from the top. */
  readonly lines: readonly (readonly number[])[];
  readonly pays: readonly Pay[];
  /** What it returns of stakes in the long run. */
  readonly rtp: number;
  readonly stakeMin: Money;
  readonly stakeMax: Money;
  /** Spins are at least so far apart. */
  readonly cycleMs: number;
}

export interface LineWin extends Pay {
  readonly line: number;
}

export interface Round {
  readonly roundId: string;
  readonly gameCode: string;
  /** What was seen of each reel. */
  readonly window: readonly (readonly string[])[];
  readonly lineWins: readonly LineWin[];
  readonly stake: Money;
  readonly win: Money;
  readonly timeMs: number;
}

export interface Played {
  readonly round: Round;
  readonly balance: Balance;
}

/** What came of a round, for who played it: only more than the stake is a win to be glad of. */
export type Outcome = "nothing" | "part" | "won";

export function outcomeOf(round: Round): Outcome {
  if (round.win.amountMinor === 0) return "nothing";
  return round.win.amountMinor > round.stake.amountMinor ? "won" : "part";
}

const STEPS = [1, 2, 5] as const;

/** Stakes to choose from: 1, 2 and 5 of each power of ten that the game takes, and its most. */
export function stakesOf(game: Game): readonly number[] {
  const [least, most] = [game.stakeMin.amountMinor, game.stakeMax.amountMinor];
  const stakes: number[] = [];
  for (let power = 1; power <= most; power *= 10) {
    for (const step of STEPS) {
      const stake = step * power;
      if (stake >= least && stake <= most && stake % game.lines.length === 0) stakes.push(stake);
    }
  }
  return stakes.includes(most) ? stakes : [...stakes, most];
}

/** Which cells of the window a round pays for, by reel and row. */
export function paidCells(round: Round, game: Game): ReadonlySet<string> {
  return new Set(
    round.lineWins.flatMap(({ line, count }) =>
      (game.lines[line] ?? []).slice(0, count).map((row, reel) => cellKey(reel, row)),
    ),
  );
}

export function cellKey(reel: number, row: number): string {
  return `${reel}.${row}`;
}

/** What a game shows before anything was played: the first places of its reels. */
export function restingWindow(game: Game): readonly (readonly string[])[] {
  return game.reels.map((symbols) => symbols.slice(0, game.rows));
}
