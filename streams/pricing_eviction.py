"""Take what is known of fixtures that are over, or were left behind, out of the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from itertools import islice
from typing import Final

import structlog

from kernel.log import Outlet
from streams.pricing_delivery import Delivery
from wire.topics import BOOKS, EXPLANATIONS

FIXTURES_AT_ONCE_MAX: Final = 1_000

log = structlog.get_logger(__name__)


class Eviction:
    """Sends tombstones, a page at a time and again until the log has them; one that is held again is left alone.

    Args:
        outlet: The way into the log.
        is_held: Says whether a fixture is priced here (again).
        on_forgotten: Called with the partitions of fixtures that the log has forgotten, by fixture.
    """

    def __init__(
        self, outlet: Outlet, *, is_held: Callable[[str], bool], on_forgotten: Callable[[Mapping[str, int]], None]
    ) -> None:
        self._outlet = outlet
        self._is_held = is_held
        self._on_forgotten = on_forgotten
        self._due: dict[str, int] = {}
        self._is_sending = False

    def add(self, partition_by_fixture: Mapping[str, int]) -> None:
        """Let some fixtures be forgotten."""
        self._due.update(partition_by_fixture)

    def drop_partitions(self, partitions: Collection[int]) -> None:
        """Leave the fixtures of partitions to another worker."""
        self._due = {key: partition for key, partition in self._due.items() if partition not in partitions}

    def send(self) -> None:
        """Send a page of tombstones unless one is on its way."""
        self._due = {key: partition for key, partition in self._due.items() if not self._is_held(key)}
        if self._is_sending or not self._due:
            return
        self._is_sending = True
        page = dict(islice(self._due.items(), FIXTURES_AT_ONCE_MAX))
        loop = asyncio.get_running_loop()

        def end(is_delivered: bool) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._end, page, is_delivered)

        delivery = Delivery(self._outlet, end)
        for fixture_id in page:
            delivery.send(BOOKS.name, fixture_id, None)
            delivery.send(EXPLANATIONS.name, fixture_id, None)
        delivery.seal()

    def _end(self, page: Mapping[str, int], is_delivered: bool) -> None:
        self._is_sending = False
        if not is_delivered:
            log.warning("pricing.eviction_failed", fixtures=len(page))
            return
        forgotten = {key: self._due.pop(key) for key in page if key in self._due}
        self._on_forgotten({key: partition for key, partition in forgotten.items() if not self._is_held(key)})
        log.info("pricing.fixtures_forgotten", fixtures=len(forgotten))
