"""Run the keeper of exposure over and over, and tell the log what it did."""

from __future__ import annotations

import asyncio

import structlog
from redis.exceptions import RedisError

from kernel.errors import DomainError
from risk.keeping import ExposureKeeping
from risk.ports import ReservationKey

log = structlog.get_logger(__name__)


class KeepingLog:
    """Implements `risk.keeping.KeepingObserver`."""

    def note_rebuild(self) -> None:
        """Note that what is lost is being counted anew."""
        log.info("exposure.rebuild_began")

    def note_rebuilt(self, bet_count: int) -> None:
        """Note that so many open bets are counted again."""
        log.info("exposure.rebuilt", bet_count=bet_count)

    def note_resolved(self, key: ReservationKey, *, is_bet: bool) -> None:
        """Note what a reservation that nobody had ended had become."""
        log.info("exposure.reservation_resolved", request_id=str(key.request_id), is_bet=is_bet)

    def note_dropped(self, bet_count: int) -> None:
        """Note bets that counted though they were closed."""
        log.info("exposure.closed_bets_dropped", bet_count=bet_count)


class ExposureKeeper:
    """Looks after exposure until it is cancelled."""

    def __init__(self, keeping: ExposureKeeping, *, interval_ms: int) -> None:
        self._keeping = keeping
        self._interval_s = interval_ms / 1_000

    async def run(self) -> None:
        """Look for ever; what fails is logged and tried again at the next look."""
        while True:
            try:
                await self.look()
            except (DomainError, RedisError, OSError, TimeoutError) as error:
                log.warning("exposure.keeper_failed", error=repr(error))
            await asyncio.sleep(self._interval_s)

    async def look(self) -> None:
        """Look once; what fails is raised."""
        await self._keeping.look()
