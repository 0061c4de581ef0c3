/** Bets carry the fixture's name as it was; outcome names are made from it long after the match has gone. */
import type { NamedFixture } from "../markets/names";

export function namedFixture(fixtureName: string, participantNames: ReadonlyMap<string, string>): NamedFixture {
  const [homeName = "", awayName = ""] = fixtureName.split(" v ");
  return awayName === ""
    ? { homeName: "", awayName: "", participantNames }
    : { homeName, awayName, participantNames };
}
