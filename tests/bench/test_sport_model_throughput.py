"""How long every model but football's takes, batched. Figures, not pass or fail."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from markets.sports.tennis import FinalSet
from odds.models.basketball import GameForecast, GameRules, GameScores, spread, win_games
from odds.models.cricket import InningsScores, MatchForecast
from odds.models.cricket import win_matches as win_cricket
from odds.models.racing.ordering import HENERY, finish_probabilities
from odds.models.tennis.match import price_matches, win_matches
from odds.models.tennis.rules import MatchRules, TennisScores
from studies.accuracy.ratings import PiSettings, PlayedMatches, rate_by_pi

REPEATS = 5
BATCH = 1_000
GENERATOR = np.random.default_rng(1)


def tennis(sets_to_win: int) -> dict[str, tuple[Callable[[], object], int]]:
    rules = MatchRules(sets_to_win, FinalSet.LIKE_THE_OTHERS)
    serves = GENERATOR.uniform(0.55, 0.7, (BATCH, 2))
    scores = TennisScores.at_the_start(GENERATOR.random(BATCH) < 0.5)
    name = f"tennis, best of {2 * sets_to_win - 1}"
    return {
        f"{name}: every market": (lambda: price_matches(serves, scores, rules), BATCH),
        f"{name}: winner": (lambda: win_matches(serves, scores, rules), BATCH),
    }


def other_sports() -> dict[str, tuple[Callable[[], object], int]]:
    def full(value: float) -> np.ndarray:
        return np.full(BATCH, value)

    nothing = np.zeros(BATCH, dtype=np.int64)
    game = GameForecast(full(3.0), full(12.0), full(225.0), full(18.0))
    at, nba = GameScores(nothing, nothing, full(2_880.0)), GameRules(4, 720.0, 300.0)
    match = MatchForecast(full(250.0), full(245.0), full(12.0), np.full(BATCH, 300))
    first = InningsScores(nothing.astype(bool), nothing, nothing, np.full(BATCH, 300), nothing)
    second = InningsScores(~nothing.astype(bool), nothing, nothing, np.full(BATCH, 300), nothing + 251)
    return {
        "basketball: winner": (lambda: win_games(game, at, nba), BATCH),
        "basketball: a spread with overtime": (
            lambda: spread(game, at, nba, handicaps=full(-3.5), has_overtime=True),
            BATCH,
        ),
        "cricket: first innings": (lambda: win_cricket(match, first), BATCH),
        "cricket: chase": (lambda: win_cricket(match, second), BATCH),
    }


def races_and_seasons() -> dict[str, tuple[Callable[[], object], int]]:
    jobs: dict[str, tuple[Callable[[], object], int]] = {}
    for runners, places in ((8, 3), (16, 4), (40, 3)):
        races = GENERATOR.dirichlet(np.ones(runners), 100)
        jobs[f"race of {runners}, {places} places"] = (
            partial(finish_probabilities, races, HENERY, places=places),
            100,
        )
    home, away = np.where(~np.eye(20, dtype=bool))
    generator = np.random.default_rng(2)
    played = PlayedMatches(home, away, generator.poisson(1.5, 380), generator.poisson(1.2, 380))
    settings = PiSettings(np.full(100, 0.035), np.full(100, 0.7))
    jobs["Pi ratings of a match, 100 settings"] = (lambda: rate_by_pi(played, settings, np.zeros((100, 20, 2))), 380)
    return jobs


def test_figures_of_the_models(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        for name, (job, count) in (tennis(2) | tennis(3) | other_sports() | races_and_seasons()).items():
            timings_s = []
            for _ in range(REPEATS):
                begun_s = time.perf_counter()
                job()
                timings_s.append(time.perf_counter() - begun_s)
            print(f"\n{name}: {min(timings_s) / count * 1e6:.2f} us each, best of {REPEATS}", end="")  # noqa: T201
