"""Exposure in Redis as its keeper works on it: which keeper works, what is whole, old, counted or not."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast
from uuid import UUID

from redis.asyncio import Redis

from infra.stores.exposure import (
    COMPLETE_KEY,
    FIXTURE_KEY_PATTERN,
    RESERVATIONS_KEY,
    RESERVE_DIGEST,
    RESERVE_SCRIPT,
    RedisExposure,
    bet_field,
    fixture_key,
    fixture_of,
    parse_field,
    reservation_field,
    unpack_entry,
)
from kernel.clock import Clock
from kernel.errors import Category, DomainError
from risk.keeping import Bets, OldReservation
from risk.ports import EntryPlace, ExposureEntry, ReservationKey

LOCK_KEY: Final = "exposure:keeper"
OLD_PAGE_SIZE: Final = 200  # one page is one round trip, which has its time like any other
FIXTURES_A_STEP_MAX: Final = 20
KEYS_SCANNED_AT_ONCE: Final = 500

# Both act only for the holder of the lock: KEYS[1] lock, ARGV[1] the holder's token.
_RENEW = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('PEXPIRE', KEYS[1], ARGV[2]) or 0"
_UNLOCK = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0"
# Only if it was not made anew since: KEYS[1] reservations, ARGV[1] member, ARGV[2] newest time to forget.
_FORGET = (
    "local made = redis.call('ZSCORE', KEYS[1], ARGV[1]) "
    "return made and tonumber(made) <= tonumber(ARGV[2]) and redis.call('ZREM', KEYS[1], ARGV[1]) or 0"
)


class LockLost(DomainError):
    """Another keeper took over; this one stops what it was doing."""

    reason = "EXPOSURE_LOCK_LOST"
    category = Category.BROKEN


class RedisKeptExposure(RedisExposure):
    """Implements `risk.keeping.KeptExposure`; where its rounds stand, by fixture and bet.

    Args:
        redis: The client.
        clock: Tells when it was whole.
        timeout_ms: How long a call of a bet may take.
        lock_ms: How long the lock outlives a keeper that died.
    """

    def __init__(self, redis: Redis, *, clock: Clock, timeout_ms: int, lock_ms: int) -> None:
        super().__init__(redis, clock=clock, timeout_ms=timeout_ms)
        self._redis: Any = redis
        self._lock_ms = lock_ms
        self._lock_s = lock_ms / 1_000
        self._limit = asyncio.timeout(self._lock_s)
        self._token = uuid.uuid4().hex
        self._fixture_keys: deque[bytes] = deque()
        self._scan_cursor = 0
        self._bet_cursor = 0

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        """Enter as the one keeper that works, or not; for no longer than the lock lives."""
        async with asyncio.timeout(self._lock_s) as self._limit:
            is_ours = bool(await self._redis.set(LOCK_KEY, self._token, nx=True, px=self._lock_ms))
            try:
                yield is_ours
            finally:
                if is_ours:
                    async with asyncio.timeout(self._lock_s):
                        await self._redis.eval(_UNLOCK, 1, LOCK_KEY, self._token)

    async def renew(self) -> None:
        """Stay the one that works for as long again.

        Raises:
            LockLost: If another keeper took over.
        """
        if not await self._redis.eval(_RENEW, 1, LOCK_KEY, self._token, self._lock_ms):
            raise LockLost("Lock must still be ours, another keeper has it")
        self._limit.reschedule(asyncio.get_running_loop().time() + self._lock_s)

    async def is_complete(self) -> bool:
        """Return whether bets can be reserved: the data is there and the server has not restarted since."""
        marker = await self._redis.get(COMPLETE_KEY)
        (is_loaded,) = await self._redis.script_exists(RESERVE_DIGEST)
        return marker is not None and bool(is_loaded)

    async def drop_all(self) -> None:
        """Let no bet be reserved, and forget all that is counted."""
        await self._redis.delete(COMPLETE_KEY)
        keys: list[bytes] = []
        async for key in self._redis.scan_iter(match=FIXTURE_KEY_PATTERN, count=KEYS_SCANNED_AT_ONCE):
            keys.append(key)
            if len(keys) == KEYS_SCANNED_AT_ONCE:
                await self._redis.unlink(*keys)
                await self.renew()
                keys.clear()
        if keys:
            await self._redis.unlink(*keys)

    async def complete(self) -> None:
        """Let bets be reserved, as all that is open is counted."""
        await self._redis.script_load(RESERVE_SCRIPT)
        await self._redis.set(COMPLETE_KEY, str(self._clock.now_us()))

    async def find_uncounted(self, bets: Bets) -> Bets:
        """Return which of these bets are not counted."""
        pipeline = self._redis.pipeline(transaction=False)
        for bet_id, entry in bets:
            pipeline.hexists(fixture_key(entry.fixture_id), f"b{bet_field(bet_id, entry.leg)}")
        return [bet for bet, is_counted in zip(bets, await pipeline.execute(), strict=True) if not is_counted]

    async def read_counted(self, size: int) -> Bets:
        """Return the next bets that are counted, round and round, about so many."""
        counted: list[tuple[UUID, ExposureEntry]] = []
        for _ in range(FIXTURES_A_STEP_MAX):
            if not self._fixture_keys:
                self._scan_cursor, keys = await self._redis.scan(
                    cursor=self._scan_cursor, match=FIXTURE_KEY_PATTERN, count=KEYS_SCANNED_AT_ONCE
                )
                self._fixture_keys.extend(keys)
            if not self._fixture_keys or len(counted) >= size:
                break
            key = self._fixture_keys[0]
            self._bet_cursor, found = await self._redis.hscan(key, self._bet_cursor, match="b*", count=size)
            fixture_id = fixture_of(key)
            for field, record in found.items():
                bet_id, leg = parse_field(field.decode().removeprefix("b"))
                counted.append((bet_id, unpack_entry(fixture_id, record, leg)))
            if self._bet_cursor == 0:
                self._fixture_keys.popleft()
        return counted

    async def read_old(self, before_ms: int) -> Sequence[OldReservation]:
        """Return a page of the reservations that were made by then, empty where there are none."""
        members = cast(
            "list[bytes]",
            await self._redis.zrangebyscore(RESERVATIONS_KEY, "-inf", before_ms, start=0, num=OLD_PAGE_SIZE),
        )
        named = [_parse_member(member) for member in members]
        pipeline = self._redis.pipeline(transaction=False)
        for key, place in named:
            pipeline.hexists(fixture_key(place.fixture_id), f"r{reservation_field(key, place.leg)}")
        held = await pipeline.execute()
        return [OldReservation(*name, bool(is_held)) for name, is_held in zip(named, held, strict=True)]

    async def forget(self, reservations: Sequence[OldReservation], before_ms: int) -> None:
        """Look for these no more, but for those that were made anew since."""
        pipeline = self._redis.pipeline(transaction=False)
        for reservation in reservations:
            place = reservation.place
            member = f"{reservation_field(reservation.key, place.leg)}:{place.fixture_id}"
            pipeline.eval(_FORGET, 1, RESERVATIONS_KEY, member, before_ms)
        await pipeline.execute()


def _parse_member(member: bytes) -> tuple[ReservationKey, EntryPlace]:
    player_id, request, fixture_id = member.decode().split(":", 2)
    request_id, leg = parse_field(request)
    return ReservationKey(UUID(player_id), request_id), EntryPlace(fixture_id, leg)
