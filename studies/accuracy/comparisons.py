"""Differences between forecasters, match by match, with the standard error of their mean, and what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from studies.accuracy.metrics import brier_scores, log_losses, ranked_probability_scores

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

STANDARD_ERRORS_MIN: Final = 2.0
"""A difference smaller than so many of its standard errors shows nothing."""
FAMILY_ERROR_MAX: Final = 0.05
"""Holm: the chance of calling any difference of a table real that is not."""
NOTHING_SHOWN: Final = "no difference shown"
SAME: Final = "the same"
ALONE: Final = "†"
"""Shown by itself, but no longer when all comparisons of the table are counted."""
METRICS: Final = {"RPS": ranked_probability_scores, "log loss": log_losses, "Brier": brier_scores}
JUDGED: Final = ("RPS", "log loss")


@dataclass(frozen=True, slots=True)
class BlockMean:
    """A mean of values that come in blocks, with a standard error that lets those of a block go together.

    Attributes:
        mean: Of all values.
        standard_error: NaN for a single block.
        blocks: How many blocks.
        count: How many values.
    """

    mean: float
    standard_error: float
    blocks: int
    count: int

    @property
    def is_shown(self) -> bool:
        """Whether the mean is two standard errors or more from zero."""
        return abs(self.mean) >= STANDARD_ERRORS_MIN * self.standard_error > 0.0

    @property
    def is_same(self) -> bool:
        """Whether all values are zero to rounding."""
        return abs(self.mean) < 1e-12 and self.standard_error < 1e-12

    def p_value(self) -> float:
        """Return how likely a mean so far from zero is by chance, by Student's t with one degree less than blocks."""
        if self.is_same:
            return 1.0
        return float(2.0 * stdtr(self.blocks - 1, -abs(self.mean) / self.standard_error))


@dataclass(frozen=True, slots=True)
class Line:
    """One forecaster beside the reference.

    Attributes:
        name: The forecaster.
        means: Its mean score by metric.
        differences: To the reference, by metric; positive is worse. Empty for the reference itself.
        verdict: What RPS and log loss show.
    """

    name: str
    means: Mapping[str, float]
    differences: Mapping[str, BlockMean]
    verdict: str


def block_mean(values: Floats, blocks: Counts) -> BlockMean:
    """Return the mean of values with a standard error from the sums over blocks.

    Args:
        values: Shape (n,).
        blocks: Shape (n,), to which block each belongs; blocks are taken to be independent, their values are not.

    Source:
        The sandwich estimator for a mean: squared block sums of deviations, times b / (b - 1) for b blocks.
    """
    mean = float(values.mean())
    _, places = np.unique(blocks, return_inverse=True)
    sums = np.bincount(places, weights=values - mean)
    count = len(sums)
    scale = count / (count - 1) if count > 1 else float("nan")
    return BlockMean(mean, float(np.sqrt(scale * (sums**2).sum())) / len(values), count, len(values))


def survive_holm(differences: Sequence[BlockMean]) -> list[bool]:
    """Return which differences are still shown when the chance of any false one among all is kept to 5 %.

    Source:
        Holm (1979): the smallest p-value is held against 0.05 / m, the next against 0.05 / (m - 1), until one fails.
    """
    p_values = np.array([difference.p_value() for difference in differences])
    order = np.argsort(p_values, kind="stable")
    limits = FAMILY_ERROR_MAX / (len(order) - np.arange(len(order)))
    survives = np.zeros(len(order), dtype=np.bool_)
    survives[order] = np.cumprod(p_values[order] <= limits).astype(np.bool_)
    return [bool(flag) for flag in survives]


def compare(forecasts: Mapping[str, Floats], *, reference: str, results: Counts, blocks: Counts) -> list[Line]:
    """Score forecasters on the same matches and hold each against the reference.

    Args:
        forecasts: Shape (n_matches, n_outcomes) by forecaster.
        reference: Which of them the others are held against.
        results: Shape (n_matches,), the outcome that came true.
        blocks: Shape (n_matches,).
    """
    scores = {
        name: {metric: score(each, results) for metric, score in METRICS.items()} for name, each in forecasts.items()
    }
    differences = {
        name: {metric: block_mean(each[metric] - scores[reference][metric], blocks) for metric in METRICS}
        for name, each in scores.items()
        if name != reference
    }
    keys = [(name, metric) for name, each in differences.items() if not _is_same(each) for metric in JUDGED]
    survivors = dict(zip(keys, survive_holm([differences[name][metric] for name, metric in keys]), strict=True))
    return [
        Line(
            name,
            {metric: float(values.mean()) for metric, values in scores[name].items()},
            differences.get(name, {}),
            "reference" if name == reference else _verdict(name, differences[name], survivors),
        )
        for name in forecasts
    ]


def _verdict(name: str, differences: Mapping[str, BlockMean], survivors: Mapping[tuple[str, str], bool]) -> str:
    """Say what is shown, by which score, and whether it is still shown among all comparisons of the table."""
    if _is_same(differences):
        return SAME
    shown = [metric for metric in JUDGED if differences[metric].is_shown]
    if not shown:
        return NOTHING_SHOWN
    parts = []
    for word, is_worse in (("worse", True), ("better", False)):
        metrics = [metric for metric in shown if (differences[metric].mean > 0.0) == is_worse]
        if metrics:
            names = [f"{metric}{'' if survivors[name, metric] else ALONE}" for metric in metrics]
            parts.append(f"{word} by {' and '.join(names)}")
    return ", ".join(parts)


def _is_same(differences: Mapping[str, BlockMean]) -> bool:
    return all(difference.is_same for difference in differences.values())
