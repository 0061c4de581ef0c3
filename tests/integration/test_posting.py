"""What ledger.post is held to, whoever calls it, and what placing holds its callers to, against a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest

from infra.settings import Settings
from infra.stores.bet_standings import LOOK
from tests.ledger_world import LedgerWorld, build_command, inquiry_of, open_world

POST = """
    SELECT * FROM ledger.post(
        ledger.lock_accounts($1, true),
        ARRAY[ROW('tests', $2, sha256('x'), $3, '{}', true, NULL, NULL)::ledger.asked],
        ARRAY[ROW(1, 'deposit', $4, $5, 100, NULL, NULL)::ledger.posting], '{}'
    )
"""
HOUSE = "SELECT ledger.house_account('test_money', $1) AS account_id"


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[LedgerWorld]:
    async with open_world(settings) as opened:
        yield opened


async def house(world: LedgerWorld, currency: str) -> int:
    account_id: int = (await world.fetch(HOUSE, currency))[0]["account_id"]
    return account_id


async def test_money_moves_to_an_account_that_is_locked(world: LedgerWorld) -> None:
    cash = (await world.open_player(cash_minor=0)).cash_account_id
    (posted,) = await world.fetch(POST, [cash], uuid4().hex, cash, await house(world, "EUR"), cash)
    assert posted["are_accepted"] == [True]
    assert len(posted["row_ids"]) == 1


async def test_no_command_is_decided_whose_account_is_not_locked(world: LedgerWorld) -> None:
    cash, other = [(await world.open_player(cash_minor=0)).cash_account_id for _ in range(2)]
    with pytest.raises(asyncpg.DataError, match="must be locked"):
        await world.fetch(POST, [other], uuid4().hex, cash, await house(world, "EUR"), other)


async def test_no_money_moves_on_an_account_of_a_player_that_is_not_locked(world: LedgerWorld) -> None:
    cash, other = [(await world.open_player(cash_minor=0)).cash_account_id for _ in range(2)]
    for debit, credit in ((await house(world, "EUR"), other), (other, cash), (2**62, cash)):
        with pytest.raises(asyncpg.ForeignKeyViolationError, match="neither"):
            await world.fetch(POST, [cash], uuid4().hex, cash, debit, credit)


async def test_no_money_moves_between_currencies(world: LedgerWorld) -> None:
    cash = (await world.open_player(cash_minor=0)).cash_account_id
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="share a currency"):
        await world.fetch(POST, [cash], uuid4().hex, cash, await house(world, "SEK"), cash)


async def test_a_bet_is_paid_from_its_players_own_account_alone(world: LedgerWorld) -> None:
    player, other = [await world.open_player(cash_minor=1_000) for _ in range(2)]
    command = build_command(player, 100, f"sim:test:{uuid4().hex}")
    for account_id in (other.cash_account_id, await house(world, "EUR"), 2**62):
        with pytest.raises(asyncpg.ForeignKeyViolationError, match="cash account of its player"):
            await world.bets.place(replace(command, cash_account_id=account_id))
    assert (await world.bets.place(command)).bet is not None
    assert (await world.cash_minor(player), await world.cash_minor(other)) == (900, 1_000)


async def test_what_is_asked_with_every_bet_is_planned_with_the_query_that_asks(world: LedgerWorld) -> None:
    inquiry = inquiry_of(build_command(await world.open_player(cash_minor=0), 100, "sim:test:1"))
    plans = [
        await world.fetch(
            f"EXPLAIN {LOOK}",
            *([inquiry.player_id], [inquiry.request_id], [inquiry.cash_account_id]),
            *([inquiry.fixture_id], [inquiry.market_id]),
        ),
        await world.fetch("EXPLAIN SELECT is_closed FROM bets.market_is_closed('sim:test:1', '1x2', 1)"),
    ]
    for lines in plans:
        assert [line[0] for line in lines if "means_of" in line[0] or "market_is_closed" in line[0]] == []
