"""Every market of a football match: which columns prices have, and the matrices that read them from the score views."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final

import numpy as np

from markets.football import market_ids as ids
from markets.football.selections import HALF_LINES, MATCH_LINES, ScoreMarketLines, Selection, score_selections
from markets.layout import MarketLayout
from odds.models.football.order_of_goals import MINUTE_BANDS, NUMBERED_GOALS, RACES
from odds.models.football.score_grids import Floats, Integers
from odds.models.football.score_views import SIZES, GridSizes, WantedViews

SIDES_IN_ORDER: Final = (ids.HOME, ids.DRAW, ids.AWAY)
PARTS_CACHED_MAX: Final = 256
SCORERS_IN_ORDER: Final = (ids.HOME, ids.NONE, ids.AWAY)


@dataclass(frozen=True, slots=True, eq=False)
class ScoreMatrix:
    """Selections of one score grid: shape (n_scores, n_selections), what wins and what loses at each score."""

    win: Floats
    lose: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """The columns of a match's prices: of all markets, or of some.

    Attributes:
        layout: Market and outcome ids of the columns.
        full_time_columns: The first columns are read from the final score: where they stand among all such.
        half_count: Then as many from the score at half-time, and as many from the second half's.
        results_begin: Where columns of half-time and full-time results begin; behind them which half has more goals.
        orders_begin: Where columns of numbered goals and races begin.
        minutes_begin: Where columns of minute bands begin: those of the first goal, of the second and so on.
        mirrored: Columns whose outcome can hand stakes back.
        mirrors: For each of them the column that loses where it wins.
    """

    layout: MarketLayout
    full_time_columns: Integers
    half_count: int
    results_begin: int
    orders_begin: int
    minutes_begin: int
    mirrored: Integers
    mirrors: Integers

    @property
    def full_time_count(self) -> int:
        """Return how many columns are read from the final score."""
        return len(self.full_time_columns)

    @property
    def wanted(self) -> WantedViews:
        """Return what columns are read from beside the final score."""
        return WantedViews(
            halves=self.orders_begin > self.full_time_count,
            orders=self.minutes_begin > self.orders_begin,
            minutes=self.layout.outcome_count > self.minutes_begin,
        )

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
    orders_begin = len(selections) + len(SIDES_IN_ORDER) ** 2 + len(SIDES_IN_ORDER)
    minutes_begin = orders_begin + len(SCORERS_IN_ORDER) * (len(NUMBERED_GOALS) + len(RACES))
    return Catalogue(
        layout=layout,
        full_time_columns=np.arange(len(full_time)),
        half_count=len(first_half),
        results_begin=len(selections),
        orders_begin=orders_begin,
        minutes_begin=minutes_begin,
        mirrored=mirrored,
        mirrors=mirrors,
    )


@lru_cache(maxsize=PARTS_CACHED_MAX)
def part_of_catalogue(market_ids: frozenset[str]) -> Catalogue:
    """Return the columns of some markets, with no more views than they need; ids it does not know are left out.

    Markets on the final score are there if they are named; those of either half, of orders and of minutes together as
    soon as one of them is.
    """
    whole = catalogue()
    offsets, markets = whole.layout.offsets.tolist(), whole.layout.market_ids
    begins = (whole.full_time_count, whole.orders_begin, whole.minutes_begin, whole.layout.outcome_count)
    views = [int(np.searchsorted(begins, offset, side="right")) for offset in offsets[:-1]]
    named = {views[place] for place, market_id in enumerate(markets) if market_id in market_ids}
    kept = [
        place
        for place, market_id in enumerate(markets)
        if market_id in market_ids or (views[place] > 0 and views[place] in named)
    ]
    columns = np.array([column for place in kept for column in range(offsets[place], offsets[place + 1])], dtype=int)
    places = np.full(whole.layout.outcome_count, -1)
    places[columns] = np.arange(len(columns))
    is_kept = places[whole.mirrored] >= 0
    full_time_count, *others = (int(np.count_nonzero(columns < begin)) for begin in begins[:3])
    has_halves = others[0] > full_time_count
    return Catalogue(
        layout=MarketLayout.of_markets([(markets[place], whole.layout.outcome_ids_of(place)) for place in kept]),
        full_time_columns=columns[:full_time_count],
        half_count=whole.half_count if has_halves else 0,
        results_begin=full_time_count + (2 * whole.half_count if has_halves else 0),
        orders_begin=others[0],
        minutes_begin=others[1],
        mirrored=places[whole.mirrored[is_kept]],
        mirrors=places[whole.mirrors[is_kept]],
    )


@lru_cache(maxsize=PARTS_CACHED_MAX)
def final_score_wins(columns: Catalogue, sizes: GridSizes) -> Floats:
    """Return what wins at each final score, shape (n_scores, n_columns), of the columns that are read from it."""
    return np.ascontiguousarray(full_time_matrix(sizes).win[:, columns.full_time_columns])


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
