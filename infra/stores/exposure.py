"""Exposure in Redis: one hash a fixture, changed by one script, so that no two reservations pass a limit together.

Keys: `exposure:{<fixture id>}`, the braces literal, so that a cluster keeps a fixture in one slot;
`exposure:reservations`, when each reservation was made, so that forgotten ones are found;
`exposure:complete`, absent until every open bet is counted: see kept_exposure.py.

Two things vouch for the data: the marker, which goes when the data is flushed, and the script that reserves, which a
server forgets when it restarts, perhaps with data that lacks its last moments. Reserving takes both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from infra.stores.bounded import bounded
from infra.stores.redis_batches import Command, RedisBatches
from kernel.clock import Clock
from kernel.commands import UNDECIDED
from kernel.errors import Part, Unavailable
from markets.catalogue import winners_of
from markets.winners import Winners
from risk.exposure import MarketExposure
from risk.ports import EntryPlace, ExposureEntry, LimitedEntry, Reservation, ReservationKey, ReservationState

COMPLETE_KEY: Final = "exposure:complete"
RESERVATIONS_KEY: Final = "exposure:reservations"
FIXTURE_KEY_PATTERN: Final = "exposure:{*}"
WINNERS_CACHED_MAX: Final = 1_024

_SEPARATOR = "\x1f"
_SET_SEPARATOR = "\x1e"
_HELD_WITH_OTHER_CONTENT = 3
_STATES = (
    *(ReservationState.REFUSED, ReservationState.RESERVED, ReservationState.ALREADY_RESERVED),
    ReservationState.ALREADY_RESERVED,  # with other content
)
_SCRIPT: Final = (Path(__file__).parent / "exposure.lua").read_text(encoding="utf-8")
# The same under a digest of its own: only the keeper loads it, once every open bet is counted.
RESERVE_SCRIPT: Final = f"{_SCRIPT}-- Loaded by the keeper alone.\n"
# By its digest Redis finds a script, so that its text is not sent at each call.
_DIGEST, RESERVE_DIGEST = (
    hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest() for script in (_SCRIPT, RESERVE_SCRIPT)
)


def fixture_key(fixture_id: str) -> str:
    """Return the key of a fixture's exposure."""
    return f"exposure:{{{fixture_id}}}"


def fixture_of(key: bytes) -> str:
    """Return the fixture whose exposure is kept under this key."""
    return key.decode().removeprefix("exposure:{").removesuffix("}")


def reservation_field(key: ReservationKey, leg: int) -> str:
    """Return what names the reservation of a leg within its fixture: that of the first by its bet alone."""
    return f"{key.player_id}:{_with_leg(key.request_id, leg)}"


def bet_field(bet_id: UUID, leg: int) -> str:
    """Return what names a leg of a bet within its fixture: the first by the bet alone."""
    return _with_leg(bet_id, leg)


def parse_field(field: str) -> tuple[UUID, int]:
    """Return the id of a bet or a request, and which of its legs is named."""
    name, _, leg = field.partition("/")
    return UUID(name), int(leg or 0)


def pack_entry(entry: ExposureEntry) -> str:
    """Return an entry as the script reads it."""
    return _SEPARATOR.join((entry.market_id, entry.outcome_id, str(entry.stake_minor), str(entry.payout_minor)))


def unpack_entry(fixture_id: str, record: bytes, leg: int) -> ExposureEntry:
    """Return the entry that the script holds of a reservation or a bet."""
    market_id, outcome_id, stake_minor, payout_minor = record.decode().split(_SEPARATOR)
    return ExposureEntry(fixture_id, market_id, outcome_id, int(stake_minor), int(payout_minor), leg)


@lru_cache(maxsize=WINNERS_CACHED_MAX)
def pack_winners(winners: Winners) -> tuple[str, str]:
    """Return which outcomes can win together as the script reads it: how many, and the sets where not any can."""
    sets = (_SEPARATOR.join(sorted(outcome_ids)) for outcome_ids in winners.sets)
    return str(winners.count_max), _SET_SEPARATOR.join(sets)


