/** What sports have beside a score and a clock, off the wire. */
import type { SportState } from "../odds/book";
import type { MatchState as WireState } from "./gen/overround/odds/v1/fixture_pb";

export function toSportState(wire: WireState["sport"] | undefined): SportState | null {
  switch (wire?.case) {
    case "tennis": {
      const { sets, homePoints, awayPoints, isHomeServing } = wire.value;
      return { kind: "tennis", sets: sets.map(({ home, away }) => ({ home, away })), homePoints, awayPoints, isHomeServing };
    }
    default:
      return null;
  }
}
