"""Matches at any moment, one row each, shared by the property tests of football."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from markets.fixture import Period
from odds.models.football.markets import MatchPrices, price_matches
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects

Row = tuple[float, float, float, int, float, tuple[int, int], tuple[int, int], tuple[int, int]]


@st.composite
def rows(draw: st.DrawFn, mean_max: float = 5.0, goals_max: int = 4) -> Row:
    """Draw a match: its means and rho, where it stands, its score now and at half-time, its red cards."""
    means = st.floats(0.05, mean_max)
    home, away = draw(means), draw(means)
    lowest, highest = max(-1 / home, -1 / away, -0.3), min(1 / (home * away), 1.0, 0.3)
    rho = lowest + draw(st.floats(0.0, 1.0)) * (highest - lowest)
    period = draw(st.sampled_from([Period.NOT_STARTED, Period.FIRST_HALF, Period.HALF_TIME, Period.SECOND_HALF]))
    goals = st.tuples(st.integers(0, goals_max), st.integers(0, goals_max))
    before = (0, 0) if period is Period.NOT_STARTED else draw(goals)
    after = draw(goals) if period is Period.SECOND_HALF else (0, 0)
    minute = draw(st.floats(0.0, 48.0)) + 45.0 * (period is Period.SECOND_HALF)
    score = (before[0] + after[0], before[1] + after[1])
    return home, away, rho, int(period), minute, score, before, draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))


def states_of(drawn: list[Row]) -> MatchStates:
    """Return where matches stand."""
    pairs = [[(*row[5], *row[6], *row[7])[place] for row in drawn] for place in range(6)]
    return MatchStates(
        np.array([row[3] for row in drawn]),
        np.array([row[4] for row in drawn]),
        np.full(len(drawn), np.nan),
        *(np.array(column) for column in pairs),
    )


def price(drawn: list[Row]) -> MatchPrices:
    """Price all markets of matches."""
    means = np.array([row[:3] for row in drawn])
    return price_matches(
        means[:, 0].copy(),
        means[:, 1].copy(),
        rhos=means[:, 2].copy(),
        states=states_of(drawn),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )
