/** Sets, games and points. */
import type { MatchState, Score, TennisState } from "../book";
import { type Board, pair, type SportWords } from "./board";

const POINT_WORDS = ["0", "15", "30", "40"];
const TIE_BREAK_GAMES = 6;

export const tennis: SportWords = {
  phase: (state) => `Set ${Math.max(1, Math.min(state.homeScore + state.awayScore + 1, told(state)?.sets.length ?? 1))}`,
  score: (state) => [pair(state.homeScore, state.awayScore), games(state)].filter(Boolean).join(", "),
  sides: (state) => {
    const current = currentSet(state);
    return [`${state.homeScore} ${current?.home ?? ""}`.trim(), `${state.awayScore} ${current?.away ?? ""}`.trim()];
  },
  board: (state, { homeName, awayName }): Board | null => {
    const sport = told(state);
    if (!sport || sport.sets.length === 0) return null;
    const isLive = currentSet(state) !== undefined;
    const points = isLive ? pointsOf(sport, isTieBreak(sport)) : null;
    const row = (name: string, side: "home" | "away", index: 0 | 1): Board["rows"][number] => ({
      name,
      cells: [...sport.sets.map((played) => String(played[side])), ...(points ? [points[index]] : [])],
      isActive: isLive && sport.isHomeServing === (side === "home"),
      isOut: false,
    });
    return {
      caption: "Games of each set",
      columns: [...sport.sets.map((_, index) => `Set ${index + 1}`), ...(points ? ["Points"] : [])],
      rows: [row(homeName, "home", 0), row(awayName, "away", 1)],
      activeWord: "serving",
    };
  },
};

/** "40" and "A" as the umpire calls them; those of a tie-break are counted. */
export function pointsOf(sport: TennisState, isCounted: boolean): readonly [string, string] {
  const { homePoints: home, awayPoints: away } = sport;
  if (isCounted) return [String(home), String(away)];
  if (home >= 3 && away >= 3) return [home > away ? "A" : "40", away > home ? "A" : "40"];
  return [POINT_WORDS[home] ?? "40", POINT_WORDS[away] ?? "40"];
}

function told(state: MatchState): TennisState | null {
  return state.sport?.kind === "tennis" ? state.sport : null;
}

/** The set being played: more of them are begun than won. */
function currentSet(state: MatchState): Score | undefined {
  return told(state)?.sets[state.homeScore + state.awayScore];
}

function games(state: MatchState): string {
  const current = currentSet(state);
  return current ? pair(current.home, current.away) : "";
}

function isTieBreak(sport: TennisState): boolean {
  const last = sport.sets.at(-1);
  return last?.home === TIE_BREAK_GAMES && last.away === TIE_BREAK_GAMES;
}
