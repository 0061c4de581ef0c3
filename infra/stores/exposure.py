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
from typing import Final
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
from risk.ports import ExposureEntry, Reservation, ReservationKey, ReservationState

COMPLETE_KEY: Final = "exposure:complete"
RESERVATIONS_KEY: Final = "exposure:reservations"
FIXTURE_KEY_PATTERN: Final = "exposure:{*}"
WINNERS_CACHED_MAX: Final = 1_024

_SEPARATOR = "\x1f"
_SET_SEPARATOR = "\x1e"
_HELD_WITH_OTHER_CONTENT = 3
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


def reservation_field(key: ReservationKey) -> str:
    """Return what names a reservation within its fixture."""
    return f"{key.player_id}:{key.request_id}"


def pack_entry(entry: ExposureEntry) -> str:
    """Return an entry as the script reads it."""
    return _SEPARATOR.join((entry.market_id, entry.outcome_id, str(entry.stake_minor), str(entry.payout_minor)))


def unpack_entry(fixture_id: str, record: bytes) -> ExposureEntry:
    """Return the entry that the script holds of a reservation or a bet."""
    market_id, outcome_id, stake_minor, payout_minor = record.decode().split(_SEPARATOR)
    return ExposureEntry(fixture_id, market_id, outcome_id, int(stake_minor), int(payout_minor))


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

    async def reserve(self, key: ReservationKey, entry: ExposureEntry, *, loss_minor_max: int) -> Reservation:
        """Count the entry unless our worst loss, should its outcome win, would pass the limit; once for each key.

        The reservation is entered for the sweeper before it is made, and the marker is read after: data lost before
        the reservation took the marker with it.

        Raises:
            Unavailable: If Redis does not answer in time, is not whole, or holds another entry for the key.
        """
        field = reservation_field(key)
        async with self._bounded():
            made_ms = self._clock.now_us() // 1_000
            winners = winners_of(entry.market_id)
            arguments = (field, pack_entry(entry), str(loss_minor_max), *pack_winners(winners))
            _, (state, stake_total_minor, *payouts), marker = await self._batches.run(
                ("ZADD", RESERVATIONS_KEY, made_ms, f"{field}:{entry.fixture_id}"),
                ("EVALSHA", RESERVE_DIGEST, 1, fixture_key(entry.fixture_id), "reserve", *arguments),
                ("GET", COMPLETE_KEY),
            )
        if marker is None:
            if state == ReservationState.RESERVED:
                await self.release(key, fixture_id=entry.fixture_id)
            raise Unavailable(
                Part.RISK, f"Exposure must be whole before a bet is taken, it is being rebuilt; {UNDECIDED}"
            )
        if state == _HELD_WITH_OTHER_CONTENT:
            raise Unavailable(Part.RISK, f"Request must not be held at another price, it is; {UNDECIDED}")
        payout_minor_by_outcome = {
            outcome_id.decode(): payout_minor
            for outcome_id, payout_minor in zip(payouts[::2], payouts[1::2], strict=True)
        }
        exposure = MarketExposure(stake_total_minor, payout_minor_by_outcome, winners)
        return Reservation(ReservationState(state), exposure)

    async def commit(self, key: ReservationKey, entry: ExposureEntry, *, bet_id: UUID) -> None:
        """Turn the reservation into the open bet it became; counts the bet if the reservation is gone.

        Raises:
            Unavailable: If Redis does not answer in time; the reservation is resolved later.
        """
        await self._change(_call(entry.fixture_id, "commit", reservation_field(key), pack_entry(entry), str(bet_id)))

    async def release(self, key: ReservationKey, *, fixture_id: str) -> None:
        """Take the reservation back, if there is one.

        Raises:
            Unavailable: If Redis does not answer in time; the reservation is resolved later.
        """
        await self._change(_call(fixture_id, "release", reservation_field(key)))

    async def add_bet(self, entry: ExposureEntry, *, bet_id: UUID) -> None:
        """Count an open bet, once.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        await self._change(_add_bet(bet_id, entry))

    async def remove_bet(self, bet_id: UUID, *, fixture_id: str) -> None:
        """Stop counting a bet that is settled or void; nothing happens if it is not counted.

        Raises:
            Unavailable: If Redis does not answer in time.
        """
        await self._change(_call(fixture_id, "remove_bet", str(bet_id)))

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
    return _call(entry.fixture_id, "add_bet", str(bet_id), pack_entry(entry))
