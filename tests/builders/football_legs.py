"""Matches whose legs are combined, and the legs, shared by the tests of the bet builder."""

from __future__ import annotations

import numpy as np

from markets.fixture import Period
from odds.models.builder_legs import BuilderLeg
from odds.models.football.markets import goals_to_come
from odds.models.football.match_scores import MatchScores, match_scores
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects


def scores_of(
    home: float,
    away: float,
    rho: float = 0.0,
    states: MatchStates | None = None,
    *,
    timing: GoalTiming | None = None,
) -> MatchScores:
    """Return a match by its means, rho and where it stands, before kick-off where that is not said."""
    goals = goals_to_come(
        np.array([home]),
        np.array([away]),
        rhos=np.array([rho]),
        states=MatchStates.before_kick_off(1) if states is None else states,
        timing=GoalTiming() if timing is None else timing,
        red_cards=RedCardEffects(),
    )
    return match_scores(goals)


def in_play(period: Period, minute: float, score: tuple[int, int], half_time: tuple[int, int]) -> MatchStates:
    """Return where one match stands, nobody sent off."""
    counts = [np.array([number]) for number in (*score, *half_time, 0, 0)]
    return MatchStates(np.array([int(period)]), np.array([minute]), np.array([np.nan]), *counts)


def legs(*names: str) -> list[BuilderLeg]:
    """Return legs told as market and outcome: "1x2 home"."""
    return [BuilderLeg(*name.split()) for name in names]
