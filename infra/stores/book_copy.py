"""The serving copy of books in Redis: its keys, what pricing writes and starts from, and what others read of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from redis.asyncio import Redis

from infra.stores.bounded import bounded
from kernel.errors import Part, Unavailable
from kernel.log import LogCopy
from streams.ports import EncodedFixture, EncodedPair, StoredBooks

LIVE_KEY: Final = "fixtures:live"
COMPLETE_KEY: Final = "books:complete"
WHOLE_KEY: Final = "books:whole"
VERSIONS_KEY: Final = "books:versions"
BOOK_PREFIX: Final = "book:"
EXPLANATION_PREFIX: Final = "explanation:"
HELD_PREFIX: Final = "books:held:"
READS_AT_ONCE: Final = 200
SNAPSHOT_TIMEOUT_S: Final = 20.0
EXPLANATION_TIMEOUT_S: Final = 0.5

# A worker that lost its partition without knowing must not put an old book over a new one.
_PUT: Final = f"""
local fields = 6
for i = 1, #ARGV, fields do
  local fixture, version, book, explanation = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local held = redis.call('HGET', KEYS[1], fixture)
  if not held or tonumber(held) <= tonumber(version) then
    redis.call('HSET', KEYS[1], fixture, version)
    redis.call('SET', '{EXPLANATION_PREFIX}' .. fixture, explanation)
    redis.call('SADD', '{HELD_PREFIX}' .. ARGV[i + 5], fixture)
    if book ~= '' then
      redis.call('SET', '{BOOK_PREFIX}' .. fixture, book)
      redis.call(ARGV[i + 4] == '1' and 'SADD' or 'SREM', KEYS[2], fixture)
    end
  end
end
"""

_MARK_WHOLE: Final = """
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[1]) then redis.call('SET', KEYS[2], '1') end
"""


def book_key(fixture_id: str) -> str:
    """Return where the newest book of a fixture stands."""
    return f"{BOOK_PREFIX}{fixture_id}"


def explanation_key(fixture_id: str) -> str:
    """Return where the newest explanation of a fixture stands."""
    return f"{EXPLANATION_PREFIX}{fixture_id}"


def held_key(partition: int) -> str:
    """Return where it stands of which fixtures of a partition there is anything."""
    return f"{HELD_PREFIX}{partition}"


class RedisBookStore:
    """The serving copy."""

    def __init__(self, redis: Redis, *, partitions: int, timeout_ms: int) -> None:
        self._redis: Any = redis
        self._partitions = partitions
        self._timeout_s = timeout_ms / 1_000
        self._put_script: Any = redis.register_script(_PUT)
        self._mark_script: Any = redis.register_script(_MARK_WHOLE)

    async def put(self, fixtures: Sequence[EncodedFixture]) -> None:
        """Replace some fixtures.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        arguments: list[str | int | bytes] = []
        for fixture in fixtures:
            is_live = int(fixture.is_live)
            head = (fixture.fixture_id, fixture.version, fixture.book, fixture.explanation)
            arguments += [*head, is_live, fixture.partition]
        await self._answer(self._put_script(keys=[VERSIONS_KEY, LIVE_KEY], args=arguments))

    async def load(self, partitions: Collection[int]) -> StoredBooks:
        """Return all that is held of some partitions.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        pairs: dict[str, EncodedPair] = {}
        for partition in partitions:
            members = await self._answer(self._redis.smembers(held_key(partition)))
            fixture_ids = sorted(member.decode() for member in members)
            for begin in range(0, len(fixture_ids), READS_AT_ONCE):
                pairs |= await self._load_page(partition, fixture_ids[begin : begin + READS_AT_ONCE])
        # Looked at last: what was lost while we read is noticed.
        times = await self._answer(self._redis.hgetall(WHOLE_KEY))
        whole_until_ms = {int(partition): int(time_ms) for partition, time_ms in times.items()}
        return StoredBooks(pairs, {item: whole_until_ms[item] for item in partitions if item in whole_until_ms})

    async def mark_whole(self, until_ms_by_partition: Mapping[int, int]) -> None:
        """Note until when everything published is in the copy; with all partitions noted the copy is complete.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        if not until_ms_by_partition:
            return
        pairs = [value for pair in until_ms_by_partition.items() for value in pair]
        await self._answer(self._mark_script(keys=[WHOLE_KEY, COMPLETE_KEY], args=[self._partitions, *pairs]))

    async def missing(self, partitions: Collection[int]) -> set[int]:
        """Return those partitions that were never whole, or lost their data.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        present = await self._answer(self._redis.hkeys(WHOLE_KEY))
        return set(partitions) - {int(partition) for partition in present}

    async def forget(self, partition_by_fixture: Mapping[str, int]) -> None:
        """Drop fixtures of which nothing more is expected.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        pipeline = self._redis.pipeline(transaction=False)
        for fixture_id, partition in partition_by_fixture.items():
            pipeline.delete(book_key(fixture_id), explanation_key(fixture_id))
            pipeline.srem(LIVE_KEY, fixture_id)
            pipeline.srem(held_key(partition), fixture_id)
            pipeline.hdel(VERSIONS_KEY, fixture_id)
        await self._answer(pipeline.execute())

    async def without_book(self, fixture_ids: Collection[str]) -> set[str]:
        """Return those of some fixtures that pricing never had, or has forgotten.

        Raises:
            Unavailable: If Redis does not answer in time, or the copy is not whole.
        """
        versions = await self._answer(self._redis.hmget(VERSIONS_KEY, list(fixture_ids)))
        # Looked at last: what was lost while we read is noticed.
        if not await self._answer(self._redis.exists(COMPLETE_KEY)):
            raise Unavailable(Part.BOOKS, f"Books in Redis must be whole, {COMPLETE_KEY} is missing")
        return {fixture_id for fixture_id, version in zip(fixture_ids, versions, strict=True) if version is None}

    async def _load_page(self, partition: int, fixture_ids: Sequence[str]) -> dict[str, EncodedPair]:
        keys = [key_of(fixture_id) for fixture_id in fixture_ids for key_of in (book_key, explanation_key)]
        values = [value or b"" for value in await self._answer(self._redis.mget(keys))]
        pairs = zip(values[::2], values[1::2], strict=True)
        return {key: EncodedPair(partition, *pair) for key, pair in zip(fixture_ids, pairs, strict=True)}

    async def _answer(self, call: Any) -> Any:
        async with bounded(self._timeout_s, Part.BOOKS, "Redis must answer"):
            return await call


