"""Margin methods on one pinned core, beside the packages that do the same: `python -m tests.bench.margin_methods`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from odds.ladder.steps import FINE_LADDER
from odds.margin.application import apply_margin
from odds.margin.methods import MarginMethod
from odds.margin.quoting import quote_rows
from odds.margin.removal import remove_margin
from tests.bench import peers

BOOKS = 100_000
ONE_BOOK = np.array([[2.6, 2.4, 4.3]])
RUNS_BATCH, RUNS_SINGLE, CALLS = 15, 150, 30


def main() -> None:
    """Print the table."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    random = np.random.default_rng(1)
    fair = make_books(random, outcomes=3)
    one_fair = remove_margin(ONE_BOOK, method=MarginMethod.POWER).probabilities
    odds = 1.0 / apply_margin(fair, overrounds=random.uniform(1.01, 1.1, BOOKS)).probabilities
    sys.stdout.write("| 3-way books | batch of 100,000 | one book, single call |\n|---|---|---|\n")
    for method in MarginMethod:
        report_method(f"take out, {method.value}", partial(remove_margin, method=method), odds, ONE_BOOK)
    for method in MarginMethod:
        report_method(f"put on, {method.value}", partial(apply_margin, overrounds=1.05, method=method), fair, one_fair)
    report_method(
        "put on, round, check",
        lambda rows: quote_rows(rows, overrounds=np.full(len(rows), 1.05), ladder=FINE_LADDER),
        fair,
        one_fair,
    )
    report_wide_and_ragged(random)
    report_peers([float(price) for price in ONE_BOOK[0]])


def make_books(random: np.random.Generator, *, outcomes: int, books: int = BOOKS) -> NDArray[np.float64]:
    """Return fair books from certain favourites to open races, none below one in fifty an even share."""
    return np.asarray(0.98 * random.dirichlet(np.ones(outcomes), books) + 0.02 / outcomes)


def report_method(
    name: str,
    work: Callable[[NDArray[np.float64]], object],
    rows: NDArray[np.float64],
    one: NDArray[np.float64] | None = None,
) -> None:
    """Print one line."""
    batch_s = best_s(lambda: work(rows), runs=RUNS_BATCH)
    single = "" if one is None else f"{best_s(lambda: work(one), runs=RUNS_SINGLE, calls=CALLS) * 1e6:.1f} us"
    sys.stdout.write(f"| {name} | {len(rows) / batch_s / 1e6:.2f} M/s | {single} |\n")


def report_wide_and_ragged(random: np.random.Generator) -> None:
    """Print what padding, bad rows and many outcomes cost."""
    fair = make_books(random, outcomes=8)
    lengths = random.integers(2, 9, BOOKS)
    fair[np.arange(8) >= lengths[:, None]] = np.nan
    fair /= np.nansum(fair, axis=1, keepdims=True)
    odds = 1.0 / apply_margin(fair, overrounds=1.05).probabilities
    odds[::100] = 0.5
    wide = 1.0 / apply_margin(make_books(random, outcomes=500, books=500), overrounds=1.4).probabilities
    for method in (MarginMethod.SHIN, MarginMethod.ODDS_RATIO):
        report_method(
            f"take out, {method.value}, 2 to 8 outcomes, one row in a hundred bad",
            partial(remove_margin, method=method),
            odds,
        )
        report_method(
            f"take out, {method.value}, 500 outcomes, batch of 500",
            partial(remove_margin, method=method),
            wide,
        )


def report_peers(book: list[float]) -> None:
    """Print what other packages take for one book: they know no batch."""
    for name, method in peers.MARGIN_METHODS.items():
        single_s = best_s(partial(method, book), runs=RUNS_SINGLE, calls=CALLS)
        sys.stdout.write(f"| {name} | {1e-6 / single_s:.3f} M/s, one by one | {single_s * 1e6:.1f} us |\n")


def best_s(work: Callable[[], object], *, runs: int, calls: int = 1) -> float:
    """Return the shortest time of some runs, a call; the shortest is the least disturbed."""
    work()
    times = []
    for _ in range(runs):
        begun_s = time.perf_counter()
        for _ in range(calls):
            work()
        times.append((time.perf_counter() - begun_s) / calls)
    return min(times)


if __name__ == "__main__":
    main()
