"""Basketball after regulation: home, draw and away from the model that who wins and the totals are from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from markets.fixture import FixtureDescription, FixtureStatus, MatchState, Score
from markets.layout import MarketLayout
from markets.periods import PeriodsState
from odds.fixture.state import Asked, FixtureState, new_state
from odds.sports.basketball import MARGIN_SD, PRICER

LAYOUT = MarketLayout.of_markets(
    [("winner", ("home", "away")), ("1x2", ("home", "draw", "away")), ("total_points:220.5", ("over", "under"))]
)
BLENDED = np.array([0.6, 0.4, np.nan, np.nan, np.nan, 0.5, 0.5])
QUARTERS = (Score(25, 25),) * 4


def state(*periods: Score, left_s: int = 0) -> FixtureState:
    status = FixtureStatus.IN_PLAY if periods else FixtureStatus.PRE_MATCH
    home, away = (sum(getattr(played, side) for played in periods) for side in ("home", "away"))
    told = MatchState(status, home_score=home, away_score=away, sport=PeriodsState(4, 720, 300, periods, left_s))
    empty = replace(new_state("x"), layout=LAYOUT, result_statuses=np.zeros(3, dtype=np.uint8))
    return replace(empty, description=FixtureDescription("basketball"), state=told)


def result(asked: FixtureState) -> list[float]:
    [fit] = PRICER.fit([Asked(asked, BLENDED)], error_max=0.02)
    assert fit is not None
    assert fit.fair_probabilities is not None
    assert 1 in fit.markets.tolist()
    return list(fit.fair_probabilities[2:5].tolist())


def test_before_the_start_a_draw_is_the_chance_of_a_margin_of_none() -> None:
    home, draw, away = result(state())
    mean = MARGIN_SD * norm.ppf(0.6)
    assert draw == pytest.approx(norm.cdf(0.5, mean, MARGIN_SD) - norm.cdf(-0.5, mean, MARGIN_SD), abs=1e-3)
    assert (home, away) == pytest.approx((0.6 - draw / 2.0, 0.4 - draw / 2.0), abs=5e-3)


def test_after_regulation_it_is_what_the_score_says() -> None:
    assert result(state(*QUARTERS)) == [0.0, 1.0, 0.0]
    assert result(state(*QUARTERS, Score(4, 2), left_s=100)) == [0.0, 1.0, 0.0]


def test_where_an_outcome_is_missing_nothing_is_read() -> None:
    layout = MarketLayout.of_markets([("winner", ("home", "away")), ("1x2", ("home", "away"))])
    asked = replace(state(), layout=layout, result_statuses=np.zeros(2, dtype=np.uint8))
    [fit] = PRICER.fit([Asked(asked, np.array([0.6, 0.4, 0.55, 0.4]))], error_max=0.02)
    assert fit is not None
    assert fit.markets.tolist() == [0]
