/** Periods of two sides and their score: basketball, ice hockey and what else is told so. */
import type { PeriodsState, MatchState } from "../book";
import { type Board, pair, type SportWords } from "./board";

/** What a period is called, by how many there are. */
const LETTERS: Readonly<Record<number, string>> = { 2: "H", 3: "P", 4: "Q" };

export const periods: SportWords = {
  phase: (state) => {
    const sport = told(state);
    if (!sport || sport.periods.length === 0) return "Live";
    if (sport.secondsLeft === 0) return `End ${periodName(sport, sport.periods.length)}`;
    const seconds = String(sport.secondsLeft % 60).padStart(2, "0");
    return `${periodName(sport, sport.periods.length)} ${Math.floor(sport.secondsLeft / 60)}:${seconds}`;
  },
  score: (state) => pair(state.homeScore, state.awayScore),
  sides: (state) => [String(state.homeScore), String(state.awayScore)],
  board: (state, { homeName, awayName }): Board | null => {
    const sport = told(state);
    if (!sport || sport.periods.length === 0) return null;
    const row = (name: string, side: "home" | "away", total: number): Board["rows"][number] => ({
      name,
      cells: [...sport.periods.map((played) => String(played[side])), String(total)],
      isActive: false,
      isOut: false,
    });
    return {
      caption: "Score of each period",
      columns: [...sport.periods.map((_, index) => periodName(sport, index + 1)), "Total"],
      rows: [row(homeName, "home", state.homeScore), row(awayName, "away", state.awayScore)],
      activeWord: "",
    };
  },
};

/** "Q2", "P3", "H1", "OT", "OT2". */
function periodName(sport: PeriodsState, number: number): string {
  const overtime = number - sport.periodCount;
  if (sport.periodCount > 0 && overtime > 0) return overtime === 1 ? "OT" : `OT${overtime}`;
  return `${LETTERS[sport.periodCount] ?? "P"}${number}`;
}

function told(state: MatchState): PeriodsState | null {
  return state.sport?.kind === "periods" ? state.sport : null;
}
