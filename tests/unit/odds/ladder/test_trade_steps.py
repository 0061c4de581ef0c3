"""The trade's own ladders: every step once, and what it pays."""

from __future__ import annotations

import numpy as np
import pytest

from odds.ladder.trade_steps import AMERICAN_LADDER, AMERICAN_STEPS, FRACTIONAL_LADDER, FRACTIONAL_STEPS


@pytest.mark.parametrize(
    ("written", "decimal_odds_milli"),
    [((1, 100), 1_010), ((4, 6), 1_666), ((10, 11), 1_909), ((1, 1), 2_000), ((6, 4), 2_500), ((999, 1), 1_000_000)],
)
def test_a_fraction_wins_what_it_says_rounded_down(written: tuple[int, int], decimal_odds_milli: int) -> None:
    assert FRACTIONAL_LADDER[FRACTIONAL_STEPS.index(written)] == decimal_odds_milli


@pytest.mark.parametrize(
    ("written", "decimal_odds_milli"), [(-10_000, 1_010), (-110, 1_909), (-105, 1_952), (100, 2_000), (150, 2_500)]
)
def test_an_american_price_wins_what_it_says_rounded_down(written: int, decimal_odds_milli: int) -> None:
    assert AMERICAN_LADDER[AMERICAN_STEPS.index(written)] == decimal_odds_milli


def test_every_step_is_there_once_and_they_rise() -> None:
    for ladder, steps in ((FRACTIONAL_LADDER, FRACTIONAL_STEPS), (AMERICAN_LADDER, AMERICAN_STEPS)):
        assert len(ladder) == len(steps)
        assert (np.diff(ladder.astype(np.int64)) > 0).all()
