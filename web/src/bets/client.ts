/** What this area asks of the server. */
import type { Bet, BetAnswer, BetStatus, BetsUpdate, PlaceSlip } from "./bet";

export interface BetsPage {
  readonly bets: readonly Bet[];
  /** Empty on the last page. */
  readonly nextToken: string;
}

export interface BettingClient {
  /** Returns what each bet of the slip was answered, a refusal too; fails where that stays unknown. */
  place(slip: PlaceSlip): Promise<readonly BetAnswer[]>;
  /** Returns the answers to a slip; fails with "not_found" where the server never took it in. */
  findAnswers(requestId: string): Promise<readonly BetAnswer[]>;
  getBet(betId: string): Promise<Bet>;
  /** Lists all where the status is unspecified. */
  listBets(status: BetStatus, token: string): Promise<BetsPage>;
  watchBets(signal: AbortSignal): AsyncIterable<BetsUpdate>;
}
