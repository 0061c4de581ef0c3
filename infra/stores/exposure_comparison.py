"""Compare what exposure counts with the ledger's open bets, a part at a time, round and round.

What was told out of order is found so: a bet that closed before its gateway could say that it was taken, and one that
was opened again while somebody took it out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final, Protocol
from uuid import UUID

import structlog
from redis.asyncio import Redis

from infra.stores.exposure import FIXTURE_KEY_PATTERN, RedisExposure, fixture_key, fixture_of, unpack_entry
from risk.ports import ExposureEntry

log = structlog.get_logger(__name__)

PAGE_SIZE: Final = 100  # reservations wait for a step, so that it is a small one
FIXTURES_A_STEP_MAX: Final = 20
KEYS_SCANNED_AT_ONCE: Final = 500
_START: Final = UUID(int=0)


class OpenBets(Protocol):
    """The open bets of the ledger, in pages."""

    async def read_page(self, *, after: UUID, size: int) -> list[tuple[UUID, ExposureEntry]]:
        """Return the open bets that follow `after` by bet id.

        Raises:
            LedgerUnavailable: If no answer came in time.
        """
        ...

    async def find_open(self, bet_ids: Sequence[UUID]) -> set[UUID]:
        """Return which of these bets are open.

        Raises:
            LedgerUnavailable: If no answer came in time.
        """
        ...


Bets = Sequence[tuple[UUID, ExposureEntry]]


class ExposureComparison:
    """Where the comparison stands: in the ledger by bet id, in Redis by fixture and bet."""

    def __init__(self, redis: Redis, exposure: RedisExposure, *, open_bets: OpenBets) -> None:
        self._redis: Any = redis
        self._exposure = exposure
        self._open_bets = open_bets
        self._after = _START
        self._fixture_keys: deque[bytes] = deque()
        self._scan_cursor = 0
        self._bet_cursor = 0

    async def step(self) -> None:
        """Compare one page in either direction.

        Raises:
            LedgerUnavailable: If the ledger did not answer in time.
            RiskUnavailable: If Redis did not.
        """
        page = await self._open_bets.read_page(after=self._after, size=PAGE_SIZE)
        missing = await self._find_missing(page)
        if missing:
            await self.count(missing)
        self._after = page[-1][0] if len(page) == PAGE_SIZE else _START
        await self._drop_closed(await self._read_counted())

    async def count(self, page: Bets) -> None:
        """Count open bets, then ask again: one that closed in between may have been told to us before it counted."""
        await self._exposure.add_bets(page)
        await self._drop_closed(page)

    async def _find_missing(self, page: Bets) -> Bets:
        pipeline = self._redis.pipeline(transaction=False)
        for bet_id, entry in page:
            pipeline.hexists(fixture_key(entry.fixture_id), f"b{bet_id}")
        return [bet for bet, is_counted in zip(page, await pipeline.execute(), strict=True) if not is_counted]

    async def _drop_closed(self, counted: Bets) -> None:
        still_open = await self._open_bets.find_open([bet_id for bet_id, _ in counted]) if counted else set()
        closed = [(bet_id, entry) for bet_id, entry in counted if bet_id not in still_open]
        if not closed:
            return
        for bet_id, entry in closed:
            await self._exposure.remove_bet(bet_id, fixture_id=entry.fixture_id)
        # One that was opened again in between was told to us while it still counted.
        opened = await self._open_bets.find_open([bet_id for bet_id, _ in closed])
        await self._exposure.add_bets([(bet_id, entry) for bet_id, entry in closed if bet_id in opened])
        log.info("exposure.closed_bets_dropped", bet_count=len(closed) - len(opened))

    async def _read_counted(self) -> Bets:
        counted: list[tuple[UUID, ExposureEntry]] = []
        for _ in range(FIXTURES_A_STEP_MAX):
            if not self._fixture_keys:
                self._scan_cursor, keys = await self._redis.scan(
                    cursor=self._scan_cursor, match=FIXTURE_KEY_PATTERN, count=KEYS_SCANNED_AT_ONCE
                )
                self._fixture_keys.extend(keys)
            if not self._fixture_keys or len(counted) >= PAGE_SIZE:
                break
            key = self._fixture_keys[0]
            self._bet_cursor, found = await self._redis.hscan(key, self._bet_cursor, match="b*", count=PAGE_SIZE)
            fixture_id = fixture_of(key)
            counted += [
                (UUID(field.decode().removeprefix("b")), unpack_entry(fixture_id, record))
                for field, record in found.items()
            ]
            if self._bet_cursor == 0:
                self._fixture_keys.popleft()
        return counted
