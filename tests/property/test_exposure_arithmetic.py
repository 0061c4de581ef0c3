"""Exposure of a market: the largest further stake is exact, and no order of bets passes the limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from risk.exposure import MarketExposure, potential_return_minor

OUTCOMES = ("home", "draw", "away")
BETS = st.lists(
    st.tuples(st.sampled_from(OUTCOMES), st.integers(1, 200_000), st.integers(1_001, 1_000_000)), max_size=40
)


@given(bets=BETS, loss_minor_max=st.integers(0, 1_000_000))
def test_bets_taken_within_the_limit_never_lose_more_than_it(
    bets: list[tuple[str, int, int]], loss_minor_max: int
) -> None:
    exposure = MarketExposure()
    for outcome_id, stake_minor, odds_milli in bets:
        payout_minor = potential_return_minor(stake_minor, odds_milli)
        if exposure.takes(
            outcome_id, stake_minor=stake_minor, payout_minor=payout_minor, loss_minor_max=loss_minor_max
        ):
            exposure = exposure.with_bet(outcome_id, stake_minor=stake_minor, payout_minor=payout_minor)
        assert exposure.worst_loss_minor() <= loss_minor_max


@given(
    stake_total_minor=st.integers(0, 10_000_000),
    payout_minor=st.integers(0, 10_000_000),
    odds_milli=st.integers(1_001, 1_000_000),
    loss_minor_max=st.integers(0, 10_000_000),
)
def test_the_largest_stake_is_taken_and_one_more_is_not(
    stake_total_minor: int, payout_minor: int, odds_milli: int, loss_minor_max: int
) -> None:
    exposure = MarketExposure(stake_total_minor, {"home": payout_minor})
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
