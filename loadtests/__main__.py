"""`make bench`: start a fresh system, load it, print and keep what was measured."""

from __future__ import annotations

import asyncio
import statistics
from typing import Annotated

import typer
from rich.console import Console
from rich.status import Status

from infra.settings import Settings
from infra.terminal import use_plain_signs
from loadtests.report import SETTLING_TABLE, SPINS_TABLE, Line, keep, show
from loadtests.scenarios import (
    RECORDING,
    BetFigures,
    FeedFigures,
    Say,
    SettlingFigures,
    SpinFigures,
    load_bets,
    load_bets_beside_settling,
    load_feed,
    load_spins,
    replay_rates,
)
from loadtests.system import bench_settings, fresh_system, memory_bytes

WATCHERS = 1
BETS_PER_SECOND = 200.0
SPINS_PER_SECOND = 200.0
SETTLING_ROUNDS = 3
SETTLING_P99_SHARE_MAX = 1.2
MEMORY_GB_MAX = 3.0
WARM_START_S_MAX = 30.0
REPLAY_RATE_MIN = 30_000


def main(
    *,
    feed_s: Annotated[float, typer.Option(help="Seconds of each feed run.", min=1)] = 60.0,
    bets_s: Annotated[float, typer.Option(help="Seconds of bets.", min=1)] = 120.0,
    spins_s: Annotated[float, typer.Option(help="Seconds of spins.", min=1)] = 60.0,
    only_spins: Annotated[bool, typer.Option("--only-spins", help="Only spins.")] = False,
    only_settling: Annotated[bool, typer.Option("--only-settling", help="Only bets beside a settlement.")] = False,
    keep_figures: Annotated[bool, typer.Option("--keep/--no-keep", help="Write docs/benchmarks.md.")] = True,
) -> None:
    """Measure the whole system on this machine."""
    use_plain_signs()
    console = Console()
    settings = bench_settings()
    if not (only_settling or only_spins):
        _measure_system(console, settings, feed_s=feed_s, bets_s=bets_s, keep_figures=keep_figures)
    if not only_settling:
        _measure_spins(console, settings, seconds=spins_s, keep_figures=keep_figures)
    if not only_spins:
        _measure_settling(console, settings, keep_figures=keep_figures)


def _measure_spins(console: Console, settings: Settings, *, seconds: float, keep_figures: bool) -> None:
    with console.status("starting a fresh system") as status, fresh_system(settings):
        say = _progress(console, status)
        figures = asyncio.run(load_spins(settings, rate=SPINS_PER_SECOND, seconds=seconds, say=say))
    lines = [_spin_line(figures)]
    show(lines, console)
    if keep_figures:
        keep(lines, table=SPINS_TABLE)


def _measure_settling(console: Console, settings: Settings, *, keep_figures: bool) -> None:
    with console.status("starting a fresh system") as status, fresh_system(settings):
        say = _progress(console, status)
        figures = asyncio.run(
            load_bets_beside_settling(settings, rate=BETS_PER_SECOND, rounds=SETTLING_ROUNDS, say=say)
        )
    lines = [_settling_line(figures)]
    show(lines, console)
    if keep_figures:
        keep(lines, table=SETTLING_TABLE)


def _measure_system(console: Console, settings: Settings, *, feed_s: float, bets_s: float, keep_figures: bool) -> None:
    with console.status("starting a fresh system") as status, fresh_system(settings) as start_s:
        say = _progress(console, status)
        say(f"fresh system up after {start_s:.1f} s")
        slow = asyncio.run(load_feed(settings, rate=200, seconds=feed_s, watchers=WATCHERS, say=say))
        fast = asyncio.run(load_feed(settings, rate=1_000, seconds=feed_s, watchers=WATCHERS, say=say))
        bets = asyncio.run(load_bets(settings, rate=BETS_PER_SECOND, seconds=bets_s, say=say))
        memory = memory_bytes(settings)
    lines = [
        _feed_line(slow, p50_ms=8, p99_ms=30),
        _feed_line(fast, p50_ms=15, p99_ms=60),
        _bet_line(bets),
        *_replay_lines(console),
        _memory_line(memory),
        Line(
            "start of all processes on empty data",
            f"{start_s:.1f} s",
            f"<= {WARM_START_S_MAX:.0f} s",
            start_s <= WARM_START_S_MAX,
        ),
    ]
    show(lines, console)
    if keep_figures:
        keep(lines)


