"""The ledger refuses in the commit whom `compliance.permit` refuses before it, for the same reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from itertools import product as combinations

import pytest

from compliance.jurisdiction import Product, Rules
from compliance.permit import MOVES_MONEY, permit
from infra.settings import Settings
from kernel.errors import DomainError
from pam.player import PlayerRole, PlayerStatus
from tests.fakes.fake_betting import PLAYER
from tests.ledger_world import LedgerWorld, open_world


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[LedgerWorld]:
    async with open_world(settings) as opened:
        yield opened


RULES = Rules("somewhere", date(2026, 9, 30), frozenset(Product), None)


async def test_both_refuse_the_same_players_for_the_same_reason(world: LedgerWorld) -> None:
    for role, status in combinations(PlayerRole, PlayerStatus):
        (row,) = await world.fetch("SELECT pam.refusal_of($1, $2) AS reason", int(role), int(status))
        for product in MOVES_MONEY:
            player = replace(PLAYER, role=role, status=status)
            found = permit(player, rules=RULES, product=product, amount=None, place=None)
            assert row["reason"] == (found.reason if isinstance(found, DomainError) else None), (role, status)
