"""`overround simulate`: play match days against a running system, and show how they go."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from infra.local.state import read_running
from infra.processes.health import configure_logging
from infra.processes.simulation import plan_of
from infra.settings import Settings
from kernel.clock import SystemClock
from simulation.crowd import ACCEPTED, PLAYED
from simulation.day import MatchDay
from simulation.play import Playing, SimulationPlan, play_days

PROGRAM: Final = "simulation"
DOOR_LIMIT_S: Final = 20.0
SHOW_INTERVAL_S: Final = 0.2


class SimulationImpossible(Exception):
    """Nothing can be played now; the message says what would help."""


def run_simulation(
    settings: Settings,
    console: Console,
    *,
    seed: int | None,
    speed: float | None,
    match_count: int | None,
    days: int,
) -> int:
    """Play until the days are over or Ctrl-C, and show what came of it; return the exit code.

    What is None is as the settings say. A day that was stopped goes on when the same is asked for again.
    """
    try:
        _expect_alone(settings)
        plan = plan_of(settings, days_max=days)
        plan = replace(
            plan,
            seed=plan.seed if seed is None else seed,
            speed=speed or plan.speed,
            match_count=match_count or plan.match_count,
        )
        playing = asyncio.run(_play(plan, console))
    except SimulationImpossible as error:
        console.print(f"[red]✗[/red] {escape(str(error))}", highlight=False)
        return 1
    console.print(_table_of(playing, is_stopped=playing.days_done < days))
    return 0


def _expect_alone(settings: Settings) -> None:
    """Two days at once would send as the same providers."""
    running = read_running(settings.profile_dir)
    if running is None:
        raise SimulationImpossible("Nothing runs to play against: start it with `overround up --without-simulation`")
    own = running.find(PROGRAM)
    if own is not None and own.pid is not None:
        raise SimulationImpossible(
            f"The system plays match days of its own: end that with `overround stop {PROGRAM}` first"
        )


async def _play(plan: SimulationPlan, console: Console) -> Playing:
    playing = Playing()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[news]}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        configure_logging(logging.WARNING)  # what goes wrong is written above the bar, which shows the rest
        bar = progress.add_task("waiting to be let in at the feed door", total=None, news="")
        days = asyncio.create_task(play_days(plan, SystemClock(), playing))
        deadline_s = time.monotonic() + DOOR_LIMIT_S
        try:
            while not days.done():
                await asyncio.wait((days,), timeout=SHOW_INTERVAL_S)
                if player := playing.player:
                    title = f"day {min(playing.days_done + 1, plan.days_max or 1)}, seed {player.day.seed}"
                    news = _news_of(player.day, player.now_s(), playing)
                    progress.update(
                        bar, description=title, completed=player.now_s(), total=player.day.duration_s, news=news
                    )
                elif time.monotonic() > deadline_s:
                    raise SimulationImpossible(
                        f"The feed door at {plan.target} let no provider in within {DOOR_LIMIT_S:.0f} s: "
                        "see `overround status`"
                    )
            await days
        except asyncio.CancelledError:
            pass  # Ctrl-C: what was played is shown
        finally:
            days.cancel()
            await asyncio.gather(days, return_exceptions=True)
    return playing


def _news_of(day: MatchDay, now_s: float, playing: Playing) -> str:
    over = sum(fixture.kick_off_s + fixture.contest.duration_s <= now_s for fixture in day.fixtures)
    begun = sum(fixture.kick_off_s <= now_s for fixture in day.fixtures)
    taken = playing.answers[ACCEPTED]
    return f"{begun - over} in play, {over} of {len(day.fixtures)} over, {taken:,} bets"


def _table_of(playing: Playing, *, is_stopped: bool) -> Table:
    table = Table(title="stopped before the end" if is_stopped else "played", show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_row("days played to the end", f"{playing.days_done:,}")
    table.add_row("bets taken", f"{playing.answers[ACCEPTED]:,}")
    table.add_row("games played", f"{playing.answers[PLAYED]:,}")
    for reason, count in sorted(playing.answers.items()):
        if reason not in {ACCEPTED, PLAYED}:
            table.add_row(f"not taken: {reason}", f"{count:,}")
    return table
