"""Blends by hand, outliers, and which providers are up."""

from __future__ import annotations

import numpy as np
import pytest

from odds.fixture.updates import ProviderSign
from odds.folding.providers import ProviderBoard
from odds.pricing.blending import blend, find_outliers, find_quorum

ONE = np.ones(1)


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


@pytest.mark.parametrize("aside", [1, 2, 16])
def test_two_camps_contradict_each_other_however_many_are_in_each(aside: int) -> None:
    camps = np.repeat(np.array([[[0.35, 0.65]], [[0.6, 0.4]]]), aside, axis=0)
    split = find_outliers(camps, is_counted=np.ones((2 * aside, 1), dtype=bool), logit_distance_max=0.6)
    assert split.all()
    one_more = find_outliers(
        np.concatenate([camps, camps[:1]]), is_counted=np.ones((2 * aside + 1, 1), dtype=bool), logit_distance_max=0.6
    )
    assert one_more[:, 0].tolist() == [False] * aside + [True] * aside + [False]
    near = np.repeat(np.array([[[0.45, 0.55]], [[0.55, 0.45]]]), aside, axis=0)
    assert not find_outliers(near, is_counted=np.ones((2 * aside, 1), dtype=bool), logit_distance_max=0.6).any()


def quorum(counted: list[list[int]], mandatory: list[list[int]], absent: list[int], *, least: int = 1) -> list[bool]:
    enough = find_quorum(
        np.array(counted, dtype=bool),
        is_mandatory=np.array(mandatory, dtype=bool),
        is_mandatory_absent=np.array(absent, dtype=bool),
        providers_min=least,
    )
    return [bool(is_enough) for is_enough in enough]


def test_a_market_needs_its_least_number_of_providers_and_at_least_one() -> None:
    counted, nobody = [[1, 1, 0], [0, 1, 0]], [[0, 0, 0], [0, 0, 0]]
    assert quorum(counted, nobody, [0, 0, 0], least=2) == [False, True, False]
    assert quorum(counted, nobody, [0, 0, 0], least=1) == [True, True, False]
    assert quorum(counted, nobody, [0, 0, 0], least=0) == [True, True, False]


def test_a_market_whose_mandatory_provider_does_not_count_has_no_price() -> None:
    counted = [[1, 0, 1, 0], [1, 1, 1, 1], [1, 1, 0, 1]]
    mandatory = [[1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 1]]
    assert quorum(counted, mandatory, [0, 0, 0, 0]) == [True, False, False, True]


def test_a_mandatory_provider_that_never_quoted_the_fixture_leaves_no_price() -> None:
    assert quorum([[1, 1], [1, 1]], [[0, 0], [0, 0]], [1, 0]) == [False, True]


def sign(at_us: int, *, is_up: bool = True, timeout_ms: int = 1_000, epoch: int = 0) -> ProviderSign:
    return ProviderSign("alpha", at_us, is_up, timeout_ms, epoch)


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


def test_what_was_heard_by_a_clock_that_is_put_back_keeps_nothing_out_that_comes_after() -> None:
    board = ProviderBoard(default_timeout_us=5_000_000)
    board.note_sign(sign(3_600_000_000))
    board.forget_what_is_ahead(now_us=3_600_000_000)
    assert board.is_up("alpha", now_us=3_600_000_000)
    board.forget_what_is_ahead(now_us=10_000_000)
    assert not board.is_up("alpha", now_us=10_000_000)
    board.note_sign(sign(10_500_000))
    assert board.is_up("alpha", now_us=10_500_000)
    assert not board.is_up("alpha", now_us=11_500_001)


def test_what_an_older_stream_says_late_says_nothing() -> None:
    board = ProviderBoard(default_timeout_us=5_000_000)
    board.note_sign(sign(10, is_up=False, epoch=2))
    board.note_sign(sign(20, epoch=1))
    assert not board.is_up("alpha", now_us=20)
    board.note_sign(sign(15, epoch=3))
    assert board.is_up("alpha", now_us=20)


def test_a_provider_that_sends_again_what_was_lost_is_down_until_a_sign_says_otherwise() -> None:
    board = ProviderBoard(default_timeout_us=5_000_000)
    board.note_sign(sign(10))
    board.note_update("alpha", 20, epoch=1, is_catching_up=True)
    board.note_update("alpha", 30, epoch=1)
    board.note_sign(sign(40))
    assert not board.is_up("alpha", now_us=40)
    board.note_sign(sign(41, epoch=1))
    assert board.is_up("alpha", now_us=41)
