"""The calibration plot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from studies.accuracy.metrics import Calibration, calibrate

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

RELIABILITY_BINS: Final = 12
BIAS_BINS: Final = 10
BARS: Final = 2.0
"""Error bars are so many standard errors either way."""
MARKERS: Final = "os^D"


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Forecasts of matches and what came of them.

    Attributes:
        probabilities: Shape (n_matches, n_outcomes).
        results: Shape (n_matches,).
    """

    probabilities: Floats
    results: Counts

    def calibration(self, bins: int) -> Calibration:
        """Return how all outcomes, taken together, were calibrated."""
        happened = np.arange(self.probabilities.shape[1]) == self.results[:, None]
        return calibrate(self.probabilities.ravel(), happened.ravel(), bins=bins)


def draw_calibration(path: Path, *, reliability: Mapping[str, Forecast], bias: Mapping[str, Forecast]) -> None:
    """Draw one reliability curve a forecaster, and what is left over by margin method, side by side."""
    with mpl.rc_context(
        {"svg.hashsalt": path.stem, "font.size": 9.0, "axes.spines.top": False, "axes.spines.right": False}
    ):
        figure = Figure(figsize=(12.0, 3.9), layout="constrained", facecolor="white")
        axes = figure.subplots(1, len(reliability) + 1, width_ratios=[1.0] * len(reliability) + [1.6])
        for axis, (name, forecast) in zip(axes, reliability.items(), strict=False):
            _draw_reliability(axis, name, forecast)
        _draw_bias(axes[-1], bias)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})


def _draw_reliability(axis: Axes, name: str, forecast: Forecast) -> None:
    found = forecast.calibration(RELIABILITY_BINS)
    axis.plot([0.0, 1.0], [0.0, 1.0], color="0.6", linewidth=0.8)
    bars = BARS * found.standard_errors
    axis.errorbar(found.forecast_means, found.frequencies, yerr=bars, fmt="o", markersize=3.5, linewidth=1.0)
    axis.set(title=f"{name}\n{len(forecast.results):,} matches", xlabel="forecast", ylabel="came true")
    axis.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0), aspect="equal")


def _draw_bias(axis: Axes, bias: Mapping[str, Forecast]) -> None:
    """Give every bin the same room: equal counts crowd around the even chances."""
    axis.axhline(0.0, color="0.6", linewidth=0.8)
    places = np.arange(BIAS_BINS)
    for method, (name, forecast) in enumerate(bias.items()):
        found = forecast.calibration(BIAS_BINS)
        axis.errorbar(
            places + 0.17 * (method - (len(bias) - 1) / 2.0),
            100.0 * (found.frequencies - found.forecast_means),
            yerr=100.0 * BARS * found.standard_errors,
            fmt=MARKERS[method],
            markersize=3.5,
            linewidth=0.8,
            label=name,
        )
        axis.set_xticks(places, [f"{mean:.2f}" for mean in found.forecast_means])
    matches = len(next(iter(bias.values())).results)
    axis.set(title=f"Bet365 by margin method\n{matches:,} matches", xlabel="forecast, in tenths of all prices")
    axis.set_ylabel("came true less forecast, percentage points")
    axis.legend(frameon=False, fontsize=7.5, ncols=2, loc="lower left")
