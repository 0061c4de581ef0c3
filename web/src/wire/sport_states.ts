/** What sports have beside a score and a clock, off the wire. */
import type { SportState } from "../odds/book";
import type { MatchState as WireState } from "./gen/overround/odds/v1/fixture_pb";

export function toSportState(wire: WireState["sport"] | undefined): SportState | null {
  switch (wire?.case) {
    case "tennis": {
      const { sets, homePoints, awayPoints, isHomeServing } = wire.value;
      return { kind: "tennis", sets: sets.map(({ home, away }) => ({ home, away })), homePoints, awayPoints, isHomeServing };
    }
    case "periods": {
      const { periodCount, periods, secondsLeft } = wire.value;
      return { kind: "periods", periodCount, periods: periods.map(({ home, away }) => ({ home, away })), secondsLeft };
    }
    case "cricket": {
      const { innings, target } = wire.value;
      const played = innings.map(({ isHomeBatting, runs, wickets, balls }) => ({ isHomeBatting, runs, wickets, balls }));
      return { kind: "cricket", innings: played, target };
    }
    case "race":
      return {
        kind: "race",
        runners: wire.value.runners.map(({ id, isWithdrawn, position }) => ({ id, isWithdrawn, position })),
      };
    default:
      return null;
  }
}
