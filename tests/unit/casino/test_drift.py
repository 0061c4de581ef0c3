"""A game that returns what it says is left alone, and one that does not is noticed."""

from __future__ import annotations

import numpy as np
import pytest

from casino.drift import ROUNDS_MIN, Z_MAX, drift_max, return_of
from casino.par_sheet import par_sheet_of
from infra.games import read_games
from infra.settings import HOUSE_DIR

GAME = read_games(HOUSE_DIR).edition("triple_bell", 1).game
SHEET = par_sheet_of(GAME)
WINS = np.array([GAME.win_minor((a, b, c), 1) for a in range(10) for b in range(10) for c in range(10)], dtype=float)


@pytest.mark.parametrize(("rounds", "percent"), [(100_000, 5.364), (1_000_000, 1.696), (10_000_000, 0.536)])
def test_so_far_off_is_a_fair_game_at_most(rounds: int, percent: float) -> None:
    assert round(100 * drift_max(SHEET, rounds), 3) == percent


def test_a_fair_game_is_left_alone_and_one_three_points_short_is_noticed_within_a_million() -> None:
    generator = np.random.default_rng(7)
    fair = WINS[generator.integers(1_000, size=1_000_000)]
    assert not return_of(SHEET, rounds=fair.size, mean=float(fair.mean())).is_off
    short = np.where(generator.uniform(size=fair.size) < 0.03 / 0.951, 0.0, fair)
    assert return_of(SHEET, rounds=short.size, mean=float(short.mean())).is_off


def test_the_edges() -> None:
    rtp, edge = float(SHEET.rtp), drift_max(SHEET, ROUNDS_MIN)
    for sign in (-1, 1):
        assert not return_of(SHEET, rounds=ROUNDS_MIN, mean=rtp + sign * edge * 0.999).is_off
        assert return_of(SHEET, rounds=ROUNDS_MIN, mean=rtp + sign * edge * 1.001).is_off
    few = return_of(SHEET, rounds=ROUNDS_MIN - 1, mean=rtp + 1)
    assert few.z > Z_MAX
    assert not few.is_known
    assert not few.is_off
