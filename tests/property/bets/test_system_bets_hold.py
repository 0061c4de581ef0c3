"""What must hold for system bets whatever their legs."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import floor, prod
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bets.calculator import CalculatedLeg, calculate
from bets.settlement import return_minor
from bets.systems import System
from markets.odds import FACTOR_ONE_MICRO
from markets.results import OutcomeResult

UNIT_MINOR = 10**12
WON, LOST, VOID = (OutcomeResult("leg", win, void, FACTOR_ONE_MICRO) for win, void in ((10**6, 0), (0, 0), (0, 10**6)))


@st.composite
def bets(draw: st.DrawFn) -> tuple[System, list[CalculatedLeg]]:
    count = draw(st.integers(1, 7))
    system = System(count, tuple(sorted(draw(st.sets(st.integers(1, count), min_size=1)))))
    leg = st.builds(CalculatedLeg, st.integers(1_001, 100_000), st.sampled_from([WON, LOST, VOID]))
    return system, draw(st.lists(leg, min_size=count, max_size=count))


def returned(system: System, legs: list[CalculatedLeg]) -> int:
    return calculate(system, legs, unit_stake_minor=UNIT_MINOR, is_each_way=False).return_minor


def factor(leg: CalculatedLeg) -> Fraction:
    assert isinstance(leg.course, OutcomeResult)
    odds = Fraction(leg.decimal_odds_milli, 1_000)
    return Fraction(1) if leg.course is VOID else odds if leg.course is WON else Fraction(0)


@settings(deadline=None)
@given(bets())
def test_a_system_returns_what_its_lines_do_each_rounded_down(bet: tuple[System, list[CalculatedLeg]]) -> None:
    system, legs = bet
    lines = [chosen for size in system.fold_sizes for chosen in combinations(legs, size)]
    assert system.line_count() == len(lines)
    assert returned(system, legs) == sum(floor(UNIT_MINOR * prod(map(factor, line))) for line in lines)


@settings(deadline=None)
@given(bets())
def test_all_folds_are_the_product_of_one_more_than_each_leg_less_one(bet: tuple[System, list[CalculatedLeg]]) -> None:
    _, legs = bet
    full = System(len(legs), tuple(range(1, len(legs) + 1)))
    everything = UNIT_MINOR * (prod(1 + factor(leg) for leg in legs) - 1)
    assert 0 <= everything - returned(full, legs) < full.line_count()


@settings(deadline=None)
@given(bets(), st.randoms())
def test_the_order_of_legs_changes_nothing(bet: tuple[System, list[CalculatedLeg]], order: Random) -> None:
    system, legs = bet
    moved = list(legs)
    order.shuffle(moved)
    assert returned(system, moved) == returned(system, legs)


micro = st.integers(0, FACTOR_ONE_MICRO)


@given(st.integers(1, 10**9), st.integers(1_001, 1_000_000), micro, micro, st.integers(1, FACTOR_ONE_MICRO))
def test_a_single_is_calculated_as_it_is_settled(stake: int, odds: int, won: int, void: int, shared: int) -> None:
    outcome = OutcomeResult("home", won, void, shared)
    calculated = calculate(System(1, (1,)), [CalculatedLeg(odds, outcome)], unit_stake_minor=stake, is_each_way=False)
    settled = return_minor(stake_minor=stake, decimal_odds_milli=odds, outcome=outcome)
    assert (calculated.stake_minor, calculated.return_minor) == (stake, settled)
