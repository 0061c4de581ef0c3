"""Several providers' fair probabilities into one.

The first axis is the provider, the second the market, the third the outcome.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def blend(fair_probabilities: Floats, *, weights: Floats, winner_counts: Floats) -> Floats:
    """Average in logit space by weight, then scale each market to what it must sum to.

    Args:
        fair_probabilities: Shape (n_providers, n_markets, n_outcomes); NaN where there is none.
        weights: Shape (n_providers, n_markets), 0 for providers that do not count.
        winner_counts: What each market's probabilities sum to.

    Returns:
        Shape (n_markets, n_outcomes); NaN throughout a market in which nobody counts.
    """
    totals = weights.sum(axis=0)
    is_priced = totals > 0.0
    shares = np.where(is_priced, weights, 0.0) / np.where(is_priced, totals, 1.0)
    logits = to_logits(fair_probabilities)
    weighted = np.where(shares[:, :, None] > 0.0, shares[:, :, None] * logits, 0.0).sum(axis=0)
    blended = 1.0 / (1.0 + np.exp(-weighted))
    blended[~is_priced] = np.nan
    sums = np.nansum(blended, axis=1)
    return np.asarray(blended * (winner_counts / np.where(sums > 0.0, sums, 1.0))[:, None])


def find_outliers(fair_probabilities: Floats, *, is_counted: Flags, logit_distance_max: float) -> Flags:
    """Tell which providers stand too far from the others in a market.

    Those further from the median than allowed in any outcome. Where as many stand on one side of a gap wider than that
    as on the other, all of them: they contradict each other, and nobody can be believed.

    Args:
        fair_probabilities: Shape (n_providers, n_markets, n_outcomes).
        is_counted: Shape (n_providers, n_markets): whose word is asked.
        logit_distance_max: Largest distance allowed, in logits.

    Returns:
        Shape (n_providers, n_markets).
    """
    counts = is_counted.sum(axis=0)
    logits = np.where(is_counted[:, :, None], to_logits(fair_probabilities), np.nan)
    lower, upper = _middle_two(logits, counts)
    with np.errstate(invalid="ignore"):
        distances, gaps = np.abs(logits - (lower + upper) / 2.0), upper - lower
    furthest = np.where(np.isnan(distances), 0.0, distances).max(axis=2)
    is_split = np.where(np.isnan(gaps), 0.0, gaps).max(axis=1) > logit_distance_max
    return np.asarray(((furthest > logit_distance_max) | is_split) & is_counted & (counts >= 2))


def find_quorum(is_counted: Flags, *, is_mandatory: Flags, is_mandatory_absent: Flags, providers_min: int) -> Flags:
    """Tell in which markets enough providers count to make a price: so many at least, and every mandatory one.

    Args:
        is_counted: Shape (n_providers, n_markets): whose word counts, after age, outliers and unsound books.
        is_mandatory: Same shape: without whose word a market has no price.
        is_mandatory_absent: Shape (n_markets,): whether a mandatory provider is not among those of the first axis,
            having never quoted the fixture.
        providers_min: How many must count; with none there is no price, whatever this says.

    Returns:
        Shape (n_markets,).
    """
    counts = np.add.reduce(is_counted, 0)
    is_missed = np.logical_or.reduce(is_mandatory & ~is_counted, 0) | is_mandatory_absent
    return np.asarray((counts >= max(providers_min, 1)) & ~is_missed)


def to_logits(probabilities: Floats) -> Floats:
    """Return ln(p / (1 - p))."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(probabilities) - np.log1p(-probabilities))


def _middle_two(logits: Floats, counts: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the two between which the median over the first axis lies, the same one twice of an odd number.

    NaN sorts last.
    """
    ordered = np.sort(logits, axis=0)
    shape = (1, logits.shape[1], logits.shape[2])
    lower = np.broadcast_to((np.maximum(counts - 1, 0) // 2)[None, :, None], shape)
    upper = np.broadcast_to((counts // 2)[None, :, None], shape)
    last = logits.shape[0] - 1
    lower_ones, upper_ones = (
        np.take_along_axis(ordered, np.minimum(positions, last), axis=0)[0] for positions in (lower, upper)
    )
    return lower_ones, upper_ones
