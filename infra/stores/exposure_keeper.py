"""Keep exposure true: rebuild it when Redis lost its data, resolve reservations that nobody ended, compare it.

Every gateway runs one; a lock in Redis lets one work at a time.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bets.acceptance import exposure_of
from bets.bet import Bet, BetStatus
from bets.ports import BetLedger
from infra.stores.exposure import (
    COMPLETE_KEY,
    FIXTURE_KEY_PATTERN,
    RESERVATIONS_KEY,
    RESERVE_DIGEST,
    RESERVE_SCRIPT,
    RedisExposure,
    fixture_key,
)
from infra.stores.exposure_comparison import ExposureComparison, OpenBets
from kernel.clock import Clock
from kernel.errors import Category, DomainError
from risk.ports import ReservationKey

log = structlog.get_logger(__name__)

LOCK_KEY: Final = "exposure:keeper"
PAGE_SIZE: Final = 200  # one page is one round trip, which has its time like any other
KEYS_SCANNED_AT_ONCE: Final = 500

# Both act only for the holder of the lock: KEYS[1] lock, ARGV[1] the holder's token.
_RENEW = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('PEXPIRE', KEYS[1], ARGV[2]) or 0"
_UNLOCK = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0"
# Only if it was not made anew since: KEYS[1] reservations, ARGV[1] member, ARGV[2] newest time to forget.
_FORGET = (
    "local made = redis.call('ZSCORE', KEYS[1], ARGV[1]) "
    "return made and tonumber(made) <= tonumber(ARGV[2]) and redis.call('ZREM', KEYS[1], ARGV[1]) or 0"
)


@dataclass(frozen=True, slots=True)
class KeeperTimes:
    """When the keeper acts.

    Attributes:
        interval_ms: Between two looks.
        lock_ms: How long the lock outlives a keeper that died.
        reservation_age_ms_max: When a reservation that nobody ended is looked into; longer than any bet takes.
        answer_ms_max: The longest a bet takes from its reservation to the ledger's answer.
    """

    interval_ms: int
    lock_ms: int
    reservation_age_ms_max: int
    answer_ms_max: int


class LockLost(DomainError):
    """Another keeper took over; this one stops what it was doing."""

    reason = "EXPOSURE_LOCK_LOST"
    category = Category.BROKEN


class ExposureKeeper:
    """Rebuilds and sweeps, over and over, until it is cancelled."""

    def __init__(
        self,
        redis: Redis,
        exposure: RedisExposure,
        *,
        ledger: BetLedger,
        open_bets: OpenBets,
        clock: Clock,
        times: KeeperTimes,
    ) -> None:
        self._redis: Any = redis
        self._exposure = exposure
        self._ledger = ledger
        self._open_bets = open_bets
        self._comparison = ExposureComparison(redis, exposure, open_bets=open_bets)
        self._clock = clock
        self._times = times
        self._lock_s = times.lock_ms / 1_000
        self._limit = asyncio.timeout(self._lock_s)
        self._token = uuid.uuid4().hex

    async def run(self) -> None:
        """Look after exposure for ever; what fails is logged and tried again at the next look."""
        while True:
            try:
                await self.look()
            except (DomainError, RedisError, OSError, TimeoutError) as error:
                log.warning("exposure.keeper_failed", error=repr(error))
            await asyncio.sleep(self._times.interval_ms / 1_000)

    async def look(self) -> None:
        """Rebuild if that is needed, resolve old reservations, compare a part; do nothing while another keeper does.

        Raises:
            TimeoutError: If a step took longer than the lock lives.
        """
        async with asyncio.timeout(self._lock_s) as self._limit, self._lock() as is_ours:
            if not is_ours:
                return
            if not await self.is_complete():
                await self._rebuild()
            await self._sweep()
            await self._comparison.step()

    async def is_complete(self) -> bool:
        """Return whether bets can be reserved: the data is there and the server has not restarted since."""
        marker = await self._redis.get(COMPLETE_KEY)
        (is_loaded,) = await self._redis.script_exists(RESERVE_DIGEST)
        return marker is not None and bool(is_loaded)

    async def _rebuild(self) -> None:
        log.info("exposure.rebuild_began")
        await self._redis.delete(COMPLETE_KEY)
        await self._drop_all()
        # A bet that was reserved in what is lost may be on its way into the ledger; then the pages show it.
        await asyncio.sleep(self._times.answer_ms_max / 1_000)
        after, bet_count = UUID(int=0), 0
        while page := await self._open_bets.read_page(after=after, size=PAGE_SIZE):
            await self._renew()
            await self._comparison.count(page)
            bet_count += len(page)
            after = page[-1][0]
        await self._renew()
        await self._redis.script_load(RESERVE_SCRIPT)
        await self._redis.set(COMPLETE_KEY, str(self._clock.now_us()))
        log.info("exposure.rebuilt", bet_count=bet_count)

    async def _drop_all(self) -> None:
        keys: list[bytes] = []
        async for key in self._redis.scan_iter(match=FIXTURE_KEY_PATTERN, count=KEYS_SCANNED_AT_ONCE):
            keys.append(key)
            if len(keys) == KEYS_SCANNED_AT_ONCE:
                await self._redis.unlink(*keys)
                await self._renew()
                keys.clear()
        if keys:
            await self._redis.unlink(*keys)

    async def _sweep(self) -> None:
        cutoff_ms = self._clock.now_us() // 1_000 - self._times.reservation_age_ms_max
        while members := await self._read_old(cutoff_ms):
            await self._renew()
            reservations = [_parse_member(member) for member in members]
            pipeline = self._redis.pipeline(transaction=False)
            for key, fixture_id in reservations:
                pipeline.hexists(fixture_key(fixture_id), f"r{key.player_id}:{key.request_id}")
            for (key, fixture_id), is_held in zip(reservations, await pipeline.execute(), strict=True):
                if is_held:
                    await self._resolve(key, fixture_id)
            await self._forget(members, cutoff_ms)

    async def _read_old(self, cutoff_ms: int) -> list[bytes]:
        found = await self._redis.zrangebyscore(RESERVATIONS_KEY, "-inf", cutoff_ms, start=0, num=PAGE_SIZE)
        return cast("list[bytes]", found)

    async def _resolve(self, key: ReservationKey, fixture_id: str) -> None:
        """Ask the ledger what became of the bet, which alone decides."""
        bet = await self._find_open_bet(key)
        log.info("exposure.reservation_resolved", request_id=str(key.request_id), is_bet=bet is not None)
        if bet is None:
            await self._exposure.release(key, fixture_id=fixture_id)
            return
        entry = exposure_of(bet.legs[0], stake_minor=bet.stake.amount_minor, payout_minor=bet.potential_return_minor)
        await self._exposure.commit(key, entry, bet_id=bet.bet_id)

    async def _find_open_bet(self, key: ReservationKey) -> Bet | None:
        answer = await self._ledger.find_answer(key.player_id, key.request_id)
        if answer is None or answer.bet is None:
            return None
        bet = await self._ledger.get_bet(key.player_id, answer.bet.bet_id)
        return bet if bet is not None and bet.status == BetStatus.OPEN else None

    async def _forget(self, members: list[bytes], cutoff_ms: int) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for member in members:
            pipeline.eval(_FORGET, 1, RESERVATIONS_KEY, member, cutoff_ms)
        await pipeline.execute()

    @asynccontextmanager
    async def _lock(self) -> AsyncIterator[bool]:
        is_ours = bool(await self._redis.set(LOCK_KEY, self._token, nx=True, px=self._times.lock_ms))
        try:
            yield is_ours
        finally:
            if is_ours:
                async with asyncio.timeout(self._lock_s):
                    await self._redis.eval(_UNLOCK, 1, LOCK_KEY, self._token)

    async def _renew(self) -> None:
        if not await self._redis.eval(_RENEW, 1, LOCK_KEY, self._token, self._times.lock_ms):
            raise LockLost("Lock must still be ours, another keeper has it")
        self._limit.reschedule(asyncio.get_running_loop().time() + self._lock_s)


def _parse_member(member: bytes) -> tuple[ReservationKey, str]:
    player_id, request_id, fixture_id = member.decode().split(":", 2)
    return ReservationKey(UUID(player_id), UUID(request_id)), fixture_id
