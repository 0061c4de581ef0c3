"""Changes of bets to the players who watch theirs: bounded for each watcher, the newest state of a bet wins."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog
from google.protobuf.message import DecodeError

from gateway.books import TooManyWatchers
from kernel.log import Record
from overround.bets.v1 import bet_pb2
from overround.pam.v1 import player_pb2

log = structlog.get_logger(__name__)

PENDING_BETS_MAX: Final = 500


class BetWatch:
    """What one watcher has not been given yet."""

    def __init__(self) -> None:
        self._pending: dict[str, bet_pb2.Bet] = {}
        self._has_lost = False
        self._woken = asyncio.Event()

    def note(self, bet: bet_pb2.Bet) -> None:
        """Remember the newest state of a bet; too many waiting bets are let go, and the watcher is told so."""
        held = self._pending.get(bet.bet_id)
        if held is not None and len(held.events) >= len(bet.events):
            return
        self._pending[bet.bet_id] = bet
        if len(self._pending) > PENDING_BETS_MAX:
            self._pending.clear()
            self._has_lost = True
        self._woken.set()

    def wake(self) -> None:
        """Let the watcher look up, though there is no news of any bet."""
        self._woken.set()

    async def wait(self, timeout_s: float) -> None:
        """Wait until there is news, at most so long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return

    def take(self) -> tuple[list[bet_pb2.Bet], bool]:
        """Take what waits, and whether something was let go."""
        taken, has_lost = list(self._pending.values()), self._has_lost
        self._pending, self._has_lost = {}, False
        self._woken.clear()
        return taken, has_lost


class BetFeed:
    """Fans changes of bets out to the watchers of each cash account. Everything happens in the event loop's thread."""

    def __init__(self, *, watchers_max: int) -> None:
        self._watchers_max = watchers_max
        self._count = 0
        self._watches: dict[str, set[BetWatch]] = {}

    def watch(self, cash_account_id: int) -> BetWatch:
        """Begin to watch the bets paid from an account.

        Raises:
            TooManyWatchers: If so many watch already.
        """
        if self._count >= self._watchers_max:
            raise TooManyWatchers(self._watchers_max, "bettors")
        watch = BetWatch()
        self._watches.setdefault(str(cash_account_id), set()).add(watch)
        self._count += 1
        return watch

    def unwatch(self, cash_account_id: int, watch: BetWatch) -> None:
        """Stop to watch."""
        watches = self._watches.get(str(cash_account_id), set())
        if watch in watches:
            watches.discard(watch)
            self._count -= 1
        if not watches:
            self._watches.pop(str(cash_account_id), None)

    def apply(self, records: Iterable[Record]) -> None:
        """Take in records of bets.events.v1; those that nobody watches are not even parsed."""
        for record in records:
            watches = self._watches.get(record.key)
            if watches:
                self._tell(watches, record)

    def apply_players(self, records: Iterable[Record]) -> None:
        """Take in records of pam.players.v1: whoever watches the bets of one who changed looks up."""
        for record in records:
            try:
                state = player_pb2.PlayerState.FromString(record.value or b"")
            except DecodeError as error:
                log.error("players.state_unreadable", offset=record.offset, error=str(error))
                continue
            for watch in self._watches.get(state.cash_account_id, ()):
                watch.wake()

    def _tell(self, watches: Iterable[BetWatch], record: Record) -> None:
        try:
            changed = bet_pb2.BetChanged.FromString(record.value or b"")
        except DecodeError as error:
            log.error("bets.event_unreadable", offset=record.offset, error=str(error))
            return
        for watch in watches:
            watch.note(changed.bet)
