"""How markets that the house alone offers on football matches came out: from the scores of the halves.

Of a match that is called off what is decided for good stands, the rest is void.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from markets.fixture import FixtureStatus, Period, Score
from markets.football import market_ids as ids
from markets.football.selections import HALF_LINES, MATCH_LINES
from markets.period_scores import NO_SCORES, PeriodScores
from markets.results import MarketResult, ResultKind
from odds.fixture.state import FixtureState
from odds.models.football.score_stakes import (
    SCORES_CACHED_MAX,
    StakeParts,
    settle_by,
    stakes_at,
    stakes_whatever_follows,
)

MATCH_CALLED_OFF: Final = "MATCH_CALLED_OFF"

_NORMAL_TIME: Final = frozenset(
    {Period.NOT_STARTED, Period.FIRST_HALF, Period.HALF_TIME, Period.SECOND_HALF, Period.FINISHED}
)
_HALVES: Final = (ids.FIRST, ids.EQUAL, ids.SECOND)


@dataclass(frozen=True, slots=True)
class Abandonment:
    """Where a match stood that was called off."""

    period: Period
    score: Score


@dataclass(frozen=True, slots=True)
class PlayedHalves:
    """What a football match is settled by.

    Attributes:
        scores: Of the halves, as far as they are known; a market whose score is not among them waits.
        abandonment: Of a match that was called off: what it left undecided is void.
    """

    scores: PeriodScores = NO_SCORES
    abandonment: Abandonment | None = None


NOTHING_PLAYED: Final = PlayedHalves()


def played_halves(state: FixtureState) -> PlayedHalves | None:
    """Return what is certain of a match that is over, None for nothing."""
    scores = state.period_scores
    played = PlayedHalves(PeriodScores(scores.half_time, scores.full_time), _abandonment_of(state))
    return None if played == NOTHING_PLAYED else played


def decide_by_halves(market_id: str, outcome_ids: tuple[str, ...], played: PlayedHalves) -> MarketResult | None:
    """Return how a market came out; None where the scores do not tell it."""
    result = settle_by(_known_stakes(played.scores, played.abandonment), market_id, outcome_ids)
    if result is not None:
        return result
    if played.abandonment is not None and _is_void(market_id, played.scores, played.abandonment):
        return MarketResult(ResultKind.CANCEL, market_id, void_reason=MATCH_CALLED_OFF)
    return None


def _abandonment_of(state: FixtureState) -> Abandonment | None:
    told = state.state
    if told is None or told.status is not FixtureStatus.CANCELLED:
        return None
    return Abandonment(told.period, Score(told.home_score, told.away_score))


def _is_void(market_id: str, scores: PeriodScores, abandonment: Abandonment) -> bool:
    """Return whether what a market is about was not played to its end, as far as that is known."""
    if abandonment.period not in _NORMAL_TIME:
        return abandonment.period is Period.UNKNOWN and abandonment.score == Score(0, 0) and scores.half_time is None
    if abandonment.period < Period.HALF_TIME or scores.half_time is not None:
        return True
    if market_id.startswith(ids.FIRST_HALF_PREFIX):
        return False
    is_of_halves = market_id.startswith(ids.SECOND_HALF_PREFIX) or market_id == ids.MOST_GOALS_HALF
    return not is_of_halves or abandonment.score == Score(0, 0)


@lru_cache(maxsize=SCORES_CACHED_MAX)
def _known_stakes(scores: PeriodScores, abandonment: Abandonment | None) -> dict[tuple[str, str], StakeParts]:
    """Return what becomes of stakes on each outcome that what is known of a match decides."""
    known: dict[tuple[str, str], StakeParts] = {}
    if scores.half_time is not None:
        known |= stakes_at(scores.half_time, HALF_LINES, ids.FIRST_HALF_PREFIX)
    if scores.full_time is not None:
        known |= stakes_at(scores.full_time, MATCH_LINES, "")
    if scores.half_time is not None and scores.full_time is not None:
        known |= _stakes_of_halves(scores.half_time, scores.full_time)
    if scores.full_time is None and abandonment is not None and abandonment.period in _NORMAL_TIME:
        known |= _decided_stakes(scores.half_time, abandonment)
    return known


def _decided_stakes(half_time: Score | None, abandonment: Abandonment) -> dict[tuple[str, str], StakeParts]:
    """Return the stakes that no further goal of normal time could have changed."""
    score = abandonment.score
    decided = dict(stakes_whatever_follows(score, MATCH_LINES, ""))
    if abandonment.period < Period.HALF_TIME:
        return decided | dict(stakes_whatever_follows(score, HALF_LINES, ids.FIRST_HALF_PREFIX))
    if half_time is None:
        return decided
    after = Score(score.home - half_time.home, score.away - half_time.away)
    decided |= stakes_whatever_follows(after, HALF_LINES, ids.SECOND_HALF_PREFIX)
    if after.home + after.away > half_time.home + half_time.away:
        decided |= {(ids.MOST_GOALS_HALF, half): _won(half == ids.SECOND) for half in _HALVES}
    return decided


@lru_cache(maxsize=SCORES_CACHED_MAX)
def _stakes_of_halves(half_time: Score, full_time: Score) -> dict[tuple[str, str], StakeParts]:
    """Return the same of the markets on either half, and on both."""
    after = Score(full_time.home - half_time.home, full_time.away - half_time.away)
    won = ids.half_time_full_time_outcome_id(_side(half_time), _side(full_time))
    goals = half_time.home + half_time.away - after.home - after.away
    most = ids.EQUAL if goals == 0 else ids.FIRST if goals > 0 else ids.SECOND
    sides = (ids.HOME, ids.DRAW, ids.AWAY)
    pairs = [ids.half_time_full_time_outcome_id(half, full) for half in sides for full in sides]
    return {
        **stakes_at(half_time, HALF_LINES, ids.FIRST_HALF_PREFIX),
        **stakes_at(after, HALF_LINES, ids.SECOND_HALF_PREFIX),
        **{(ids.HALF_TIME_FULL_TIME, pair): _won(pair == won) for pair in pairs},
        **{(ids.MOST_GOALS_HALF, half): _won(half == most) for half in _HALVES},
    }


def _side(score: Score) -> str:
    lead = score.home - score.away
    return ids.DRAW if lead == 0 else ids.HOME if lead > 0 else ids.AWAY


def _won(is_won: bool) -> StakeParts:
    return (1.0, 0.0) if is_won else (0.0, 1.0)
