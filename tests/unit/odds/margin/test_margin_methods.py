"""Every margin method, both ways, and what cannot be solved; their figures are among the reference values."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from odds.margin.application import apply_margin
from odds.margin.methods import MarginMethod
from odds.margin.removal import SOLVE_BELOW_TARGET, remove_margin
from odds.margin.rows import BLOCK_CELLS, MarginFlag

Floats = NDArray[np.float64]

NAN = np.nan
BOOK = np.array([[4.2, 3.7, 1.95], [2.45, 3.7, 2.9], [1.5, 2.74, NAN]])
every_method = pytest.mark.parametrize("method", MarginMethod)


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
