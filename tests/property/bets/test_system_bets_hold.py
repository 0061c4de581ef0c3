"""What must hold for system bets whatever their legs."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import prod
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bets.calculator import CalculatedLeg, calculate
from bets.settlement import return_minor
from bets.systems import LEGS_MAX, System
from markets.odds import FACTOR_ONE_MICRO
from markets.results import OutcomeResult

leg_values = st.one_of(st.just(Fraction(0)), st.just(Fraction(1)), st.fractions(0, 100, max_denominator=1_000))


@st.composite
def bets(draw: st.DrawFn, legs_max: int = 8) -> tuple[System, list[Fraction]]:
    count = draw(st.integers(1, legs_max))
    system = System(count, tuple(sorted(draw(st.sets(st.integers(1, count), min_size=1)))))
    return system, draw(st.lists(leg_values, min_size=count, max_size=count))


@settings(deadline=None)
@given(bets())
def test_a_system_is_the_sum_of_its_lines_counted_one_by_one(bet: tuple[System, list[Fraction]]) -> None:
    system, factors = bet
    lines = [chosen for size in system.fold_sizes for chosen in combinations(factors, size)]
    assert system.line_count() == len(lines)
    assert system.returned(factors) == sum(prod(line) for line in lines)


@settings(deadline=None)
@given(bets(LEGS_MAX))
def test_all_folds_are_the_product_of_one_more_than_each_leg_less_one(bet: tuple[System, list[Fraction]]) -> None:
    system, factors = bet
    sizes = range(1, system.leg_count + 1)
    everything = prod(1 + factor for factor in factors) - 1
    left_out = tuple(size for size in sizes if size not in system.fold_sizes)
    rest = System(system.leg_count, left_out).returned(factors) if left_out else 0
    assert system.returned(factors) + rest == everything


@settings(deadline=None)
@given(bets(), st.integers(0, 7))
def test_a_void_leg_more_adds_the_lines_of_one_leg_fewer(bet: tuple[System, list[Fraction]], place: int) -> None:
    system, factors = bet
    count = system.leg_count
    longer = [*factors[:place], Fraction(1), *factors[place:]]
    for size in range(1, count + 1):
        shorter = System(count, (size - 1,)).returned(factors) if size > 1 else 1
        assert System(count + 1, (size,)).returned(longer) == System(count, (size,)).returned(factors) + shorter


@settings(deadline=None)
@given(bets(), st.randoms())
def test_the_order_of_legs_changes_nothing(bet: tuple[System, list[Fraction]], order: Random) -> None:
    system, factors = bet
    moved = list(factors)
    order.shuffle(moved)
    assert system.returned(moved) == system.returned(factors)


micro = st.integers(0, FACTOR_ONE_MICRO)


@given(st.integers(1, 10**9), st.integers(1_001, 1_000_000), micro, micro, st.integers(1, FACTOR_ONE_MICRO))
def test_a_single_is_calculated_as_it_is_settled(stake: int, odds: int, won: int, void: int, shared: int) -> None:
    outcome = OutcomeResult("home", won, void, shared)
    calculated = calculate(System(1, (1,)), [CalculatedLeg(odds, outcome)], unit_stake_minor=stake, is_each_way=False)
    settled = return_minor(stake_minor=stake, decimal_odds_milli=odds, outcome=outcome)
    assert (calculated.stake_minor, calculated.return_minor) == (stake, settled)
