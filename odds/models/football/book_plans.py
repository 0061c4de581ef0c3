"""Which of a layout's markets a joint distribution of goals prices, and which of them it is fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.catalogue import market_of
from markets.football import market_ids as ids
from markets.layout import MarketLayout
from odds.models.football.catalogue import Catalogue, catalogue

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

LAYOUTS_CACHED_MAX: Final = 4_096
COLUMNS_CACHED_MAX: Final = 8_192
RESULT_WEIGHT: Final = 3.0
"""How much each of the three results counts beside a line: there are many lines, and one main market."""

_TARGET_OUTCOMES: Final = {
    ids.RESULT: (ids.HOME, ids.DRAW, ids.AWAY),
    ids.TOTAL: (ids.OVER,),
    ids.HANDICAP: (ids.HOME,),
}


@dataclass(frozen=True, slots=True, eq=False)
class BookPlan:
    """What a joint distribution does for the fixtures of one layout.

    Attributes:
        market_ids: Markets that the catalogue knows, with all outcomes they have here.
        markets: Where they stand among the layout's.
        is_about_halves: Whether each asks for the score at half-time.
        target_columns: What the distribution is fitted to, as columns of the whole catalogue, rising; the three results
            come first.
        target_places: Where those stand among the layout's outcomes.
        total_lines: Line of each of them that is a total; infinite for the others.
    """

    layout: MarketLayout
    market_ids: frozenset[str]
    markets: Integers
    is_about_halves: Flags
    target_columns: tuple[int, ...]
    target_places: Integers
    total_lines: Floats


@dataclass(frozen=True, slots=True, eq=False)
class PartColumns:
    """Where the outcomes of a layout stand in a part of the catalogue.

    Attributes:
        places: Of outcomes that are in both, among the layout's.
        columns: Of the same in the part.
    """

    places: Integers
    columns: Integers


@dataclass(frozen=True, slots=True, eq=False)
class TargetColumns:
    """Columns that distributions of a batch are fitted to.

    Attributes:
        columns: Of the whole catalogue, rising.
        names: Market and outcome id of each.
        weights: How much each counts.
        is_total: Whether each is a line of total goals.
    """

    columns: Integers
    names: tuple[tuple[str, str], ...]
    weights: Floats
    is_total: Flags


@lru_cache(maxsize=LAYOUTS_CACHED_MAX)
def plan_of(layout: MarketLayout, own_key: bytes) -> BookPlan | None:
    """Return the plan for a layout; None where there is no fit, for want of the result or of any total.

    Args:
        layout: Of the fixture.
        own_key: 1 for markets that we offer ourselves, uint8, one a market; empty for none. Nothing is fitted to them.
    """
    known = catalogue().layout
    market_ids = [market_id for market_id in layout.market_ids if _is_known(layout, market_id)]
    targets = sorted(
        (known.outcome_index(market_id, outcome_id), layout.outcome_index(market_id, outcome_id))
        for market_id in market_ids
        if not (own_key and own_key[layout.market_index(market_id)])
        for outcome_id in _TARGET_OUTCOMES.get(market_of(market_id).name, ())
        if outcome_id in layout.outcome_ids_of(layout.market_index(market_id))
    )
    columns = tuple(column for column, _ in targets)
    lines = _total_lines(columns)
    if ids.RESULT not in {_name_of(column)[0] for column in columns} or np.isinf(lines).all():
        return None
    return BookPlan(
        layout=layout,
        market_ids=frozenset(market_ids),
        markets=np.array([layout.market_index(market_id) for market_id in market_ids], dtype=np.int64),
        is_about_halves=np.array([_is_about_halves(market_id) for market_id in market_ids]),
        target_columns=columns,
        target_places=np.array([place for _, place in targets], dtype=np.int64),
        total_lines=lines,
    )


@lru_cache(maxsize=COLUMNS_CACHED_MAX)
def columns_in(plan: BookPlan, part: Catalogue) -> PartColumns:
    """Return where the outcomes of a plan's markets stand in a part of the catalogue that has them all."""
    layout = plan.layout
    outcomes = [
        (layout.market_ids[market], outcome_id)
        for market in plan.markets.tolist()
        for outcome_id in layout.outcome_ids_of(market)
    ]
    return PartColumns(
        np.array([layout.outcome_index(*outcome) for outcome in outcomes], dtype=np.int64),
        np.array([part.column(*outcome) for outcome in outcomes], dtype=np.int64),
    )


@lru_cache(maxsize=LAYOUTS_CACHED_MAX)
def targets_of(columns: frozenset[tuple[int, ...]]) -> TargetColumns:
    """Return the columns that any of some plans is fitted to, rising."""
    together = tuple(sorted({column for plan in columns for column in plan}))
    names = tuple(_name_of(column) for column in together)
    weights = [RESULT_WEIGHT if market_id == ids.RESULT else 1.0 for market_id, _ in names]
    return TargetColumns(np.array(together), names, np.array(weights), np.isfinite(_total_lines(together)))


def _name_of(column: int) -> tuple[str, str]:
    known = catalogue().layout
    market = int(np.searchsorted(known.offsets, column, side="right")) - 1
    return known.market_ids[market], known.outcome_ids[column]


def _total_lines(columns: tuple[int, ...]) -> Floats:
    markets = [market_of(_name_of(column)[0]) for column in columns]
    lines = [market.line if market.name == ids.TOTAL else np.inf for market in markets]
    return np.array(lines, dtype=np.float64)


def _is_known(layout: MarketLayout, market_id: str) -> bool:
    """Return whether the catalogue has a market, and all the outcomes that the layout gives it."""
    known = catalogue().layout
    if market_id not in known.index_by_market_id:
        return False
    outcome_ids = known.outcome_ids_of(known.market_index(market_id))
    return set(layout.outcome_ids_of(layout.market_index(market_id))) <= set(outcome_ids)


def _is_about_halves(market_id: str) -> bool:
    columns = catalogue()
    place = columns.layout.offsets[columns.layout.market_index(market_id)]
    return bool(columns.full_time_count <= place < columns.orders_begin)
