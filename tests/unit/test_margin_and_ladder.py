"""Margins against published figures, ladders at their edges, blends by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from odds.blending import blend, find_outliers
from odds.ladder import BETFAIR_LADDER, FINE_LADDER, round_down
from odds.margin import (
    apply_margin_by_odds_ratio,
    apply_margin_by_power,
    remove_margin_by_power,
    remove_margin_multiplicative,
)
from odds.providers import ProviderBoard
from odds.updates import ProviderSign

NAN = np.nan
ONE = np.ones(1)


@pytest.mark.parametrize(
    ("fair", "key", "published"),
    [((0.40, 0.40, 0.20), 1.15, (2.20, 2.20, 4.19)), ((0.60, 0.40), 1.08, (1.56, 2.27))],
)
def test_odds_ratio_gives_the_trades_published_key_example_to_the_cent(
    fair: tuple[float, ...], key: float, published: tuple[float, ...]
) -> None:
    implied = apply_margin_by_odds_ratio(np.array([fair]), overrounds=np.array([key]))
    np.testing.assert_allclose(1 / implied[0], published, atol=0.005)


def test_power_of_a_book_made_by_power_gives_the_fair_probabilities_back() -> None:
    fair = np.array([[0.5, 0.3, 0.2], [0.7, 0.3, NAN]])
    implied = apply_margin_by_power(fair, overrounds=np.array([1.08, 1.04]))
    np.testing.assert_allclose(np.nansum(implied, axis=1), [1.08, 1.04], atol=1e-12)
    np.testing.assert_allclose(remove_margin_by_power(1 / implied, winner_counts=np.ones(2)), fair, atol=1e-10)


def test_multiplicative_scales() -> None:
    fair = remove_margin_multiplicative(np.array([[1.8, 1.8]]), winner_counts=ONE)
    np.testing.assert_allclose(fair, [[0.5, 0.5]])


@pytest.mark.parametrize(
    "row", [(2.0, NAN, NAN), (NAN, NAN, NAN), (1.0, 3.0, 4.0), (0.5, 3.0, 4.0)], ids=["one", "none", "evens", "below"]
)
@pytest.mark.parametrize("remove", [remove_margin_by_power, remove_margin_multiplicative])
def test_rows_without_a_solution_are_flagged_and_leave_the_others(row: tuple[float, ...], remove: object) -> None:
    assert callable(remove)
    fair = remove(np.array([row, (2.0, 3.0, 4.0)]), winner_counts=np.ones(2))
    assert np.all(np.isnan(fair[0]))
    assert np.nansum(fair[1]) == pytest.approx(1.0, abs=1e-12)


def test_an_overround_out_of_reach_is_flagged() -> None:
    fair = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]])
    implied = apply_margin_by_odds_ratio(fair, overrounds=np.array([2.0, 0.99, 1.0]))
    assert np.all(np.isnan(implied[:2]))
    np.testing.assert_allclose(implied[2], [0.5, 0.5])


@pytest.mark.parametrize(
    ("odds", "milli"),
    [
        (1.0, 0),
        (1.0099, 0),
        (1.01, 1_010),
        (2.0, 2_000),
        (2.0199, 2_000),
        (2.02, 2_020),
        (999.9, 990_000),
        (5_000, 1_000_000),
        (NAN, 0),
    ],
)
def test_rounding_goes_down_to_a_step(odds: float, milli: int) -> None:
    assert round_down(np.array([odds]), BETFAIR_LADDER).tolist() == [milli]


@pytest.mark.parametrize("ladder", [BETFAIR_LADDER, FINE_LADDER])
def test_ladders_rise_and_their_steps_stay_where_they_are(ladder: NDArray[np.uint32]) -> None:
    assert np.all(np.diff(ladder.astype(np.int64)) > 0)
    assert round_down(ladder / 1_000, ladder).tolist() == ladder.tolist()


def test_the_exchanges_ladder_has_its_three_hundred_and_fifty_steps() -> None:
    assert len(BETFAIR_LADDER) == 350


def test_a_blend_of_equals_is_what_they_say_and_weight_draws_it() -> None:
    fair = np.array([[[0.5, 0.3, 0.2]], [[0.6, 0.2, 0.2]]])
    equal = blend(fair[[0, 0]], weights=np.ones((2, 1)), winner_counts=ONE)
    np.testing.assert_allclose(equal, fair[0])
    near = blend(fair, weights=np.array([[3.0], [1.0]]), winner_counts=ONE)
    assert 0.5 < near[0, 0] < 0.55
    assert near.sum() == pytest.approx(1.0)


def test_nobody_counted_means_no_probability() -> None:
    assert np.all(np.isnan(blend(np.full((2, 1, 3), 0.3), weights=np.zeros((2, 1)), winner_counts=ONE)))


def test_an_outlier_needs_three_and_two_contradict_each_other() -> None:
    fair = np.array([[[0.5, 0.5]], [[0.5, 0.5]], [[0.8, 0.2]]])
    three = find_outliers(fair, is_counted=np.ones((3, 1), dtype=bool), logit_distance_max=0.6)
    assert three[:, 0].tolist() == [False, False, True]
    two = find_outliers(fair[1:], is_counted=np.ones((2, 1), dtype=bool), logit_distance_max=0.6)
    assert two[:, 0].tolist() == [True, True]
    close = find_outliers(fair[:2], is_counted=np.ones((2, 1), dtype=bool), logit_distance_max=0.6)
    assert not close.any()


def sign(at_us: int, *, is_up: bool = True, timeout_ms: int = 1_000) -> ProviderSign:
    return ProviderSign("alpha", at_us, is_up, timeout_ms)


def test_a_provider_is_down_after_its_own_timeout_and_up_again_with_the_next_sign() -> None:
    board = ProviderBoard(default_timeout_us=5_000_000)
    assert not board.is_up("alpha", now_us=0)
    board.note_sign(sign(10_000_000))
    assert board.is_up("alpha", now_us=11_000_000)
    assert not board.is_up("alpha", now_us=11_000_001)
    board.note_update("alpha", 12_000_000)
    assert board.is_up("alpha", now_us=13_000_000)


def test_a_provider_that_said_it_is_down_is_down_though_updates_come() -> None:
    board = ProviderBoard(default_timeout_us=5_000_000)
    board.note_sign(sign(10, is_up=False))
    board.note_update("alpha", 20)
    assert not board.is_up("alpha", now_us=20)
    board.note_sign(sign(5))
    assert not board.is_up("alpha", now_us=20)
    board.note_sign(sign(30))
    assert board.is_up("alpha", now_us=30)
