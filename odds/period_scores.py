"""Scores at the ends of halves, as far as they are known for certain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from odds.fixture import FixtureStatus, MatchState, Period, Score

_OVERTIME: Final = frozenset({Period.EXTRA_TIME, Period.PENALTIES})


@dataclass(frozen=True, slots=True)
class PeriodScores:
    """What markets on a half or on normal time go by.

    Attributes:
        half_time: None while it is not known.
        full_time: Of normal time; None while it is not over or not known.
        had_extra_time: Whether more than normal time was played.
    """

    half_time: Score | None = None
    full_time: Score | None = None
    had_extra_time: bool = False


NO_SCORES: Final = PeriodScores()


def follow_scores(known: PeriodScores, before: MatchState | None, told: MatchState) -> PeriodScores:
    """Return what is known of the scores after a match went from one state to another."""
    had_extra_time = told.period in _OVERTIME or (known.had_extra_time and _is_finished(told))
    return PeriodScores(
        _half_time_score(known.half_time, before, told),
        _full_time_score(known.full_time, before, told, had_extra_time=had_extra_time),
        had_extra_time,
    )


def _half_time_score(known: Score | None, before: MatchState | None, told: MatchState) -> Score | None:
    if told.period is Period.HALF_TIME:
        return _score(told)
    if told.period < Period.HALF_TIME:
        return None
    if known is not None:
        # Where goals of the first half were taken back since, nobody knows which.
        return known if known.home <= told.home_score and known.away <= told.away_score else None
    return _score(told) if before is not None and _is_at_break(before, told, Period.FIRST_HALF) else None


def _full_time_score(
    known: Score | None, before: MatchState | None, told: MatchState, *, had_extra_time: bool
) -> Score | None:
    if had_extra_time:
        is_new = before is not None and _is_at_break(before, told, Period.SECOND_HALF)
        return _score(told) if is_new else known
    return _score(told) if _is_finished(told) else None


def _is_at_break(before: MatchState, told: MatchState, period: Period) -> bool:
    """Return whether a period has just ended, without a goal between the two words."""
    return before.period is period and told.period > period and _score(before) == _score(told)


def _is_finished(state: MatchState) -> bool:
    return state.status is FixtureStatus.ENDED and state.period is Period.FINISHED


def _score(state: MatchState) -> Score:
    return Score(state.home_score, state.away_score)
