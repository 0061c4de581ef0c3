/** Our position: what we win or lose under each outcome, in minor units of the reference currency. */

export interface OutcomeLiability {
  /** Stakes of open bets on it. */
  readonly stakeMinor: number;
  /** What we pay if it wins, stakes included. */
  readonly payoutMinor: number;
  readonly betCount: number;
}

export interface MarketLiability {
  readonly marketId: string;
  /** Stakes of open bets on every outcome. */
  readonly stakeMinor: number;
  readonly betCount: number;
  /** The most we can lose over its outcomes, zero or above. */
  readonly worstLossMinor: number;
  /** Outcomes that win together: 2 for a double chance. */
  readonly winnerCount: number;
  readonly outcomes: ReadonlyMap<string, OutcomeLiability>;
}

export interface FixtureLiability {
  readonly fixtureId: string;
  readonly version: number;
  readonly currency: string;
  readonly markets: ReadonlyMap<string, MarketLiability>;
  /** Sum over markets: a bound, as markets of one fixture depend on each other. */
  readonly worstLossMinor: number;
  /** Stakes ever accepted. */
  readonly turnoverMinor: number;
}

/** What a fixture could still cost over the final scores that are possible, bets of all its markets together. */
export interface FixtureWorstLoss {
  readonly fixtureId: string;
  readonly amountMinor: number;
  /** The final score that costs it, "4–4"; empty where no score decides anything. */
  readonly score: string;
  /** Part of it that no score decides; above zero the whole is a bound. */
  readonly undecidedMinor: number;
}

/**
 * What we win (above zero) or lose (below) if this outcome wins: every stake taken less what we then pay. Where others
 * win with it, those that cost most.
 */
export function profitIfWinsMinor(market: MarketLiability, outcomeId: string): number {
  const withItMinor = [...market.outcomes]
    .filter(([id]) => id !== outcomeId)
    .map(([, outcome]) => outcome.payoutMinor)
    .sort((a, b) => b - a)
    .slice(0, market.winnerCount - 1)
    .reduce((sum, payoutMinor) => sum + payoutMinor, 0);
  return market.stakeMinor - (market.outcomes.get(outcomeId)?.payoutMinor ?? 0) - withItMinor;
}

export interface OutcomeProfit {
  readonly outcomeId: string;
  readonly profitMinor: number;
  readonly stakeMinor: number;
  /** Length of its bar, 0 to 1 of the half that it grows into; all bars of a market share one scale. */
  readonly share: number;
  readonly isWorst: boolean;
}

/** Profit or loss under each outcome on one scale, in the order given; the worst loss is marked. */
export function profitsByOutcome(market: MarketLiability, outcomeIds: readonly string[]): OutcomeProfit[] {
  const profits = outcomeIds.map((outcomeId) => profitIfWinsMinor(market, outcomeId));
  const largestMinor = Math.max(1, ...profits.map(Math.abs));
  const worstMinor = Math.min(0, ...profits);
  return outcomeIds.map((outcomeId, index) => {
    const profitMinor = profits[index] ?? 0;
    return {
      outcomeId,
      profitMinor,
      stakeMinor: market.outcomes.get(outcomeId)?.stakeMinor ?? 0,
      share: Math.abs(profitMinor) / largestMinor,
      isWorst: profitMinor < 0 && profitMinor === worstMinor,
    };
  });
}

/** Markets that can lose us money, worst first. */
export function marketsByWorstLoss(liability: FixtureLiability, countMax: number): MarketLiability[] {
  return [...liability.markets.values()]
    .filter((market) => market.worstLossMinor > 0)
    .sort((a, b) => b.worstLossMinor - a.worstLossMinor || a.marketId.localeCompare(b.marketId))
    .slice(0, countMax);
}
