"""Games of goals by periods, a draw played on after them: what one is like, and what is asked about it.

Markets on goals are on the score of all periods, overtime left out; who wins is asked of the whole game.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markets.fixture import Score
from markets.football import market_ids as ids
from markets.football.market_types import ON_THE_SCORE
from markets.market_type import Group, Line, MarketType

PERIOD_RESULT: Final = "period_result"

TYPES: Final = (
    *ON_THE_SCORE,
    MarketType(PERIOD_RESULT, "Result of the {nth} period", (ids.HOME, ids.DRAW, ids.AWAY), Group.MORE, Line.ORDINAL),
)


@dataclass(frozen=True, slots=True)
class GoalGame:
    """What a game is like where nobody tells it otherwise.

    Attributes:
        period_count: Of a game without overtime.
        period_seconds: How long each is.
        overtime_seconds: How long an overtime is; what is level after it is decided by a shoot-out.
        goals: Of both sides in a usual game: where the search for a game's own begins.
    """

    period_count: int
    period_seconds: int
    overtime_seconds: int
    goals: float


def score_of(periods: Sequence[Score]) -> Score:
    """Return the score of some periods together."""
    return Score(sum(played.home for played in periods), sum(played.away for played in periods))


def leader_of(score: Score) -> str:
    """Return who is ahead: home, away, or draw for nobody."""
    return ids.DRAW if score.home == score.away else ids.HOME if score.home > score.away else ids.AWAY
