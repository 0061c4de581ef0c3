"""Scores at the ends of halves, as far as they are known for certain: money is paid by them, so nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markets.fixture import FixtureStatus, MatchState, Period, Score
from markets.football.state import football_of

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
    is_unsaid = told.period in (Period.UNKNOWN, Period.FINISHED)
    is_told = football_of(told).had_extra_time or told.period in _OVERTIME
    had_extra_time = is_told or (known.had_extra_time and is_unsaid)
    return PeriodScores(
        _half_time_score(known.half_time, before, told),
        _full_time_score(known.full_time, before, told, had_extra_time=had_extra_time),
        had_extra_time,
    )


def _half_time_score(known: Score | None, before: MatchState | None, told: MatchState) -> Score | None:
    half_time = football_of(told).half_time
    if Period.UNKNOWN < told.period < Period.HALF_TIME:
        return None
    if told.period is Period.HALF_TIME and not told.is_score_unknown:
        return _score(told) if half_time in (None, _score(told)) else None
    if half_time is not None:
        return _if_reached(half_time, told)
    if known is not None:
        # Where goals of the first half were taken back since, nobody knows which.
        return _if_reached(known, told)
    return _score(told) if before is not None and _is_at_break(before, told, Period.FIRST_HALF) else None


def _full_time_score(
    known: Score | None, before: MatchState | None, told: MatchState, *, had_extra_time: bool
) -> Score | None:
    full_time = football_of(told).full_time
    if full_time is not None:
        is_last = had_extra_time or told.is_score_unknown or full_time == _score(told)
        return _if_reached(full_time, told) if is_last else None
    if had_extra_time:
        is_new = before is not None and _is_at_break(before, told, Period.SECOND_HALF)
        return _score(told) if is_new else known and _if_reached(known, told)
    if told.status is not FixtureStatus.ENDED or told.is_score_unknown:
        return None
    if told.period is Period.FINISHED or (before is not None and _has_ended_as_it_stood(before, told)):
        return _score(told)
    return None


def _is_at_break(before: MatchState, told: MatchState, period: Period) -> bool:
    """Return whether a period has just ended, without a goal between the two words."""
    return before.period is period and told.period > period and _is_same_score(before, told)


def _has_ended_as_it_stood(before: MatchState, told: MatchState) -> bool:
    """Return whether a match that is told to be over, without how, stands as it last did in the second half.

    With another score nobody knows whether the goals between are of normal time.
    """
    return before.period is Period.SECOND_HALF and _is_same_score(before, told)


def _is_same_score(before: MatchState, told: MatchState) -> bool:
    return not told.is_score_unknown and _score(before) == _score(told)


def _if_reached(score: Score, told: MatchState) -> Score | None:
    """Return a score of an earlier time where the score now can have come from it."""
    is_reached = score.home <= told.home_score and score.away <= told.away_score
    return score if is_reached or told.is_score_unknown else None


def _score(state: MatchState) -> Score:
    return Score(state.home_score, state.away_score)
