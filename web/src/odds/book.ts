/** Books as the screens know them: what wire/books.ts makes of the packed columns. */
import type { FixtureStatus, Period } from "../wire/gen/overround/odds/v1/fixture_pb";

export { MarketStatus, SuspensionReason } from "../wire/gen/overround/odds/v1/book_pb";
export { FixtureStatus, Period } from "../wire/gen/overround/odds/v1/fixture_pb";

export interface FixtureDescription {
  readonly sport: string;
  readonly competition: string;
  readonly homeName: string;
  readonly awayName: string;
  /** Scheduled start, milliseconds since the epoch; 0 where unknown. */
  readonly startTimeMs: number;
  readonly participantNames: ReadonlyMap<string, string>;
}

export interface Score {
  readonly home: number;
  readonly away: number;
}

/** Sets, games and points; the score of the match is the sets won. */
export interface TennisState {
  readonly kind: "tennis";
  /** Games of every set begun, in order. */
  readonly sets: readonly Score[];
  readonly homePoints: number;
  readonly awayPoints: number;
  readonly isHomeServing: boolean;
}

/** Periods and the clock; the score of the game is that of all of them. */
export interface PeriodsState {
  readonly kind: "periods";
  /** Without overtime: 4 quarters, 3 thirds, 2 halves; 0 where nobody says. */
  readonly periodCount: number;
  /** Score of every period begun, in order. */
  readonly periods: readonly Score[];
  readonly secondsLeft: number;
}

export interface CricketInnings {
  readonly isHomeBatting: boolean;
  readonly runs: number;
  readonly wickets: number;
  readonly balls: number;
}

export interface CricketState {
  readonly kind: "cricket";
  readonly innings: readonly CricketInnings[];
  /** Runs that win for the side batting second; 0 for one more than the first innings. */
  readonly target: number;
}

export interface RunnerState {
  readonly id: string;
  readonly isWithdrawn: boolean;
  /** 1 for first; 0 for not known, or not placed. */
  readonly position: number;
}

export interface RaceState {
  readonly kind: "race";
  readonly runners: readonly RunnerState[];
}

/** What a sport has beside a score and a clock. */
export type SportState = TennisState | PeriodsState | CricketState | RaceState;

export interface MatchState {
  readonly status: FixtureStatus;
  readonly period: Period;
  readonly homeScore: number;
  readonly awayScore: number;
  /** Seconds of play; null where the sport has no clock. */
  readonly clockSeconds: number | null;
  readonly stoppageSeconds: number;
  readonly homeRedCards: number;
  readonly awayRedCards: number;
  readonly homeYellowCards: number;
  readonly awayYellowCards: number;
  readonly homeCorners: number;
  readonly awayCorners: number;
  /** Null in football, and where nobody tells it. */
  readonly sport: SportState | null;
}

/** Which markets and outcomes stand where in the columns. */
export interface BookLayout {
  readonly marketIds: readonly string[];
  readonly outcomeIds: readonly string[];
  /** Offset of each market's first outcome, and one past the last market's last. */
  readonly outcomeStarts: Uint32Array;
}

export interface TraderSuspension {
  /** Empty for the whole fixture. */
  readonly marketId: string;
  readonly traderName: string;
  readonly suspendedTimeMs: number;
  readonly requestId: string;
}

export interface Book {
  readonly fixtureId: string;
  readonly version: number;
  readonly publishedTimeMs: number;
  readonly feedTimeMs: number;
  readonly description: FixtureDescription;
  readonly state: MatchState;
  readonly layout: BookLayout;
  /** A MarketStatus and a SuspensionReason, one a market. */
  readonly marketStatuses: Uint8Array;
  readonly suspensionReasons: Uint8Array;
  readonly marketVersions: Float64Array;
  /** 0 where the outcome is not offered. */
  readonly decimalOddsMilli: Uint32Array;
  readonly traderSuspensions: readonly TraderSuspension[];
}

/** What a stream of books brings at once. */
export interface BooksUpdate {
  readonly books: readonly Book[];
  readonly removedFixtureIds: readonly string[];
  readonly serverTimeMs: number;
  readonly isPricingLive: boolean;
  /** How long a bet on a fixture in play waits before it is looked at again; 0 where the server does not say. */
  readonly inPlayDelayMs: number;
}

/** "Ajax v Feyenoord", or the competition where there is no pairing. */
export function fixtureName(description: FixtureDescription): string {
  if (description.homeName && description.awayName) return `${description.homeName} v ${description.awayName}`;
  return description.homeName || description.competition || "Fixture";
}
