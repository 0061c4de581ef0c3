"""Keep exposure true: rebuild it when its store lost data, resolve reservations that nobody ended, compare it.

Every gateway runs a keeper; the store lets one work at a time. The comparison finds what was told out of order: a bet
that closed before its gateway could say that it was taken, and one that was opened again while somebody took it out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias
from uuid import UUID

from kernel.clock import Clock
from risk.ports import EntryPlace, ExposureEntry, ExposureStore, ReservationKey

PAGE_SIZE: Final = 200
"""Open bets read at once when all are counted: one page is one round trip, which has its time like any other."""

COMPARED_AT_ONCE: Final = 100
"""Reservations wait for a step of the comparison, so that it is a small one."""

_START: Final = UUID(int=0)

Bets: TypeAlias = Sequence[tuple[UUID, ExposureEntry]]
"""What bets count for, leg by leg."""


class OpenBets(Protocol):
    """The open bets of the ledger, which alone decides what counts."""

    async def read_page(self, *, after: UUID, size: int) -> Bets:
        """Return the legs of the open bets that follow `after` by bet id, those of `size` bets at most.

        Raises:
            Unavailable: If no answer came in time.
        """
        ...

    async def find_open(self, bet_ids: Sequence[UUID]) -> set[UUID]:
        """Return which of these bets are open.

        Raises:
            Unavailable: If no answer came in time.
        """
        ...

    async def find_by_request(self, key: ReservationKey) -> tuple[UUID, Sequence[ExposureEntry]] | None:
        """Return the open bet that a request became with its entries by leg, None if it became none.

        Raises:
            Unavailable: If no answer came in time, also because it is being decided now.
        """
        ...


@dataclass(frozen=True, slots=True)
class OldReservation:
    """The reservation of a leg that should have ended by now, and whether it still counts."""

    key: ReservationKey
    place: EntryPlace
    is_held: bool


class KeptExposure(ExposureStore, Protocol):
    """Exposure as its keeper sees it. Every call raises Unavailable or the store's own error without an answer."""

    def alone(self) -> AbstractAsyncContextManager[bool]:
        """Enter as the one keeper that works, or not; for no longer than a keeper that died keeps others out."""
        ...

    async def renew(self) -> None:
        """Stay the one that works for as long again.

        Raises:
            LockLost: If another keeper took over.
        """
        ...

    async def is_complete(self) -> bool:
        """Return whether bets can be reserved: all is counted, and the store has not restarted since."""
        ...

    async def drop_all(self) -> None:
        """Let no bet be reserved, and forget all that is counted."""
        ...

    async def complete(self) -> None:
        """Let bets be reserved, as all that is open is counted."""
        ...

    async def add_bets(self, bets: Bets) -> None:
        """Count a page of open bets, each once."""
        ...

    async def find_uncounted(self, bets: Bets) -> Bets:
        """Return which of these bets are not counted."""
        ...

    async def read_counted(self, size: int) -> Bets:
        """Return the next bets that are counted, round and round, about so many."""
        ...

    async def read_old(self, before_ms: int) -> Sequence[OldReservation]:
        """Return a page of the reservations that were made by then, empty where there are none."""
        ...

    async def forget(self, reservations: Sequence[OldReservation], before_ms: int) -> None:
        """Look for these no more, but for those that were made anew since."""
        ...


class KeepingObserver(Protocol):
    """Who is told what a keeper did."""

    def note_rebuild(self) -> None:
        """Note that what is lost is being counted anew."""
        ...

    def note_rebuilt(self, bet_count: int) -> None:
        """Note that so many open bets are counted again."""
        ...

    def note_resolved(self, key: ReservationKey, *, is_bet: bool) -> None:
        """Note what a reservation that nobody had ended had become."""
        ...

    def note_dropped(self, bet_count: int) -> None:
        """Note bets that counted though they were closed."""
        ...


@dataclass(frozen=True, slots=True)
class KeepingRules:
    """When the keeper acts.

    Attributes:
        reservation_age_ms_max: When a reservation that nobody ended is looked into; longer than any bet takes.
        answer_ms_max: The longest a bet takes from its reservation to the ledger's answer.
        compare_interval_ms: How long a comparison that found nothing is enough, while nothing else says that it is not.
    """

    reservation_age_ms_max: int
    answer_ms_max: int
    compare_interval_ms: int


