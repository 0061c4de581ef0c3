"""System bets, case by case; named ones are settled among the reference values too."""

from __future__ import annotations

import pytest

from bets.systems import LEGS_MAX, LINES_MAX, SYSTEM_BY_NAME, System, SystemMalformed

DOUBLES_OF_THREE = System(3, (2,))


def test_the_doubles_out_of_three_legs_are_each_of_the_three_pairs() -> None:
    assert list(DOUBLES_OF_THREE.lines()) == [(0, 1), (0, 2), (1, 2)]
    assert DOUBLES_OF_THREE.line_count() == 3


def test_a_named_system_is_on_all_sizes_that_it_stands_for() -> None:
    assert list(SYSTEM_BY_NAME["trixie"].lines()) == [(0, 1), (0, 2), (1, 2), (0, 1, 2)]
    assert list(SYSTEM_BY_NAME["patent"].lines())[:3] == [(0,), (1,), (2,)]


def test_fold_sizes_that_leave_some_out_are_a_system() -> None:
    assert list(System(4, (1, 4)).lines()) == [(0,), (1,), (2,), (3,), (0, 1, 2, 3)]


def test_the_most_legs_and_lines_are_taken_and_one_more_is_refused() -> None:
    assert System(LEGS_MAX, (1, 2, LEGS_MAX)).line_count() == 211
    for count in (0, LEGS_MAX + 1):
        with pytest.raises(SystemMalformed, match=f"1 to 20 legs, had {count}"):
            System(count, (1,))
    assert System(9, tuple(range(1, 10))).line_count() == LINES_MAX - 1
    with pytest.raises(SystemMalformed, match="at most 512 lines, had 1023"):
        System(10, tuple(range(1, 11)))


@pytest.mark.parametrize("sizes", [(), (0,), (4,), (2, 1), (2, 2), (1, 4)])
def test_lines_that_there_are_none_of_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(SystemMalformed, match="Fold sizes must rise, each 1 to 3"):
        System(3, sizes)
