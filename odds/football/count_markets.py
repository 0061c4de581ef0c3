"""Corners and cards: totals of counts that have their own processes, apart from the goals.

Each side's count to come is negative binomial, or Poisson where it has no dispersion, independent of the other side's;
what has been counted so far is added. Booking rates vary more between matches than corners do, hence the dispersion.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.football import market_ids as ids
from odds.football.score_grids import (
    Flags,
    Floats,
    Integers,
    independent_grid,
    negative_binomial_masses,
    poisson_masses,
    shift_masses,
)
from odds.layout import MarketLayout
from odds.model_input import ModelInputInvalid, RowFlag

GRID_SIZE: Final = 40
COUNT_MAX: Final = 30
MEAN_MAX: Final = 20.0
DISPERSION_MAX: Final = 5.0


@dataclass(frozen=True, slots=True)
class CountMarkets:
    """Markets on one kind of count: their ids and half lines."""

    total_id: str
    home_total_id: str
    away_total_id: str
    most_id: str
    total_lines: tuple[float, ...]
    side_lines: tuple[float, ...]


CORNERS: Final = CountMarkets(
    ids.CORNERS_TOTAL,
    ids.HOME_CORNERS_TOTAL,
    ids.AWAY_CORNERS_TOTAL,
    ids.MOST_CORNERS,
    tuple(count + 0.5 for count in range(5, 15)),
    tuple(count + 0.5 for count in range(2, 8)),
)
CARDS: Final = CountMarkets(
    ids.CARDS_TOTAL,
    ids.HOME_CARDS_TOTAL,
    ids.AWAY_CARDS_TOTAL,
    ids.MOST_CARDS,
    tuple(count + 0.5 for count in range(8)),
    tuple(count + 0.5 for count in range(5)),
)


@dataclass(frozen=True, slots=True, eq=False)
class CountPrices:
    """Fair probabilities of the markets on a count, one row a match; a flagged row is NaN throughout."""

    layout: MarketLayout
    fair_probabilities: Floats
    flags: NDArray[np.int8]


def price_counts(
    markets: CountMarkets,
    home_means: Floats,
    away_means: Floats,
    *,
    dispersion: float,
    shares_left: Floats,
    home_counts: Integers,
    away_counts: Integers,
) -> CountPrices:
    """Price the markets on a count, before or during play.

    Args:
        markets: Which count.
        home_means: Means of the whole match, shape (n,), from 0.0 to 20.
        away_means: As many.
        dispersion: a in variance = mean + a mean^2 of the whole match, from 0.0 to 5.
        shares_left: Share of the match's counting still to come, shape (n,), from 0.0 to 1.0.
        home_counts: So far, shape (n,), up to 30.
        away_counts: As many.

    Raises:
        ModelInputInvalid: If columns differ in length or the dispersion is out of range.
    """
    columns = (away_means, shares_left, home_counts, away_counts)
    if any(column.shape != home_means.shape for column in columns) or not 0.0 <= dispersion <= DISPERSION_MAX:
        raise ModelInputInvalid(f"Columns must be as long as each other, and dispersion from 0.0 to {DISPERSION_MAX}")
    flags = _flags(home_means, away_means, shares_left, home_counts, away_counts)
    layout, matrix = _matrix(markets)
    prices = np.full((len(flags), layout.outcome_count), np.nan)
    fine = flags == RowFlag.FINE
    sides = [
        shift_masses(_masses(means[fine], dispersion, shares_left[fine]), counts[fine])
        for means, counts in ((home_means, home_counts), (away_means, away_counts))
    ]
    prices[fine] = independent_grid(sides[0], sides[1]).reshape(-1, GRID_SIZE**2) @ matrix
    return CountPrices(layout, prices, flags)


def _masses(means: Floats, dispersion: float, shares_left: Floats) -> Floats:
    """Thinning a negative binomial count leaves its dispersion as it is."""
    left = means * shares_left
    if dispersion == 0.0:
        return poisson_masses(left, size=GRID_SIZE)
    masses = negative_binomial_masses(np.maximum(left, 1e-12), dispersion, size=GRID_SIZE)
    masses[left == 0.0] = np.eye(1, GRID_SIZE)
    return masses


@lru_cache(maxsize=8)
def _matrix(markets: CountMarkets) -> tuple[MarketLayout, Floats]:
    home, away = np.divmod(np.arange(GRID_SIZE**2), GRID_SIZE)
    lines = [(markets.total_id, home + away, line) for line in markets.total_lines]
    lines += [(markets.home_total_id, home, line) for line in markets.side_lines]
    lines += [(markets.away_total_id, away, line) for line in markets.side_lines]
    layout = MarketLayout.of_markets(
        [(markets.most_id, (ids.HOME, ids.DRAW, ids.AWAY))]
        + [(ids.line_market_id(market_type, line), (ids.OVER, ids.UNDER)) for market_type, _, line in lines]
    )
    columns: list[Flags] = [home > away, home == away, home < away]
    for _, counts, line in lines:
        columns += [counts > line, counts < line]
    return layout, np.stack(columns, axis=1).astype(np.float64)


def _flags(
    home_means: Floats, away_means: Floats, shares_left: Floats, home_counts: Integers, away_counts: Integers
) -> NDArray[np.int8]:
    flags = np.zeros(len(home_means), dtype=np.int8)
    means, counts = np.stack([home_means, away_means]), np.stack([home_counts, away_counts])
    flags[~((shares_left >= 0.0) & (shares_left <= 1.0))] = RowFlag.CLOCK_IMPOSSIBLE
    flags[~((counts >= 0) & (counts <= COUNT_MAX)).all(axis=0)] = RowFlag.SCORE_IMPOSSIBLE
    flags[~((means >= 0.0) & (means <= MEAN_MAX)).all(axis=0)] = RowFlag.GOAL_MEANS_OUT_OF_RANGE
    return flags
