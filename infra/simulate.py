"""`overround simulate`: play match days against a running system."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Annotated

import typer

from infra.processes.health import configure_logging
from infra.processes.simulation import plan_of
from infra.settings import load_settings
from kernel.clock import SystemClock
from simulation.play import play_days


def simulate(
    *,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed, another day.")] = None,
    speed: Annotated[float | None, typer.Option(min=0.1, max=1_000, help="Times the speed of life.")] = None,
    matches: Annotated[int | None, typer.Option(min=1, max=1_000, help="Matches a day.")] = None,
    days: Annotated[int, typer.Option(min=1, help="Days to play.")] = 1,
) -> None:
    """Play simulated match days; start the system with `overround up --without-simulation` first."""
    configure_logging()
    plan = plan_of(load_settings(), days_max=days)
    plan = replace(
        plan,
        state_path=plan.state_path.with_name("simulation-by-hand.json"),
        seed=plan.seed if seed is None else seed,
        speed=speed or plan.speed,
        match_count=matches or plan.match_count,
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(play_days(plan, SystemClock(), is_playing=asyncio.Event()))
