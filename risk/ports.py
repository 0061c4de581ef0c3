"""What risk needs from outside: a place where exposure is reserved."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
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
class EntryPlace:
    """Which leg of a bet an entry is of, and of which fixture that is."""

    fixture_id: str
    leg: int


@dataclass(frozen=True, slots=True)
class ExposureEntry:
    """What one leg of a bet adds to the exposure of its market, in minor units of the reference currency."""

    fixture_id: str
    market_id: str
    outcome_id: str
    stake_minor: int
    payout_minor: int
    leg: int = 0

    @property
    def place(self) -> EntryPlace:
        """Return where it is kept."""
        return EntryPlace(self.fixture_id, self.leg)


@dataclass(frozen=True, slots=True)
class LimitedEntry:
    """An entry, and the most we may lose on its market with it."""

    entry: ExposureEntry
    loss_minor_max: int


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
        entry: The first that was refused, else the last.
        exposure: The market of that entry as it stood before, as far as it concerns the outcome.
    """

    state: ReservationState
    entry: ExposureEntry
    exposure: MarketExposure


class ExposureStore(Protocol):
    """Exposure of every market with open bets, changed atomically. Every call is bounded in time."""

    async def reserve(self, key: ReservationKey, entries: Sequence[LimitedEntry]) -> Reservation:
        """Count the entries of a bet unless our worst loss, should an outcome win, would pass its limit; once a key.

        All are counted or none: what was counted before one is refused is released. Fixtures are taken in ascending
        order of their keys.

        Raises:
            Unavailable: If the store does not answer in time, is not whole, or holds another entry for the key.
        """
        ...

    async def commit(self, key: ReservationKey, entries: Sequence[ExposureEntry], *, bet_id: uuid.UUID) -> None:
        """Turn the reservation into the open bet it became; counts the bet if the reservation is gone.

        Raises:
            Unavailable: If the store does not answer in time; the reservation is resolved later.
        """
        ...

    async def release(self, key: ReservationKey, places: Sequence[EntryPlace]) -> None:
        """Take the reservation back, as far as there is one.

        Raises:
            Unavailable: If the store does not answer in time; the reservation is resolved later.
        """
        ...

    async def add_bet(self, entry: ExposureEntry, *, bet_id: uuid.UUID) -> None:
        """Count a leg of an open bet, once: a settlement was rolled back.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...

    async def remove_bet(self, bet_id: uuid.UUID, place: EntryPlace) -> None:
        """Stop counting a leg of a bet that is settled or void; nothing happens if it is not counted.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...
