"""A football match for the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.fixture import FOOTBALL
from overround.odds.v1 import fixture_pb2
from simulation.contests.contest import MarketTruth, Results, Turn
from simulation.football import Incident, IncidentKind, MatchTimeline, Period, generate_match
from simulation.markets import price_markets, settle_match, settle_next_goal

GOALS_PER_MATCH: Final = 2.7
HOME_ADVANTAGE: Final = 0.25
STRENGTH_SPREAD: Final = 0.28
PERIOD_STARTS: Final = (IncidentKind.KICK_OFF, IncidentKind.HALF_TIME, IncidentKind.SECOND_HALF)
DECISIVE: Final = (IncidentKind.GOAL, IncidentKind.RED_CARD)
_STATUSES: Final = {
    Period.NOT_STARTED: fixture_pb2.FIXTURE_STATUS_PRE_MATCH,
    Period.FINISHED: fixture_pb2.FIXTURE_STATUS_ENDED,
}


def draw_strengths(generator: np.random.Generator) -> tuple[float, float]:
    """Draw the mean goals of two teams."""
    strengths = STRENGTH_SPREAD * generator.standard_normal(2)
    balance = HOME_ADVANTAGE / 2 + (strengths[0] - strengths[1]) / 2
    level = np.log(GOALS_PER_MATCH / 2) + 0.12 * generator.standard_normal()
    return float(np.exp(level + balance)), float(np.exp(level - balance))


def draw_football(home_name: str, away_name: str, generator: np.random.Generator) -> FootballContest:
    """Draw two teams of random strength and their match."""
    means = draw_strengths(generator)
    return FootballContest(
        generate_match(home_name=home_name, away_name=away_name, goal_means=means, generator=generator)
    )


@dataclass(frozen=True)
class FootballContest:
    """A match; see `simulation.contests.contest`."""

    timeline: MatchTimeline
    sport: str = FOOTBALL
    participants: Sequence[tuple[str, str]] = ()
    popular_markets: Sequence[str] = (
        *("1x2", "1x2", "1x2", "total:2.5", "total:1.5", "btts"),
        *("correct_score", "double_chance", "handicap:-0.5"),
    )

    @property
    def home_name(self) -> str:
        """First-named team."""
        return self.timeline.home_name

    @property
    def away_name(self) -> str:
        """Second-named team."""
        return self.timeline.away_name

    @property
    def duration_s(self) -> float:
        """Seconds from kick-off to the final whistle."""
        return self.timeline.duration_s

    @cached_property
    def turns(self) -> Sequence[Turn]:
        """Starts of periods, goals and red cards."""
        return tuple(
            Turn(incident.elapsed_s, incident.kind in DECISIVE, self._results_of(incident))
            for incident in self.timeline.incidents
            if incident.kind in (*PERIOD_STARTS, *DECISIVE)
        )

    @cached_property
    def rushes_s(self) -> Sequence[float]:
        """Goals."""
        return tuple(item.elapsed_s for item in self.timeline.incidents if item.kind is IncidentKind.GOAL)

    def state_at(self, elapsed_s: float) -> fixture_pb2.MatchState:
        """Return the state of the match."""
        state = self.timeline.at(elapsed_s)
        return fixture_pb2.MatchState(
            status=_STATUSES.get(state.period, fixture_pb2.FIXTURE_STATUS_IN_PLAY),
            period=fixture_pb2.Period.ValueType(state.period.value),
            home_score=state.score[0],
            away_score=state.score[1],
            clock_seconds=state.clock_s(elapsed_s),
            football=fixture_pb2.FootballState(
                stoppage_seconds=state.stoppage_s,
                home_red_cards=state.red_cards[0],
                away_red_cards=state.red_cards[1],
                home_yellow_cards=state.yellow_cards[0],
                away_yellow_cards=state.yellow_cards[1],
                home_corners=state.corners[0],
                away_corners=state.corners[1],
            ),
        )

    def truths(self, elapsed_s: float, error: NDArray[np.float64]) -> list[MarketTruth]:
        """Return every market; the error is one of the logarithms of the goal means."""
        means = self.timeline.remaining_goal_means(elapsed_s)
        opinion = (means[0] * float(np.exp(error[0])), means[1] * float(np.exp(error[1])))
        return price_markets(self.timeline.at(elapsed_s).score, opinion)

    def results(self) -> Results:
        """Return how every market came out that lasts to the final whistle."""
        return settle_match(self.timeline)

    def _results_of(self, incident: Incident) -> Results:
        """Return the result of the next-goal market that a goal decides."""
        if incident.kind is not IncidentKind.GOAL:
            return {}
        return {f"next_goal:{sum(self.timeline.at(incident.elapsed_s).score)}": settle_next_goal(incident.side)}
