"""Find fixtures at their end, and take what is known of them out of the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

import structlog

from kernel.clock import Clock
from kernel.errors import Unavailable
from kernel.log import Outlet
from odds.fixture.state import FixtureState
from streams.fixtures import Fixtures, is_expired
from streams.ports import OpenBets
from streams.pricing_delivery import Delivery
from wire.topics import BOOKS, EXPLANATIONS

FIXTURES_AT_ONCE_MAX: Final = 1_000
SEND_INTERVAL_S: Final = 0.1
LOOK_INTERVAL_S: Final = 60.0

log = structlog.get_logger(__name__)


class Eviction:
    """Says which fixtures are at their end, and sends tombstones, a page at a time, until the log has them.

    At its end is a fixture of which nothing more is expected and on which nobody has open bets: with those, whoever
    settles it must be known. While nobody can say who has bets, no fixture ends.

    Args:
        outlet: The way into the log.
        open_bets: Says which fixtures have open bets.
        fixtures: What is priced here; a fixture that comes back while it is forgotten is left alone.
        clock: Tells the time.
        retention_us: Nothing more is expected of a fixture that is over and was quiet for so long.
        on_ended: Called with the partitions of fixtures at their end, by fixture, before their tombstones are sent.
        on_forgotten: Called with those that the log has forgotten.
    """

    def __init__(
        self,
        outlet: Outlet,
        open_bets: OpenBets,
        *,
        fixtures: Fixtures,
        clock: Clock,
        retention_us: int,
        on_ended: Callable[[Mapping[str, int]], None],
        on_forgotten: Callable[[Mapping[str, int]], None],
    ) -> None:
        self._outlet = outlet
        self._open_bets = open_bets
        self._fixtures = fixtures
        self._clock = clock
        self._retention_us = retention_us
        self._on_ended = on_ended
        self._on_forgotten = on_forgotten
        self._due: dict[str, int] = {}
        self._is_sending = False

    async def run(self) -> None:
        """Look for fixtures at their end now and then, and send what is due, for ever."""
        look_due_s = self._clock.monotonic_s() + LOOK_INTERVAL_S
        while True:
            await asyncio.sleep(SEND_INTERVAL_S)
            if self._clock.monotonic_s() >= look_due_s:
                await self.look()
                look_due_s = self._clock.monotonic_s() + LOOK_INTERVAL_S
            self.send()

    async def look(self) -> None:
        """Look once for fixtures at their end among those that are held, and let them be forgotten."""
        ended = await self.find_ended(self._fixtures.states())
        # Of some, something may have been told while we asked.
        self.add(self._fixtures.expired(ended, now_us=self._clock.now_us(), retention_us=self._retention_us))

    async def find_ended(self, states: Collection[FixtureState]) -> set[str]:
        """Return those of some fixtures that are at their end."""
        now_us = self._clock.now_us()
        expired = [
            state.fixture_id for state in states if is_expired(state, now_us=now_us, retention_us=self._retention_us)
        ]
        try:
            pages = [await self._open_bets.with_open_bets(page) for page in _pages_of(expired)]
        except Unavailable as error:
            log.warning("pricing.ends_not_known", fixtures=len(expired), detail=str(error))
            return set()
        return set(expired).difference(*pages)

    def add(self, partition_by_fixture: Mapping[str, int]) -> None:
        """Let some fixtures be forgotten."""
        if partition_by_fixture:
            self._on_ended(partition_by_fixture)
            self._due.update(partition_by_fixture)

    def drop_partitions(self, partitions: Collection[int]) -> None:
        """Leave the fixtures of partitions to another worker."""
        self._due = {key: partition for key, partition in self._due.items() if partition not in partitions}

    def send(self) -> None:
        """Send a page of tombstones unless one is on its way."""
        self._due = {key: partition for key, partition in self._due.items() if key not in self._fixtures}
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
        self._on_forgotten({key: partition for key, partition in forgotten.items() if key not in self._fixtures})
        log.info("pricing.fixtures_forgotten", fixtures=len(forgotten))


def _pages_of(fixture_ids: Sequence[str]) -> Iterable[Sequence[str]]:
    for begin in range(0, len(fixture_ids), FIXTURES_AT_ONCE_MAX):
        yield fixture_ids[begin : begin + FIXTURES_AT_ONCE_MAX]