class RedisExposure:
    """The exposure of every market with open bets."""

    def __init__(self, redis: Redis, *, clock: Clock, timeout_ms: int) -> None:
        self._batches = RedisBatches(redis, timeout_s=timeout_ms / 1_000)
        self._clock = clock
        self._timeout_s = timeout_ms / 1_000

    async def reserve(self, key: ReservationKey, entries: Sequence[LimitedEntry]) -> Reservation:
        """Count the entries of a bet unless our worst loss, should an outcome win, would pass its limit; once a key.

        All go in one round trip, fixtures in ascending order of their keys. A reservation is entered for the sweeper
        before it is made, and the marker is read after: data lost before the reservation took the marker with it.

        Raises:
            Unavailable: If Redis does not answer in time, is not whole, or holds another entry for the key.
        """
        ordered = sorted(entries, key=lambda limited: (fixture_key(limited.entry.fixture_id), limited.entry.leg))
        async with self._bounded():
            made_ms = self._clock.now_us() // 1_000
            members = [f"{reservation_field(key, limited.entry.leg)}:{limited.entry.fixture_id}" for limited in ordered]
            _, *answers, marker = await self._batches.run(
                ("ZADD", RESERVATIONS_KEY, *(part for member in members for part in (made_ms, member))),
                *(_reserve(key, limited) for limited in ordered),
                ("GET", COMPLETE_KEY),
            )
        found = [_read_reservation(limited.entry, answer) for limited, answer in zip(ordered, answers, strict=True)]
        made = [each for each in found if each.state == ReservationState.RESERVED]
        refused = [each for each in found if each.state == ReservationState.REFUSED]
        is_held = any(answer[0] == _HELD_WITH_OTHER_CONTENT for answer in answers)
        if made and (marker is None or refused or is_held):
            await self.release(key, [each.entry.place for each in made])
        if marker is None:
            raise Unavailable(
                Part.RISK, f"Exposure must be whole before a bet is taken, it is being rebuilt; {UNDECIDED}"
            )
        if is_held:
            raise Unavailable(Part.RISK, f"Request must not be held at another price, it is; {UNDECIDED}")
        return (refused or made or found)[0]

    async def commit(self, key: ReservationKey, entries: Sequence[ExposureEntry], *, bet_id: UUID) -> None:
        """Turn the reservation into the open bet it became; counts the bet if the reservation is gone.

        Raises:
            Unavailable: If Redis does not answer in time; the reservation is resolved later.
        """
        await self._change(
            *(
                _call(
                    entry.fixture_id,
                    "commit",
                    reservation_field(key, entry.leg),
                    pack_entry(entry),
                    bet_field(bet_id, entry.leg),
                )
                for entry in entries
            )
        )

    async def release(self, key: ReservationKey, places: Sequence[EntryPlace]) -> None:
        """Take the reservation back, as far as there is one.

        Raises:
            Unavailable: If Redis does not answer in time; the reservation is resolved later.
        """
        await self._change(*(_call(place.fixture_id, "release", reservation_field(key, place.leg)) for place in places))

    async def add_bet(self, entry: ExposureEntry, *, bet_id: UUID) -> None:
        """Count a leg of an open bet, once.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        await self._change(_add_bet(bet_id, entry))

    async def remove_bet(self, bet_id: UUID, place: EntryPlace) -> None:
        """Stop counting a leg of a bet that is settled or void; nothing happens if it is not counted.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        await self._change(_call(place.fixture_id, "remove_bet", bet_field(bet_id, place.leg)))

    async def add_bets(self, bets: Sequence[tuple[UUID, ExposureEntry]]) -> None:
        """Count a page of open bets, each once, in one round trip.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        if bets:
            await self._change(*(_add_bet(bet_id, entry) for bet_id, entry in bets))

    async def _change(self, *changes: Command) -> None:
        """Make changes, each of which may be made twice."""
        async with self._bounded():
            try:
                await self._batches.run(*changes)
            except NoScriptError:  # the server does not know the script, or no more: it is sent once, not every time
                await self._batches.run(("SCRIPT LOAD", _SCRIPT), *changes)

    def _bounded(self) -> AbstractAsyncContextManager[None]:
        return bounded(self._timeout_s, Part.RISK, f"Exposure must be whole and its store answer in time; {UNDECIDED}")


def _call(fixture_id: str, operation: str, *arguments: str) -> Command:
    return ("EVALSHA", _DIGEST, 1, fixture_key(fixture_id), operation, *arguments)


def _add_bet(bet_id: UUID, entry: ExposureEntry) -> Command:
    return _call(entry.fixture_id, "add_bet", bet_field(bet_id, entry.leg), pack_entry(entry))


def _reserve(key: ReservationKey, limited: LimitedEntry) -> Command:
    entry = limited.entry
    return (
        "EVALSHA",
        RESERVE_DIGEST,
        1,
        fixture_key(entry.fixture_id),
        "reserve",
        reservation_field(key, entry.leg),
        pack_entry(entry),
        str(limited.loss_minor_max),
        *pack_winners(winners_of(entry.market_id)),
    )


def _read_reservation(entry: ExposureEntry, answer: Sequence[Any]) -> Reservation:
    state, stake_total_minor, *payouts = answer
    payout_minor_by_outcome = {
        outcome_id.decode(): payout_minor for outcome_id, payout_minor in zip(payouts[::2], payouts[1::2], strict=True)
    }
    exposure = MarketExposure(stake_total_minor, payout_minor_by_outcome, winners_of(entry.market_id))
    return Reservation(_STATES[state], entry, exposure)


def _with_leg(name: UUID, leg: int) -> str:
    return f"{name}/{leg}" if leg else str(name)
