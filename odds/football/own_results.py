"""How markets that the house alone offers on football matches came out: from the scores of the halves.

What was said of them is part of the state: it is published before the results themselves go out, so that a sequence
always stands for the same results, however often they are sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from odds.book import OwnSettlement
from odds.fixture import FixtureStatus, MarketStatus, Score
from odds.fixture_state import FixtureState, own_markets_of
from odds.football import market_ids as ids
from odds.football.selections import HALF_LINES, MATCH_LINES, score_selections
from odds.layout import MarketLayout
from odds.period_scores import NO_SCORES, PeriodScores
from odds.updates import ResultKind

SCORES_CACHED_MAX: Final = 512
_REPLACED_BY: Final = {
    ResultKind.SETTLEMENT: ResultKind.SETTLEMENT_ROLLBACK,
    ResultKind.CANCEL: ResultKind.CANCEL_ROLLBACK,
}
"""What a word makes needless: the ledger replaces a settlement by another, and keeps one cancellation."""
FACTOR_ONE_MICRO: Final = 1_000_000

StakeParts = tuple[float, float]
"""Which part of a stake wins, and which loses; the rest is handed back."""


@dataclass(frozen=True, slots=True)
class OwnOutcome:
    """How an outcome came out, in millionths: what is handed back, and which share of the rest wins."""

    outcome_id: str
    win_factor_micro: int
    void_factor_micro: int


@dataclass(frozen=True, slots=True)
class OwnResult:
    """A result of one of our markets, or a correction; a settlement names all outcomes."""

    kind: ResultKind
    market_id: str
    outcomes: tuple[OwnOutcome, ...] = ()


def settle_own(state: FixtureState) -> FixtureState:
    """Return the state with what is to be said of our own markets now; the same object if that is what was said."""
    before = state.own_settlement
    if state.own_markets is None or (before is None and not state.is_play_over):
        return state
    scores = _final_scores(state)
    settlement = OwnSettlement(1 if before is None else before.sequence + 1, scores is not None, scores or NO_SCORES)
    if before is not None and (before.is_standing, before.scores) == (settlement.is_standing, settlement.scores):
        return state
    # Whose they are is settled with the first word about them: every later one is about the same.
    own = own_markets_of(state) if before is None else state.own_markets > 0
    if not own.any():
        return state
    statuses = state.result_statuses.copy()
    for market in np.flatnonzero(own).tolist():
        statuses[market] = _status(state.layout, market, settlement)
    return replace(state, own_markets=own.astype(np.uint8), own_settlement=settlement, result_statuses=statuses)


def own_results(state: FixtureState) -> tuple[OwnResult, ...]:
    """Return what was said last of our own markets, always the same for the same sequence.

    What may have stood before and would show through is taken back first. A market that lacks its score is void.
    """
    settlement, own = state.own_settlement, state.own_markets
    if settlement is None or own is None:
        return ()
    results: list[OwnResult] = []
    for market in np.flatnonzero(own).tolist():
        market_id = state.layout.market_ids[market]
        said = [_result(state.layout, market, settlement.scores)] if settlement.is_standing else []
        taken_back = {ResultKind.CANCEL_ROLLBACK, ResultKind.SETTLEMENT_ROLLBACK} - {
            _REPLACED_BY[result.kind] for result in said
        }
        if settlement.sequence > 1:
            results += [OwnResult(kind, market_id) for kind in sorted(taken_back, reverse=True)]
        results += said
    return tuple(results)


def _final_scores(state: FixtureState) -> PeriodScores | None:
    """Return the scores that our markets are settled by; None while the match is on."""
    if not state.is_play_over or state.state is None:
        return None
    if state.state.status is FixtureStatus.CANCELLED:
        return NO_SCORES
    scores = state.period_scores
    return NO_SCORES if scores.full_time is None else PeriodScores(scores.half_time, scores.full_time)


def _status(layout: MarketLayout, market: int, settlement: OwnSettlement) -> int:
    if not settlement.is_standing:
        return 0
    is_settled = _result(layout, market, settlement.scores).kind is ResultKind.SETTLEMENT
    return MarketStatus.SETTLED if is_settled else MarketStatus.CANCELLED


def _result(layout: MarketLayout, market: int, scores: PeriodScores) -> OwnResult:
    market_id = layout.market_ids[market]
    parts = [_parts(market_id, outcome_id, scores) for outcome_id in layout.outcome_ids_of(market)]
    known = [item for item in parts if item is not None]
    if len(known) < len(parts):
        return OwnResult(ResultKind.CANCEL, market_id)
    outcomes = [_outcome(*pair) for pair in zip(layout.outcome_ids_of(market), known, strict=True)]
    return OwnResult(ResultKind.SETTLEMENT, market_id, tuple(outcomes))


def _outcome(outcome_id: str, parts: StakeParts) -> OwnOutcome:
    win, lose = parts
    back = 1.0 - win - lose
    win_factor = win / (win + lose) if back < 1.0 else 0.0
    return OwnOutcome(outcome_id, round(win_factor * FACTOR_ONE_MICRO), round(back * FACTOR_ONE_MICRO))


def _parts(market_id: str, outcome_id: str, scores: PeriodScores) -> StakeParts | None:
    """Return what becomes of a stake; None where a score that it takes is not known."""
    if scores.full_time is None:
        return None
    full_time = _stakes(scores.full_time, "")
    if (market_id, outcome_id) in full_time:
        return full_time[market_id, outcome_id]
    if scores.half_time is None:
        return None
    return _stakes_of_halves(scores.half_time, scores.full_time)[market_id, outcome_id]


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
    sides, halves = (ids.HOME, ids.DRAW, ids.AWAY), (ids.FIRST, ids.EQUAL, ids.SECOND)
    pairs = [ids.half_time_full_time_outcome_id(half, full) for half in sides for full in sides]
    return {
        **_stakes(half_time, ids.FIRST_HALF_PREFIX),
        **_stakes(after, ids.SECOND_HALF_PREFIX),
        **{(ids.HALF_TIME_FULL_TIME, pair): _won(pair == won) for pair in pairs},
        **{(ids.MOST_GOALS_HALF, half): _won(half == most) for half in halves},
    }


def _side(score: Score) -> str:
    lead = score.home - score.away
    return ids.DRAW if lead == 0 else ids.HOME if lead > 0 else ids.AWAY


def _won(is_won: bool) -> StakeParts:
    return (1.0, 0.0) if is_won else (0.0, 1.0)
