"""Play match days one after another, paced by the clock, through the public doors."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
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

SEQUENCES_PER_SECOND = 1_000_000
LATE_S = 2.0
REPORT_INTERVAL_S = 30.0
LAST_MESSAGES_LIMIT_S = 10.0
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
    # Where the day being played is noted, so that the same plan goes on with it after a restart.
    state_path: Path
    seed: int
    # Seconds of the match day that pass in one second.
    speed: float
    match_count: int
    population: int
    # Days to play; None for no end.
    days_max: int | None

    @property
    def day_key(self) -> tuple[float, ...]:
        """Return what decides how a day goes on; a day noted under another is not gone on with."""
        return (self.seed, self.speed, self.match_count, self.population)


@dataclass(frozen=True, slots=True)
class PlayedDay:
    """Which day is being played, since when, and of which plan."""

    seed: int
    started_time_us: int
    day_key: tuple[float, ...]

    @property
    def day_id(self) -> str:
        """Return what names the day's fixtures."""
        return f"{self.seed}-{self.started_time_us // 1_000_000}"


@dataclass(slots=True)
class Playing:
    """What is being played, for whoever watches."""

    # Set once every provider has been let in and a day has begun.
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    player: DayPlayer | None = None
    days_done: int = 0
    answers: Counter[str] = field(default_factory=Counter)


async def play_days(plan: SimulationPlan, clock: Clock, playing: Playing) -> None:
    """Play day after day; a day interrupted by a restart goes on where the clock stands.

    Args:
        plan: What to play and where.
        clock: What paces it.
        playing: Kept up to date.
    """
    async with grpc.aio.insecure_channel(plan.target, options=CHANNEL_OPTIONS) as channel:
        feeders = [
            Feeder(channel, provider_id=profile.provider_id, api_key=plan.provider_api_keys[profile.provider_id])
            for profile in PROFILES
        ]
        crowd = Crowd(
            channel,
            name_prefix="sim.",
            password=plan.player_password,
            population=plan.population,
            answers=playing.answers,
        )
        tasks = [asyncio.create_task(feeder.run()) for feeder in feeders]
        tasks += [asyncio.create_task(crowd.watch_books()), asyncio.create_task(report_answers(crowd))]
        try:
            await play_in_turn(plan, clock, feeders, crowd, playing)
            await crowd.finish()
            await drain(feeders)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await crowd.stop()


async def play_in_turn(
    plan: SimulationPlan, clock: Clock, feeders: list[Feeder], crowd: Crowd, playing: Playing
) -> None:
    """Play the noted day to its end, then the ones after it."""
    played = load_played_day(plan)
    for feeder in feeders:
        await feeder.first_answer.wait()
    seed = plan.seed
    while plan.days_max is None or playing.days_done < plan.days_max:
        if played is None:
            played = PlayedDay(seed, clock.now_us(), plan.day_key)
            save_played_day(plan.state_path, played)
        day = generate_day(
            seed=played.seed, day_id=played.day_id, match_count=plan.match_count, population=plan.population
        )
        log.info("simulation.day_started", seed=day.seed, day_id=played.day_id, fixtures=len(day.fixtures))
        playing.player = DayPlayer(plan, clock, day=day, played=played, feeders=feeders, crowd=crowd)
        playing.has_begun.set()
        await playing.player.play()
        plan.state_path.unlink(missing_ok=True)
        playing.days_done += 1
        seed, played = played.seed + 1, None


async def drain(feeders: list[Feeder]) -> None:
    """Wait until everything sent is acknowledged; what is not in time is told and given up."""
    try:
        async with asyncio.timeout(LAST_MESSAGES_LIMIT_S):
            for feeder in feeders:
                await feeder.is_drained.wait()
    except TimeoutError:
        log.warning("simulation.last_messages_lost", after_s=LAST_MESSAGES_LIMIT_S)


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
        self.day = day
        self._plan = plan
        self._clock = clock
        self._played = played
        self._feeders = feeders
        self._crowd = crowd
        self._descriptions = [self._describe(fixture) for fixture in day.fixtures]
        # Sequences follow from the day and the place in it: what is sent again after a restart is known as the same.
        self._sequence = played.started_time_us // 1_000_000 * SEQUENCES_PER_SECOND

    def now_s(self) -> float:
        """Return the second of the day."""
        return (self._clock.now_us() - self._played.started_time_us) / 1e6 * self._plan.speed

    async def play(self) -> None:
        """Send every event at its time; what a restart missed is skipped, except what counts for settlement."""
        silence = asyncio.create_task(self._keep_silences())
        try:
            late_s_max = LATE_S * self._plan.speed
            for event in self.day.events(quoted_from_s=self.now_s() - late_s_max):
                self._sequence += 1
                late_s = self.now_s() - event.time_s
                await asyncio.sleep(max(0.0, -late_s / self._plan.speed))
                self._deliver(event, is_late=late_s > late_s_max)
            await asyncio.sleep(max(0.0, self.day.duration_s - self.now_s()) / self._plan.speed)
        finally:
            silence.cancel()
            with suppress(asyncio.CancelledError):
                await silence
            for feeder in self._feeders:
                feeder.be_silent(is_silent=False)

    def _deliver(self, event: DayEvent, *, is_late: bool) -> None:
        fixture = self.day.fixtures[event.fixture]
        if event.arrival is not None and not is_late:
            self._crowd.arrive(event.arrival, fixture.fixture_id, fixture.contest)
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
                feeder.be_silent(is_silent=self.day.is_silent(provider, self.now_s()))
            await asyncio.sleep(1.0)

    def _wall_time_ms(self, time_s: float) -> int:
        return self._played.started_time_us // 1_000 + int(time_s * 1_000 / self._plan.speed)

    def _describe(self, fixture: SimulatedFixture) -> fixture_pb2.FixtureDescription:
        return fixture_pb2.FixtureDescription(
            sport=fixture.contest.sport,
            competition=fixture.competition,
            home_name=fixture.contest.home_name,
            away_name=fixture.contest.away_name,
            start_time_ms=self._wall_time_ms(fixture.kick_off_s),
            participants=[fixture_pb2.Participant(id=key, name=name) for key, name in fixture.contest.participants],
        )


async def report_answers(crowd: Crowd) -> None:
    """Log what the bettors were answered, now and then."""
    while True:
        await asyncio.sleep(REPORT_INTERVAL_S)
        log.info("simulation.bets_answered", **dict(crowd.answers))


def load_played_day(plan: SimulationPlan) -> PlayedDay | None:
    """Return the day that this plan was playing when it stopped, None where there is none."""
    try:
        noted = json.loads(plan.state_path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    if tuple(noted.get("day_key", ())) != plan.day_key:
        return None
    return PlayedDay(int(noted["seed"]), int(noted["started_time_us"]), plan.day_key)


def save_played_day(path: Path, played: PlayedDay) -> None:
    """Note the day being played, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(played)), encoding="utf-8")
    draft.replace(path)