def _progress(console: Console, status: Status) -> Say:
    def say(text: str) -> None:
        console.print(f"· {text}", highlight=False)
        status.update(text)

    return say


def _feed_line(figures: FeedFigures, *, p50_ms: float, p99_ms: float) -> Line:
    latency = figures.latency
    measured = f"p50 {latency.p50_ms:.1f}, p99 {latency.p99_ms:.1f}, max {latency.max_ms:.0f} ms"
    if figures.missing:
        measured += f", {figures.missing} missing"
    return Line(
        f"feed append to book on a client's stream, {figures.rate:.0f} updates/s of 60 prices",
        measured,
        f"p50 <= {p50_ms:.0f} ms, p99 <= {p99_ms:.0f} ms",
        latency.p50_ms <= p50_ms and latency.p99_ms <= p99_ms and not figures.missing,
    )


def _bet_line(figures: BetFigures) -> Line:
    latency, accepted = figures.latency, figures.answers.get("ACCEPTED", 0)
    others = ", ".join(f"{count} {answer}" for answer, count in figures.answers.items() if answer != "ACCEPTED")
    measured = (
        f"{accepted} accepted{f' ({others})' if others else ''}, p50 {latency.p50_ms:.1f}, "
        f"p99 {latency.p99_ms:.1f} ms, {figures.lost} lost, {figures.doubled} doubled"
    )
    is_reached = latency.p99_ms <= 100 and not figures.lost and not figures.doubled and accepted == latency.count
    return Line(
        f"single bets, {figures.rate:.0f}/s, durable, beside 200 feed updates/s",
        measured,
        "p99 <= 100 ms, none lost, none doubled",
        is_reached,
    )


def _spin_line(figures: SpinFigures) -> Line:
    latency, played = figures.latency, figures.answers.get("PLAYED", 0)
    others = ", ".join(f"{count} {answer}" for answer, count in figures.answers.items() if answer != "PLAYED")
    measured = (
        f"{played} played{f' ({others})' if others else ''}, p50 {latency.p50_ms:.1f}, p99 {latency.p99_ms:.1f} ms, "
        f"{figures.lost} lost, {figures.doubled} doubled"
    )
    is_reached = latency.p99_ms <= 50 and not figures.lost and not figures.doubled and played == latency.count
    return Line(
        f"own slot spins through the gateway, {figures.rate:.0f}/s, durable",
        measured,
        "p99 <= 50 ms, none lost, none doubled",
        is_reached,
    )


def _settling_line(figures: SettlingFigures) -> Line:
    alone, beside = figures.alone, figures.beside
    share = beside.p99_ms / alone.p99_ms
    refused = sum(count for answer, count in figures.answers.items() if answer != "ACCEPTED")
    settling = ", ".join(f"{seconds:.1f}" for seconds in figures.settling_s)
    return Line(
        f"bets of others, {BETS_PER_SECOND:.0f}/s, while one market of {figures.bet_count:,} bets settles",
        f"p50 {beside.p50_ms:.1f}, p99 {beside.p99_ms:.1f} ms of {beside.count} bets; alone {alone.p50_ms:.1f}, "
        f"{alone.p99_ms:.1f} ms: {share:.2f}x; {refused} refused; settled in {settling} s",
        f"p99 within {SETTLING_P99_SHARE_MAX:.1f}x",
        share <= SETTLING_P99_SHARE_MAX and not refused,
    )


def _replay_lines(console: Console) -> list[Line]:
    if not RECORDING.exists():
        console.print(f"· no replay: {RECORDING} is not there", highlight=False)
        return []
    rate = statistics.median(replay_rates())
    return [
        Line(
            "recorded cricket market through adapter and normaliser",
            f"{rate:,.0f} updates/s",
            f">= {REPLAY_RATE_MIN:,} updates/s",
            rate >= REPLAY_RATE_MIN,
        )
    ]


def _memory_line(memory: dict[str, int]) -> Line:
    total_gb = sum(memory.values()) / 1e9
    largest = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in sorted(memory.items(), key=lambda i: -i[1])[:4])
    return Line(
        "resident memory of the whole system after the load",
        f"{total_gb:.2f} GB ({largest} MB ...)",
        f"<= {MEMORY_GB_MAX:.0f} GB",
        total_gb <= MEMORY_GB_MAX,
    )


if __name__ == "__main__":
    typer.run(main)
