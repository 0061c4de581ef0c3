"""`overround replay`: recorded feeds through the same intake as live ones."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from gateway.feeds.formats import FORMATS
from gateway.feeds.intake import Intake
from gateway.feeds.ports import CursorStore, FeedLog
from gateway.feeds.reading import FeedAdapter, Reading
from infra.kafka import KafkaOutlet
from infra.replay_source import Recording, ReplayImpossible, find_recordings, in_order_of_time
from infra.settings import Settings
from infra.stores.feed_keys import PostgresCursors
from infra.stores.feed_log import KafkaFeedLog
from infra.stores.postgres import PostgresPool
from kernel.clock import Clock, SystemClock
from kernel.errors import DomainError
from kernel.log import Chained, DeliveryFailed, OnDelivery, Outlet, OutletFull
from overround.feed.v1.feed_pb2 import FeedUpdate

HEARTBEAT_S: Final = 1.0
TURN_MESSAGES: Final = 100
SHOW_INTERVAL_S: Final = 0.1
SPEED_MAX: Final = 1_000_000.0
BROKER_TIMEOUT_S: Final = 5.0
LINGER_MS: Final = 5.0


OnProgress = Callable[["ReplayReport"], None]


@dataclass(slots=True)
class ReplayReport:
    """What a replay did so far."""

    read_count: int = 0
    published_count: int = 0
    lost_count: int = 0
    unknown_part_count: int = 0
    refused_by_reason: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    is_stopped: bool = False

    @property
    def messages_per_s(self) -> float:
        """Return the rate so far."""
        return self.read_count / self.seconds if self.seconds > 0 else 0.0


class ReplayOutlet(Chained):
    """Passes values on and counts those that were lost; nothing goes out behind the first of them."""

    def __init__(self, outlet: Outlet, report: ReplayReport) -> None:
        self._outlet = outlet
        self._report = report

    def send(self, topic: str, key: str, value: bytes | None, on_delivery: OnDelivery | None = None) -> None:
        """Queue a value.

        Raises:
            OutletFull: If the queue is full.
            DeliveryFailed: If something was lost.
        """
        self._outlet.send(topic, key, value, on_delivery or self)

    def __call__(self, error: Exception | None) -> None:
        """Take in how it ended with a value."""
        if error is not None:
            self._report.lost_count += 1

    @property
    def is_broken(self) -> bool:
        """Return whether something was lost."""
        return self._report.lost_count > 0


class ReplayStreams(Protocol):
    """Makes of a replay a stream of its own, younger than any before it of the provider."""

    async def begin(self, provider_id: str, intake: Intake) -> None:
        """Let the intake take the updates of a provider as those of a new stream."""
        ...


class NewestStreams:
    """Begins streams as the push door does: what was lost of an earlier replay is folded in when it is played again."""

    def __init__(self, cursors: CursorStore, log: FeedLog, clock: Clock) -> None:
        self._cursors = cursors
        self._log = log
        self._clock = clock

    async def begin(self, provider_id: str, intake: Intake) -> None:
        """Let the intake take the updates of a provider as those of a new stream.

        The cursor stays where it is, and exact: it is that of another stream, which goes on behind it.

        Raises:
            Unavailable: If PostgreSQL does not answer in time.
            DeliveryFailed: If the log cannot be read.
        """
        now_ms = self._clock.now_us() // 1_000
        cursor = await self._cursors.begin(provider_id, now_ms=now_ms)
        await self._cursors.move(provider_id, epoch=cursor.epoch, acknowledged_sequence=0, is_exact=True, now_ms=now_ms)
        intake.resume(provider_id, sequence=0, epoch=cursor.epoch, last_sign=await self._log.last_sign(provider_id))


class Replay:
    """Plays recordings through the intake in their own time, faster by a factor, or as fast as it goes."""

    def __init__(
        self,
        recordings: Sequence[Recording],
        *,
        outlet: Outlet,
        streams: ReplayStreams,
        speed: float | None,
        timeout_ms: int,
    ) -> None:
        self.report = ReplayReport()
        self._recordings = recordings
        self._streams = streams
        self._intake = Intake(outlet=ReplayOutlet(outlet, self.report), clock=SystemClock())
        self._speed = speed
        self._timeout_ms = timeout_ms
        self._adapter_by_format = {known.name: known.new_adapter() for known in FORMATS.values()}
        self._time_ms_by_provider: dict[str, int] = {}
        self._started_s = 0.0
        self._first_time_ms: int | None = None

    async def run(self, on_progress: OnProgress, *, messages_max: int | None = None, hold_s: float = 0.0) -> None:
        """Play everything, or the first `messages_max` messages; then hold the providers up for `hold_s` more.

        Raises:
            OutletFull: If the log takes nothing any more.
            DeliveryFailed: If the log lost something.
            Unavailable: If a provider's stream cannot begin.
        """
        self._started_s = time.monotonic()
        heartbeats = asyncio.create_task(self._keep_alive(on_progress))
        try:
            await self._play(messages_max)
            self.report.seconds = time.monotonic() - self._started_s
            await asyncio.sleep(hold_s)
        except asyncio.CancelledError:
            self._note_stopped()
        except DeliveryFailed:
            if not self.report.lost_count:
                raise
            self._note_stopped()
        finally:
            heartbeats.cancel()
            on_progress(self.report)

    def _note_stopped(self) -> None:
        self.report.is_stopped = True
        self.report.seconds = time.monotonic() - self._started_s

    async def _play(self, messages_max: int | None) -> None:
        for recording, raw in in_order_of_time(self._recordings):
            if messages_max is not None and self.report.read_count >= messages_max:
                return
            if self._speed is not None:
                await self._wait_until_due(recording.time_ms_of(raw), self._speed)
            await self._play_message(raw, self._adapter_by_format[recording.format.name])

    async def _play_message(self, raw: bytes, adapter: FeedAdapter) -> None:
        reading = adapter.read(raw)
        report = self.report
        report.read_count += 1
        for provider_id in _providers_of(reading) - self._time_ms_by_provider.keys():
            await self._streams.begin(provider_id, self._intake)
            self._time_ms_by_provider[provider_id] = 0
        for update in reading.updates:
            self._time_ms_by_provider[update.provider_id] = update.provider_time_ms
            _put_start_ahead(update, speed=self._speed or 1.0)
        if reading.updates or reading.heartbeats or reading.refusals or reading.unknown_part_count:
            taken = await self._intake.take_reading(reading, raw=raw, timeout_ms=self._timeout_ms)
            report.published_count += taken.update_count
            report.unknown_part_count += reading.unknown_part_count
            report.refused_by_reason.update(refusal.reason for refusal in taken.refusals)
        if report.read_count % TURN_MESSAGES == 0:
            await asyncio.sleep(0)

    async def _wait_until_due(self, time_ms: int | None, speed: float) -> None:
        if time_ms is None:
            return
        if self._first_time_ms is None:
            self._first_time_ms = time_ms
        due_s = self._started_s + (time_ms - self._first_time_ms) / 1_000 / speed
        if (wait_s := due_s - time.monotonic()) > 0:
            await asyncio.sleep(wait_s)

    async def _keep_alive(self, on_progress: OnProgress) -> None:
        signed_s = 0.0
        while True:
            await asyncio.sleep(SHOW_INTERVAL_S)
            now_s = time.monotonic()
            self.report.seconds = max(self.report.seconds, now_s - self._started_s)
            on_progress(self.report)
            if now_s - signed_s < HEARTBEAT_S:
                continue
            signed_s = now_s
            for provider_id, time_ms in self._time_ms_by_provider.items():
                with suppress(OutletFull, DeliveryFailed):  # the next one says it, or playing ends
                    self._intake.sign_life(provider_id, provider_time_ms=time_ms, timeout_ms=self._timeout_ms)


def _providers_of(reading: Reading) -> set[str]:
    """Return whose word a message is; nobody's where nothing of it can be read."""
    return {said.provider_id for said in reading.updates} | {said.provider_id for said in reading.heartbeats}


