"""How markets that the house alone offers on football matches came out: from the scores of the halves.

Nothing is paid or void on a guess: where a score is not known, a market waits, and then goes to a person. Of a match
that is called off what is decided for good stands, the rest is void.

What was said of them is part of the state: it is published before the results themselves go out, so that a sequence
always stands for the same results, however often they are sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

import numpy as np

from markets.fixture import FixtureStatus, MarketStatus, MatchState, Period, Score
from markets.football import market_ids as ids
from markets.football.selections import HALF_LINES, MATCH_LINES, score_selections
from markets.layout import MarketLayout
from markets.odds import FACTOR_ONE_MICRO
from markets.period_scores import NO_SCORES, PeriodScores
from markets.results import CONFIRMED, MarketResult, OutcomeResult, ResultKind
from odds.book import Abandonment, OwnSettlement
from odds.fixture_state import BELIEF_US_MAX, OVER_STATUSES, FixtureState, ending, own_markets_of

SCORES_CACHED_MAX: Final = 512
_REPLACED_BY: Final = {
    ResultKind.SETTLEMENT: ResultKind.SETTLEMENT_ROLLBACK,
    ResultKind.CANCEL: ResultKind.CANCEL_ROLLBACK,
}
"""What a word makes needless: the ledger replaces a settlement by another, and keeps one cancellation."""
MATCH_CALLED_OFF: Final = "MATCH_CALLED_OFF"
SCORE_UNKNOWN: Final = "SCORE_UNKNOWN"
"""Why a person has to look at one of our markets: nobody told in time the score that it is settled by."""
GRACE_US: Final = 900_000_000
"""How long such a score is waited for."""
FURTHER_GOALS_MAX: Final = 12
"""Of a side, looked at to see whether a market of an abandoned match is decided: beyond every line and named score."""

_NORMAL_TIME: Final = frozenset(
    {Period.NOT_STARTED, Period.FIRST_HALF, Period.HALF_TIME, Period.SECOND_HALF, Period.FINISHED}
)
_HALVES: Final = (ids.FIRST, ids.EQUAL, ids.SECOND)

StakeParts = tuple[float, float]
"""Which part of a stake wins, and which loses; the rest is handed back."""


def settle_own(state: FixtureState, now_us: int) -> FixtureState:
    """Return the state with what is to be said of our own markets now; the same object if that is what was said."""
    before = state.own_settlement
    if state.own_markets is None or (before is None and not state.is_play_over):
        return state
    if before is None and now_us < _undisputed_from_us(state):
        return state
    # Whose they are is settled with the first word about them: every later one is about the same.
    own = own_markets_of(state) if before is None else state.own_markets > 0
    if not own.any():
        return state
    settlement = _settlement_of(state, np.flatnonzero(own).tolist(), now_us)
    if before is not None and settlement == replace(before, sequence=settlement.sequence):
        return state
    statuses = state.result_statuses.copy()
    for market in np.flatnonzero(own).tolist():
        statuses[market] = _status(state.layout, market, settlement)
    return replace(state, own_markets=own.astype(np.uint8), own_settlement=settlement, result_statuses=statuses)


def own_results(state: FixtureState) -> tuple[MarketResult, ...]:
    """Return what was said last of our own markets, always the same for the same sequence.

    What may have stood before and would show through is taken back first. A market that waits for its score has none.
    """
    settlement, own = state.own_settlement, state.own_markets
    if settlement is None or own is None:
        return ()
    results: list[MarketResult] = []
    for market in np.flatnonzero(own).tolist():
        market_id = state.layout.market_ids[market]
        result = _result(state.layout, market, settlement)
        said = [] if result is None else [result]
        taken_back = {ResultKind.CANCEL_ROLLBACK, ResultKind.SETTLEMENT_ROLLBACK} - {
            _REPLACED_BY[result.kind] for result in said if not result.referral_reason
        }
        if settlement.sequence > 1:
            results += [MarketResult(kind, market_id) for kind in sorted(taken_back, reverse=True)]
        results += said
    return tuple(results)


def own_results_due_us(state: FixtureState) -> int | None:
    """Return when our own markets are settled, or what waits for a score goes to a person; None where nothing waits."""
    settlement = state.own_settlement
    if settlement is None:
        is_waiting = state.own_markets is not None and state.is_play_over
        return _undisputed_from_us(state) if is_waiting else None
    return None if settlement.is_referred else settlement.referral_time_us or None


def _undisputed_from_us(state: FixtureState) -> int:
    """Return when the end of a match counts for our own markets, 0 for at once.

    Another provider that was heard of a moment ago and has the match go on may know better.
    """
    playing = [time_us for told, time_us in _words_of_others(state) if told.status not in OVER_STATUSES]
    return max(playing, default=-BELIEF_US_MAX - 1) + BELIEF_US_MAX + 1


def _is_end_contradicted(state: FixtureState) -> bool:
    """Return whether another provider has the match end otherwise, and nothing was said of our markets before that."""
    before, end = state.own_settlement, state.state
    if end is None or (before is not None and (before.scores != NO_SCORES or before.abandonment is not None)):
        return False
    return any(told.status in OVER_STATUSES and ending(told) != ending(end) for told, _ in _words_of_others(state))


def _words_of_others(state: FixtureState) -> Iterator[tuple[MatchState, int]]:
    for provider in state.providers:
        if provider.told_state is not None and provider.provider_id != state.state_provider_id:
            yield provider.told_state, provider.told_time_us


def _settlement_of(state: FixtureState, markets: list[int], now_us: int) -> OwnSettlement:
    before = state.own_settlement
    sequence = 1 if before is None else before.sequence + 1
    if not state.is_play_over:
        return OwnSettlement(sequence, False, NO_SCORES)
    settlement = OwnSettlement(sequence, True, NO_SCORES)
    if not _is_end_contradicted(state):
        settlement = OwnSettlement(sequence, True, _scores_of(state), _abandonment_of(state))
    if all(_result(state.layout, market, settlement) is not None for market in markets):
        return settlement
    is_waiting = before is not None and before.is_standing and before.referral_time_us > 0
    referral_time_us = before.referral_time_us if before is not None and is_waiting else now_us + GRACE_US
    return replace(settlement, referral_time_us=referral_time_us, is_referred=now_us >= referral_time_us)


def _scores_of(state: FixtureState) -> PeriodScores:
    scores = state.period_scores
    return PeriodScores(scores.half_time, scores.full_time)


def _abandonment_of(state: FixtureState) -> Abandonment | None:
    told = state.state
    if told is None or told.status is not FixtureStatus.CANCELLED:
        return None
    return Abandonment(told.period, Score(told.home_score, told.away_score))


def _status(layout: MarketLayout, market: int, settlement: OwnSettlement) -> int:
    result = _result(layout, market, settlement)
    if result is None:
        return 0
    if result.referral_reason:
        return MarketStatus.SUSPENDED
    return MarketStatus.SETTLED if result.kind is ResultKind.SETTLEMENT else MarketStatus.CANCELLED


def _result(layout: MarketLayout, market: int, settlement: OwnSettlement) -> MarketResult | None:
    """Return how a market came out; None where nothing is said of it, or not yet."""
    if not settlement.is_standing:
        return None
    market_id, outcome_ids = layout.market_ids[market], layout.outcome_ids_of(market)
    known = _known_stakes(settlement.scores, settlement.abandonment)
    if all((market_id, outcome_id) in known for outcome_id in outcome_ids):
        outcomes = tuple(_outcome(outcome_id, known[market_id, outcome_id]) for outcome_id in outcome_ids)
        return MarketResult(ResultKind.SETTLEMENT, market_id, outcomes, certainty=CONFIRMED)
    if settlement.abandonment is not None and _is_void(market_id, settlement.scores, settlement.abandonment):
        return MarketResult(ResultKind.CANCEL, market_id, void_reason=MATCH_CALLED_OFF)
    if not settlement.is_referred:
        return None
    return MarketResult(ResultKind.CANCEL, market_id, void_reason=SCORE_UNKNOWN, referral_reason=SCORE_UNKNOWN)


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
