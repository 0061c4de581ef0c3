"""The payout formula against exact fractions."""

from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from bets.settlement import SHARERS_MAX, read_factor, reduced_return_minor, return_minor
from markets.odds import FACTOR_ONE_MICRO
from markets.results import REDUCTIONS_MAX, OutcomeResult, Reduction

factors = st.integers(0, FACTOR_ONE_MICRO) | st.sampled_from([0, 333_333, 500_000, FACTOR_ONE_MICRO])
dead_heat_factors = st.integers(1, FACTOR_ONE_MICRO) | st.sampled_from([333_333, 500_000, FACTOR_ONE_MICRO])
outcomes = st.builds(OutcomeResult, st.just("home"), factors, factors, dead_heat_factors)
stakes = st.integers(0, 10**15)
odds = st.integers(1_000, 10_000_000)
deductions = st.integers(0, FACTOR_ONE_MICRO) | st.sampled_from([0, 50_000, 900_000, FACTOR_ONE_MICRO])
reductions = st.lists(st.builds(Reduction, st.just(1), deductions, st.booleans()), max_size=REDUCTIONS_MAX)


def fractions(*, part_min: int) -> st.SearchStrategy[Fraction]:
    return st.integers(1, SHARERS_MAX).flatmap(
        lambda parts: st.builds(Fraction, st.integers(part_min, parts), st.just(parts))
    )


@st.composite
def written(draw: st.DrawFn, wanted: st.SearchStrategy[Fraction]) -> tuple[Fraction, int]:
    """A fraction, and how a provider writes it: cut to millionths, or rounded."""
    fraction = draw(wanted)
    exact_micro = fraction * FACTOR_ONE_MICRO
    return fraction, draw(st.sampled_from([floor(exact_micro), round(exact_micro)]))


def exact_return(
    stake_minor: int, void: Fraction, win: Fraction, decimal_odds: Fraction, dead_heat: Fraction
) -> Fraction:
    return stake_minor * (void + (1 - void) * win * decimal_odds * dead_heat)


def reduce_exactly(decimal_odds: Fraction, taken_off: list[Reduction]) -> Fraction:
    for reduction in taken_off:
        kept = 1 - Fraction(reduction.deduction_micro, FACTOR_ONE_MICRO)
        decimal_odds = 1 + (decimal_odds - 1) * kept if reduction.is_off_winnings_only else decimal_odds * kept
        decimal_odds = max(decimal_odds, Fraction(1))
    return decimal_odds


@given(stakes, odds, outcomes)
def test_the_payout_is_the_formula_rounded_down(
    stake_minor: int, decimal_odds_milli: int, outcome: OutcomeResult
) -> None:
    void, win, dead_heat = (
        Fraction(*read_factor(micro))
        for micro in (outcome.void_factor_micro, outcome.win_factor_micro, outcome.dead_heat_factor_micro)
    )
    exact = exact_return(stake_minor, void, win, Fraction(decimal_odds_milli, 1_000), dead_heat)
    assert return_minor(stake_minor=stake_minor, decimal_odds_milli=decimal_odds_milli, outcome=outcome) == floor(exact)


@given(stakes, odds, written(fractions(part_min=0)), written(fractions(part_min=0)), written(fractions(part_min=1)))
def test_a_fraction_is_paid_to_the_minor_unit_and_never_over_however_it_is_written(
    stake_minor: int,
    decimal_odds_milli: int,
    void: tuple[Fraction, int],
    win: tuple[Fraction, int],
    dead_heat: tuple[Fraction, int],
) -> None:
    outcome = OutcomeResult("home", win[1], void[1], dead_heat[1])
    exact = exact_return(stake_minor, void[0], win[0], Fraction(decimal_odds_milli, 1_000), dead_heat[0])
    assert return_minor(stake_minor=stake_minor, decimal_odds_milli=decimal_odds_milli, outcome=outcome) == floor(exact)


def test_every_fraction_of_few_parts_is_read_as_itself() -> None:
    for parts in range(1, SHARERS_MAX + 1):
        for part in range(parts + 1):
            exact = Fraction(part, parts)
            for micro in {floor(exact * FACTOR_ONE_MICRO), round(exact * FACTOR_ONE_MICRO)}:
                assert Fraction(*read_factor(micro)) == exact


@given(st.integers(0, 10_000))
def test_a_factor_of_four_decimals_is_none_but_itself(parts: int) -> None:
    assert Fraction(*read_factor(parts * 100)) == Fraction(parts, 10_000)


@given(st.integers(0, FACTOR_ONE_MICRO))
def test_a_factor_is_read_within_a_millionth(factor_micro: int) -> None:
    exact = Fraction(factor_micro, FACTOR_ONE_MICRO)
    assert abs(Fraction(*read_factor(factor_micro)) - exact) < Fraction(1, FACTOR_ONE_MICRO)


@given(stakes, odds, outcomes)
def test_no_result_pays_more_than_stake_times_odds(
    stake_minor: int, decimal_odds_milli: int, outcome: OutcomeResult
) -> None:
    paid_minor = return_minor(stake_minor=stake_minor, decimal_odds_milli=decimal_odds_milli, outcome=outcome)
    assert 0 <= paid_minor <= stake_minor * decimal_odds_milli // 1_000


@given(stakes, odds, outcomes, reductions)
def test_reductions_are_taken_off_one_after_another_and_exactly(
    stake_minor: int, decimal_odds_milli: int, outcome: OutcomeResult, taken_off: list[Reduction]
) -> None:
    void, win, dead_heat = (
        Fraction(*read_factor(micro))
        for micro in (outcome.void_factor_micro, outcome.win_factor_micro, outcome.dead_heat_factor_micro)
    )
    decimal_odds = reduce_exactly(Fraction(decimal_odds_milli, 1_000), taken_off)
    paid_minor = reduced_return_minor(
        stake_minor=stake_minor, decimal_odds_milli=decimal_odds_milli, outcome=outcome, reductions=taken_off
    )
    assert paid_minor == floor(exact_return(stake_minor, void, win, decimal_odds, dead_heat))


@given(stakes, odds, reductions)
def test_a_reduced_winner_gets_between_the_stake_and_the_whole_return(
    stake_minor: int, decimal_odds_milli: int, taken_off: list[Reduction]
) -> None:
    won = OutcomeResult("home", FACTOR_ONE_MICRO, 0, FACTOR_ONE_MICRO)
    paid_minor = reduced_return_minor(
        stake_minor=stake_minor, decimal_odds_milli=decimal_odds_milli, outcome=won, reductions=taken_off
    )
    whole_minor = return_minor(stake_minor=stake_minor, decimal_odds_milli=decimal_odds_milli, outcome=won)
    assert stake_minor <= paid_minor <= whole_minor
