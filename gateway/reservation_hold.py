"""What one bet under way holds of the exposure, and the duty to end that."""

from __future__ import annotations

from typing import Final

import structlog
from prometheus_client import Counter

from bets.acceptance import exposure_of, refuse_liability
from bets.answer import BetAnswer, BetRefusal
from bets.bet import Leg, potential_return_minor
from kernel.money import Money
from risk.limits import LimitTable, limits_for
from risk.ports import ExposureEntry, ExposureStore, ReservationKey, ReservationState, RiskUnavailable

log = structlog.get_logger(__name__)

RESERVATIONS_LEFT: Final = Counter(
    "overround_reservations_left_total", "Reservations that were left for the keeper of exposure to resolve."
)


class ReservationHold:
    """The reservation of one bet. Ours to end if we made it; a repeat elsewhere may have made it before."""

    def __init__(self, exposure: ExposureStore, key: ReservationKey) -> None:
        self._exposure = exposure
        self.key = key
        self._entry: ExposureEntry | None = None
        self._is_ours = False

    async def take(self, leg: Leg, *, stake: Money, table: LimitTable) -> BetRefusal | None:
        """Reserve for the leg, in place of what was reserved at another price; say why if that cannot be.

        Taking the same again makes sure that it is still there.

        Raises:
            RiskUnavailable: If that cannot be found out now.
        """
        payout_minor = potential_return_minor(stake.amount_minor, [leg])
        entry = exposure_of(leg, stake_minor=stake.amount_minor, payout_minor=payout_minor)
        if self._entry != entry:
            await self._release()
        self._entry = entry
        limits = limits_for(table, market_id=leg.market_id, is_in_play=leg.is_in_play)
        found = await self._exposure.reserve(self.key, entry, loss_minor_max=limits.market_loss_minor_max)
        self._is_ours = self._is_ours or found.state == ReservationState.RESERVED
        if found.state == ReservationState.REFUSED:
            return refuse_liability(leg, limits, found.exposure, currency=stake.currency)
        return None

    async def end(self, answer: BetAnswer) -> None:
        """Commit or release, as the ledger answered; what the store does not take now its keeper resolves later."""
        try:
            if answer.bet is not None and not answer.is_replay and self._entry is not None:
                await self._exposure.commit(self.key, self._entry, bet_id=answer.bet.bet_id)
            else:
                await self._release()
        except RiskUnavailable:
            self.leave()

    async def drop(self) -> None:
        """Release, since the ledger did not take the bet."""
        try:
            await self._release()
        except RiskUnavailable:
            self.leave()

    def leave(self) -> None:
        """Leave it to the keeper, since nobody knows here whether the ledger took the bet."""
        if self._is_ours:
            RESERVATIONS_LEFT.inc()
            log.warning("bets.reservation_left", request_id=str(self.key.request_id))

    async def _release(self) -> None:
        if self._is_ours and self._entry is not None:
            await self._exposure.release(self.key, fixture_id=self._entry.fixture_id)
            self._is_ours = False
