"""Each-way bets, deductions and dead heats, case by case."""

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from infra.settings import ROOT
from odds.model_input import ModelInputInvalid
from odds.racing.each_way import (
    WIN_ONLY,
    EachWayTerms,
    dead_heat_factor,
    deduction_percent,
    each_way_return_minor,
    each_way_value,
    fair_each_way_odds,
    return_of,
    standard_terms,
    sum_deductions,
)

VECTORS = ROOT.parent / "shared" / "vectors" / "odds_vectors.json"
needs_vectors = pytest.mark.skipif(not VECTORS.is_file(), reason="the reference values are not beside the repository")
FIFTH = EachWayTerms(3, Fraction(1, 5))
QUARTER = EachWayTerms(3, Fraction(1, 4))


def vector(name: str) -> dict[str, Any]:
    (found,) = [vector for vector in json.loads(VECTORS.read_text())["vectors"] if vector["id"] == name]
    return dict(found)


@needs_vectors
def test_deductions_are_those_of_the_published_bands() -> None:
    for low, high, deduction in vector("rule4.table")["expected"]["decimal_bands"]:
        for odds in (low, high):
            assert deduction_percent(round(odds * 1_000), is_smallest_waived=False) == round(deduction * 100)
    assert deduction_percent(15_010, is_smallest_waived=False) == 0
    assert deduction_percent(11_000, is_smallest_waived=True) == 0
    assert deduction_percent(10_990, is_smallest_waived=True) == 10
    assert sum_deductions([60, 25]) == 85
    assert sum_deductions([60, 45]) == round(vector("rule4.table")["expected"]["max_total"] * 100)


def test_a_price_between_two_bands_belongs_to_the_shorter() -> None:
    assert deduction_percent(5_450, is_smallest_waived=False) == 20
    assert deduction_percent(1_005, is_smallest_waived=False) == 90
    with pytest.raises(ModelInputInvalid, match="above 1000 thousandths"):
        deduction_percent(1_000, is_smallest_waived=False)


@needs_vectors
@pytest.mark.parametrize(("name", "odds"), [("rule4.ex1", Fraction(9)), ("rule4.ex2", Fraction(9, 4))])
def test_a_deduction_is_taken_off_winnings(name: str, odds: Fraction) -> None:
    case = vector(name)
    percent = round(case["input"]["deduction"] * 100)
    returned = return_of(case["input"]["stake"], decimal_odds=odds, factor=Fraction(1), deducted_percent=percent)
    assert returned == case["expected"]["return"]


@needs_vectors
@pytest.mark.parametrize(
    ("name", "odds", "places"), [("deadheat.2way", Fraction(6), 1), ("deadheat.3for2", Fraction(4), 2)]
)
def test_a_dead_heat_divides_the_stake(name: str, odds: Fraction, places: int) -> None:
    case = vector(name)
    factor = dead_heat_factor(1, tied=case["input"]["dead_heaters"], places=places)
    assert (
        return_of(case["input"]["stake"], decimal_odds=odds, factor=factor, deducted_percent=0)
        == (case["expected"]["return"])
    )


@pytest.mark.parametrize(
    ("position", "tied", "places", "factor"),
    [(1, 1, 1, 1), (2, 1, 1, 0), (3, 2, 3, Fraction(1, 2)), (2, 3, 3, Fraction(2, 3)), (4, 2, 3, 0), (1, 4, 4, 1)],
)
def test_places_left_are_shared(position: int, tied: int, places: int, factor: Fraction) -> None:
    assert dead_heat_factor(position, tied=tied, places=places) == factor


@needs_vectors
def test_an_each_way_winner_returns_both_parts() -> None:
    case = vector("eachway.win")
    returned = each_way_return_minor(
        case["input"]["stake_each"] * 100,
        decimal_odds_milli=9_000,
        terms=FIFTH,
        position=1,
        tied=1,
        deducted_percent=0,
    )
    assert returned == case["expected"]["return"] * 100


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
    returned = each_way_return_minor(
        100,
        decimal_odds_milli=9_000,
        terms=QUARTER,
        position=position,
        tied=tied,
        deducted_percent=deducted_percent,
    )
    assert returned == returned_minor


def test_both_parts_are_rounded_together() -> None:
    """2.75 and 1.4375 are 4.1875, not 2 and 1."""
    returned = each_way_return_minor(1, decimal_odds_milli=2_750, terms=QUARTER, position=1, tied=1, deducted_percent=0)
    assert returned == 4


@needs_vectors
def test_terms_are_the_usual_ones() -> None:
    names = {
        "win only": WIN_ONLY,
        "1/4 1,2": EachWayTerms(2, Fraction(1, 4)),
        "1/5 1,2,3": FIFTH,
        "1/4 1,2,3": QUARTER,
        "1/4 1,2,3,4": EachWayTerms(4, Fraction(1, 4)),
    }
    published = {runners: names[terms] for runners, terms in vector("eachway.terms")["expected"].items()}
    for is_handicap in (False, True):
        assert {standard_terms(n, is_handicap=is_handicap) for n in (2, 4)} == {published["2-4 runners"]}
        assert {standard_terms(n, is_handicap=is_handicap) for n in (5, 7)} == {published["5-7"]}
        assert {standard_terms(n, is_handicap=is_handicap) for n in (8, 11)} == {published["8-11"]}
    assert {standard_terms(n, is_handicap=False) for n in (12, 40)} == {published["12+ non-hcap"]}
    assert {standard_terms(n, is_handicap=True) for n in (12, 15)} == {published["hcap 12-15"]}
    assert {standard_terms(n, is_handicap=True) for n in (16, 40)} == {published["hcap 16+"]}
    with pytest.raises(ModelInputInvalid, match="At least 2 runners"):
        standard_terms(1, is_handicap=False)


def test_the_fair_price_returns_the_stake() -> None:
    win, placed = np.array([0.3, 0.1, 0.02]), np.array([0.7, 0.35, 0.1])
    odds = fair_each_way_odds(win, placed, FIFTH)
    np.testing.assert_allclose(each_way_value(odds, win, placed, FIFTH), 1.0, atol=1e-15)
    assert np.isnan(fair_each_way_odds(np.array([1.0]), np.array([1.0]), FIFTH)).all()
    with pytest.raises(ModelInputInvalid, match="win only"):
        fair_each_way_odds(win, placed, WIN_ONLY)


@pytest.mark.parametrize(
    ("odds", "win", "placed"),
    [(0.0, 0.3, 0.7), (-3.0, 0.3, 0.7), (np.nan, 0.3, 0.7), (np.inf, 0.3, 0.7)]
    + [(4.0, win, placed) for win, placed in ((0.4, 0.3), (0.0, 0.3), (-0.1, 0.3), (0.3, 1.1), (np.nan, 0.3))],
)
def test_a_runner_that_cannot_be_has_no_value_and_leaves_the_others(odds: float, win: float, placed: float) -> None:
    columns = np.array([4.0, odds]), np.array([0.3, win]), np.array([0.7, placed])
    value = each_way_value(*columns, FIFTH)
    assert np.isnan(value).tolist() == [False, True]
    assert value[0] == each_way_value(np.array([4.0]), np.array([0.3]), np.array([0.7]), FIFTH)[0]
    fair = fair_each_way_odds(columns[1], columns[2], FIFTH)
    assert np.isnan(fair).tolist() == [False, (win, placed) != (0.3, 0.7)]
