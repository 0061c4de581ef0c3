"""What the bets under way take of their players' means, before the ledger knows of them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bets.acceptance import Means
from bets.answer import Standing
from risk.ports import ReservationKey


@dataclass(frozen=True, slots=True)
class Promise:
    """A stake on its way to a market, in minor units."""

    fixture_id: str
    market_id: str
    stake_minor: int


class Promises:
    """The promises of every player with bets under way; as many as may be under way."""

    def __init__(self) -> None:
        self._by_player: dict[UUID, dict[UUID, Promise]] = {}

    def left_of(self, standing: Standing, key: ReservationKey, wanted: Promise) -> Means:
        """Return the means that the player's other promises leave for this one."""
        of_player = self._by_player.get(key.player_id, {})
        others = [promise for request_id, promise in of_player.items() if request_id != key.request_id]
        on_market = [
            promise.stake_minor
            for promise in others
            if (promise.fixture_id, promise.market_id) == (wanted.fixture_id, wanted.market_id)
        ]
        return Means(
            available_minor=max(0, standing.available_minor - sum(promise.stake_minor for promise in others)),
            market_stake_minor=standing.market_stake_minor + sum(on_market),
        )

    def make(self, key: ReservationKey, promise: Promise) -> None:
        """Keep a promise, in place of the request's earlier one."""
        self._by_player.setdefault(key.player_id, {})[key.request_id] = promise

    def end(self, key: ReservationKey) -> None:
        """Forget the promise of a request, if it made one."""
        of_player = self._by_player.get(key.player_id)
        if of_player is not None:
            of_player.pop(key.request_id, None)
            if not of_player:
                del self._by_player[key.player_id]
