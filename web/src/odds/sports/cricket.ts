/** Innings, wickets and overs. */
import { type CricketInnings, type CricketState, FixtureStatus, type MatchState } from "../book";
import type { Board, SportWords } from "./board";

const BALLS_OF_AN_OVER = 6;

export const cricket: SportWords = {
  phase: (state) => {
    const innings = told(state)?.innings ?? [];
    const at = innings.at(-1);
    return at ? `${innings.length === 1 ? "1st" : "2nd"} inn, ${overs(at)} ov` : "Live";
  },
  score: (state) => {
    const innings = told(state)?.innings ?? [];
    return innings.map(total).join(" v ");
  },
  sides: (state) => {
    const innings = told(state)?.innings ?? [];
    const of = (isHome: boolean): string => innings.filter((item) => item.isHomeBatting === isHome).map(total).join(" & ");
    return [of(true), of(false)];
  },
  board: (state, { homeName, awayName }): Board | null => {
    const sport = told(state);
    if (!sport || sport.innings.length === 0) return null;
    const last = sport.innings.length - 1;
    return {
      caption: "Runs, wickets and overs of each innings",
      columns: ["Runs", "Wickets", "Overs", ...(last > 0 ? ["To win"] : [])],
      rows: sport.innings.map((item, index) => ({
        name: item.isHomeBatting ? homeName : awayName,
        cells: [String(item.runs), String(item.wickets), overs(item), ...(last > 0 ? [toWin(sport, index)] : [])],
        isActive: index === last && state.status === FixtureStatus.IN_PLAY,
        isOut: false,
      })),
      activeWord: "batting",
    };
  },
};

/** "14.2": overs and balls. */
function overs({ balls }: CricketInnings): string {
  return `${Math.floor(balls / BALLS_OF_AN_OVER)}.${balls % BALLS_OF_AN_OVER}`;
}

function total({ runs, wickets }: CricketInnings): string {
  return `${runs}/${wickets}`;
}

function toWin(sport: CricketState, index: number): string {
  const [first, second] = sport.innings;
  if (index !== 1 || !first || !second) return "";
  return String(Math.max((sport.target || first.runs + 1) - second.runs, 0));
}

function told(state: MatchState): CricketState | null {
  return state.sport?.kind === "cricket" ? state.sport : null;
}
