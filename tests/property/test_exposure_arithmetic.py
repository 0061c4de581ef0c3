"""Exposure of a market: the largest further stake is exact, and no order of bets passes the limit under any result."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from odds.market_types import ALL_MAY_WIN
from risk.exposure import MarketExposure, potential_return_minor

OUTCOMES = ("home", "draw", "away")
BETS = st.lists(
    st.tuples(st.sampled_from(OUTCOMES), st.integers(1, 200_000), st.integers(1_001, 1_000_000)), max_size=40
)


WINNERS = st.sampled_from([1, 2, 3, ALL_MAY_WIN])


def worst_loss_by_result(payouts: dict[str, int], stake_minor: int, winners_max: int) -> int:
    """Settle every result there may be, one after the other."""
    results = [
        winners for count in range(min(winners_max, len(OUTCOMES)) + 1) for winners in combinations(OUTCOMES, count)
    ]
    return max(0, *(sum(payouts.get(winner, 0) for winner in winners) - stake_minor for winners in results))


@given(bets=BETS, loss_minor_max=st.integers(0, 1_000_000), winners_max=WINNERS)
def test_no_result_costs_more_than_the_limit_and_the_worst_is_known(
    bets: list[tuple[str, int, int]], loss_minor_max: int, winners_max: int
) -> None:
    exposure = MarketExposure(winners_max=winners_max)
    for outcome_id, stake_minor, odds_milli in bets:
        payout_minor = potential_return_minor(stake_minor, odds_milli)
        if exposure.takes(
            outcome_id, stake_minor=stake_minor, payout_minor=payout_minor, loss_minor_max=loss_minor_max
        ):
            exposure = exposure.with_bet(outcome_id, stake_minor=stake_minor, payout_minor=payout_minor)
        worst_minor = worst_loss_by_result(
            dict(exposure.payout_minor_by_outcome), exposure.stake_total_minor, winners_max
        )
        assert exposure.worst_loss_minor() == worst_minor <= loss_minor_max


@given(
    stake_total_minor=st.integers(0, 10_000_000),
    payouts=st.dictionaries(st.sampled_from(OUTCOMES), st.integers(1, 10_000_000)),
    odds_milli=st.integers(1_001, 1_000_000),
    loss_minor_max=st.integers(0, 10_000_000),
    winners_max=WINNERS,
)
def test_the_largest_stake_is_taken_and_one_more_is_not(
    stake_total_minor: int, payouts: dict[str, int], odds_milli: int, loss_minor_max: int, winners_max: int
) -> None:
    exposure = MarketExposure(stake_total_minor, payouts, winners_max)
    stake_minor_max = exposure.stake_max_minor("home", decimal_odds_milli=odds_milli, loss_minor_max=loss_minor_max)

    def is_taken(stake_minor: int) -> bool:
        payout = potential_return_minor(stake_minor, odds_milli)
        return exposure.takes("home", stake_minor=stake_minor, payout_minor=payout, loss_minor_max=loss_minor_max)

    assert stake_minor_max >= 0
    assert is_taken(stake_minor_max) or stake_minor_max == 0
    assert not is_taken(stake_minor_max + 1)


@given(bets=BETS)
def test_taking_every_bet_out_again_leaves_nothing(bets: list[tuple[str, int, int]]) -> None:
    exposure = MarketExposure()
    for outcome_id, stake_minor, odds_milli in bets:
        payout_minor = potential_return_minor(stake_minor, odds_milli)
        exposure = exposure.with_bet(outcome_id, stake_minor=stake_minor, payout_minor=payout_minor)
    for outcome_id, stake_minor, odds_milli in bets:
        payout_minor = potential_return_minor(stake_minor, odds_milli)
        exposure = exposure.with_bet(outcome_id, stake_minor=-stake_minor, payout_minor=-payout_minor)
    assert exposure == MarketExposure()
