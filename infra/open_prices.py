"""`overround open-prices`: the house's own opening prices, from past results, through the feed door.

A market opens before anybody else has quoted it. The house is a provider like others: it counts for little in the blend
once others quote (`sharpness_by_provider`), settles nothing, and says nothing of a match from its start on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import grpc
import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.feeds.refusals import FeedRefused
from gateway.feeds.validation import UpdateValidator
from infra.local.secrets import HOUSE_PROVIDER, LocalSecrets
from infra.past_results import FileRefused, FixtureToCome, read_fixtures, read_results
from infra.settings import Settings
from kernel.clock import Clock, SystemClock
from kernel.errors import DomainError
from markets.fixture import FOOTBALL
from odds.models.football.goal_family import GoalFamily
from odds.models.football.goal_models import FittedGoalModel, GoalModelSpec, fit_goal_model
from odds.models.football.opening import opening_chances, opening_layout
from odds.models.football.score_grids import Floats
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2, fixture_pb2
from simulation.feeder import Feeder
from simulation.play import CHANNEL_OPTIONS
from wire.feed import build_quotes

AGAIN_S: Final = 1_800.0
"""Quotes count for less the older they are, and not at all after some hours: they are told again."""
DOOR_LIMIT_S: Final = 20.0
CHANCE_MIN: Final = 1e-6
"""Less makes odds that no door takes; much less makes odds that no column holds."""


class OpeningImpossible(Exception):
    """Nothing can be opened now; the message says what would help."""


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """What the house thinks of fixtures to come.

    Attributes:
        fixtures: Those it can open.
        chances: Fair probabilities, shape (n_fixtures, n_outcomes), columns as `opening_layout`'s.
        left_out: The others, and why.
    """

    fixtures: tuple[FixtureToCome, ...]
    chances: Floats
    left_out: tuple[tuple[FixtureToCome, str], ...]


def open_fixtures(model: FittedGoalModel, fixtures: Sequence[FixtureToCome], *, now_us: int) -> Opening:
    """Return what a model thinks of fixtures."""
    teams, validator = set(model.teams), UpdateValidator()
    opened: list[FixtureToCome] = []
    rows: list[Floats] = []
    left_out: list[tuple[FixtureToCome, str]] = []
    for fixture in fixtures:
        if not {fixture.home_name, fixture.away_name} <= teams:
            left_out.append((fixture, "a team without past results"))
        elif _has_begun(fixture, now_us):
            left_out.append((fixture, "has begun"))
        else:
            (chances,) = opening_chances(model, [fixture.home_name], [fixture.away_name])
            update = build_opening(fixture, chances, now_us=now_us)
            update.provider_id = HOUSE_PROVIDER
            try:
                validator.check(update)  # what the door would refuse is no opening
            except FeedRefused as refusal:
                left_out.append((fixture, refusal.message))
            else:
                opened.append(fixture)
                rows.append(chances)
    return Opening(tuple(opened), np.array(rows).reshape(-1, opening_layout().outcome_count), tuple(left_out))


def build_opening(fixture: FixtureToCome, chances: Floats, *, now_us: int) -> feed_pb2.FeedUpdate:
    """Return what the house says of a fixture: fair prices, for margin is put on by pricing."""
    layout = opening_layout()
    description = fixture_pb2.FixtureDescription(
        sport=FOOTBALL,
        competition=fixture.competition,
        home_name=fixture.home_name,
        away_name=fixture.away_name,
        start_time_ms=round(fixture.start.timestamp() * 1_000),
    )
    return feed_pb2.FeedUpdate(
        fixture_id=fixture.fixture_id,
        sequence=now_us,
        provider_time_ms=now_us // 1_000,
        description=description,
        state=fixture_pb2.MatchState(status=fixture_pb2.FIXTURE_STATUS_PRE_MATCH),
        quotes=build_quotes(
            layout,
            market_statuses=np.full(layout.market_count, book_pb2.MARKET_STATUS_OPEN, dtype=np.uint8),
            decimal_odds_milli=np.round(1_000.0 / np.maximum(chances, CHANCE_MIN)).astype(np.uint32),
            is_snapshot=True,
        ),
    )


def _has_begun(fixture: FixtureToCome, now_us: int) -> bool:
    return fixture.start.timestamp() * 1_000_000 <= now_us


async def tell(opening: Opening, push: Callable[[feed_pb2.FeedUpdate], None], clock: Clock) -> None:
    """Tell the opening prices again and again, each until its match begins."""
    waiting = list(zip(opening.fixtures, opening.chances, strict=True))
    while waiting:
        now_us = clock.now_us()
        waiting = [item for item in waiting if not _has_begun(item[0], now_us)]
        for place, (fixture, chances) in enumerate(waiting):
            push(build_opening(fixture, chances, now_us=now_us + place))
        await asyncio.sleep(AGAIN_S)


def run_open_prices(
    settings: Settings,
    console: Console,
    *,
    results: Sequence[Path],
    fixtures: Path,
    family: GoalFamily,
    half_life_days: float,
    hold_s: float | None,
) -> int:
    """Fit a model, show what it opens at, and tell it until all have begun, or for so long; return the exit code."""
    try:
        clock = SystemClock()
        now_us = clock.now_us()
        today = datetime.fromtimestamp(now_us / 1_000_000, UTC).date()
        past = read_results(results, today=today, half_life_days=half_life_days)
        opening = open_fixtures(fit_goal_model(past, GoalModelSpec(family)), read_fixtures(fixtures), now_us=now_us)
        console.print(_table_of(opening))
        if opening.fixtures:
            asyncio.run(_push(opening, settings, clock, hold_s=hold_s))
    except (DomainError, FileRefused, OpeningImpossible) as error:
        console.print(f"[red]✗[/red] {escape(str(error))}", highlight=False)
        return 1
    return 0 if opening.fixtures else 1


async def _push(opening: Opening, settings: Settings, clock: Clock, *, hold_s: float | None) -> None:
    target = f"{settings.host}:{settings.ports.web}"
    api_key = LocalSecrets.load(settings).provider_api_keys[HOUSE_PROVIDER]
    async with grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS) as channel:
        feeder = Feeder(channel, provider_id=HOUSE_PROVIDER, api_key=api_key)
        running = asyncio.create_task(feeder.run())
        try:
            async with asyncio.timeout(DOOR_LIMIT_S):
                await feeder.first_answer.wait()
            with suppress(TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(hold_s):
                    await tell(opening, feeder.push, clock)
            async with asyncio.timeout(DOOR_LIMIT_S):
                await feeder.is_drained.wait()
        except TimeoutError as error:
            message = f"The feed door at {target} did not take what {HOUSE_PROVIDER!r} says within {DOOR_LIMIT_S:.0f} s"
            raise OpeningImpossible(f"{message}: see `overround status`") from error
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def _table_of(opening: Opening) -> Table:
    table = Table(title=f"{len(opening.fixtures)} opened")
    for name in ("fixture", "home", "draw", "away"):
        table.add_column(name, justify="left" if name == "fixture" else "right")
    for fixture, chances in zip(opening.fixtures, opening.chances, strict=True):
        table.add_row(
            escape(f"{fixture.home_name} v {fixture.away_name}"), *(f"{1.0 / chance:.2f}" for chance in chances[:3])
        )
    for fixture, why in opening.left_out:
        table.add_row(escape(f"{fixture.home_name} v {fixture.away_name}"), escape(why), "", "")
    return table