class ExposureKeeping:
    """What a keeper does at each look; where its comparison stands in the ledger, by bet id."""

    def __init__(
        self,
        exposure: KeptExposure,
        open_bets: OpenBets,
        *,
        observer: KeepingObserver,
        clock: Clock,
        rules: KeepingRules,
    ) -> None:
        self._exposure = exposure
        self._open_bets = open_bets
        self._observer = observer
        self._clock = clock
        self._rules = rules
        self._after = _START
        self._compare_from_s = 0.0

    async def look(self) -> None:
        """Rebuild if that is needed, resolve old reservations, compare a part; do nothing while another keeper does.

        Raises:
            LockLost: If another keeper took over meanwhile.
            Unavailable: If the ledger did not answer in time.
            Unavailable: If the store did not.
            TimeoutError: If it took longer than it may.
        """
        async with self._exposure.alone() as is_ours:
            if not is_ours:
                return
            is_doubted = not await self._exposure.is_complete()
            if is_doubted:
                await self._rebuild()
            is_doubted |= await self._sweep()
            now_s = self._clock.monotonic_s()
            if is_doubted or now_s >= self._compare_from_s:
                is_as_it_should_be = await self._compare()
                self._compare_from_s = now_s + self._rules.compare_interval_ms / 1_000 * is_as_it_should_be

    async def _rebuild(self) -> None:
        self._observer.note_rebuild()
        await self._exposure.drop_all()
        # A bet that was reserved in what is lost may be on its way into the ledger; then the pages show it.
        await asyncio.sleep(self._rules.answer_ms_max / 1_000)
        after, bet_count = _START, 0
        while page := await self._open_bets.read_page(after=after, size=PAGE_SIZE):
            await self._exposure.renew()
            await self._count(page)
            bet_count += len({bet_id for bet_id, _ in page})
            after = page[-1][0]
        await self._exposure.renew()
        await self._exposure.complete()
        self._observer.note_rebuilt(bet_count)

    async def _sweep(self) -> bool:
        """Resolve what should have ended by now; return whether there was something to resolve."""
        has_resolved = False
        before_ms = self._clock.now_us() // 1_000 - self._rules.reservation_age_ms_max
        while reservations := await self._exposure.read_old(before_ms):
            await self._exposure.renew()
            for reservation in reservations:
                if reservation.is_held:
                    has_resolved = True
                    await self._resolve(reservation)
            await self._exposure.forget(reservations, before_ms)
        return has_resolved

    async def _resolve(self, reservation: OldReservation) -> None:
        """Ask the ledger what became of the bet, which alone decides."""
        found = await self._open_bets.find_by_request(reservation.key)
        self._observer.note_resolved(reservation.key, is_bet=found is not None)
        bet_id, entries = found or (_START, ())
        became = [entry for entry in entries if entry.place == reservation.place]
        if became:
            await self._exposure.commit(reservation.key, became, bet_id=bet_id)
        else:  # no bet, or one that was asked for again otherwise: that is counted where it is
            await self._exposure.release(reservation.key, [reservation.place])

    async def _compare(self) -> bool:
        """Compare one page in either direction; return whether it was as it should be."""
        page = await self._open_bets.read_page(after=self._after, size=COMPARED_AT_ONCE)
        missing = await self._exposure.find_uncounted(page)
        if missing:
            await self._count(missing)
        self._after = page[-1][0] if len(page) >= COMPARED_AT_ONCE else _START
        closed_count = await self._drop_closed(await self._exposure.read_counted(COMPARED_AT_ONCE))
        return not missing and not closed_count

    async def _count(self, bets: Bets) -> None:
        """Count open bets, then ask again: one that closed in between may have been told to us before it counted."""
        await self._exposure.add_bets(bets)
        await self._drop_closed(bets)

    async def _drop_closed(self, counted: Bets) -> int:
        still_open = await self._open_bets.find_open([bet_id for bet_id, _ in counted]) if counted else set()
        closed = [(bet_id, entry) for bet_id, entry in counted if bet_id not in still_open]
        if not closed:
            return 0
        for bet_id, entry in closed:
            await self._exposure.remove_bet(bet_id, entry.place)
        # One that was opened again in between was told to us while it still counted.
        opened = await self._open_bets.find_open([bet_id for bet_id, _ in closed])
        await self._exposure.add_bets([(bet_id, entry) for bet_id, entry in closed if bet_id in opened])
        self._observer.note_dropped(len({bet_id for bet_id, _ in closed} - opened))
        return len(closed)
