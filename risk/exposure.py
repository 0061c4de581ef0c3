"""Exposure of one market: what its open and reserved bets could cost us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from kernel.rates import ReferenceRate
from markets.odds import ODDS_ONE_MILLI
from markets.winners import ANY_WINNERS, Winners, worst_loss_minor

COST_ROUNDED_MINOR_MAX: Final = 2
"""What a bet may cost is never told too small, and too large by less than this."""


def in_reference(rate: ReferenceRate, *, stake_minor: int, payout_minor: int) -> tuple[int, int]:
    """Return a bet's stake, rounded down, and payout, rounded up, in the reference currency."""
    return rate.to_reference_down(stake_minor), rate.to_reference_up(payout_minor)


@dataclass(frozen=True, slots=True)
class MarketExposure:
    """Stakes taken and payouts owed on one market, reservations included, in minor units of the reference currency.

    Attributes:
        winners: Which of its outcomes can win together (`markets.catalogue.winners_of`).
    """

    stake_total_minor: int = 0
    payout_minor_by_outcome: Mapping[str, int] = field(default_factory=dict)
    winners: Winners = ANY_WINNERS

    def worst_loss_minor(self) -> int:
        """Return the largest amount we could lose, zero if every result pays us."""
        return worst_loss_minor(self.payout_minor_by_outcome, stake_minor=self.stake_total_minor, winners=self.winners)

    def with_bet(self, outcome_id: str, *, stake_minor: int, payout_minor: int) -> MarketExposure:
        """Return the exposure after one more bet; negative amounts take a bet out."""
        payouts = dict(self.payout_minor_by_outcome)
        payouts[outcome_id] = payouts.get(outcome_id, 0) + payout_minor
        owing = {outcome: owed_minor for outcome, owed_minor in payouts.items() if owed_minor}
        return replace(self, stake_total_minor=self.stake_total_minor + stake_minor, payout_minor_by_outcome=owing)

    def takes(self, outcome_id: str, *, stake_minor: int, payout_minor: int, loss_minor_max: int) -> bool:
        """Return whether our worst loss, should the outcome win, stays within the limit after one more bet."""
        payout_after_minor = self._payout_if_wins_minor(outcome_id) + payout_minor
        return payout_after_minor - self.stake_total_minor - stake_minor <= loss_minor_max

    def stake_max_minor(self, outcome_id: str, *, decimal_odds_milli: int, loss_minor_max: int) -> int:
        """Return the largest further stake on the outcome, at this price above 1000, that is still taken.

        A stake on an outcome raises the loss under the results in which it wins and lowers it under every other, so
        looking at the worst of those is enough for the market's worst loss.
        """
        headroom_minor = loss_minor_max + self.stake_total_minor - self._payout_if_wins_minor(outcome_id)
        if headroom_minor < 0:
            return 0
        # floor(s * d) - s <= h is s * (d - 1) < h + 1: with d in thousandths the largest whole s follows exactly.
        return ((headroom_minor + 1) * ODDS_ONE_MILLI - 1) // (decimal_odds_milli - ODDS_ONE_MILLI)

    def stake_max_in_currency_minor(
        self, outcome_id: str, *, rate: ReferenceRate, decimal_odds_milli: int, loss_minor_max: int
    ) -> int:
        """Return a further stake in a currency that is still taken; but for what is rounded it is the largest."""
        rounded_minor = 0 if rate.is_identity else COST_ROUNDED_MINOR_MAX
        return rate.from_reference_down(
            self.stake_max_minor(
                outcome_id, decimal_odds_milli=decimal_odds_milli, loss_minor_max=loss_minor_max - rounded_minor
            )
        )

    def _payout_if_wins_minor(self, outcome_id: str) -> int:
        return self.winners.owed_minor_max_if_wins(outcome_id, self.payout_minor_by_outcome)
