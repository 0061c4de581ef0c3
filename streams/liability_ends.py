"""Find fixtures that are at their end for liability too, and bets that the ledger does not have."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Final

import structlog

from kernel.clock import Clock
from kernel.errors import Unavailable
from streams.liability_fixtures import LiabilityFixtures
from streams.ports import OpenBets, PricedFixtures

LOOK_INTERVAL_S: Final = 60.0
TURN_S: Final = 0.5
QUIET_US: Final = 3_600 * 1_000_000
"""A fixture is asked about when nothing came for so long: what is delivered once more comes within minutes."""
ENDED_AT_ONCE_MAX: Final = 1_000
HELD_AGAINST_LEDGER_MAX: Final = 200

log = structlog.get_logger(__name__)


class LiabilityEnds:
    """Asks about fixtures that have been quiet; who folds takes what was found.

    A fixture without open bets ends when pricing has forgotten it, so that it ends once for all. Bets on a fixture on
    which the ledger has none open are lost: a restore went back behind them. What comes after either begins anew.

    Args:
        priced: Which fixtures pricing holds.
        ledger: Which fixtures have open bets.
        clock: Tells the time.
    """

    def __init__(self, *, priced: PricedFixtures, ledger: OpenBets, clock: Clock) -> None:
        self._priced = priced
        self._ledger = ledger
        self._clock = clock
        self._held_after = 0
        self._ended: set[str] = set()
        self._lost: set[str] = set()

    async def run(self, partitions: Collection[LiabilityFixtures]) -> None:
        """Look for ever."""
        look_due_s = self._clock.monotonic_s() + LOOK_INTERVAL_S
        while True:
            await asyncio.sleep(TURN_S)
            if self._clock.monotonic_s() >= look_due_s:
                await self.look(tuple(partitions))
                look_due_s = self._clock.monotonic_s() + LOOK_INTERVAL_S

    async def look(self, partitions: Collection[LiabilityFixtures]) -> None:
        """Look once, at as many as may be asked about at once."""
        quiet_us = self._clock.now_us() - QUIET_US
        empty = [name for fixtures in partitions for name in fixtures.quiet_since(quiet_us, have_bets=False)]
        held = [name for fixtures in partitions for name in fixtures.quiet_since(quiet_us, have_bets=True)]
        page = held[self._held_after : self._held_after + HELD_AGAINST_LEDGER_MAX]
        self._held_after = self._held_after + len(page) if len(page) == HELD_AGAINST_LEDGER_MAX else 0
        try:
            # What an earlier look found may be so no more.
            self._ended = await self._find_ended(empty)
            self._lost = set(page) - await self._ledger.with_open_bets(page) if page else set()
        except Unavailable as error:
            log.warning("liability.ends_not_known", empty=len(empty), held=len(page), detail=str(error))

    async def _find_ended(self, empty: Sequence[str]) -> set[str]:
        ended: set[str] = set()
        for begin in range(0, len(empty), ENDED_AT_ONCE_MAX):
            ended |= await self._priced.without_book(empty[begin : begin + ENDED_AT_ONCE_MAX])
        return ended

    def take_ended(self, fixtures: LiabilityFixtures) -> list[str]:
        """Take what was found of a partition's fixtures that ended, at most a page, if it is still so."""
        return self._take(self._ended, fixtures, have_bets=False)

    def take_lost(self, fixtures: LiabilityFixtures) -> list[str]:
        """Take what was found of a partition's fixtures whose bets are lost, at most a page, if it is still so."""
        return self._take(self._lost, fixtures, have_bets=True)

    def _take(self, found: set[str], fixtures: LiabilityFixtures, *, have_bets: bool) -> list[str]:
        if not found:
            return []
        quiet = fixtures.quiet_since(self._clock.now_us() - QUIET_US, have_bets=have_bets)
        taken = list(islice((name for name in quiet if name in found), ENDED_AT_ONCE_MAX))
        found.difference_update(taken)
        return taken
