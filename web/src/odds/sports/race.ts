/** Runners and where they are. */
import { FixtureStatus, type MatchState, type RaceState, type RunnerState } from "../book";
import type { Board, SportWords } from "./board";

export const race: SportWords = {
  phase: () => "Off",
  score: () => "",
  sides: () => ["", ""],
  board: (state, { participantNames }): Board | null => {
    const sport = told(state);
    if (!sport) return null;
    const isOver = state.status === FixtureStatus.ENDED;
    return {
      caption: isOver ? "The result" : "Runners and their positions",
      columns: [isOver ? "Result" : "Now"],
      rows: [...sport.runners].sort(byPosition).map((runner) => ({
        name: participantNames.get(runner.id) ?? runner.id,
        cells: [runner.isWithdrawn ? "NR" : runner.position > 0 ? String(runner.position) : "–"],
        isActive: !isOver && runner.position === 1,
        isOut: runner.isWithdrawn,
      })),
      activeWord: "leading",
    };
  },
};

/** In front first, then those of whom nobody knows, withdrawn ones last. */
function byPosition(a: RunnerState, b: RunnerState): number {
  const place = ({ isWithdrawn, position }: RunnerState): number => (isWithdrawn ? 2_000 : position || 1_000);
  return place(a) - place(b);
}

function told(state: MatchState): RaceState | null {
  return state.sport?.kind === "race" ? state.sport : null;
}