def _put_start_ahead(update: FeedUpdate, *, speed: float) -> None:
    """Have a fixture start as far ahead of now as it did of then: what should have begun long ago takes no bets."""
    description = update.description
    if description.start_time_ms and update.provider_time_ms:
        ahead_ms = (description.start_time_ms - update.provider_time_ms) / speed
        description.start_time_ms = max(1, round(time.time() * 1_000 + ahead_ms))


def run_replay(
    settings: Settings, console: Console, paths: Sequence[Path], *, speed: str, messages_max: int | None, hold_s: float
) -> int:
    """Replay recordings into the running system, show how it goes and what came of it; return the exit code."""
    try:
        recordings = find_recordings(paths)
        factor = parse_speed(speed)
        _expect_broker(settings)
        report = asyncio.run(
            _replay(recordings, settings, console, speed=factor, messages_max=messages_max, hold_s=hold_s)
        )
    except (DomainError, ReplayImpossible) as error:
        console.print(f"[red]✗[/red] {escape(str(error))}", highlight=False)
        return 1
    console.print(_table_of(report))
    return 1 if report.lost_count else 0


def parse_speed(text: str) -> float | None:
    """Return the factor in "50x" or "50"; None for "max".

    Raises:
        ReplayImpossible: If it is neither.
    """
    if text == "max":
        return None
    try:
        factor = float(text.removesuffix("x"))
    except ValueError:
        factor = 0.0
    if not 0 < factor <= SPEED_MAX:
        raise ReplayImpossible(f"Speed must be max or a factor like 50x, was {text[:32]!r}")
    return factor


