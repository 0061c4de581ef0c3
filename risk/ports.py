"""What risk needs from outside: a place where exposure is reserved."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from risk.exposure import MarketExposure


@dataclass(frozen=True, slots=True)
class ReservationKey:
    """Which slip a reservation belongs to: request ids are the client's, so the player is part of it."""

    player_id: uuid.UUID
    request_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class ExposureEntry:
    """What one bet adds to the exposure of a market, in minor units of the reference currency."""

    fixture_id: str
    market_id: str
    outcome_id: str
    stake_minor: int
    payout_minor: int


class ReservationState(IntEnum):
    """How an attempt to reserve ended."""

    REFUSED = 0
    RESERVED = 1
    ALREADY_RESERVED = 2


@dataclass(frozen=True, slots=True)
class Reservation:
    """Result of an attempt to reserve.

    Attributes:
        state: RESERVED gives the caller the duty to commit or release; ALREADY_RESERVED means another has it.
        exposure: The market as it stood before, as far as it concerns the outcome.
    """

    state: ReservationState
    exposure: MarketExposure


class ExposureStore(Protocol):
    """Exposure of every market with open bets, changed atomically. Every call is bounded in time."""

    async def reserve(self, key: ReservationKey, entry: ExposureEntry, *, loss_minor_max: int) -> Reservation:
        """Count the entry unless our worst loss, should its outcome win, would pass the limit; once for each key.

        Raises:
            Unavailable: If the store does not answer in time, is not whole, or holds another entry for the key.
        """
        ...

    async def commit(self, key: ReservationKey, entry: ExposureEntry, *, bet_id: uuid.UUID) -> None:
        """Turn the reservation into the open bet it became; counts the bet if the reservation is gone.

        Raises:
            Unavailable: If the store does not answer in time; the reservation is resolved later.
        """
        ...

    async def release(self, key: ReservationKey, *, fixture_id: str) -> None:
        """Take the reservation back, if there is one.

        Raises:
            Unavailable: If the store does not answer in time; the reservation is resolved later.
        """
        ...

    async def add_bet(self, entry: ExposureEntry, *, bet_id: uuid.UUID) -> None:
        """Count an open bet, once: a settlement was rolled back.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...

    async def remove_bet(self, bet_id: uuid.UUID, *, fixture_id: str) -> None:
        """Stop counting a bet that is settled or void; nothing happens if it is not counted.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...
