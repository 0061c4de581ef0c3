"""Faust apps: how ours are built, run and stopped, the same for every one."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

import faust
import structlog

from infra.faust_consumer import PROMPT, FetchPolicy, FetchSpacing, transport_with
from infra.settings import Settings

START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 4.0
COMMIT_INTERVAL_S: Final = 0.5
STREAM_BUFFER_EVENTS_MAX: Final = 4_096
BROKER_ANSWER_TIMEOUT_S: Final = 1.0
SAME_LINE_INTERVAL_S: Final = 10.0
KNOWN_WARNING: Final = "Sending username and password in the clear"

log = structlog.get_logger(__name__)


def build_app(
    settings: Settings,
    name: str,
    *,
    group: str = "",
    fetching: FetchPolicy = PROMPT,
    spacing: FetchSpacing | None = None,
) -> faust.App:
    """Return an app whose consumer group is its own, of its name or of `group`: deploying one app pauses no other.

    Values and keys stay raw bytes. Topics are made by migrations and never by an app. Whoever passes a spacing may set
    how far apart fetches begin while the app runs.
    """
    session_timeout_s = settings.kafka.session_timeout_ms / 1_000
    data_dir = settings.profile_dir / "faust" / name
    data_dir.mkdir(parents=True, exist_ok=True)
    _quieten_client()
    app = faust.App(
        f"{settings.kafka.consumer_group_prefix}-{group or name}",
        broker=f"kafka://{settings.kafka_bootstrap}",
        broker_client_id=f"overround-{name}",
        broker_credentials=faust.SASLCredentials(
            username=settings.kafka.user, password=settings.kafka_client["sasl.password"], mechanism="PLAIN"
        ),
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=session_timeout_s / 5,
        broker_commit_interval=COMMIT_INTERVAL_S,
        broker_commit_every=STREAM_BUFFER_EVENTS_MAX,
        broker_max_poll_interval=600.0,
        consumer_auto_offset_reset="earliest",
        datadir=data_dir,
        key_serializer="raw",
        loghandlers=[],
        store="memory://",
        stream_buffer_maxsize=STREAM_BUFFER_EVENTS_MAX,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        value_serializer="raw",
        web_enabled=False,
        autodiscover=False,
    )
    app.transport = transport_with(fetching, spacing or FetchSpacing())(app.conf.broker_consumer, app)
    return app


class AppCrashed(Exception):
    """An app ended without being asked to; whoever supervises the process starts it again."""


async def run_app(app: faust.App, stopping: asyncio.Event) -> None:
    """Run the app until `stopping` is set, then stop it in order.

    Raises:
        AppCrashed: If it could not start in time, or ended by itself.
    """
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            await app.start()
        await _wait_for_end(app, stopping)
    except Exception as error:
        raise AppCrashed(f"App {app.conf.id} must run until it is stopped, but: {error!r}") from error
    finally:
        await _stop(app)


def is_consuming(app: faust.App) -> bool:
    """Return whether the app has its partitions and no rebalance is under way."""
    return app.started and not app.rebalancing and not app.should_stop


async def complaint_of(settings: Settings, app: faust.App) -> str | None:
    """Return what keeps the app from consuming, or None: it has its partitions, and a broker answers."""
    if not is_consuming(app):
        return "waiting for its share of the log"
    try:
        async with asyncio.timeout(BROKER_ANSWER_TIMEOUT_S):
            _, writer = await asyncio.open_connection(settings.host, settings.ports.kafka)
    except (OSError, TimeoutError):
        return "Kafka does not answer"
    writer.close()
    return None


async def _wait_for_end(app: faust.App, stopping: asyncio.Event) -> None:
    ended = asyncio.ensure_future(app.wait_until_stopped())
    asked = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.is_set():
            await ended
            raise RuntimeError(f"it ended by itself: {app.crash_reason!r}")
    finally:
        ended.cancel()
        asked.cancel()
        await asyncio.gather(ended, asked, return_exceptions=True)


async def _stop(app: faust.App) -> None:
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await app.stop()
    except TimeoutError:
        log.warning("faust.stop_timed_out", app=app.conf.id, timeout_s=STOP_TIMEOUT_S)


class _SaysItOnce(logging.Filter):
    """Passes each line of the client once in a while: it tries a lost broker dozens of times a second.

    That a password goes to the broker in the clear is known: it does not leave the machine.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said_at_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.msg == KNOWN_WARNING:
            return False
        now_s = time.monotonic()
        if now_s - self._said_at_s.get(record.msg, -SAME_LINE_INTERVAL_S) < SAME_LINE_INTERVAL_S:
            return False
        self._said_at_s[record.msg] = now_s
        return True


def _quieten_client() -> None:
    # A filter holds for its own logger alone, so each of the client's that speaks gets one.
    for name in ("aiokafka", "aiokafka.consumer.fetcher", "aiokafka.consumer.group_coordinator", "aiokafka.conn"):
        logger = logging.getLogger(name)
        if not any(isinstance(present, _SaysItOnce) for present in logger.filters):
            logger.addFilter(_SaysItOnce())
