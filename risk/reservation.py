"""What one bet under way holds of the exposure, and the duty to end that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias
from uuid import UUID

from kernel.errors import Unavailable
from risk.exposure import MarketExposure
from risk.ports import ExposureEntry, ExposureStore, ReservationKey, ReservationState

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
        self._entry: ExposureEntry | None = None
        self._is_ours = False

    async def take(self, entry: ExposureEntry, *, loss_minor_max: int) -> MarketExposure | None:
        """Reserve the entry, in place of what was reserved at another price; return what leaves no room for it.

        Taking the same again makes sure that it is still there.

        Raises:
            Unavailable: If that cannot be found out now.
        """
        if self._entry != entry:
            await self._release()
        self._entry = entry
        found = await self._exposure.reserve(self._key, entry, loss_minor_max=loss_minor_max)
        self._is_ours = self._is_ours or found.state == ReservationState.RESERVED
        return found.exposure if found.state == ReservationState.REFUSED else None

    async def end(self, *, bet_id: UUID | None) -> None:
        """Commit to the bet it became, or release where it became none; what the store does not take now is left."""
        try:
            if bet_id is not None and self._entry is not None:
                await self._exposure.commit(self._key, self._entry, bet_id=bet_id)
            else:
                await self._release()
        except Unavailable:
            self.leave()

    def leave(self) -> None:
        """Leave it to the keeper, since nobody knows here whether the ledger took the bet."""
        if self._is_ours:
            self._on_left(self._key)

    async def _release(self) -> None:
        if self._is_ours and self._entry is not None:
            await self._exposure.release(self._key, fixture_id=self._entry.fixture_id)
            self._is_ours = False
