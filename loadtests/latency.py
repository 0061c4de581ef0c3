"""Latencies as HDR histograms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hdrh.histogram import HdrHistogram

LOWEST_US = 1
HIGHEST_US = 600_000_000
SIGNIFICANT_DIGITS = 3


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """What is told of a histogram; milliseconds."""

    count: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float


def summarise(latencies_us: Iterable[int]) -> LatencySummary:
    """Return the summary of latencies in microseconds; values out of range count as the nearest bound."""
    histogram = HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)
    for latency_us in latencies_us:
        histogram.record_value(min(max(latency_us, LOWEST_US), HIGHEST_US))
    p50, p90, p99, p999 = (histogram.get_value_at_percentile(p) / 1_000 for p in (50.0, 90.0, 99.0, 99.9))
    return LatencySummary(histogram.get_total_count(), p50, p90, p99, p999, histogram.get_max_value() / 1_000)
