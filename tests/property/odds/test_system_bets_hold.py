"""What must hold for system bets whatever their legs."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odds.models.system_bets import LEGS_MAX, System, leg_factors, system_returns

prices = st.floats(1.01, 100.0)
chances = st.floats(0.0, 1.0)
leg_values = st.one_of(st.just(0.0), st.just(1.0), st.floats(0.01, 100.0))


@st.composite
def systems(draw: st.DrawFn, legs_max: int = 8) -> System:
    count = draw(st.integers(1, legs_max))
    return System(count, tuple(sorted(draw(st.sets(st.integers(1, count), min_size=1)))))


@st.composite
def bets(draw: st.DrawFn, legs_max: int = 8) -> tuple[System, np.ndarray]:
    system = draw(systems(legs_max))
    row = st.lists(leg_values, min_size=system.leg_count, max_size=system.leg_count)
    return system, np.array(draw(st.lists(row, min_size=1, max_size=3)))


def all_folds(count: int) -> System:
    return System(count, tuple(range(1, count + 1)))


@settings(deadline=None)
@given(bets())
def test_a_system_is_the_sum_of_its_combinations_counted_one_by_one(bet: tuple[System, np.ndarray]) -> None:
    system, factors = bet
    listed = [chosen for size in system.fold_sizes for chosen in combinations(range(system.leg_count), size)]
    assert system.combination_count() == len(listed)
    expected = [sum(float(np.prod(row[list(chosen)])) for chosen in listed) for row in factors]
    np.testing.assert_allclose(system_returns(factors, system), expected, rtol=1e-13)


@settings(deadline=None)
@given(bets(LEGS_MAX))
def test_all_folds_are_the_product_of_one_more_than_each_leg_less_one(bet: tuple[System, np.ndarray]) -> None:
    system, factors = bet
    full = all_folds(system.leg_count)
    everything = np.prod(1.0 + factors, axis=1) - 1.0
    np.testing.assert_allclose(system_returns(factors, full), everything, rtol=1e-12, atol=1e-12)
    left_out = tuple(size for size in full.fold_sizes if size not in system.fold_sizes)
    rest = system_returns(factors, System(system.leg_count, left_out)) if left_out else np.zeros(len(factors))
    np.testing.assert_allclose(system_returns(factors, system) + rest, everything, rtol=1e-12, atol=1e-12)


@settings(deadline=None)
@given(bets(), st.integers(0, 7))
def test_a_void_leg_more_adds_the_combinations_of_one_leg_fewer(bet: tuple[System, np.ndarray], place: int) -> None:
    system, factors = bet
    count = system.leg_count
    longer = np.insert(factors, min(place, count), 1.0, axis=1)
    for size in range(1, count + 1):
        shorter = system_returns(factors, System(count, (size - 1,))) if size > 1 else 1.0
        expected = system_returns(factors, System(count, (size,))) + shorter
        np.testing.assert_allclose(system_returns(longer, System(count + 1, (size,))), expected, rtol=1e-13)


@settings(deadline=None)
@given(bets(), st.permutations(range(8)))
def test_the_order_of_legs_and_the_other_bets_change_nothing(bet: tuple[System, np.ndarray], order: list[int]) -> None:
    system, factors = bet
    moved = [leg for leg in order if leg < system.leg_count]
    together = system_returns(factors, system)
    for row, value in zip(factors, together, strict=True):
        assert system_returns(row[None], system)[0] == value
        np.testing.assert_allclose(system_returns(row[None, moved], system)[0], value, rtol=1e-13)


@st.composite
def open_bets(draw: st.DrawFn) -> tuple[System, np.ndarray, np.ndarray, np.ndarray]:
    system = draw(systems(5))
    columns = [
        np.array([draw(st.lists(values, min_size=system.leg_count, max_size=system.leg_count))])
        for values in (prices, chances, chances)
    ]
    return system, columns[0], columns[1], columns[2] * (1.0 - columns[1])


@settings(deadline=None)
@given(open_bets())
def test_mean_factors_give_the_mean_over_every_course_of_the_legs(
    bet: tuple[System, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    system, odds, wins, voids = bet
    expected = 0.0
    for course in product(("won", "void", "lost"), repeat=system.leg_count):
        is_won, is_void = (np.array([[leg == name for leg in course]], dtype=np.float64) for name in ("won", "void"))
        chance = np.prod(np.where(is_won > 0.0, wins, np.where(is_void > 0.0, voids, 1.0 - wins - voids)))
        settled = system_returns(leg_factors(odds, win_weights=is_won, void_weights=is_void), system)[0]
        expected += float(chance * settled)
    value = system_returns(leg_factors(odds, win_weights=wins, void_weights=voids), system)[0]
    np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-12)
