"""Every market of a football match: which columns prices have, and the matrices that read them from the score views."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final

import numpy as np

from odds.football import market_ids as ids
from odds.football.order_of_goals import MINUTE_BANDS, NUMBERED_GOALS, RACES
from odds.football.score_grids import Floats, Integers
from odds.football.score_views import SIZES, GridSizes
from odds.football.selections import HALF_LINES, MATCH_LINES, ScoreMarketLines, Selection, score_selections
from odds.layout import MarketLayout

SIDES_IN_ORDER: Final = (ids.HOME, ids.DRAW, ids.AWAY)
SCORERS_IN_ORDER: Final = (ids.HOME, ids.NONE, ids.AWAY)


@dataclass(frozen=True, slots=True, eq=False)
class ScoreMatrix:
    """Selections of one score grid: shape (n_scores, n_selections), what wins and what loses at each score."""

    win: Floats
    lose: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """The columns of a match's prices.

    Attributes:
        layout: Market and outcome ids of the columns.
        full_time_count: The first columns are read from the final score.
        half_count: Then as many from the score at half-time, and as many from the second half's.
        mirrored: Columns whose outcome can hand stakes back.
        mirrors: For each of them the column that loses where it wins.
    """

    layout: MarketLayout
    full_time_count: int
    half_count: int
    mirrored: Integers
    mirrors: Integers

    @property
    def results_begin(self) -> int:
        """Return where columns of half-time and full-time results begin; behind them which half has more goals."""
        return self.full_time_count + 2 * self.half_count

    @property
    def orders_begin(self) -> int:
        """Return where columns of numbered goals and races begin."""
        return self.results_begin + len(SIDES_IN_ORDER) ** 2 + len(SIDES_IN_ORDER)

    @property
    def minutes_begin(self) -> int:
        """Return where columns of minute bands begin: those of the first goal, of the second and so on."""
        return self.orders_begin + len(SCORERS_IN_ORDER) * (len(NUMBERED_GOALS) + len(RACES))

    def column(self, market_id: str, outcome_id: str) -> int:
        """Return where an outcome stands.

        Raises:
            MarketUnknown: If there is no such market.
            OutcomeUnknown: If the market has no such outcome.
        """
        return self.layout.outcome_index(market_id, outcome_id)


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Return the one catalogue of football."""
    full_time = _selections(SIZES[0].full_time, MATCH_LINES, "")
    first_half = _selections(SIZES[0].half, HALF_LINES, ids.FIRST_HALF_PREFIX)
    second_half = _selections(SIZES[0].half, HALF_LINES, ids.SECOND_HALF_PREFIX)
    selections = [*full_time, *first_half, *second_half]
    columns = [(selection.market_id, selection.outcome_id) for selection in selections]
    markets = [(market_id, [outcome for _, outcome in group]) for market_id, group in groupby(columns, _market_of)]
    layout = MarketLayout.of_markets([*markets, *_markets_without_scores()])
    mirrored, mirrors = _mirrors(selections)
    return Catalogue(layout, len(full_time), len(first_half), mirrored, mirrors)


@lru_cache(maxsize=2 * len(SIZES))
def full_time_matrix(sizes: GridSizes) -> ScoreMatrix:
    """Return the selections on the final score."""
    return _matrix(_selections(sizes.full_time, MATCH_LINES, ""))


@lru_cache(maxsize=2 * len(SIZES))
def half_matrix(sizes: GridSizes) -> ScoreMatrix:
    """Return the selections on the score of either half."""
    return _matrix(_selections(sizes.half, HALF_LINES, ids.FIRST_HALF_PREFIX))


def _selections(size: int, lines: ScoreMarketLines, prefix: str) -> list[Selection]:
    home, away = np.divmod(np.arange(size * size), size)
    return list(score_selections(home, away, lines, prefix=prefix))


def _matrix(selections: list[Selection]) -> ScoreMatrix:
    return ScoreMatrix(
        np.ascontiguousarray(np.stack([selection.win for selection in selections], axis=1)),
        np.ascontiguousarray(np.stack([selection.lose for selection in selections], axis=1)),
    )


def _market_of(column: tuple[str, str]) -> str:
    return column[0]


def _markets_without_scores() -> list[tuple[str, list[str]]]:
    results = [ids.half_time_full_time_outcome_id(half, full) for half in SIDES_IN_ORDER for full in SIDES_IN_ORDER]
    bands = [minute_band_id(index) for index in range(len(MINUTE_BANDS))]
    return [
        (ids.HALF_TIME_FULL_TIME, results),
        (ids.MOST_GOALS_HALF, [ids.FIRST, ids.EQUAL, ids.SECOND]),
        *((ids.numbered_market_id(ids.NEXT_GOAL, goal), list(SCORERS_IN_ORDER)) for goal in NUMBERED_GOALS),
        *((ids.numbered_market_id(ids.RACE_TO, goals), list(SCORERS_IN_ORDER)) for goals in RACES),
        *((ids.numbered_market_id(ids.NEXT_GOAL_MINUTE, goal), [*bands, ids.NONE]) for goal in NUMBERED_GOALS),
    ]


def minute_band_id(index: int) -> str:
    """Return the outcome id of a band of minutes; the 45th and the 90th include stoppage time."""
    return f"{MINUTE_BANDS[index - 1] + 1 if index else 1}-{MINUTE_BANDS[index]}"


def _mirrors(selections: list[Selection]) -> tuple[Integers, Integers]:
    mirrored = [column for column, selection in enumerate(selections) if (selection.win + selection.lose < 1.0).any()]
    partner = {(selection.market_id, selection.outcome_id): column for column, selection in enumerate(selections)}
    by_market: dict[str, list[int]] = {}
    for (market_id, _), column in partner.items():
        by_market.setdefault(market_id, []).append(column)
    mirrors = [sum(by_market[selections[column].market_id]) - column for column in mirrored]
    return np.array(mirrored, dtype=np.int64), np.array(mirrors, dtype=np.int64)
