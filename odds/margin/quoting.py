"""From chances to prices that may be quoted: margin, floors and caps, ladder, and the overround checked at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.ladder.steps import round_down, round_up
from odds.margin.application import SOLVERS, apply_margin
from odds.margin.methods import MarginMethod
from odds.margin.rows import ONE, Floats, MarginFlag, solve_rows

ROUNDING_TOLERANCE: Final = 1e-9

Milli = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class QuotedRows:
    """Prices of a batch.

    Attributes:
        decimal_odds_milli: Shape (n_books, n_outcomes), steps of the ladder; 0 where there is no price, be it for want
            of an outcome, of a step low enough, or because the row is flagged.
        overrounds: What the quoted prices sum to, what is too likely to be quoted included; NaN in flagged rows.
        flags: A `MarginFlag` by row.
    """

    decimal_odds_milli: Milli
    overrounds: Floats
    flags: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class OddsBounds:
    """The least and the most that may be quoted for each outcome, in decimal odds times 1000.

    Attributes:
        odds_milli_min: Broadcasts to (n_books, n_outcomes); 0 for no floor.
        odds_milli_max: The same for caps; 0 for no cap. A cap below the floor wins.
    """

    odds_milli_min: Milli
    odds_milli_max: Milli


def quote_rows(
    fair_probabilities: Floats,
    *,
    overrounds: Floats,
    ladder: Milli,
    method: MarginMethod = MarginMethod.ODDS_RATIO,
    bounds: OddsBounds | None = None,
) -> QuotedRows:
    """Put the margin on, round down to the ladder, and take back any row that ends below its overround.

    Args:
        fair_probabilities: Shape (n_books, n_outcomes); NaN pads short books.
        overrounds: What each row is to sum to at least, shape (n_books,).
        ladder: Rising decimal odds times 1000.
        method: How the margin is spread.
        bounds: Where they hold an outcome, the others carry what is left of the margin; never less than none.
    """
    if bounds is None:
        rows = apply_margin(fair_probabilities, overrounds=overrounds, method=method)
        implied, flags = rows.probabilities, rows.flags
    else:
        implied, flags = _apply_within(fair_probabilities, overrounds, method, *_implied_bounds(bounds, ladder))
    odds_milli = round_down(ONE / implied, ladder)
    is_quoted = odds_milli > 0
    sums = np.add.reduce(np.where(is_quoted, 1_000.0 / np.maximum(odds_milli, 1), implied), 1, where=~np.isnan(implied))
    is_solved = flags == MarginFlag.SOLVED
    flags[is_solved & ~(sums >= overrounds - ROUNDING_TOLERANCE)] = MarginFlag.OVERROUND_NOT_KEPT
    flags[is_solved & ~np.logical_or.reduce(is_quoted, 1)] = MarginFlag.BELOW_LADDER
    if not np.count_nonzero(flags):
        return QuotedRows(odds_milli, sums, flags)
    is_good = flags == MarginFlag.SOLVED
    return QuotedRows(np.where(is_good[:, None], odds_milli, np.uint32(0)), np.where(is_good, sums, np.nan), flags)


def _implied_bounds(bounds: OddsBounds, ladder: Milli) -> tuple[Floats, Floats]:
    """Return the least and the greatest implied probabilities, both of steps, so that rounding keeps within them."""
    caps = np.where(bounds.odds_milli_max > 0, bounds.odds_milli_max / 1_000.0, np.inf)
    floors = np.minimum(np.maximum(bounds.odds_milli_min / 1_000.0, 1.0), caps)
    lowest = round_down(caps, ladder)
    with np.errstate(divide="ignore"):
        least = np.where(np.isinf(caps) | (lowest == 0), 0.0, 1_000.0 / lowest)
        greatest = np.where(bounds.odds_milli_min > 0, 1_000.0 / round_up(floors, ladder), 1.0)
    return np.asarray(least), np.asarray(np.maximum(greatest, least))


def _apply_within(
    fair: Floats, overrounds: Floats, method: MarginMethod, least: Floats, greatest: Floats
) -> tuple[Floats, NDArray[np.uint8]]:
    """Hold at its bound what is certain to end there, and spread the rest again, until all is within.

    If holding adds to the sum, the margin will fall, so that all below their least stay there; and the other way round.
    """
    held = np.full(fair.shape, np.nan)
    free = fair.copy()
    rows = apply_margin(fair, overrounds=overrounds, method=method)
    implied, flags = rows.probabilities, rows.flags
    for _ in range(fair.shape[1]):
        excess = np.nansum(np.clip(implied, least, greatest) - implied, axis=1, keepdims=True)
        is_low, is_high = implied < least, implied > greatest
        is_held = np.isnan(held) & ((is_low & (excess >= 0.0)) | (is_high & (excess <= 0.0)))
        concerned = np.flatnonzero(is_held.any(axis=1))
        if not len(concerned):
            break
        held[is_held] = np.clip(implied, least, greatest)[is_held]
        free[is_held] = np.nan
        left = overrounds[concerned] - np.nansum(held[concerned], axis=1)
        targets = np.maximum(left, np.nansum(free[concerned], axis=1))
        again = solve_rows(
            free[concerned], targets, SOLVERS[method], are_odds=False, sum_may_be_below=False, outcomes_min=1
        )
        is_any_free = ~np.isnan(free[concerned]).all(axis=1)
        flags[concerned] = np.where(is_any_free, again.flags, MarginFlag.SOLVED)
        implied[concerned] = np.where(np.isnan(held[concerned]), again.probabilities, held[concerned])
    return np.where((flags == MarginFlag.SOLVED)[:, None], implied, np.nan), flags
