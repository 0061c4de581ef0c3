"""What the ledger said last, of its clock and of players' means: enough to begin without asking, never to decide by."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import TypeVar
from uuid import UUID

from bets.answer import Inquiry, Means
from kernel.clock import Clock

PLAYERS_MAX = 20_000
MARKETS_MAX = 100_000  # of all players together
CLOCK_S_MAX = 60.0  # two good clocks part by some milliseconds in that time

Key = TypeVar("Key", bound=Hashable)


class LastWord:
    """Remembers the means of the players who bet last, and the ledger's clock by our own.

    The clock runs behind the ledger's by as long as its last answer took, so that no time given to the ledger as a
    bound is later than meant.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._available_minor: OrderedDict[UUID, int] = OrderedDict()
        self._market_stake_minor: OrderedDict[tuple[UUID, str, str], int] = OrderedDict()
        self._told: tuple[int, float] | None = None

    def note_time(self, time_us: int) -> None:
        """Remember the ledger's clock, as an answer tells it that has just come."""
        self._told = (time_us, self._clock.monotonic_s())

    def forget_time(self) -> None:
        """Forget the ledger's clock."""
        self._told = None

    def note_means(self, inquiry: Inquiry, means: Means) -> None:
        """Remember what a player can stake, as a look told it; whoever has not bet for longest is forgotten for it."""
        _keep(self._available_minor, inquiry.player_id, means.available_minor, PLAYERS_MAX)
        _keep(self._market_stake_minor, _subject(inquiry), means.market_stake_minor, MARKETS_MAX)

    def note_bet(self, inquiry: Inquiry, *, stake_minor: int, available_minor: int) -> None:
        """Remember what a bet that was taken left its player."""
        _keep(self._available_minor, inquiry.player_id, available_minor, PLAYERS_MAX)
        before_minor = self._market_stake_minor.get(_subject(inquiry), 0)
        _keep(self._market_stake_minor, _subject(inquiry), before_minor + stake_minor, MARKETS_MAX)

    def forget_means(self, player_id: UUID) -> None:
        """Forget what a player can stake, since it turned out otherwise."""
        self._available_minor.pop(player_id, None)

    def means(self, inquiry: Inquiry) -> Means | None:
        """Return what the player could stake then, None if that is not known."""
        available_minor = self._available_minor.get(inquiry.player_id)
        if available_minor is None:
            return None
        return Means(available_minor, self._market_stake_minor.get(_subject(inquiry), 0))

    def time_us(self) -> int | None:
        """Return the ledger's clock, None if it was not heard of lately."""
        if self._told is None:
            return None
        time_us, heard_s = self._told
        since_s = self._clock.monotonic_s() - heard_s
        return time_us + int(since_s * 1_000_000) if since_s <= CLOCK_S_MAX else None


def _subject(inquiry: Inquiry) -> tuple[UUID, str, str]:
    return inquiry.player_id, inquiry.fixture_id, inquiry.market_id


def _keep(known: OrderedDict[Key, int], key: Key, minor: int, entries_max: int) -> None:
    known[key] = minor
    known.move_to_end(key)
    if len(known) > entries_max:
        known.popitem(last=False)
