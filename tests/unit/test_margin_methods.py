"""Every margin method against published and exact figures, both ways, and what cannot be solved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from odds.margin.application import apply_margin
from odds.margin.methods import MarginMethod
from odds.margin.removal import SOLVE_BELOW_TARGET, margins_by_outcome, remove_margin
from odds.margin.rows import BLOCK_CELLS, MarginFlag

Floats = NDArray[np.float64]

NAN = np.nan
VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "odds_vectors.json"
METHOD_BY_NAME = {
    **{method.value: method for method in MarginMethod},
    "wpo_differential_margin": MarginMethod.DIFFERENTIAL,
    "jsd": MarginMethod.JENSEN_SHANNON,
}
PARAMETER_NAMES = ("k", "z", "odds_ratio", "distance_JS_divergence")
BOOK = np.array([[4.2, 3.7, 1.95], [2.45, 3.7, 2.9], [1.5, 2.74, NAN]])
every_method = pytest.mark.parametrize("method", MarginMethod)


def vectors(prefix: str) -> list[Any]:
    if not VECTORS.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"reference values are not at {VECTORS}"))]
    listed = json.loads(VECTORS.read_text())["vectors"]
    return [pytest.param(vector, id=vector["id"]) for vector in listed if vector["id"].startswith(prefix)]


@pytest.mark.parametrize("vector", vectors("exact.margin"))
def test_every_method_agrees_with_the_exact_values(vector: dict[str, Any]) -> None:
    for name, expected in vector["expected"].items():
        rows = remove_margin(np.array([vector["input"]["odds"]]), method=METHOD_BY_NAME[name])
        np.testing.assert_allclose(rows.probabilities[0], expected["probabilities"], atol=2e-12, err_msg=name)
        for found in PARAMETER_NAMES:
            if found in expected:
                assert rows.parameters[0] == pytest.approx(expected[found], abs=2e-12), name
        if "specific_margins" in expected:
            margins = margins_by_outcome(np.array([vector["input"]["odds"]]), rows.probabilities)
            np.testing.assert_allclose(margins[0], expected["specific_margins"], atol=1e-10)


@pytest.mark.parametrize("vector", vectors("implied.readme"))
def test_every_method_agrees_with_the_published_table(vector: dict[str, Any]) -> None:
    odds, expected = np.array(vector["input"]["odds"]), vector["expected"]
    method = METHOD_BY_NAME[vector["input"].get("method", "wpo_differential_margin")]
    rows = remove_margin(odds, method=method)
    found = {
        "probabilities": rows.probabilities,
        "margin": rows.parameters,
        "specific_margins": margins_by_outcome(odds, rows.probabilities),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=vector["tolerance"]["abs"])


@pytest.mark.parametrize("vector", vectors("shin.3way"))
def test_shin_agrees_with_the_published_example(vector: dict[str, Any]) -> None:
    rows = remove_margin(np.array([vector["input"]["odds"]]), method=MarginMethod.SHIN)
    np.testing.assert_allclose(rows.probabilities[0], vector["expected"]["probabilities"], rtol=1e-6)
    assert rows.parameters[0] == pytest.approx(vector["expected"]["z"], rel=1e-6)


@pytest.mark.parametrize("vector", vectors("shin.rejects"))
def test_what_others_refuse_is_flagged(vector: dict[str, Any]) -> None:
    for odds in vector["input"]["odds_list"]:
        assert not remove_margin(np.array([odds], dtype=np.float64), method=MarginMethod.SHIN).is_solved.any()


@pytest.mark.parametrize("vector", vectors("clarke2017"))
def test_a_negative_additive_result_is_flagged_and_its_parameter_told(vector: dict[str, Any]) -> None:
    implied = np.array([vector["input"]["inverse_odds"]])
    rows = remove_margin(1.0 / implied, method=MarginMethod.ADDITIVE)
    assert rows.flags.tolist() == [MarginFlag.RESULT_OUT_OF_RANGE]
    assert np.isnan(rows.probabilities).all()
    np.testing.assert_allclose(implied[0] - rows.parameters[0], vector["expected"]["values"], atol=1e-9)


@pytest.mark.parametrize("vector", vectors("power.6runner"))
def test_power_agrees_with_a_published_race(vector: dict[str, Any]) -> None:
    rows = remove_margin(np.array([vector["input"]["odds"]], dtype=np.float64), method=MarginMethod.POWER)
    np.testing.assert_allclose(1.0 / rows.probabilities[0], vector["expected"]["exact_fair_odds"], rtol=1e-6)


@pytest.mark.parametrize("vector", vectors("betradar.key"))
def test_odds_ratio_gives_the_trades_published_key_example_to_the_cent(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    fair = np.array([given["probs"], [*given["probs2"], NAN]])
    rows = apply_margin(fair, overrounds=np.array([given["key"], given["key2"]]))
    np.testing.assert_allclose(1.0 / rows.probabilities[0], expected["odds"], atol=vector["tolerance"]["abs"])
    np.testing.assert_allclose(1.0 / rows.probabilities[1, :2], expected["odds2"], atol=vector["tolerance"]["abs"])


def test_odds_ratio_is_the_default_way_to_put_a_margin_on() -> None:
    implied = apply_margin(np.array([[0.6, 0.4]]), overrounds=1.08).probabilities
    np.testing.assert_allclose(1 / implied[0], (1.56, 2.27), atol=0.005)


@every_method
@pytest.mark.parametrize(
    ("row", "flag"),
    [
        ((2.0, NAN, NAN), MarginFlag.OUTCOMES_TOO_FEW),
        ((NAN, NAN, NAN), MarginFlag.OUTCOMES_TOO_FEW),
        ((1.0, 3.0, 4.0), MarginFlag.ODDS_NOT_ABOVE_ONE),
        ((0.5, 3.0, 4.0), MarginFlag.ODDS_NOT_ABOVE_ONE),
        ((-2.0, 1.5, 1.5), MarginFlag.ODDS_NOT_ABOVE_ONE),
        ((0.0, 1.5, 1.5), MarginFlag.ODDS_NOT_ABOVE_ONE),
        ((np.inf, 1.5, 1.5), MarginFlag.ODDS_NOT_ABOVE_ONE),
        ((3.1, 3.1, 3.1), MarginFlag.SUM_BELOW_TARGET),
    ],
)
def test_a_row_that_cannot_be_solved_says_why_and_leaves_the_others(
    method: MarginMethod, row: tuple[float, ...], flag: MarginFlag
) -> None:
    rows = remove_margin(np.array([row, *BOOK]), method=method)
    assert rows.flags.tolist() == [flag, 0, 0, 0]
    assert np.isnan(rows.probabilities[0]).all()
    alone = remove_margin(BOOK, method=method)
    np.testing.assert_array_equal(rows.probabilities[1:], alone.probabilities)
    np.testing.assert_array_equal(rows.parameters[1:], alone.parameters)


@every_method
def test_a_book_without_margin_is_fair_already(method: MarginMethod) -> None:
    rows = remove_margin(np.array([[3.0, 3.0, 3.0], [2.0, 2.0, NAN], [4.0, 2.0, 4.0]]), method=method)
    np.testing.assert_allclose(rows.probabilities, [[1 / 3] * 3, [0.5, 0.5, NAN], [0.25, 0.5, 0.25]], atol=1e-12)


@every_method
def test_a_sum_below_the_target_is_solved_on_demand_where_that_has_a_meaning(method: MarginMethod) -> None:
    rows = remove_margin(np.array([[2.1, 3.3, 6.0]]), method=method, is_underround_solved=True)
    assert rows.is_solved[0] == (method in SOLVE_BELOW_TARGET)
    if rows.is_solved[0]:
        assert rows.probabilities.sum() == pytest.approx(1.0, abs=1e-12)
        assert np.all(rows.probabilities > 1 / np.array([[2.1, 3.3, 6.0]]))


@every_method
def test_k_winners_make_a_row_sum_to_k(method: MarginMethod) -> None:
    odds = np.array([[1.3, 1.5, 2.0, 3.0, 6.0, NAN], [1.6, 1.7, 2.2, 2.5, 9.0, 12.0]])
    rows = remove_margin(odds, method=method, winner_counts=np.array([2.0, 2.0]))
    assert rows.is_solved.all()
    np.testing.assert_allclose(np.nansum(rows.probabilities, axis=1), [2.0, 2.0], atol=1e-12)
    assert np.nanmax(rows.probabilities) < 1.0


@every_method
@pytest.mark.parametrize("target", [0.0, -1.0, 3.0, 4.0, NAN])
def test_a_target_that_outcomes_cannot_sum_to_is_flagged(method: MarginMethod, target: float) -> None:
    rows = remove_margin(np.array([[1.01, 1.01, 1.01]]), method=method, winner_counts=target)
    assert rows.flags.tolist() == [MarginFlag.TARGET_OUT_OF_REACH]
    assert np.isnan(rows.probabilities).all()


@every_method
def test_an_overround_out_of_reach_is_flagged(method: MarginMethod) -> None:
    fair = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [1.0, 0.5], [0.6, 0.4]])
    rows = apply_margin(fair, overrounds=np.array([2.0, 0.99, 1.0, 1.6, 1.05]), method=method)
    assert rows.flags.tolist() == [
        MarginFlag.TARGET_OUT_OF_REACH,
        MarginFlag.SUM_BELOW_TARGET,
        MarginFlag.SOLVED,
        MarginFlag.PROBABILITY_NOT_INSIDE_UNIT,
        MarginFlag.SOLVED,
    ]
    np.testing.assert_allclose(rows.probabilities[2], [0.5, 0.5], atol=1e-12)


def test_an_overround_that_shin_cannot_come_to_is_flagged() -> None:
    fair = np.array([[0.98, 0.01, 0.01], [0.4, 0.3, 0.3]])
    rows = apply_margin(fair, overrounds=np.full(2, 1.6), method=MarginMethod.SHIN)
    assert rows.flags.tolist() == [MarginFlag.TARGET_OUT_OF_REACH, MarginFlag.SOLVED]


def test_a_divergence_that_an_outsider_cannot_be_away_by_is_flagged() -> None:
    odds = np.array([[1.05, 1.06, 900.0], [1.8, 3.5, 4.5]])
    rows = remove_margin(odds, method=MarginMethod.JENSEN_SHANNON)
    assert rows.flags[0] in {MarginFlag.TARGET_OUT_OF_REACH, MarginFlag.NOT_CONVERGED}
    assert rows.is_solved[1]


@every_method
def test_batches_wider_than_a_block_are_solved_whole(method: MarginMethod) -> None:
    count = BLOCK_CELLS // 3 + 5
    odds = np.tile(BOOK[:1], (count, 1))
    odds[7] = 0.5
    rows = remove_margin(odds, method=method)
    assert rows.probabilities.shape == (count, 3)
    assert np.flatnonzero(rows.flags).tolist() == [7]
    np.testing.assert_allclose(
        rows.probabilities[[0, -1]], remove_margin(BOOK[:1].repeat(2, 0), method=method).probabilities
    )


@every_method
def test_easy_books_are_done_before_hard_ones_and_all_come_to_the_same_as_alone(method: MarginMethod) -> None:
    easy = np.full((40, 3), 2.999)
    some = np.array([[1.5 + 0.1 * index, 2.5, 3.0 + index] for index in range(12)])
    hard = np.array([[1.02, 1.1, 9.0], [1.0003, 1.5, 40.0], [1.001, 1.002, 1.003], [1.3, 15.0, 4.1]])
    odds = np.concatenate([hard[:2], easy, some, hard[2:]])
    together = remove_margin(odds, method=method)
    for index, row in enumerate(odds):
        alone = remove_margin(row[None], method=method)
        assert alone.flags[0] == together.flags[index]
        np.testing.assert_allclose(together.probabilities[index], alone.probabilities[0], atol=1e-12)


@every_method
def test_no_rows_make_no_rows(method: MarginMethod) -> None:
    assert remove_margin(np.empty((0, 3)), method=method).probabilities.shape == (0, 3)
    assert apply_margin(np.empty((0, 3)), overrounds=1.05, method=method).flags.shape == (0,)
