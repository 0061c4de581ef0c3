"""`overround simulate`: play match days against a running system."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

from infra.processes.health import configure_logging
from infra.processes.simulation import plan_of
from infra.settings import Settings
from kernel.clock import SystemClock
from simulation.play import play_days


def run_simulation(
    settings: Settings, *, seed: int | None, speed: float | None, match_count: int | None, days: int
) -> None:
    """Play until the days are over or Ctrl-C; what is None is as the settings say."""
    configure_logging()
    plan = plan_of(settings, days_max=days)
    plan = replace(
        plan,
        state_path=plan.state_path.with_name("simulation-by-hand.json"),
        seed=plan.seed if seed is None else seed,
        speed=speed or plan.speed,
        match_count=match_count or plan.match_count,
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(play_days(plan, SystemClock(), is_playing=asyncio.Event()))
