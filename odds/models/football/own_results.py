"""How markets that the house alone offers on football matches came out: from the scores of the halves.

Of a match that is called off what is decided for good stands, the rest is void.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from markets.fixture import FixtureStatus, Period, Score
from markets.football import market_ids as ids
from markets.football.selections import HALF_LINES, MATCH_LINES, score_selections
from markets.odds import FACTOR_ONE_MICRO
from markets.period_scores import NO_SCORES, PeriodScores
from markets.results import CONFIRMED, MarketResult, OutcomeResult, ResultKind
from odds.fixture.state import FixtureState

SCORES_CACHED_MAX: Final = 512
MATCH_CALLED_OFF: Final = "MATCH_CALLED_OFF"
FURTHER_GOALS_MAX: Final = 12
"""Of a side, looked at to see whether a market of an abandoned match is decided: beyond every line and named score."""

_NORMAL_TIME: Final = frozenset(
    {Period.NOT_STARTED, Period.FIRST_HALF, Period.HALF_TIME, Period.SECOND_HALF, Period.FINISHED}
)
_HALVES: Final = (ids.FIRST, ids.EQUAL, ids.SECOND)

StakeParts = tuple[float, float]
"""Which part of a stake wins, and which loses; the rest is handed back."""


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
    known = _known_stakes(played.scores, played.abandonment)
    if all((market_id, outcome_id) in known for outcome_id in outcome_ids):
        outcomes = tuple(_outcome(outcome_id, known[market_id, outcome_id]) for outcome_id in outcome_ids)
        return MarketResult(ResultKind.SETTLEMENT, market_id, outcomes, certainty=CONFIRMED)
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


def _outcome(outcome_id: str, parts: StakeParts) -> OutcomeResult:
    win, lose = parts
    back = 1.0 - win - lose
    win_factor = win / (win + lose) if back < 1.0 else 0.0
    return OutcomeResult(
        outcome_id, round(win_factor * FACTOR_ONE_MICRO), round(back * FACTOR_ONE_MICRO), FACTOR_ONE_MICRO
    )


@lru_cache(maxsize=SCORES_CACHED_MAX)
def _known_stakes(scores: PeriodScores, abandonment: Abandonment | None) -> dict[tuple[str, str], StakeParts]:
    """Return what becomes of stakes on each outcome that what is known of a match decides."""
    known: dict[tuple[str, str], StakeParts] = {}
    if scores.half_time is not None:
        known |= _stakes(scores.half_time, ids.FIRST_HALF_PREFIX)
    if scores.full_time is not None:
        known |= _stakes(scores.full_time, "")
    if scores.half_time is not None and scores.full_time is not None:
        known |= _stakes_of_halves(scores.half_time, scores.full_time)
    if scores.full_time is None and abandonment is not None and abandonment.period in _NORMAL_TIME:
        known |= _decided_stakes(scores.half_time, abandonment)
    return known


def _decided_stakes(half_time: Score | None, abandonment: Abandonment) -> dict[tuple[str, str], StakeParts]:
    """Return the stakes that no further goal of normal time could have changed."""
    score = abandonment.score
    decided = _stakes_whatever_follows(score, "")
    if abandonment.period < Period.HALF_TIME:
        return decided | _stakes_whatever_follows(score, ids.FIRST_HALF_PREFIX)
    if half_time is None:
        return decided
    after = Score(score.home - half_time.home, score.away - half_time.away)
    decided |= _stakes_whatever_follows(after, ids.SECOND_HALF_PREFIX)
    if after.home + after.away > half_time.home + half_time.away:
        decided |= {(ids.MOST_GOALS_HALF, half): _won(half == ids.SECOND) for half in _HALVES}
    return decided


def _stakes_whatever_follows(score: Score, prefix: str) -> dict[tuple[str, str], StakeParts]:
    home, away = np.indices((FURTHER_GOALS_MAX + 1,) * 2)
    lines = HALF_LINES if prefix else MATCH_LINES
    selections = score_selections(score.home + home, score.away + away, lines, prefix=prefix)
    return {
        (selection.market_id, selection.outcome_id): (float(selection.win[0, 0]), float(selection.lose[0, 0]))
        for selection in selections
        if (selection.win == selection.win[0, 0]).all() and (selection.lose == selection.lose[0, 0]).all()
    }


@lru_cache(maxsize=SCORES_CACHED_MAX)
def _stakes(score: Score, prefix: str) -> dict[tuple[str, str], StakeParts]:
    """Return what becomes of stakes on each outcome of the markets on one score."""
    lines = HALF_LINES if prefix else MATCH_LINES
    selections = score_selections(np.array([score.home]), np.array([score.away]), lines, prefix=prefix)
    return {
        (selection.market_id, selection.outcome_id): (float(selection.win[0]), float(selection.lose[0]))
        for selection in selections
    }


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
        **_stakes(half_time, ids.FIRST_HALF_PREFIX),
        **_stakes(after, ids.SECOND_HALF_PREFIX),
        **{(ids.HALF_TIME_FULL_TIME, pair): _won(pair == won) for pair in pairs},
        **{(ids.MOST_GOALS_HALF, half): _won(half == most) for half in _HALVES},
    }


def _side(score: Score) -> str:
    lead = score.home - score.away
    return ids.DRAW if lead == 0 else ids.HOME if lead > 0 else ids.AWAY


def _won(is_won: bool) -> StakeParts:
    return (1.0, 0.0) if is_won else (0.0, 1.0)
