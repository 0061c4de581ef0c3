"""Say four times a second up to when each partition's queue is worked off; bets are taken on that word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Final

import structlog

from kernel.log import CountedOutlet, DeliveryFailed, OutletFull
from overround.odds.v1 import book_pb2
from wire.topics import BOOKS, HEARTBEATS

INTERVAL_S: Final = 0.25

log = structlog.get_logger(__name__)


class Heartbeat:
    """Beats while the log confirms: an unconfirmed beat keeps the next one back.

    Args:
        outlet: The way into the log.
        partitions: Returns the partitions that are priced here now.
        worked_off_until_us: Returns the time before which nothing of a partition waits, None where that is not known.
    """

    def __init__(
        self,
        outlet: CountedOutlet,
        *,
        partitions: Callable[[], Collection[int]],
        worked_off_until_us: Callable[[int], int | None],
    ) -> None:
        self._outlet = outlet
        self._partitions = partitions
        self._worked_off_until_us = worked_off_until_us
        self._unconfirmed = 0

    async def run(self) -> None:
        """Beat for ever."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            if self._unconfirmed == 0:
                self._beat(asyncio.get_running_loop())

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        for partition in sorted(self._partitions()):
            time_us = self._worked_off_until_us(partition)
            if time_us is None:
                continue
            books_end = self._outlet.delivered_until(BOOKS.name, partition)
            heartbeat = book_pb2.PricingHeartbeat(partition=partition, time_us=time_us, books_end_offset=books_end)
            value = heartbeat.SerializeToString()
            self._unconfirmed += 1
            try:
                self._outlet.send(HEARTBEATS.name, str(partition), value, lambda _: self._confirm_on(loop))
            except (OutletFull, DeliveryFailed) as error:
                self._unconfirmed -= 1
                log.warning("pricing.heartbeat_not_sent", partition=partition, detail=str(error))

    def _confirm_on(self, loop: asyncio.AbstractEventLoop) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._confirm)

    def _confirm(self) -> None:
        self._unconfirmed -= 1
