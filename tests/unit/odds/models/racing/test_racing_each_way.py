"""Each-way bets, deductions and dead heats, case by case."""

from fractions import Fraction

import pytest

from bets.calculator import CalculatedLeg, RaceFinish, calculate
from bets.systems import System
from odds.model_input import ModelInputInvalid
from odds.models.racing.each_way import (
    WIN_ONLY,
    EachWayTerms,
    dead_heat_factor,
    deduction_percent,
    return_of,
    standard_terms,
    sum_deductions,
)

QUARTER = EachWayTerms(3, Fraction(1, 4))


def test_the_smallest_deduction_may_be_waived() -> None:
    assert [deduction_percent(odds, is_smallest_waived=False) for odds in (10_990, 11_000, 15_010)] == [10, 5, 0]
    assert [deduction_percent(odds, is_smallest_waived=True) for odds in (10_990, 11_000, 15_010)] == [10, 0, 0]


def test_deductions_add_up_to_at_most_90_percent() -> None:
    assert [sum_deductions(percents) for percents in ([], [60, 25], [60, 30], [60, 35])] == [0, 85, 90, 90]


def test_a_price_between_two_bands_belongs_to_the_shorter() -> None:
    assert deduction_percent(5_450, is_smallest_waived=False) == 20
    assert [deduction_percent(odds, is_smallest_waived=False) for odds in (1_116, 1_117, 1_118)] == [90, 85, 85]
    assert [deduction_percent(odds, is_smallest_waived=False) for odds in (1_329, 1_330, 1_333)] == [75, 70, 70]
    assert deduction_percent(1_005, is_smallest_waived=False) == 90
    with pytest.raises(ModelInputInvalid, match="above 1000 thousandths"):
        deduction_percent(1_000, is_smallest_waived=False)


@pytest.mark.parametrize(
    ("position", "tied", "places", "factor"),
    [(1, 1, 1, 1), (2, 1, 1, 0), (3, 2, 3, Fraction(1, 2)), (2, 3, 3, Fraction(2, 3)), (4, 2, 3, 0), (1, 4, 4, 1)],
)
def test_places_left_are_shared(position: int, tied: int, places: int, factor: Fraction) -> None:
    assert dead_heat_factor(position, tied=tied, places=places) == factor


@pytest.mark.parametrize(
    ("position", "tied", "deducted_percent", "returned_minor"),
    [
        (1, 1, 0, 900 + 300),
        (3, 1, 0, 300),
        (4, 1, 0, 0),
        (1, 2, 0, 450 + 300),
        (3, 2, 0, 150),
        (1, 1, 20, 740 + 260),
        (3, 3, 0, 100),
        (2, 1, 90, 120),
    ],
)
def test_an_each_way_bet_returns_what_its_finish_is_worth(
    position: int, tied: int, deducted_percent: int, returned_minor: int
) -> None:
    leg = CalculatedLeg(9_000, RaceFinish(position, tied, QUARTER, deducted_percent))
    calculated = calculate(System(1, (1,)), [leg], unit_stake_minor=100, is_each_way=True)
    assert (calculated.stake_minor, calculated.return_minor) == (200, returned_minor)


def test_both_parts_are_rounded_together() -> None:
    """2.75 and 1.4375 are 4.1875, not 2 and 1."""
    leg = CalculatedLeg(2_750, RaceFinish(1, 1, QUARTER, 0))
    assert calculate(System(1, (1,)), [leg], unit_stake_minor=1, is_each_way=True).return_minor == 4


@pytest.mark.parametrize("percent", [-5, 95])
def test_more_than_the_most_is_not_deducted(percent: int) -> None:
    with pytest.raises(ModelInputInvalid, match="from 0 to 90 %"):
        return_of(100, decimal_odds=Fraction(3), factor=Fraction(1), deducted_percent=percent)


def test_a_runner_alone_makes_no_race() -> None:
    assert standard_terms(2, is_handicap=True) == WIN_ONLY
    with pytest.raises(ModelInputInvalid, match="At least 2 runners"):
        standard_terms(1, is_handicap=False)
