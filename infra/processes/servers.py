"""What a process talks to: opened by name, and closed when the process ends, what was opened last first."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.kafka import KafkaOutlet
from infra.log_reader import LogReader
from infra.settings import Settings
from kernel.log import LogStart
from wire.topics import Topic

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from infra.stores.postgres import PostgresPool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is read of the log, and how: see `infra.log_reader.LogReader`.

    Attributes:
        name: What the reader is called, after its process.
    """

    name: str
    topics: tuple[Topic, ...]
    start: LogStart
    backlog_records: int = 0
    gather_ms: int = 0


class Servers:
    """Opens clients of the settings' servers; each connects when it is first needed, and none is needed to start.

    Args:
        settings: Where the servers are.
        name: Of the process; what it is called at the servers.
        stack: What is opened is closed with it.
    """

    def __init__(self, settings: Settings, name: str, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._name = name
        self._stack = stack

    def redis(self, *, connections_max: int, timeout_ms: int) -> Redis:
        """Return a client with so many connections of its own."""
        from infra.stores.redis_client import open_redis

        redis = open_redis(self._settings.redis_url, connections_max=connections_max, timeout_ms=timeout_ms)
        self._stack.push_async_callback(redis.aclose)
        return redis

    async def postgres(self, *, connections_max: int, timeout_ms: int, part: str = "") -> PostgresPool:
        """Return a pool of connections of its own, for the process or a part of it."""
        from infra.stores.postgres import PostgresPool

        pool = PostgresPool(
            self._settings.postgres_dsn,
            connections_max=connections_max,
            statement_timeout_ms=timeout_ms,
            application_name=f"overround-{self._name}{part and f'-{part}'}",
        )
        await pool.open()
        self._stack.push_async_callback(pool.close)
        return pool

    def outlet(self, *, part: str = "", linger_ms: float = 0) -> KafkaOutlet:
        """Return a way into the log, for the process or a part of it."""
        outlet = KafkaOutlet(
            self._settings.kafka_client,
            client_id=f"{self._name}{part and f'-{part}'}",
            delivery_timeout_ms=self._settings.kafka.delivery_timeout_ms,
            linger_ms=linger_ms,
        )
        self._stack.callback(outlet.close)
        return outlet

    def reader(self, reading: Reading) -> LogReader:
        """Return a reader of the log."""
        reader = LogReader(
            self._settings.kafka_client,
            [topic.name for topic in reading.topics],
            start=reading.start,
            client_id=f"{self._name}-{reading.name}",
            backlog_records=reading.backlog_records,
            gather_ms=reading.gather_ms,
        )
        self._stack.push_async_callback(reader.close)
        return reader
