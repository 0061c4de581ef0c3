"""Ladders at their edges, and the prices quoted on them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from odds.ladder.steps import BETFAIR_LADDER, FINE_LADDER, LADDERS, round_down, round_up
from odds.margin.methods import MarginMethod
from odds.margin.quoting import OddsBounds, quote_rows
from odds.margin.rows import MarginFlag

NAN = np.nan
FAIR = np.array([[0.5, 0.3, 0.15, 0.05], [0.55, 0.45, NAN, NAN]])
WANTED = np.array([1.1, 1.05])


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


@pytest.mark.parametrize("ladder", LADDERS.values(), ids=list(LADDERS))
def test_ladders_rise_and_their_steps_stay_where_they_are(ladder: NDArray[np.uint32]) -> None:
    assert np.all(np.diff(ladder.astype(np.int64)) > 0)
    assert round_down(ladder / 1_000, ladder).tolist() == ladder.tolist()


def test_the_exchanges_ladder_has_its_three_hundred_and_fifty_steps() -> None:
    assert len(BETFAIR_LADDER) == 350


@pytest.mark.parametrize(
    ("odds", "milli"), [(1.0, 1_010), (2.0, 2_000), (2.0001, 2_020), (1_000.0, 1_000_000), (1e9, 1_000_000), (NAN, 0)]
)
def test_floors_go_up_to_a_step(odds: float, milli: int) -> None:
    assert round_up(np.array([odds]), BETFAIR_LADDER).tolist() == [milli]


@pytest.mark.parametrize("ladder", LADDERS.values(), ids=list(LADDERS))
@pytest.mark.parametrize("method", MarginMethod)
def test_what_is_quoted_is_on_the_ladder_and_keeps_the_overround(
    ladder: NDArray[np.uint32], method: MarginMethod
) -> None:
    quoted = quote_rows(FAIR, overrounds=WANTED, ladder=ladder, method=method)
    is_there = ~np.isnan(FAIR)
    assert quoted.flags.tolist() == [MarginFlag.SOLVED, MarginFlag.SOLVED]
    assert np.isin(quoted.decimal_odds_milli[is_there], ladder).all()
    assert not quoted.decimal_odds_milli[~is_there].any()
    sums = np.where(is_there, 1_000 / np.maximum(quoted.decimal_odds_milli, 1), 0.0).sum(axis=1)
    np.testing.assert_allclose(quoted.overrounds, sums)
    assert np.all(sums >= WANTED)


def bounds(floor: list[int], cap: list[int]) -> OddsBounds:
    return OddsBounds(np.array([floor], dtype=np.uint32), np.array([cap], dtype=np.uint32))


def test_a_cap_holds_and_the_others_carry_less_margin() -> None:
    free = quote_rows(FAIR, overrounds=WANTED, ladder=FINE_LADDER).decimal_odds_milli
    capped = quote_rows(FAIR, overrounds=WANTED, ladder=FINE_LADDER, bounds=bounds([0] * 4, [0, 0, 0, 12_000]))
    assert free[0, 3] > 12_000
    assert capped.decimal_odds_milli[0, 3] == 12_000
    assert np.all(capped.decimal_odds_milli[0, :3] > free[0, :3])
    assert np.all(capped.overrounds >= WANTED)
    assert capped.decimal_odds_milli[1].tolist() == free[1].tolist()


def test_caps_that_are_margin_enough_leave_the_others_fair_and_no_better() -> None:
    capped = quote_rows(FAIR[:1], overrounds=WANTED[:1], ladder=FINE_LADDER, bounds=bounds([0] * 4, [0, 0, 0, 2_000]))
    assert capped.decimal_odds_milli[0].tolist() == [2_000, 3_330, 6_650, 2_000]
    assert capped.overrounds[0] > 1.4


def test_a_floor_holds_and_the_others_carry_more_margin() -> None:
    free = quote_rows(FAIR, overrounds=WANTED, ladder=BETFAIR_LADDER).decimal_odds_milli
    floored = quote_rows(FAIR, overrounds=WANTED, ladder=BETFAIR_LADDER, bounds=bounds([1_951, 0, 0, 0], [0] * 4))
    assert free[0, 0] < 1_951
    assert floored.decimal_odds_milli[0, 0] == 1_960
    assert np.all(floored.decimal_odds_milli[0, 1:] <= free[0, 1:])
    assert floored.decimal_odds_milli[0, 1] < free[0, 1]
    assert floored.overrounds[0] >= WANTED[0]


def test_floors_that_leave_no_room_for_the_overround_flag_the_row() -> None:
    floored = quote_rows(
        FAIR, overrounds=WANTED, ladder=BETFAIR_LADDER, bounds=bounds([1_980, 3_300, 6_400, 19_500], [0] * 4)
    )
    assert floored.flags[0] == MarginFlag.OVERROUND_NOT_KEPT
    assert np.isnan(floored.overrounds[0])
    assert not floored.decimal_odds_milli[0].any()


def test_a_row_without_a_step_low_enough_is_flagged_and_one_unlikely_price_still_counts() -> None:
    fair = np.array([[0.6, 0.4], [0.995, 0.005]])
    high = quote_rows(fair, overrounds=np.full(2, 1.02), ladder=np.array([20_000, 60_000], dtype=np.uint32))
    assert high.flags.tolist() == [MarginFlag.BELOW_LADDER, MarginFlag.SOLVED]
    assert high.decimal_odds_milli.tolist() == [[0, 0], [0, 20_000]]
    assert high.overrounds[1] >= 1.02
