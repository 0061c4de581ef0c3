/** What this area asks of the server. */
import type { Bet, BetAnswer, BetStatus, BetsUpdate, PlaceBet } from "./bet";

export interface BetsPage {
  readonly bets: readonly Bet[];
  /** Empty on the last page. */
  readonly nextToken: string;
}

export interface BettingClient {
  /** Returns what the bet was answered, a refusal too; fails where that stays unknown. */
  place(command: PlaceBet): Promise<BetAnswer>;
  /** Returns the answer to a PlaceBet; fails with "not_found" where the server never took it in. */
  findAnswer(requestId: string): Promise<BetAnswer>;
  getBet(betId: string): Promise<Bet>;
  /** Lists all where the status is unspecified. */
  listBets(status: BetStatus, token: string): Promise<BetsPage>;
  watchBets(signal: AbortSignal): AsyncIterable<BetsUpdate>;
}
