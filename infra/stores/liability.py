"""Liability in Redis for those who look it up, and read back from the log for those who fold it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition
from redis.asyncio import Redis

from infra.kafka_read_back import read_to_ends, reader_of
from infra.stores.bounded import bounded
from kernel.errors import Part, Unavailable
from overround.risk.v1 import risk_pb2
from wire.topics import LIABILITIES

COMPLETE_KEY: Final = "liability:complete"
"""Set of the partitions whose fixtures were all put; gone with the data."""

WRITES_AT_ONCE_MAX: Final = 500
SILENCE_S: Final = 3.0


def liability_key(fixture_id: str) -> str:
    """Return where the liability of a fixture stands."""
    return f"liability:{fixture_id}"


class RedisLiability:
    """The serving copy of liability, of so many partitions."""

    def __init__(self, redis: Redis, *, partitions: int, timeout_ms: int) -> None:
        self._redis: Any = redis
        self._partitions = partitions
        self._timeout_s = timeout_ms / 1_000

    async def put(self, values: Mapping[str, bytes]) -> None:
        """Replace the liability of some fixtures.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        fixture_ids = list(values)
        for start in range(0, len(fixture_ids), WRITES_AT_ONCE_MAX):
            pipeline = self._redis.pipeline(transaction=False)
            for fixture_id in fixture_ids[start : start + WRITES_AT_ONCE_MAX]:
                pipeline.set(liability_key(fixture_id), values[fixture_id])
            await self._answer(pipeline.execute())

    async def forget(self, fixture_ids: Collection[str]) -> None:
        """Drop some fixtures.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        await self._answer(self._redis.delete(*map(liability_key, fixture_ids)))

    async def missing(self, partitions: Collection[int]) -> set[int]:
        """Return those partitions whose fixtures were never put whole, or lost since.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        if not partitions:
            return set()
        present = await self._answer(self._redis.smembers(COMPLETE_KEY))
        return set(partitions) - {int(member) for member in present}

    async def put_whole(self, partition: int, values: Mapping[str, bytes]) -> None:
        """Put every fixture of a partition, and remember that it is whole.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        await self.put(values)
        await self._answer(self._redis.sadd(COMPLETE_KEY, partition))

    async def with_open_bets(self, fixture_ids: Collection[str]) -> set[str]:
        """Return those of some fixtures that have open bets.

        Raises:
            Unavailable: If Redis does not answer in time, or the copy is not whole.
        """
        values = await self._answer(self._redis.mget([liability_key(fixture_id) for fixture_id in fixture_ids]))
        # Looked at last: what was lost while we read is noticed.
        if missing := await self.missing(range(self._partitions)):
            raise Unavailable(Part.LIABILITY, f"Liability in Redis must be whole, lacks partitions {sorted(missing)}")
        return {
            fixture_id
            for fixture_id, value in zip(fixture_ids, values, strict=True)
            if value is not None and risk_pb2.FixtureLiability.FromString(value).markets
        }

    async def _answer(self, call: Any) -> Any:
        async with bounded(self._timeout_s, Part.LIABILITY, "Redis must answer"):
            return await call


class KafkaLiabilityLog:
    """The compacted topic of liability, read without a group."""

    def __init__(self, client: Mapping[str, str], *, client_id: str) -> None:
        self._client = client
        self._client_id = client_id

    async def read(self, partition: int) -> dict[str, bytes]:
        """Return the newest liability of each fixture of a partition.

        Raises:
            Unavailable: If the broker does not answer in time.
        """
        return await asyncio.to_thread(self._read, partition)

    def _read(self, partition: int) -> dict[str, bytes]:
        newest: dict[str, bytes] = {}
        place = TopicPartition(LIABILITIES.name, partition, OFFSET_BEGINNING)
        try:
            with reader_of(self._client, client_id=self._client_id) as consumer:
                for message in read_to_ends(consumer, [place], silence_s=SILENCE_S):
                    fixture_id, value = (message.key() or b"").decode(), message.value()
                    if value is not None:
                        newest[fixture_id] = value
                    else:
                        newest.pop(fixture_id, None)
        except (KafkaException, TimeoutError) as error:
            raise Unavailable(Part.LIABILITY, f"{LIABILITIES.name}-{partition} must be read, but: {error}") from error
        return newest
