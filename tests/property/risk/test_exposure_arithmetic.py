"""Exposure of a market: the largest further stake is exact, and no order of bets passes the limit under any result."""

from __future__ import annotations

from itertools import chain, combinations

from hypothesis import given
from hypothesis import strategies as st

from markets.odds import potential_return_minor
from markets.winners import ANY_WINNERS, Winners
from risk.exposure import MarketExposure

OUTCOMES = ("home", "draw", "away", "other")
BETS = st.lists(
    st.tuples(st.sampled_from(OUTCOMES), st.integers(1, 200_000), st.integers(1_001, 1_000_000)), max_size=40
)


SETS = st.lists(st.sets(st.sampled_from(OUTCOMES), min_size=1), min_size=1, max_size=4)
WINNERS = st.sampled_from([Winners(1), Winners(2), Winners(3), ANY_WINNERS]) | st.builds(
    lambda sets: Winners.together(*sets), SETS
)


def results_of(winners: Winners) -> list[tuple[str, ...]]:
    """Every result there may be: so many outcomes, or those of a set and any that no set names."""
    if not winners.sets:
        counts = range(min(winners.count_max, len(OUTCOMES)) + 1)
        return [together for count in counts for together in combinations(OUTCOMES, count)]
    nameless = [outcome_id for outcome_id in OUTCOMES if not any(outcome_id in one for one in winners.sets)]
    beside = chain.from_iterable(combinations(nameless, count) for count in range(len(nameless) + 1))
    return [(*one, *more) for more in beside for one in winners.sets]


def worst_loss_by_result(payouts: dict[str, int], stake_minor: int, winners: Winners) -> int:
    """Settle every result there may be, one after the other."""
    losses = [sum(payouts.get(winner, 0) for winner in result) - stake_minor for result in results_of(winners)]
    return max(0, *losses)


@given(bets=BETS, loss_minor_max=st.integers(0, 1_000_000), winners=WINNERS)
def test_no_result_costs_more_than_the_limit_and_the_worst_is_known(
    bets: list[tuple[str, int, int]], loss_minor_max: int, winners: Winners
) -> None:
    exposure = MarketExposure(winners=winners)
    for outcome_id, stake_minor, odds_milli in bets:
        payout_minor = potential_return_minor(stake_minor, odds_milli)
        if exposure.takes(
            outcome_id, stake_minor=stake_minor, payout_minor=payout_minor, loss_minor_max=loss_minor_max
        ):
            exposure = exposure.with_bet(outcome_id, stake_minor=stake_minor, payout_minor=payout_minor)
        worst_minor = worst_loss_by_result(dict(exposure.payout_minor_by_outcome), exposure.stake_total_minor, winners)
        assert exposure.worst_loss_minor() == worst_minor <= loss_minor_max


@given(
    stake_total_minor=st.integers(0, 10_000_000),
    payouts=st.dictionaries(st.sampled_from(OUTCOMES), st.integers(1, 10_000_000)),
    odds_milli=st.integers(1_001, 1_000_000),
    loss_minor_max=st.integers(0, 10_000_000),
    winners=WINNERS,
)
def test_the_largest_stake_is_taken_and_one_more_is_not(
    stake_total_minor: int, payouts: dict[str, int], odds_milli: int, loss_minor_max: int, winners: Winners
) -> None:
    exposure = MarketExposure(stake_total_minor, payouts, winners)
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
