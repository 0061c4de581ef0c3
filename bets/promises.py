"""What the bets without a delay take of their players' means, for the moment until the ledger knows of them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bets.answer import Inquiry, Means


@dataclass(frozen=True, slots=True)
class _Promise:
    """A stake on its way to a market, in minor units."""

    fixture_id: str
    market_id: str
    stake_minor: int


class Promises:
    """The promises of every player with bets under way; as many as may be under way."""

    def __init__(self) -> None:
        self._by_player: dict[UUID, dict[UUID, _Promise]] = {}

    def left_of(self, means: Means, inquiry: Inquiry) -> Means:
        """Return what the player's other promises leave of the means for this request."""
        of_player = self._by_player.get(inquiry.player_id, {})
        others = [promise for request_id, promise in of_player.items() if request_id != inquiry.request_id]
        on_market = [
            promise.stake_minor
            for promise in others
            if (promise.fixture_id, promise.market_id) == (inquiry.fixture_id, inquiry.market_id)
        ]
        return Means(
            available_minor=max(0, means.available_minor - sum(promise.stake_minor for promise in others)),
            market_stake_minor=means.market_stake_minor + sum(on_market),
        )

    def make(self, inquiry: Inquiry, *, stake_minor: int) -> None:
        """Keep a promise, in place of the request's earlier one."""
        promise = _Promise(inquiry.fixture_id, inquiry.market_id, stake_minor)
        self._by_player.setdefault(inquiry.player_id, {})[inquiry.request_id] = promise

    def end(self, inquiry: Inquiry) -> None:
        """Forget the promise of a request, if it made one."""
        of_player = self._by_player.get(inquiry.player_id)
        if of_player is not None:
            of_player.pop(inquiry.request_id, None)
            if not of_player:
                del self._by_player[inquiry.player_id]
