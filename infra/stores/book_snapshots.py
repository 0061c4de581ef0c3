"""Books and explanations as Redis serves them, for who starts or looks closer."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from gateway.ports import BookSnapshot, BookSnapshotIncomplete
from infra.stores.book_keys import COMPLETE_KEY, LIVE_KEY, WHOLE_KEY, book_key, explanation_key
from infra.stores.bounded import bounded
from kernel.errors import Part, Unavailable

BOOKS_AT_ONCE = 200
SNAPSHOT_TIMEOUT_S = 20.0
EXPLANATION_TIMEOUT_S = 0.5


class RedisBookSnapshots:
    """Reads what pricing keeps there."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    async def read_books(self) -> BookSnapshot:
        """Return what is held of all fixtures that are not over.

        Raises:
            BookSnapshotIncomplete: If the copy is not whole or cannot be read.
        """
        try:
            async with bounded(SNAPSHOT_TIMEOUT_S, Part.BOOKS, "Redis must give the books"):
                fixture_ids = sorted(member.decode() for member in await self._redis.smembers(LIVE_KEY))
                pages = [
                    await self._read_page(fixture_ids[begin : begin + BOOKS_AT_ONCE])
                    for begin in range(0, len(fixture_ids), BOOKS_AT_ONCE)
                ]
                # Looked at last: what was lost while we read is noticed.
                is_complete = await self._redis.exists(COMPLETE_KEY)
                whole_until = await self._redis.hvals(WHOLE_KEY)
        except Unavailable as error:
            raise BookSnapshotIncomplete(error.message) from error
        if not is_complete or not whole_until:
            raise BookSnapshotIncomplete(f"Redis must have {COMPLETE_KEY}, has lost it or never had it")
        books = {fixture_id: raw for page in pages for fixture_id, raw in page.items()}
        return BookSnapshot(books, whole_until_ms=min(int(until_ms) for until_ms in whole_until))

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
