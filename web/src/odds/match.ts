/** What is going on in a match, in a few characters, and what has happened between two looks at it. */
import { type FixtureDescription, FixtureStatus, type MatchState, Period, type SportState } from "./book";
import { type Board, pair, type SportWords } from "./sports/board";
import { cricket } from "./sports/cricket";
import { periods } from "./sports/periods";
import { race } from "./sports/race";
import { tennis } from "./sports/tennis";

const SPORTS: Readonly<Record<SportState["kind"], SportWords>> = {
  tennis, periods, cricket, race,
};

function wordsOf(state: MatchState): SportWords | null {
  return state.sport === null ? null : SPORTS[state.sport.kind];
}

const PERIOD_NAMES: Readonly<Partial<Record<Period, string>>> = {
  [Period.FIRST_HALF]: "First half",
  [Period.HALF_TIME]: "Half-time",
  [Period.SECOND_HALF]: "Second half",
  [Period.EXTRA_TIME]: "Extra time",
  [Period.PENALTIES]: "Penalties",
  [Period.FINISHED]: "Full time",
};

/** The minute after which a half goes on in stoppage time. */
const REGULAR_ENDS: Readonly<Partial<Record<Period, number>>> = { [Period.FIRST_HALF]: 45, [Period.SECOND_HALF]: 90 };

export function periodName(state: MatchState): string {
  if (state.status === FixtureStatus.CANCELLED) return "Called off";
  if (state.status === FixtureStatus.ENDED) return state.sport ? "Finished" : "Full time";
  const isLive = state.status === FixtureStatus.IN_PLAY;
  return PERIOD_NAMES[state.period] ?? (isLive ? "In play" : "Not started");
}

/** "67′", "45+2′", "HT": the minute as the stadium's board has it. */
export function minuteOf(state: MatchState): string {
  if (state.period === Period.HALF_TIME) return "HT";
  if (state.period === Period.PENALTIES) return "Pens";
  if (state.period === Period.FINISHED || state.status === FixtureStatus.ENDED) return state.sport ? "End" : "FT";
  const words = wordsOf(state);
  if (words) return words.phase(state);
  if (state.clockSeconds === null) return "Live";
  const minute = Math.floor(state.clockSeconds / 60) + 1;
  const regularEnd = REGULAR_ENDS[state.period];
  if (regularEnd !== undefined && minute > regularEnd) return `${regularEnd}+${minute - regularEnd}′`;
  return `${minute}′`;
}

/** "2–1"; "1–0, 4–3" where sets have games. */
export function scoreOf(state: MatchState): string {
  return wordsOf(state)?.score(state) ?? pair(state.homeScore, state.awayScore);
}

/** What stands beside each side's name. */
export function sideScores(state: MatchState): readonly [string, string] {
  return wordsOf(state)?.sides(state) ?? [String(state.homeScore), String(state.awayScore)];
}

/** The sport's own scoreboard; null where the score says it all. */
export function boardOf(state: MatchState, description: FixtureDescription): Board | null {
  return wordsOf(state)?.board(state, description) ?? null;
}

export interface Incident {
  readonly minute: string;
  readonly kind: "goal" | "goal_cancelled" | "red_card" | "yellow_card" | "corner";
  readonly side: "home" | "away";
  /** "2–1" after it. */
  readonly score: string;
}

const COUNTED = [
  ["red_card", "home", "homeRedCards"],
  ["red_card", "away", "awayRedCards"],
  ["yellow_card", "home", "homeYellowCards"],
  ["yellow_card", "away", "awayYellowCards"],
  ["corner", "home", "homeCorners"],
  ["corner", "away", "awayCorners"],
] as const;

/** Of a football match; other sports have their boards. */
export function incidentsBetween(before: MatchState, after: MatchState): Incident[] {
  if (after.sport !== null) return [];
  const minute = minuteOf(after);
  const score = pair(after.homeScore, after.awayScore);
  const incidents: Incident[] = [];
  for (const [side, key] of [["home", "homeScore"], ["away", "awayScore"]] as const) {
    if (after[key] > before[key]) incidents.push({ minute, kind: "goal", side, score });
    if (after[key] < before[key]) incidents.push({ minute, kind: "goal_cancelled", side, score });
  }
  for (const [kind, side, key] of COUNTED) {
    if (after[key] > before[key]) incidents.push({ minute, kind, side, score });
  }
  return incidents;
}
