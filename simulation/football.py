"""One football match as a seeded timeline of incidents."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Rate = TypeVar("Rate", float, NDArray[np.float64])

HALF_SECONDS = 45 * 60
BREAK_SECONDS = 15 * 60
# The scoring rate rises by this share from the first minute to the ninetieth (Dixon and Robinson, 1998).
LATE_RATE_RISE = 0.45
# A red card scales the goals of the side that is short and of the other side (Ridder, Cramer and Hopstaken, 1994).
SHORT_HANDED_FACTOR = 0.72
EXTRA_MAN_FACTOR = 1.22
YELLOW_CARDS_PER_SIDE = 1.9
RED_CARDS_PER_SIDE = 0.09
CORNERS_PER_SIDE = 5.1


class IncidentKind(Enum):
    """What can happen in a match."""

    KICK_OFF = "kick-off"
    GOAL = "goal"
    YELLOW_CARD = "yellow card"
    RED_CARD = "red card"
    CORNER = "corner"
    STOPPAGE_ANNOUNCED = "stoppage announced"
    HALF_TIME = "half-time"
    SECOND_HALF = "second half"
    FULL_TIME = "full-time"


class Period(Enum):
    """Part of a match."""

    NOT_STARTED = 1
    FIRST_HALF = 2
    HALF_TIME = 3
    SECOND_HALF = 4
    FINISHED = 7


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happened `elapsed_s` after kick-off, the break counted; side 0 home, 1 away, None for neither."""

    elapsed_s: float
    kind: IncidentKind
    side: int | None = None


@dataclass(frozen=True, slots=True)
class MatchSnapshot:
    """The state of a match at a moment; pairs are (home, away)."""

    period: Period = Period.NOT_STARTED
    score: tuple[int, int] = (0, 0)
    red_cards: tuple[int, int] = (0, 0)
    yellow_cards: tuple[int, int] = (0, 0)
    corners: tuple[int, int] = (0, 0)
    stoppage_s: int = 0
    period_started_s: float = 0.0

    def clock_s(self, elapsed_s: float) -> int:
        """Return the seconds the match clock shows."""
        running_s = max(0, int(elapsed_s - self.period_started_s))
        if self.period is Period.FIRST_HALF:
            return running_s
        if self.period is Period.SECOND_HALF:
            return HALF_SECONDS + running_s
        return {Period.NOT_STARTED: 0, Period.HALF_TIME: HALF_SECONDS}.get(self.period, 2 * HALF_SECONDS)


@dataclass(frozen=True, slots=True)
class MatchTimeline:
    """A match from before kick-off to after the end."""

    home_name: str
    away_name: str
    goal_means: tuple[float, float]
    incidents: tuple[Incident, ...]
    _times: tuple[float, ...]
    _snapshots: tuple[MatchSnapshot, ...]

    @property
    def duration_s(self) -> float:
        """Seconds from kick-off to the final whistle."""
        return self.incidents[-1].elapsed_s

    def at(self, elapsed_s: float) -> MatchSnapshot:
        """Return the state `elapsed_s` after kick-off; negative before it."""
        index = bisect_right(self._times, elapsed_s)
        return self._snapshots[index - 1] if index else MatchSnapshot()

    def remaining_goal_means(self, elapsed_s: float) -> tuple[float, float]:
        """Return the true means of the goals still to come, by side."""
        state = self.at(elapsed_s)
        share = remaining_share(state, elapsed_s)
        home_factor, away_factor = card_factors(state.red_cards)
        return self.goal_means[0] * share * home_factor, self.goal_means[1] * share * away_factor


def generate_match(
    *, home_name: str, away_name: str, goal_means: tuple[float, float], generator: np.random.Generator
) -> MatchTimeline:
    """Draw one match: goals by a Poisson process with a rising rate, cards, corners and stoppage time."""
    stoppages_s = (60 * int(generator.integers(1, 4)), 60 * int(generator.integers(3, 8)))
    incidents = [Incident(0.0, IncidentKind.KICK_OFF)]
    half_time_s = float(HALF_SECONDS + stoppages_s[0])
    restart_s = half_time_s + BREAK_SECONDS
    end_s = restart_s + HALF_SECONDS + stoppages_s[1]
    incidents += [
        Incident(HALF_SECONDS - 30.0, IncidentKind.STOPPAGE_ANNOUNCED),
        Incident(half_time_s, IncidentKind.HALF_TIME),
        Incident(restart_s, IncidentKind.SECOND_HALF),
        Incident(restart_s + HALF_SECONDS - 30.0, IncidentKind.STOPPAGE_ANNOUNCED),
        Incident(end_s, IncidentKind.FULL_TIME),
    ]
    halves = ((0.0, half_time_s, 0.0), (restart_s, end_s, float(HALF_SECONDS)))
    for start_s, stop_s, clock_start_s in halves:
        incidents += draw_minor_incidents(start_s, stop_s, generator)
        incidents += draw_goal_candidates(start_s, stop_s, clock_start_s, goal_means, generator)
    ordered = thin_goals(sorted(incidents, key=lambda incident: incident.elapsed_s), generator)
    snapshots = fold_snapshots(ordered, stoppages_s)
    return MatchTimeline(
        home_name, away_name, goal_means, tuple(ordered), tuple(i.elapsed_s for i in ordered), tuple(snapshots)
    )


def draw_minor_incidents(start_s: float, stop_s: float, generator: np.random.Generator) -> list[Incident]:
    """Draw cards and corners of one half, each a Poisson process of constant rate."""
    means = (
        (IncidentKind.YELLOW_CARD, YELLOW_CARDS_PER_SIDE),
        (IncidentKind.RED_CARD, RED_CARDS_PER_SIDE),
        (IncidentKind.CORNER, CORNERS_PER_SIDE),
    )
    return [
        Incident(float(time_s), kind, side)
        for kind, mean in means
        for side in (0, 1)
        for time_s in generator.uniform(start_s, stop_s, generator.poisson(mean / 2))
    ]