async def _replay(
    recordings: Sequence[Recording],
    settings: Settings,
    console: Console,
    *,
    speed: float | None,
    messages_max: int | None,
    hold_s: float,
) -> ReplayReport:
    outlet = KafkaOutlet(
        settings.kafka_client,
        client_id="replay",
        delivery_timeout_ms=settings.kafka.delivery_timeout_ms,
        linger_ms=LINGER_MS,
    )
    postgres = PostgresPool(
        settings.postgres_dsn,
        connections_max=1,
        statement_timeout_ms=settings.ledger.statement_timeout_ms,
        application_name="replay",
    )
    await postgres.open()
    streams = NewestStreams(
        PostgresCursors(postgres),
        KafkaFeedLog(settings.kafka_client, client_id="replay-feed-log"),
        SystemClock(),
    )
    playing = Replay(
        recordings, outlet=outlet, streams=streams, speed=speed, timeout_ms=settings.feeds.provider_timeout_ms
    )
    message_count = await asyncio.to_thread(_count_messages, recordings, messages_max)
    try:
        with _progress(console) as progress:
            task = progress.add_task("replay", total=message_count, rate="")

            def show(report: ReplayReport) -> None:
                rate = f"{report.messages_per_s:,.0f}/s"
                progress.update(task, completed=report.read_count, rate=rate)

            await playing.run(show, messages_max=messages_max, hold_s=hold_s)
        await outlet.flush(settings.kafka.delivery_timeout_ms / 1_000)
    finally:
        outlet.close()
        await postgres.close()
    return playing.report


def _count_messages(recordings: Sequence[Recording], messages_max: int | None) -> int:
    count = 0
    for recording in recordings:
        for _ in recording.messages():
            count += 1
            if count == messages_max:
                return count
    return count


def _expect_broker(settings: Settings) -> None:
    try:
        AdminClient({**settings.kafka_client, "log_level": 2}).list_topics(timeout=BROKER_TIMEOUT_S)
    except KafkaException:
        message = f"Kafka must answer at {settings.kafka_bootstrap}, did not: is the system up (`make run`)?"
        raise DeliveryFailed(message) from None


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    return Progress(*columns, TimeElapsedColumn(), console=console)


def _table_of(report: ReplayReport) -> Table:
    table = Table(title="stopped before the end" if report.is_stopped else "replayed", show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_row("messages read", f"{report.read_count:,}")
    table.add_row("updates published", f"{report.published_count:,}")
    for reason, count in sorted(report.refused_by_reason.items()):
        table.add_row(f"refused: {reason}", f"{count:,}")
    if report.unknown_part_count:
        table.add_row("unknown parts", f"{report.unknown_part_count:,}")
    if report.lost_count:
        table.add_row("[red]lost on the way to Kafka[/red]", f"{report.lost_count:,}")
    table.add_row("seconds", f"{report.seconds:,.2f}")
    table.add_row("messages/s", f"{report.messages_per_s:,.0f}")
    return table
