"""Every reference value against the library, each within its own tolerance or a tighter one; none is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from fractions import Fraction
from math import floor
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from bets.calculator import CalculatedLeg, RaceFinish, calculate
from bets.settlement import return_minor
from bets.systems import SYSTEM_BY_NAME, System
from markets.odds import FACTOR_ONE_MICRO
from markets.results import OutcomeResult
from markets.sports.tennis import FinalSet
from odds.margin.application import apply_margin
from odds.margin.methods import MarginMethod
from odds.margin.removal import remove_margin
from odds.margin.rows import MarginFlag
from odds.models.basketball import GameForecast, GameRules, GameScores, win_games
from odds.models.racing.each_way import (
    WIN_ONLY,
    EachWayTerms,
    dead_heat_factor,
    deduction_percent,
    return_of,
    standard_terms,
    sum_deductions,
)
from odds.models.tennis.match import price_matches, win_matches
from odds.models.tennis.points import win_game, win_tie_break
from odds.models.tennis.rules import MatchRules, TennisScores
from studies.accuracy.metrics import closing_line_values
from tests.reference.football_reference_checks import (
    check_dixon_coles,
    check_fit_exact,
    check_fit_published,
    check_goal_means,
    check_goal_means_with_rho,
    check_in_play,
    check_markets,
    check_other_parameters,
    check_strength_adjustment,
)
from tests.reference.reference_values import ExpectedFigures, Vector, close, require_vectors, vectors_as_parameters

Floats = NDArray[np.float64]

NAN = np.nan
MINOR: Final = 10**9
"""Units of account so small that rounding is none."""
METHOD_BY_NAME: Final = {
    **{method.value: method for method in MarginMethod},
    "wpo_differential_margin": MarginMethod.DIFFERENTIAL,
    "jsd": MarginMethod.JENSEN_SHANNON,
}
PARAMETER_NAMES: Final = ("k", "z", "odds_ratio", "distance_JS_divergence")
POINTS: Final = {"0": 0, "15": 1, "30": 2, "40": 3}


def row(*values: float) -> Floats:
    return np.array([values], dtype=np.float64)


def margins_by_outcome(decimal_odds: Floats, fair_probabilities: Floats) -> Floats:
    """Return what the house keeps of each outcome, relative to its fair price."""
    return np.asarray(1.0 / (decimal_odds * fair_probabilities) - 1.0)


def check_margins_published(vector: Vector) -> None:
    odds, expected = np.array(vector["input"]["odds"]), vector["expected"]
    method = METHOD_BY_NAME[vector["input"].get("method", "wpo_differential_margin")]
    rows = remove_margin(odds, method=method)
    found = {
        "probabilities": rows.probabilities,
        "margin": rows.parameters,
        "specific_margins": margins_by_outcome(odds, rows.probabilities),
    }
    for name, values in expected.items():
        close(found[name], values, vector)


def check_margins_exact(vector: Vector) -> None:
    """To the twelve digits that the values are given with."""
    odds = row(*vector["input"]["odds"])
    for name, expected in vector["expected"].items():
        rows = remove_margin(odds, method=METHOD_BY_NAME[name])
        parameter = float(rows.parameters[0])
        found = {
            "probabilities": rows.probabilities[0],
            "specific_margins": margins_by_outcome(odds, rows.probabilities)[0],
            "implied_R_exponent": 1.0 / parameter if "implied_R_exponent" in expected else NAN,
            "sqrt": np.sqrt(parameter) if "sqrt" in expected else NAN,
            **dict.fromkeys(PARAMETER_NAMES, parameter),
        }
        for figure, value in expected.items():
            np.testing.assert_allclose(found[figure], value, atol=2e-12, rtol=0.0, err_msg=f"{name} {figure}")


def check_shin(vector: Vector) -> None:
    rows = remove_margin(row(*vector["input"]["odds"]), method=MarginMethod.SHIN)
    found = {"probabilities": rows.probabilities[0], "z": rows.parameters[0]}
    for name, value in vector["expected"].items():
        np.testing.assert_allclose(found[name], value, rtol=vector["tolerance"]["rel"])


def check_odds_without_solution(vector: Vector) -> None:
    assert vector["expected"]["raises"] == "ValueError-equivalent"
    for odds in vector["input"]["odds_list"]:
        assert not remove_margin(row(*odds), method=MarginMethod.SHIN).is_solved.any()


def check_negative_result(vector: Vector) -> None:
    implied = row(*vector["input"]["inverse_odds"])
    rows = remove_margin(1.0 / implied, method=METHOD_BY_NAME[vector["input"]["method"]])
    assert "flag result out of range" in vector["expected"]["must"]
    assert rows.flags.tolist() == [MarginFlag.RESULT_OUT_OF_RANGE]
    assert np.isnan(rows.probabilities).all()
    close(implied[0] - rows.parameters[0], vector["expected"]["values"], vector)


def check_race_without_margin(vector: Vector) -> None:
    rows = remove_margin(row(*vector["input"]["odds"]), method=METHOD_BY_NAME[vector["input"]["method"]])
    fair_odds = 1.0 / rows.probabilities[0]
    np.testing.assert_allclose(fair_odds, vector["expected"]["fair_odds"], rtol=vector["tolerance"]["rel"])
    np.testing.assert_allclose(fair_odds, vector["expected"]["exact_fair_odds"], rtol=1e-6)


def check_margin_key(vector: Vector) -> None:
    given, expected = vector["input"], vector["expected"]
    fair = np.array([given["probs"], [*given["probs2"], NAN]])
    rows = apply_margin(
        fair, overrounds=np.array([given["key"], given["key2"]]), method=METHOD_BY_NAME[given["method"]]
    )
    for found, name in ((1.0 / rows.probabilities[0], "odds"), (1.0 / rows.probabilities[1, :2], "odds2")):
        close(found, expected[name], vector)
        assert np.round(found, given["round"]).tolist() == expected[name]


def check_game(vector: Vector) -> None:
    serves = np.atleast_1d(np.array(vector["input"]["p"], dtype=np.float64))
    score = [POINTS[points] for points in vector["input"].get("score", "0-0").split("-")]
    won = win_game(serves, np.tile(score, (len(serves), 1)), has_deciding_point=False)
    close(won, np.atleast_1d(vector["expected"]["game"]), vector)


def check_tennis_match(vector: Vector) -> None:
    """Whoever serves first."""
    expected = vector["expected"]
    serves = np.tile([vector["input"]["p_serve_A"], vector["input"]["p_serve_B"]], (2, 1))
    is_a_serving = np.array([True, False])
    tie_break = win_tie_break(serves, np.zeros((2, 2), dtype=np.int64), is_a_serving, points_to_win=7)
    close(tie_break, expected["tiebreak7"], vector)
    scores = TennisScores.at_the_start(is_a_serving)
    for sets_to_win, name in ((1, "tiebreak_set"), (2, "bo3"), (3, "bo5")):
        rules = MatchRules(sets_to_win, FinalSet.LIKE_THE_OTHERS)
        close(win_matches(serves, scores, rules), expected[name], vector)
        close(price_matches(serves, scores, rules).win_probability(), expected[name], vector)


WHOLE_POINTS: Final = 4e-3
"""What points being whole, and a tie played on, may change of chances of a lead that is neither."""


def check_leads(vector: Vector) -> None:
    rules = GameRules(period_count=4, period_s=720.0, overtime_s=300.0)
    mean, deviation = row(vector["input"]["mu"])[0], row(vector["input"]["sigma"])[0]
    forecast = GameForecast(mean, deviation, row(220.0)[0], row(18.0)[0])
    for key, expected in vector["expected"].items():
        share, lead = (float(number) for number in re.findall(r"(?<==)-?[\d.]+", key))
        points = np.array([50 + int(lead)]), np.array([50])
        won = win_games(forecast, GameScores(*points, row((1.0 - share) * rules.regulation_s)[0]), rules)
        np.testing.assert_allclose(won[0], expected, atol=WHOLE_POINTS)


def system_name(published: str) -> str:
    return "super_yankee" if published == "canadian_super_yankee" else published


def check_combination_counts(vector: Vector) -> None:
    counts = {system_name(name): count for name, count in vector["expected"].items()}
    assert counts == {name: system.line_count() for name, system in SYSTEM_BY_NAME.items()}


def check_system(vector: Vector) -> None:
    given, system = vector["input"], SYSTEM_BY_NAME[system_name(vector["input"]["type"])]
    legs = [
        CalculatedLeg(round(odds * 1_000), OutcomeResult("leg", int(won) * FACTOR_ONE_MICRO, 0, FACTOR_ONE_MICRO))
        for odds, won in zip(given["odds"], given["won"], strict=True)
    ]
    unit_minor = given["unit_stake"] * MINOR
    calculated = calculate(system, legs, unit_stake_minor=unit_minor, is_each_way=False)
    close(calculated.return_minor / MINOR, vector["expected"]["return"], vector)
    assert calculated.line_count == vector["expected"]["lines"]


def check_deduction_bands(vector: Vector) -> None:
    expected = vector["expected"]
    for low, high, deduction in expected["decimal_bands"]:
        for odds in (low, high):
            assert deduction_percent(round(odds * 1_000), is_smallest_waived=False) == round(deduction * 100)
    assert deduction_percent(15_010, is_smallest_waived=False) == expected["above_14_1"]
    assert sum_deductions([60, 45]) == round(expected["max_total"] * 100)


def check_fractional_bands(vector: Vector) -> None:
    for low, high, percent in vector["expected"]["bands"]:
        shortest, longest = Fraction(low), Fraction(high)
        odds = {shortest, longest} | {Fraction(top, under) for under in range(1, 101) for top in range(1, 14 * under)}
        for fractional_odds in odds:
            if shortest <= fractional_odds <= longest:
                decimal_odds = 1 + fractional_odds
                for odds_milli in (floor(decimal_odds * 1_000), round(decimal_odds * 1_000)):
                    assert deduction_percent(odds_milli, is_smallest_waived=False) == percent


def decimal_odds_of(given: Vector, decimal: str, fractional: str) -> Fraction:
    if decimal in given:
        return Fraction(given[decimal])
    return 1 + Fraction(given[fractional])


def check_deduction(vector: Vector) -> None:
    given = vector["input"]
    withdrawn = decimal_odds_of(given, "withdrawn_decimal", "withdrawn")
    percent = deduction_percent(floor(withdrawn * 1_000), is_smallest_waived=False)
    assert percent == round(given["deduction"] * 100)
    odds = decimal_odds_of(given, "odds", "odds_fractional")
    returned = return_of(given["stake"], decimal_odds=odds, factor=Fraction(1), deducted_percent=percent)
    assert returned == vector["expected"]["return"]


def check_dead_heat(vector: Vector) -> None:
    given = vector["input"]
    places = given["places"] if "places" in given else given["places_available"]
    factor = dead_heat_factor(1, tied=given["dead_heaters"], places=places)
    odds = decimal_odds_of(given, "odds", "odds_fractional")
    returned = return_of(given["stake"], decimal_odds=odds, factor=factor, deducted_percent=0)
    assert returned == vector["expected"]["return"]


def check_each_way(vector: Vector) -> None:
    given, expected = vector["input"], vector["expected"]
    terms = EachWayTerms(given["places"], Fraction(given["fraction"]).limit_denominator(10))
    leg = CalculatedLeg(round(given["odds"] * 1_000), RaceFinish(given["finish"], 1, terms, 0))
    calculated = calculate(System(1, (1,)), [leg], unit_stake_minor=given["stake_each"] * 100, is_each_way=True)
    assert calculated.stake_minor == expected["total_stake"] * 100
    assert calculated.return_minor == expected["return"] * 100


def check_each_way_terms(vector: Vector) -> None:
    names = {
        "win only": WIN_ONLY,
        "1/4 1,2": EachWayTerms(2, Fraction(1, 4)),
        "1/5 1,2,3": EachWayTerms(3, Fraction(1, 5)),
        "1/4 1,2,3": EachWayTerms(3, Fraction(1, 4)),
        "1/4 1,2,3,4": EachWayTerms(4, Fraction(1, 4)),
    }
    runners = {
        "2-4 runners": [(count, is_handicap) for count in (2, 4) for is_handicap in (False, True)],
        "5-7": [(count, is_handicap) for count in (5, 7) for is_handicap in (False, True)],
        "8-11": [(count, is_handicap) for count in (8, 11) for is_handicap in (False, True)],
        "12+ non-hcap": [(12, False), (40, False)],
        "hcap 12-15": [(12, True), (15, True)],
        "hcap 16+": [(16, True), (40, True)],
    }
    for published, terms in vector["expected"].items():
        for count, is_handicap in runners[published]:
            assert standard_terms(count, is_handicap=is_handicap) == names[terms]


def check_settlement(vector: Vector) -> None:
    stake, odds = vector["input"]["stake"], vector["input"]["odds"]
    for case, expected in vector["expected"].items():
        won, void = (float(part) if part else 0.0 for part in re.findall(r"result=(\d),vf(?: none|=([\d.]+))", case)[0])
        outcome = OutcomeResult("home", round(won * FACTOR_ONE_MICRO), round(void * FACTOR_ONE_MICRO), FACTOR_ONE_MICRO)
        paid_minor = return_minor(stake_minor=stake * 100, decimal_odds_milli=round(odds * 1_000), outcome=outcome)
        assert paid_minor == expected * 100, case


def check_best_price(vector: Vector) -> None:
    """A house without rivals, and demand that falls with the price, quotes the square root: the power margin of two."""
    fair = row(vector["input"]["p"], 1.0 - vector["input"]["p"])
    rows = apply_margin(fair, overrounds=np.sqrt(fair).sum(axis=1), method=MarginMethod.POWER)
    assert rows.parameters[0] == pytest.approx(2.0, abs=1e-9)
    close(rows.probabilities[0, 0], vector["expected"]["price"], vector)
    close(1.0 / rows.probabilities[0, 0], vector["expected"]["decimal_odds"], vector)


def check_closing_line(vector: Vector) -> None:
    """To the six digits that the value is given with."""
    given = vector["input"]
    value = closing_line_values(np.array([given["bet_odds"]]), np.array([given["closing_fair_odds"]]))
    assert value[0] == pytest.approx(vector["expected"]["clv"], abs=1e-6)


CHECK_BY_ID: Final[Mapping[str, Callable[[Vector], None]]] = {
    "implied.readme.*": check_margins_published,
    "exact.margin.*": check_margins_exact,
    "shin.3way": check_shin,
    "shin.rejects": check_odds_without_solution,
    "clarke2017.negative_additive": check_negative_result,
    "power.6runner": check_race_without_margin,
    "betradar.key": check_margin_key,
    "exact.poisson.fit": check_fit_exact,
    "goalmodel.poisson.fit": check_fit_published,
    "goalmodel.dc.fit": check_dixon_coles,
    "goalmodel.rs01.predict": check_strength_adjustment,
    "goalmodel.other_params": check_other_parameters,
    "goalmodel.reverse_expg": check_goal_means,
    "penaltyblog.goal_expectancy": check_goal_means_with_rho,
    "exact.grid.*": check_markets,
    "exact.inplay.*": check_in_play,
    "tennis.game.*": check_game,
    "tennis.from.*": check_game,
    "tennis.match.*": check_tennis_match,
    "stern1994.table": check_leads,
    "system.lines": check_combination_counts,
    "system.*.*": check_system,
    "rule4.table": check_deduction_bands,
    "rule4.fractions": check_fractional_bands,
    "rule4.ex*": check_deduction,
    "deadheat.*": check_dead_heat,
    "eachway.win": check_each_way,
    "eachway.terms": check_each_way_terms,
    "uof.settlement.truth_table": check_settlement,
    "lorig.ustar.*": check_best_price,
    "clv": check_closing_line,
}
"""What runs a vector, by its id; the star stands for any ending."""


def checks_of(vector: Vector) -> list[Callable[[Vector], None]]:
    return [check for pattern, check in CHECK_BY_ID.items() if fnmatchcase(vector["id"], pattern)]


@pytest.mark.parametrize("vector", vectors_as_parameters())
def test_the_library_gives_the_reference_value(vector: Vector) -> None:
    expected = ExpectedFigures(vector["expected"])
    (check,) = checks_of(vector)
    check({**vector, "expected": expected})
    assert set(expected) - expected.seen == set()


def test_every_reference_value_has_one_check_and_every_check_a_value() -> None:
    vectors = require_vectors()
    assert {vector["id"]: len(checks_of(vector)) for vector in vectors if len(checks_of(vector)) != 1} == {}
    used = {pattern for pattern in CHECK_BY_ID for vector in vectors if fnmatchcase(vector["id"], pattern)}
    assert used == set(CHECK_BY_ID)
