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

from markets.football import market_ids as ids
from markets.layout import MarketLayout
from odds.model_input import EXPECTED_BY_FLAG, ModelInputInvalid, RowFlag, RowFlags, count_rows, flag_rows
from odds.models.football.score_grids import (
    Flags,
    Floats,
    Integers,
    independent_grid,
    negative_binomial_masses,
    poisson_masses,
    shift_masses,
)

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


@dataclass(frozen=True, slots=True, eq=False)
class MatchCounts:
    """The joint distribution of a count of one match.

    Attributes:
        layout: Ids of the outcomes.
        probabilities: Of home and away counts, shape (n_counts,), summing to 1.0.
        wins: Which outcome wins at which counts, shape (n_counts, n_outcomes).
    """

    layout: MarketLayout
    probabilities: Floats
    wins: Floats


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
    flags = _flags(home_means, away_means, dispersion, shares_left, (home_counts, away_counts))
    layout, matrix = _matrix(markets)
    prices = np.full((len(flags), layout.outcome_count), np.nan)
    fine = flags == RowFlag.FINE
    grids = _grids(
        (home_means[fine], away_means[fine]), dispersion, shares_left[fine], (home_counts[fine], away_counts[fine])
    )
    prices[fine] = grids @ matrix
    return CountPrices(layout, prices, flags)


def match_counts(
    markets: CountMarkets,
    home_mean: float,
    away_mean: float,
    *,
    dispersion: float,
    share_left: float,
    home_count: int,
    away_count: int,
) -> MatchCounts:
    """Return the joint distribution of a count of one match; arguments as for `price_counts`.

    Raises:
        ModelInputInvalid: If the dispersion or another figure is out of range.
    """
    means = np.array([home_mean], dtype=np.float64), np.array([away_mean], dtype=np.float64)
    counts = np.array([home_count], dtype=np.int64), np.array([away_count], dtype=np.int64)
    shares_left = np.array([share_left], dtype=np.float64)
    (flag,) = _flags(*means, dispersion, shares_left, counts).tolist()
    if flag != RowFlag.FINE:
        raise ModelInputInvalid(f"{EXPECTED_BY_FLAG[RowFlag(flag)]}, was {means}, {share_left}, {counts}")
    layout, matrix = _matrix(markets)
    (grid,) = _grids(means, dispersion, shares_left, counts)
    return MatchCounts(layout, grid / grid.sum(), matrix)


Sides = tuple[Floats, Floats]
SideCounts = tuple[Integers, Integers]


def _grids(means: Sides, dispersion: float, shares_left: Floats, counts: SideCounts) -> Floats:
    """Return the distributions of home and away counts, shape (n, GRID_SIZE^2)."""
    home, away = (
        shift_masses(_masses(side_means, dispersion, shares_left), so_far)
        for side_means, so_far in zip(means, counts, strict=True)
    )
    return independent_grid(home, away).reshape(-1, GRID_SIZE**2)


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
    home_means: Floats, away_means: Floats, dispersion: float, shares_left: Floats, counts: SideCounts
) -> RowFlags:
    if not 0.0 <= dispersion <= DISPERSION_MAX:
        raise ModelInputInvalid(f"Dispersion must be from 0.0 to {DISPERSION_MAX}, was {dispersion}")
    row_count = count_rows(home_means, away_means, shares_left, *counts)
    means, so_far = np.stack([home_means, away_means], axis=1), np.stack(counts, axis=1)
    return flag_rows(
        row_count,
        [
            (RowFlag.GOAL_MEANS_OUT_OF_RANGE, (means >= 0.0) & (means <= MEAN_MAX)),
            (RowFlag.SCORE_IMPOSSIBLE, (so_far >= 0) & (so_far <= COUNT_MAX)),
            (RowFlag.CLOCK_IMPOSSIBLE, (shares_left >= 0.0) & (shares_left <= 1.0)),
        ],
    )
