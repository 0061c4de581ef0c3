"""Play match days one after another, paced by the clock, through the public doors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog

from kernel.clock import Clock
from overround.odds.v1 import fixture_pb2
from simulation.crowd import Crowd
from simulation.day import DayEvent, MatchDay, SimulatedFixture, generate_day
from simulation.feeder import Feeder
from simulation.messages import build_update
from simulation.providers import PROFILES

SPORT = "football"
SEQUENCES_PER_SECOND = 1_000_000
LATE_S = 2.0
REPORT_INTERVAL_S = 30.0
LAST_MESSAGES_LIMIT_S = 30.0
# A gateway that comes back is found within two seconds, one that hangs within ten.
CHANNEL_OPTIONS = (
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """What to play and where."""

    # host:port of the public gRPC door.
    target: str
    provider_api_keys: Mapping[str, str]
    player_password: str
    # Where the day being played is noted, so that a restart goes on with it.
    state_path: Path
    seed: int
    # Seconds of the match day that pass in one second.
    speed: float
    match_count: int
    population: int
    # Days to play; None for no end.
    days_max: int | None


@dataclass(frozen=True, slots=True)
class PlayedDay:
    """Which day is being played, and since when."""

    seed: int
    started_time_us: int

    @property
    def day_id(self) -> str:
        """Return what names the day's fixtures."""
        return f"{self.seed}-{self.started_time_us // 1_000_000}"


async def play_days(plan: SimulationPlan, clock: Clock, *, is_playing: asyncio.Event) -> None:
    """Play day after day; a day interrupted by a restart goes on where the clock stands.

    Args:
        plan: What to play and where.
        clock: What paces it.
        is_playing: Set once every provider has been let in and a day has begun.
    """
    async with grpc.aio.insecure_channel(plan.target, options=CHANNEL_OPTIONS) as channel:
        feeders = [
            Feeder(channel, provider_id=profile.provider_id, api_key=plan.provider_api_keys[profile.provider_id])
            for profile in PROFILES
        ]
        crowd = Crowd(channel, name_prefix="sim.", password=plan.player_password, population=plan.population)
        tasks = [asyncio.create_task(feeder.run()) for feeder in feeders]
        tasks += [asyncio.create_task(crowd.watch_books()), asyncio.create_task(report_answers(crowd))]
        try:
            await play_in_turn(plan, clock, feeders, crowd, is_playing)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await crowd.stop()


async def play_in_turn(
    plan: SimulationPlan, clock: Clock, feeders: list[Feeder], crowd: Crowd, is_playing: asyncio.Event
) -> None:
    """Play the noted day to its end, then the ones after it."""
    played = load_played_day(plan.state_path)
    for feeder in feeders:
        await feeder.first_answer.wait()
    is_playing.set()
    seed, days_done = plan.seed, 0
    while plan.days_max is None or days_done < plan.days_max:
        if played is None:
            played = PlayedDay(seed, clock.now_us())
            save_played_day(plan.state_path, played)
        day = generate_day(
            seed=played.seed, day_id=played.day_id, match_count=plan.match_count, population=plan.population
        )
        log.info("simulation.day_started", seed=day.seed, day_id=played.day_id, fixtures=len(day.fixtures))
        await DayPlayer(plan, clock, day=day, played=played, feeders=feeders, crowd=crowd).play()
        plan.state_path.unlink(missing_ok=True)
        seed, played, days_done = played.seed + 1, None, days_done + 1


class DayPlayer:
    """Plays one day."""

    def __init__(
        self,
        plan: SimulationPlan,
        clock: Clock,
        *,
        day: MatchDay,
        played: PlayedDay,
        feeders: list[Feeder],
        crowd: Crowd,
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._day = day
        self._played = played
        self._feeders = feeders
        self._crowd = crowd
        self._descriptions = [self._describe(fixture) for fixture in day.fixtures]
        # Sequences follow from the day and the place in it: what is sent again after a restart is known as the same.
        self._sequence = played.started_time_us // 1_000_000 * SEQUENCES_PER_SECOND

    async def play(self) -> None:
        """Send every event at its time; what a restart missed is skipped, except what counts for settlement."""
        silence = asyncio.create_task(self._keep_silences())
        try:
            late_s_max = LATE_S * self._plan.speed
            for event in self._day.events(quoted_from_s=self._now_s() - late_s_max):
                self._sequence += 1
                late_s = self._now_s() - event.time_s
                await asyncio.sleep(max(0.0, -late_s / self._plan.speed))
                self._deliver(event, is_late=late_s > late_s_max)
            await asyncio.sleep(max(0.0, min(LAST_MESSAGES_LIMIT_S, self._day.duration_s - self._now_s())))
        finally:
            silence.cancel()
            with suppress(asyncio.CancelledError):
                await silence

    def _deliver(self, event: DayEvent, *, is_late: bool) -> None:
        fixture = self._day.fixtures[event.fixture]
        if event.arrival is not None and not is_late:
            self._crowd.arrive(event.arrival, fixture.fixture_id, fixture.timeline)
        if event.report is not None and event.provider is not None and (event.report.results or not is_late):
            update = build_update(
                event.report,
                self._descriptions[event.fixture],
                fixture_id=fixture.fixture_id,
                sequence=self._sequence,
                time_ms=self._wall_time_ms(event.time_s),
            )
            self._feeders[event.provider].push(update)

    async def _keep_silences(self) -> None:
        while True:
            for provider, feeder in enumerate(self._feeders):
                feeder.be_silent(self._day.is_silent(provider, self._now_s()))
            await asyncio.sleep(1.0)

    def _now_s(self) -> float:
        return (self._clock.now_us() - self._played.started_time_us) / 1e6 * self._plan.speed

    def _wall_time_ms(self, time_s: float) -> int:
        return self._played.started_time_us // 1_000 + int(time_s * 1_000 / self._plan.speed)

    def _describe(self, fixture: SimulatedFixture) -> fixture_pb2.FixtureDescription:
        return fixture_pb2.FixtureDescription(
            sport=SPORT,
            competition=fixture.competition,
            home_name=fixture.timeline.home_name,
            away_name=fixture.timeline.away_name,
            start_time_ms=self._wall_time_ms(fixture.kick_off_s),
        )


async def report_answers(crowd: Crowd) -> None:
    """Log what the bettors were answered, now and then."""
    while True:
        await asyncio.sleep(REPORT_INTERVAL_S)
        log.info("simulation.bets_answered", **dict(crowd.answers))


def load_played_day(path: Path) -> PlayedDay | None:
    """Return the day that was being played when the simulation stopped, None where there is none."""
    try:
        noted = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return PlayedDay(seed=int(noted["seed"]), started_time_us=int(noted["started_time_us"]))


def save_played_day(path: Path, played: PlayedDay) -> None:
    """Note the day being played."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"seed": played.seed, "started_time_us": played.started_time_us}))
