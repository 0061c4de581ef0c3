"""System bets, case by case; named ones are settled among the reference values too."""

from __future__ import annotations

from fractions import Fraction

import pytest

from bets.systems import LEGS_MAX, SYSTEM_BY_NAME, System, SystemMalformed

DOUBLES_OF_THREE = System(3, (2,))


def factors(*legs: float) -> list[Fraction]:
    return [Fraction(leg) for leg in legs]


def test_the_doubles_out_of_three_legs_are_each_of_the_three_pairs() -> None:
    assert DOUBLES_OF_THREE.line_count() == 3
    assert DOUBLES_OF_THREE.returned(factors(2, 3, 5)) == 6 + 10 + 15
    assert DOUBLES_OF_THREE.returned(factors(2, 3, 0)) == 6
    assert DOUBLES_OF_THREE.returned(factors(2, 0, 0)) == 0


def test_a_void_leg_leaves_the_others_at_their_odds() -> None:
    assert SYSTEM_BY_NAME["trixie"].returned(factors(2, 3, 1)) == 6 + 2 + 3 + 6


def test_a_half_won_leg_counts_by_its_factor_in_every_line() -> None:
    assert SYSTEM_BY_NAME["patent"].returned(factors(2, 4, 0)) == 2 + 4 + 8


def test_fold_sizes_that_leave_some_out_are_a_system() -> None:
    assert System(4, (1, 4)).returned(factors(2, 3, 5, 7)) == 17 + 210
    assert System(4, (1, 4)).line_count() == 5


def test_the_most_legs_have_a_million_lines_and_one_more_is_refused() -> None:
    full = System(LEGS_MAX, tuple(range(1, LEGS_MAX + 1)))
    assert full.line_count() == 2**LEGS_MAX - 1
    assert full.returned(factors(*[1] * LEGS_MAX)) == 2**LEGS_MAX - 1
    for count in (0, LEGS_MAX + 1):
        with pytest.raises(SystemMalformed, match=f"1 to 20 legs, had {count}"):
            System(count, (1,))


@pytest.mark.parametrize("sizes", [(), (0,), (4,), (2, 1), (2, 2), (1, 4)])
def test_lines_that_there_are_none_of_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(SystemMalformed, match="Fold sizes must rise, each 1 to 3"):
        System(3, sizes)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_another_number_of_legs_than_the_system_has_is_refused(count: int) -> None:
    with pytest.raises(SystemMalformed, match=f"must have 3 legs, {count} were given"):
        DOUBLES_OF_THREE.returned(factors(*[2] * count))
