/** Which fixtures the list shows, in which order. */
import type { FixtureDescription } from "../odds/book";
import type { StatusTone } from "./status";

export const SORTS = ["worst_loss", "turnover", "moves", "start"] as const;
export type Sort = (typeof SORTS)[number];

export const SORT_NAMES: Readonly<Record<Sort, string>> = {
  worst_loss: "Worst loss",
  turnover: "Turnover",
  moves: "Moving",
  start: "Start",
};

/** What ordering needs to know of a fixture. */
export interface Orderable {
  readonly fixtureId: string;
  readonly description: FixtureDescription;
  readonly tone: StatusTone;
  readonly worstLossMinor: number;
  readonly turnoverMinor: number;
  /** Price moves in the last ten seconds. */
  readonly moveCount: number;
}

/** A sorted copy; what is over comes last whatever the order, and ids decide ties, so that rows keep their places. */
export function sortFixtures<Fixture extends Orderable>(fixtures: readonly Fixture[], sort: Sort): Fixture[] {
  const compare = COMPARISONS[sort];
  return [...fixtures].sort(
    (a, b) =>
      Number(a.tone === "over") - Number(b.tone === "over") ||
      compare(a, b) ||
      startOf(a) - startOf(b) ||
      (a.fixtureId < b.fixtureId ? -1 : 1),
  );
}

const COMPARISONS: Readonly<Record<Sort, (a: Orderable, b: Orderable) => number>> = {
  worst_loss: (a, b) => b.worstLossMinor - a.worstLossMinor,
  turnover: (a, b) => b.turnoverMinor - a.turnoverMinor,
  moves: (a, b) => b.moveCount - a.moveCount,
  start: () => 0,
};

function startOf(fixture: Orderable): number {
  return fixture.description.startTimeMs || Number.MAX_SAFE_INTEGER;
}

/** Fixtures that have every word typed in a team, the competition, the sport or the id. */
export function filterFixtures<Fixture extends Orderable>(fixtures: readonly Fixture[], typed: string): readonly Fixture[] {
  const words = fold(typed).split(/\s+/).filter(Boolean);
  if (words.length === 0) return fixtures;
  return fixtures.filter((fixture) => {
    const { homeName, awayName, competition, sport } = fixture.description;
    const text = fold(`${homeName} ${awayName} ${competition} ${sport} ${fixture.fixtureId}`);
    return words.every((word) => text.includes(word));
  });
}

function fold(text: string): string {
  return text.normalize("NFD").replace(/\p{Mark}/gu, "").toLowerCase();
}
