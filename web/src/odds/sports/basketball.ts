/** Periods and points. */
import type { BasketballState, MatchState } from "../book";
import { type Board, pair, type SportWords } from "./board";

const QUARTERS = 4;

export const basketball: SportWords = {
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
      caption: "Points of each period",
      columns: [...sport.periods.map((_, index) => periodName(sport, index + 1)), "Total"],
      rows: [row(homeName, "home", state.homeScore), row(awayName, "away", state.awayScore)],
      activeWord: "",
    };
  },
};

/** "Q2", "H1", "OT", "OT2". */
function periodName(sport: BasketballState, number: number): string {
  const overtime = number - sport.periodCount;
  if (overtime > 0) return overtime === 1 ? "OT" : `OT${overtime}`;
  return `${sport.periodCount === QUARTERS ? "Q" : "H"}${number}`;
}

function told(state: MatchState): BasketballState | null {
  return state.sport?.kind === "basketball" ? state.sport : null;
}
