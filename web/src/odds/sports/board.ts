/** How a sport's state is shown: one file a sport says it in words and in a table, and one component draws the table. */
import type { FixtureDescription, MatchState } from "../book";

export interface BoardRow {
  readonly name: string;
  readonly cells: readonly string[];
  /** Serves, bats, leads the field. */
  readonly isActive: boolean;
  /** Out of it: withdrawn. */
  readonly isOut: boolean;
}

export interface Board {
  /** What the table is, for readers. */
  readonly caption: string;
  /** Shown above the cells; the last one is what is being played now. */
  readonly columns: readonly string[];
  readonly rows: readonly BoardRow[];
  /** What the mark at an active row says. */
  readonly activeWord: string;
}

export interface SportWords {
  /** Where a list has the minute of a football match: "Set 2". */
  phase: (state: MatchState) => string;
  /** On one line: "1–0, 4–3". */
  score: (state: MatchState) => string;
  /** Beside each side's name in a list. */
  sides: (state: MatchState) => readonly [string, string];
  board: (state: MatchState, description: FixtureDescription) => Board | null;
}

export function pair(home: number, away: number): string {
  return `${home}–${away}`;
}
