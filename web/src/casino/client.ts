/** What this area asks of the server. */
import type { Money } from "../shared/format";
import type { Game, Played, Round } from "./game";

export interface RoundsPage {
  readonly rounds: readonly Round[];
  /** Empty on the last page. */
  readonly nextToken: string;
}

export interface CasinoClient {
  listGames(): Promise<readonly Game[]>;
  /** Plays one round for each request id; asked again it answers the same. */
  spin(requestId: string, gameCode: string, stake: Money): Promise<Played>;
  listRounds(token: string): Promise<RoundsPage>;
}
