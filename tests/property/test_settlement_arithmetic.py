"""The payout formula against exact fractions."""

from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from bets.settlement import FACTOR_ONE_MICRO, OutcomeResult, return_minor

factors = st.integers(0, FACTOR_ONE_MICRO) | st.sampled_from([0, 333_333, 500_000, FACTOR_ONE_MICRO])
dead_heat_factors = st.integers(1, FACTOR_ONE_MICRO) | st.sampled_from([333_333, 500_000, FACTOR_ONE_MICRO])
outcomes = st.builds(OutcomeResult, st.just("home"), factors, factors, dead_heat_factors)
stakes = st.integers(0, 10**15)
odds = st.integers(1_000, 10_000_000)


@given(stakes, odds, outcomes)
def test_the_payout_is_the_formula_rounded_down(
    stake_minor: int, decimal_odds_milli: int, outcome: OutcomeResult
) -> None:
    void = Fraction(outcome.void_factor_micro, FACTOR_ONE_MICRO)
    win = Fraction(outcome.win_factor_micro, FACTOR_ONE_MICRO)
    dead_heat = Fraction(outcome.dead_heat_factor_micro, FACTOR_ONE_MICRO)
    exact = stake_minor * (void + (1 - void) * win * Fraction(decimal_odds_milli, 1_000) * dead_heat)
    assert return_minor(stake_minor=stake_minor, decimal_odds_milli=decimal_odds_milli, outcome=outcome) == floor(exact)


@given(stakes, odds, outcomes)
def test_no_result_pays_more_than_stake_times_odds(
    stake_minor: int, decimal_odds_milli: int, outcome: OutcomeResult
) -> None:
    paid_minor = return_minor(stake_minor=stake_minor, decimal_odds_milli=decimal_odds_milli, outcome=outcome)
    assert 0 <= paid_minor <= stake_minor * decimal_odds_milli // 1_000
