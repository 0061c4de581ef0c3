"""Deposits as players ask for them."""

from __future__ import annotations

from uuid import UUID, uuid4

from kernel.money import Money
from pam.player import Player
from payments.deposit import DepositAsked, Route
from payments.provider import Method


def build_asked(
    player: Player,
    amount_minor: int,
    *,
    instrument: str = "tok_ok",
    request_id: UUID | None = None,
    method: Method = Method.CARD,
) -> DepositAsked:
    """Return a deposit in the player's currency."""
    return DepositAsked(
        request_id=request_id or uuid4(),
        player_id=player.player_id,
        account_id=player.cash_account_id,
        amount=Money(amount_minor, player.currency),
        method=method,
        instrument=instrument,
    )


def build_route(asked: DepositAsked, provider: str) -> Route:
    """Return a decision for the only provider there is."""
    decision = {
        "method": asked.method.value,
        "amount_minor": asked.amount.amount_minor,
        "currency": asked.amount.currency,
        "provider": provider,
        "candidates": [{"provider": provider, "obstacle": ""}],
    }
    return Route(provider, decision)