def draw_goal_candidates(
    start_s: float, stop_s: float, clock_start_s: float, goal_means: tuple[float, float], generator: np.random.Generator
) -> list[Incident]:
    """Draw goals of one half at the highest rate that cards allow; `thin_goals` keeps the right share of them."""
    candidates = []
    for side, mean in enumerate(goal_means):
        peak_rate = EXTRA_MAN_FACTOR * mean * rate_shape(2.0 * HALF_SECONDS) / (2 * HALF_SECONDS)
        times_s = generator.uniform(start_s, stop_s, generator.poisson(peak_rate * (stop_s - start_s)))
        clocks_s = np.minimum(clock_start_s + times_s - start_s, 2.0 * HALF_SECONDS)
        is_kept = generator.uniform(size=times_s.size) < rate_shape(clocks_s) / rate_shape(2.0 * HALF_SECONDS)
        candidates += [Incident(float(time_s), IncidentKind.GOAL, side) for time_s in times_s[is_kept]]
    return candidates


def thin_goals(incidents: list[Incident], generator: np.random.Generator) -> list[Incident]:
    """Keep each goal with the probability that the cards shown so far leave it."""
    red_cards = [0, 0]
    kept = []
    for incident in incidents:
        if incident.kind is IncidentKind.RED_CARD and incident.side is not None:
            red_cards[incident.side] += 1
        if incident.kind is IncidentKind.GOAL and incident.side is not None:
            factor = card_factors((red_cards[0], red_cards[1]))[incident.side]
            if generator.uniform() >= factor / EXTRA_MAN_FACTOR:
                continue
        kept.append(incident)
    return kept


def fold_snapshots(incidents: list[Incident], stoppages_s: tuple[int, int]) -> list[MatchSnapshot]:
    """Return the state after each incident."""
    snapshots = []
    state = MatchSnapshot()
    for incident in incidents:
        state = apply_incident(state, incident, stoppages_s)
        snapshots.append(state)
    return snapshots


PERIOD_AFTER = {
    IncidentKind.KICK_OFF: Period.FIRST_HALF,
    IncidentKind.HALF_TIME: Period.HALF_TIME,
    IncidentKind.SECOND_HALF: Period.SECOND_HALF,
    IncidentKind.FULL_TIME: Period.FINISHED,
}


def apply_incident(state: MatchSnapshot, incident: Incident, stoppages_s: tuple[int, int]) -> MatchSnapshot:
    """Return the state that an incident leads to."""
    if incident.kind in PERIOD_AFTER:
        period = PERIOD_AFTER[incident.kind]
        return replace(state, period=period, period_started_s=incident.elapsed_s, stoppage_s=0)
    if incident.kind is IncidentKind.STOPPAGE_ANNOUNCED:
        return replace(state, stoppage_s=stoppages_s[0 if state.period is Period.FIRST_HALF else 1])
    if incident.kind is IncidentKind.GOAL:
        return replace(state, score=count_up(state.score, incident.side))
    if incident.kind is IncidentKind.RED_CARD:
        return replace(state, red_cards=count_up(state.red_cards, incident.side))
    if incident.kind is IncidentKind.YELLOW_CARD:
        return replace(state, yellow_cards=count_up(state.yellow_cards, incident.side))
    return replace(state, corners=count_up(state.corners, incident.side))


def count_up(pair: tuple[int, int], side: int | None) -> tuple[int, int]:
    """Return the pair with one more for the side."""
    return pair[0] + (side == 0), pair[1] + (side == 1)


def card_factors(red_cards: tuple[int, int]) -> tuple[float, float]:
    """Return what red cards do to the scoring rates of home and away, at most one man of difference counted."""
    difference = red_cards[0] - red_cards[1]
    if difference == 0:
        return 1.0, 1.0
    return (SHORT_HANDED_FACTOR, EXTRA_MAN_FACTOR) if difference > 0 else (EXTRA_MAN_FACTOR, SHORT_HANDED_FACTOR)


def rate_shape(clock_s: Rate) -> Rate:
    """Return the scoring rate at a clock time relative to the match's average over ninety minutes."""
    return (1.0 + LATE_RATE_RISE * clock_s / (2 * HALF_SECONDS)) / (1.0 + LATE_RATE_RISE / 2)


def remaining_share(state: MatchSnapshot, elapsed_s: float) -> float:
    """Return the share of a ninety-minute mean that is still to come, expected stoppage time included."""
    expected_stoppages_s = (120.0, 300.0)
    clock_s = float(state.clock_s(elapsed_s))
    if state.period is Period.FINISHED:
        return 0.0
    if state.period is Period.SECOND_HALF:
        left_s = max(20.0, 2 * HALF_SECONDS + (state.stoppage_s or expected_stoppages_s[1]) - clock_s)
        return rate_share(min(clock_s, 2.0 * HALF_SECONDS), left_s)
    second_half = rate_share(float(HALF_SECONDS), HALF_SECONDS + expected_stoppages_s[1])
    if state.period is Period.HALF_TIME:
        return second_half
    left_s = max(10.0, HALF_SECONDS + (state.stoppage_s or expected_stoppages_s[0]) - clock_s)
    return rate_share(clock_s, left_s) + second_half


def rate_share(clock_s: float, length_s: float) -> float:
    """Return the integral of the rate shape over a stretch, as a share of ninety minutes."""
    return rate_shape(min(clock_s + length_s / 2, 2.0 * HALF_SECONDS)) * length_s / (2 * HALF_SECONDS)
