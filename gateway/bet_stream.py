"""A player's bets and balance, live: what is open now, then every change, and a sign of life every second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from typing import Final
from uuid import UUID

from bets.bet import BetStatus
from bets.ports import BetLedger
from gateway.bet_feed import BetFeed, BetWatch
from kernel.clock import Clock
from kernel.errors import Unavailable
from overround.bets.v1 import bet_pb2, betting_service_pb2
from overround.wallet.v1 import wallet_pb2
from pam.player import Player
from wallet.balance import Balance
from wallet.ports import Wallet
from wire.bets import build_bet
from wire.wallet import build_balance

SILENCE_S_MAX: Final = 0.9
MESSAGE_INTERVAL_S: Final = 0.02
BALANCE_INTERVAL_S: Final = 30.0
PAGE_SIZE: Final = 200
OPEN_PAGES_MAX: Final = 5


class BetStream:
    """Serves WatchBets."""

    def __init__(self, *, ledger: BetLedger, wallet: Wallet, feed: BetFeed, clock: Clock) -> None:
        self._ledger = ledger
        self._wallet = wallet
        self._feed = feed
        self._clock = clock

    async def run(
        self, player: Player, *, known_event_counts: Mapping[UUID, int]
    ) -> AsyncIterator[betting_service_pb2.WatchBetsResponse]:
        """Yield messages until the client goes.

        Watching begins before the ledger is read, so that nothing falls between the two.

        Args:
            player: Whose bets.
            known_event_counts: Bets that the client saw open before, and how many events it has of each.
        """
        watch = self._feed.watch(player.cash_account_id)
        view = _View(player, self._ledger, self._wallet, known_event_counts)
        next_balance_s = self._clock.monotonic_s() + BALANCE_INTERVAL_S
        try:
            await view.read_anew()
            while True:
                yield view.take(self._clock.now_us())
                await asyncio.sleep(MESSAGE_INTERVAL_S)
                await watch.wait(SILENCE_S_MAX)
                # What is held is free again without a word of any bet.
                is_balance_due = view.shows_held or self._clock.monotonic_s() >= next_balance_s
                if is_balance_due:
                    next_balance_s = self._clock.monotonic_s() + BALANCE_INTERVAL_S
                await _follow(view, watch, is_balance_due=is_balance_due)
        finally:
            self._feed.unwatch(player.cash_account_id, watch)


class _View:
    """What one client has been shown, and what it is to be shown next."""

    def __init__(
        self, player: Player, ledger: BetLedger, wallet: Wallet, known_event_counts: Mapping[UUID, int]
    ) -> None:
        self._player = player
        self._ledger = ledger
        self._wallet = wallet
        # Events of each bet that was last shown as open: an event that the ledger's answer held already is old news.
        self._event_counts = {str(bet_id): count for bet_id, count in known_event_counts.items()}
        self._bets: dict[str, bet_pb2.Bet] = {}
        self._balance: wallet_pb2.Balance | None = None
        self._balance_shown: Balance | None = None
        self._is_anew_due = False
        self._is_balance_due = False

    def note(self, bets: Iterable[bet_pb2.Bet], *, has_lost: bool, is_balance_due: bool) -> None:
        """Take in changes."""
        for bet in bets:
            self._show(bet)
            self._is_balance_due = True
        self._is_anew_due = self._is_anew_due or has_lost
        self._is_balance_due = self._is_balance_due or is_balance_due

    @property
    def shows_held(self) -> bool:
        """Return whether the client was shown money that is held."""
        return self._balance_shown is not None and self._balance_shown.held_minor > 0

    async def refresh(self) -> None:
        """Read what is due; while the ledger does not answer, it stays due.

        Raises:
            Unavailable: If it does not answer in time.
        """
        if self._is_anew_due:
            await self.read_anew()
        elif self._is_balance_due:
            await self._read_balance()

    async def read_anew(self) -> None:
        """Read every open bet, what became of those shown as open, and the balance.

        Raises:
            Unavailable: If it does not answer in time.
        """
        shown_open = set(self._event_counts)
        token = ""
        for _ in range(OPEN_PAGES_MAX):
            bets, token = await self._ledger.list_bets(
                self._player.player_id, status=BetStatus.OPEN, size=PAGE_SIZE, before=token
            )
            for bet in bets:
                self._show(build_bet(bet))
                shown_open.discard(str(bet.bet_id))
            if not token:
                break
        for bet_id in shown_open:
            closed = await self._ledger.get_bet(self._player.player_id, UUID(bet_id))
            if closed is not None:
                self._show(build_bet(closed))
        await self._read_balance()
        self._is_anew_due = False

    def take(self, server_time_us: int) -> betting_service_pb2.WatchBetsResponse:
        """Return the next message, an empty one if nothing changed."""
        message = betting_service_pb2.WatchBetsResponse(
            bets=self._bets.values(), balance=self._balance, server_time_us=server_time_us
        )
        self._bets, self._balance = {}, None
        return message

    def _show(self, bet: bet_pb2.Bet) -> None:
        if self._event_counts.get(bet.bet_id, 0) >= len(bet.events):
            return
        self._bets[bet.bet_id] = bet
        if bet.status == bet_pb2.BET_STATUS_OPEN:
            self._event_counts[bet.bet_id] = len(bet.events)
        else:
            self._event_counts.pop(bet.bet_id, None)

    async def _read_balance(self) -> None:
        balance = await self._wallet.balance(self._player.cash_account_id)
        # Not its version alone: what is held changes without a movement.
        if balance != self._balance_shown:
            self._balance = build_balance(balance)
            self._balance_shown = balance
        self._is_balance_due = False


async def _follow(view: _View, watch: BetWatch, *, is_balance_due: bool) -> None:
    bets, has_lost = watch.take()
    view.note(bets, has_lost=has_lost, is_balance_due=is_balance_due)
    with suppress(Unavailable):
        await view.refresh()
