"""What one bet under way holds of the exposure, and the duty to end that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias
from uuid import UUID

from kernel.errors import Unavailable
from risk.ports import ExposureEntry, ExposureStore, LimitedEntry, Reservation, ReservationKey, ReservationState

OnLeft: TypeAlias = Callable[[ReservationKey], None]


class BetReservation:
    """The reservation of one bet. Ours to end if we made it; a repeat elsewhere may have made it before.

    Args:
        exposure: Where it is made.
        key: Whose it is.
        on_left: Told if it is left for the keeper of exposure to resolve.
    """

    def __init__(self, exposure: ExposureStore, key: ReservationKey, *, on_left: OnLeft) -> None:
        self._exposure = exposure
        self._key = key
        self._on_left = on_left
        self._entries: tuple[ExposureEntry, ...] = ()
        self._is_ours = False

    async def take(self, entries: Sequence[LimitedEntry]) -> Reservation | None:
        """Reserve the entries, in place of what was reserved at another price; return what leaves no room for one.

        Taking the same again makes sure that it is still there.

        Raises:
            Unavailable: If that cannot be found out now.
        """
        wanted = tuple(limited.entry for limited in entries)
        if self._entries != wanted:
            await self._release()
        self._entries = wanted
        found = await self._exposure.reserve(self._key, entries)
        self._is_ours = self._is_ours or found.state == ReservationState.RESERVED
        return found if found.state == ReservationState.REFUSED else None

    async def end(self, *, bet_id: UUID | None) -> None:
        """Commit to the bet it became, or release where it became none; what the store does not take now is left."""
        try:
            if bet_id is not None and self._entries:
                await self._exposure.commit(self._key, self._entries, bet_id=bet_id)
            else:
                await self._release()
        except Unavailable:
            self.leave()

    def leave(self) -> None:
        """Leave it to the keeper, since nobody knows here whether the ledger took the bet."""
        if self._is_ours:
            self._on_left(self._key)

    async def _release(self) -> None:
        if self._is_ours and self._entries:
            await self._exposure.release(self._key, [entry.place for entry in self._entries])
            self._is_ours = False
