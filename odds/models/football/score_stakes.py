"""What becomes of stakes on the markets of one score: at that score, and whatever is scored after it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np

from markets.fixture import Score
from markets.football.selections import ScoreMarketLines, score_selections
from markets.odds import FACTOR_ONE_MICRO
from markets.results import CONFIRMED, MarketResult, OutcomeResult, ResultKind

SCORES_CACHED_MAX: Final = 512
FURTHER_GOALS_MAX: Final = 12
"""Of a side, looked at to see whether a market of an abandoned match is decided: beyond every line and named score."""

StakeParts = tuple[float, float]
"""Which part of a stake wins, and which loses; the rest is handed back."""
Stakes = Mapping[tuple[str, str], StakeParts]
"""By market and outcome."""


@lru_cache(maxsize=SCORES_CACHED_MAX)
def stakes_at(score: Score, lines: ScoreMarketLines, prefix: str) -> Stakes:
    """Return what becomes of stakes on each outcome of the markets on one score.

    Args:
        score: At the end of what the markets are about.
        lines: Which lines they have.
        prefix: Put before each market type: what part of the match the score is of.
    """
    selections = score_selections(np.array([score.home]), np.array([score.away]), lines, prefix=prefix)
    return {
        (selection.market_id, selection.outcome_id): (float(selection.win[0]), float(selection.lose[0]))
        for selection in selections
    }


@lru_cache(maxsize=SCORES_CACHED_MAX)
def stakes_whatever_follows(score: Score, lines: ScoreMarketLines, prefix: str) -> Stakes:
    """Return the same of those alone that no further goal could have changed."""
    home, away = np.indices((FURTHER_GOALS_MAX + 1,) * 2)
    selections = score_selections(score.home + home, score.away + away, lines, prefix=prefix)
    return {
        (selection.market_id, selection.outcome_id): (float(selection.win[0, 0]), float(selection.lose[0, 0]))
        for selection in selections
        if (selection.win == selection.win[0, 0]).all() and (selection.lose == selection.lose[0, 0]).all()
    }


def settle_by(stakes: Stakes, market_id: str, outcome_ids: tuple[str, ...]) -> MarketResult | None:
    """Return how a market came out; None where it is not known of each of its outcomes."""
    if not all((market_id, outcome_id) in stakes for outcome_id in outcome_ids):
        return None
    outcomes = tuple(_outcome(outcome_id, stakes[market_id, outcome_id]) for outcome_id in outcome_ids)
    return MarketResult(ResultKind.SETTLEMENT, market_id, outcomes, certainty=CONFIRMED)


def _outcome(outcome_id: str, parts: StakeParts) -> OutcomeResult:
    win, lose = parts
    back = 1.0 - win - lose
    win_factor = win / (win + lose) if back < 1.0 else 0.0
    return OutcomeResult(
        outcome_id, round(win_factor * FACTOR_ONE_MICRO), round(back * FACTOR_ONE_MICRO), FACTOR_ONE_MICRO
    )