class RedisBookSnapshots:
    """Reads what pricing keeps there."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    async def read_books(self) -> LogCopy:
        """Return the books of all fixtures that are not over.

        Raises:
            Unavailable: If the copy is not whole, or Redis does not answer in time.
        """
        async with bounded(SNAPSHOT_TIMEOUT_S, Part.BOOKS, "Redis must give the books"):
            fixture_ids = sorted(member.decode() for member in await self._redis.smembers(LIVE_KEY))
            pages = [
                await self._read_page(fixture_ids[begin : begin + READS_AT_ONCE])
                for begin in range(0, len(fixture_ids), READS_AT_ONCE)
            ]
            # Looked at last: what was lost while we read is noticed.
            is_complete = await self._redis.exists(COMPLETE_KEY)
            whole_until = await self._redis.hvals(WHOLE_KEY)
        if not is_complete or not whole_until:
            raise Unavailable(Part.BOOKS, f"Redis must have {COMPLETE_KEY}, has lost it or never had it")
        books = {fixture_id: raw for page in pages for fixture_id, raw in page.items()}
        return LogCopy(books, whole_until_ms=min(int(until_ms) for until_ms in whole_until))

    async def read_explanation(self, fixture_id: str) -> bytes:
        """Return the newest explanation of a fixture, empty if there is none.

        Raises:
            Unavailable: If no answer came in time.
        """
        async with bounded(EXPLANATION_TIMEOUT_S, Part.EXPLANATION, "Redis must give the explanation"):
            raw: bytes | None = await self._redis.get(explanation_key(fixture_id))
        return raw or b""

    async def _read_page(self, fixture_ids: list[str]) -> dict[str, bytes]:
        values = await self._redis.mget([book_key(fixture_id) for fixture_id in fixture_ids])
        return {fixture_id: raw for fixture_id, raw in zip(fixture_ids, values, strict=True) if raw is not None}
