/** Which fixtures a list shows, and in which order. Prices never reorder a list under somebody's thumb. */
import { FixtureStatus } from "../odds/book";
import type { FixtureView } from "../odds/books.svelte";

export interface FrontLists {
  readonly live: readonly FixtureView[];
  readonly soon: readonly FixtureView[];
  /** Fixtures by sport, before any choice of sport, most first. */
  readonly sportCounts: readonly (readonly [sport: string, count: number])[];
}

export function frontLists(fixtures: readonly FixtureView[], sport: string, search: string): FrontLists {
  const offered = fixtures.filter(
    ({ state }) => state.status === FixtureStatus.IN_PLAY || state.status === FixtureStatus.PRE_MATCH,
  );
  const wanted = foldName(search);
  const shown = offered
    .filter((fixture) => (sport === "" || sportOf(fixture) === sport) && isFound(fixture, wanted))
    .sort(byStart);
  return {
    live: shown.filter((fixture) => fixture.state.status === FixtureStatus.IN_PLAY),
    soon: shown.filter((fixture) => fixture.state.status === FixtureStatus.PRE_MATCH),
    sportCounts: countSports(offered),
  };
}

function sportOf(fixture: FixtureView): string {
  return fixture.description.sport || "other";
}

function countSports(fixtures: readonly FixtureView[]): (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const fixture of fixtures) counts.set(sportOf(fixture), (counts.get(sportOf(fixture)) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}

function isFound(fixture: FixtureView, wanted: string): boolean {
  if (wanted === "") return true;
  const { homeName, awayName, competition } = fixture.description;
  return foldName(`${homeName} ${awayName} ${competition}`).includes(wanted);
}

/** "Atlético" is found by "atletico". */
export function foldName(name: string): string {
  return name
    .normalize("NFD")
    .replace(/\p{Diacritic}/gu, "")
    .toLowerCase()
    .trim();
}

function byStart(a: FixtureView, b: FixtureView): number {
  return a.description.startTimeMs - b.description.startTimeMs || (a.fixtureId < b.fixtureId ? -1 : 1);
}
