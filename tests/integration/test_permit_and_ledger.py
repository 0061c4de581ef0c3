"""The ledger refuses in the commit whom `compliance.permit` refuses before it, for the same reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from itertools import product as combinations
from uuid import uuid4

import orjson
import pytest

from compliance.jurisdiction import LimitWindow, Product, Rules
from compliance.limits import DepositLimitExceeded
from compliance.permit import MOVES_MONEY, permit
from infra.settings import Settings
from infra.stores.postgres_protection import PostgresProtection
from kernel.errors import DomainError
from kernel.money import Money
from pam.player import PlayerExcluded, PlayerRole, PlayerStatus, PlayerTimedOut
from tests.fakes.fake_betting import PLAYER
from tests.ledger_world import LedgerWorld, open_world


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[LedgerWorld]:
    async with open_world(settings) as opened:
        yield opened


RULES = Rules("somewhere", date(2026, 9, 30), frozenset(Product), None)


NOW_US = 1_790_000_000_000_000
REFUSAL = """
    SELECT pam.refusal_of(jsonb_populate_record(NULL::pam.player, $1::jsonb), $2) ->> 'reason' AS reason,
        pam.refusal_of(jsonb_populate_record(NULL::pam.player, $1::jsonb), $2) ->> 'message' AS message
"""


async def test_both_refuse_the_same_players_for_the_same_reason(world: LedgerWorld) -> None:
    until_us = (0, NOW_US - 1, NOW_US, NOW_US + 1)
    for role, status, excluded_us, timed_out_us in combinations(PlayerRole, PlayerStatus, until_us, until_us):
        player = replace(
            PLAYER, role=role, status=status, excluded_until_us=excluded_us, timed_out_until_us=timed_out_us
        )
        stored = {
            "role": int(role),
            "status": int(status),
            "excluded_until_us": excluded_us,
            "timed_out_until_us": timed_out_us,
        }
        (row,) = await world.fetch(REFUSAL, orjson.dumps(stored).decode(), NOW_US)
        for product in MOVES_MONEY:
            found = permit(player, rules=RULES, product=product, amount=None, place=None, now_us=NOW_US)
            assert row["reason"] == (found.reason if isinstance(found, DomainError) else None), stored
            if isinstance(found, PlayerExcluded | PlayerTimedOut):
                assert row["message"] == found.message


async def test_both_leave_as_much_of_a_limit(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=300)
    protection = PostgresProtection(world.pool)
    for window, minor in ((LimitWindow.DAY, 1_000), (LimitWindow.WEEK, 700), (LimitWindow.MONTH, 301)):
        await protection.set_limit(
            player, uuid4(), window=window, amount_minor=minor, raise_waits_us=1, raise_needs_confirmation=True
        )
        limits = await protection.find_limits(player)
        for asked in (minor - 300, minor - 299):
            found = permit(
                player,
                rules=RULES,
                product=Product.TEST_DEPOSIT,
                amount=Money(asked, "EUR"),
                place=None,
                now_us=await world.now_us(),
                limits=limits,
            )
            if not isinstance(found, DomainError):
                continue
            with pytest.raises(DepositLimitExceeded) as refused:
                await world.wallet.deposit_test_money(uuid4(), player.cash_account_id, Money(asked, "EUR"))
            assert (refused.value.message, refused.value.figures) == (found.message, found.figures)
    await world.wallet.deposit_test_money(uuid4(), player.cash_account_id, Money(1, "EUR"))
