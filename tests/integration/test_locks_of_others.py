"""What somebody left locked, or reads for long: who is concerned waits within a bound, and nobody else waits at all."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from infra.migrations import postgres_migration
from infra.migrations.postgres_migration import migrate_postgres
from infra.settings import Ledger, Settings
from kernel.errors import Unavailable
from pam.player import Player
from tests.integration.test_ledger_positions import health, relaying
from tests.ledger_world import LedgerWorld, build_command, build_keyed, open_world, scratch_database, settlement

OTHERS_LIMIT_S = 0.6
"""What somebody who is not concerned may wait at most: far below every time-out."""
SLOW_TIMES = 10
"""So many times what one bet takes by itself is added to that: a machine may have much else to do."""

LOOK_LIMIT_MS = 2_500
"""How long a look at the tables may take: what it takes where one is locked, and far above what it takes elsewhere."""


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[LedgerWorld]:
    async with open_world(settings) as opened:
        yield opened


async def others_limit_s(world: LedgerWorld) -> float:
    """Return what somebody who is not concerned may wait here and now."""
    player = await world.open_player(cash_minor=1_000)
    begun_s = time.monotonic()
    await world.bet(player, stake_minor=100, fixture_id=f"f-{uuid4().hex}")
    return OTHERS_LIMIT_S + SLOW_TIMES * (time.monotonic() - begun_s)


@asynccontextmanager
async def account_left_locked(world: LedgerWorld, player: Player) -> AsyncIterator[None]:
    async with world.pool.transaction() as connection:
        await connection.execute("SELECT FROM ledger.account WHERE account_id = $1 FOR UPDATE", player.cash_account_id)
        yield


async def test_who_waits_for_a_market_waits_for_nobody_elses_account(world: LedgerWorld) -> None:
    held, other = [await world.open_player(cash_minor=1_000) for _ in range(2)]
    limit_s = await others_limit_s(world)
    fixture_id = f"f-{uuid4().hex}"
    async with account_left_locked(world, held):
        stuck = asyncio.create_task(world.bets.place(build_command(held, 100, f"g-{uuid4().hex}")))
        async with world.pool.transaction() as page:
            await page.execute("SELECT pg_advisory_xact_lock(bets.market_lock_key($1, $2))", fixture_id, "1x2")
            waiting = asyncio.create_task(world.bets.place(build_command(other, 100, fixture_id)))
            await asyncio.sleep(0.2)
            assert not waiting.done()
        async with asyncio.timeout(limit_s):
            assert (await waiting).bet is not None
        assert not stuck.done()
    assert (await stuck).bet is not None


async def test_what_stays_held_is_given_up_in_time_and_decided_by_nobody(settings: Settings) -> None:
    async with open_world(settings, ledger=Ledger(answer_timeout_ms=500)) as world:
        player = await world.open_player(cash_minor=1_000)
        limit_s = await others_limit_s(world)
        command = build_command(player, 100, f"f-{uuid4().hex}")
        async with account_left_locked(world, player):
            begun_s = time.monotonic()
            with pytest.raises(Unavailable):
                await world.bets.place(command)
            assert time.monotonic() - begun_s < 0.5 + limit_s
        assert await world.bets.find_answer(player.player_id, command.request_id) is None
        assert (await world.bets.place(command)).bet is not None


async def test_a_page_of_settlement_that_waits_for_one_account_keeps_none_of_the_others(world: LedgerWorld) -> None:
    players = [await world.open_player(cash_minor=1_000) for _ in range(4)]
    fixture_id = f"f-{uuid4().hex}"
    for player in players:
        await world.bet(player, stake_minor=100, fixture_id=fixture_id)
    keyed = build_keyed(fixture_id, settlement(home_won=True), key=f"{fixture_id}/1")

    async def page() -> bool:
        settled = await world.settlement.settle_page(keyed, page_size=50, has_left_queue=False, is_decided=False)
        return settled.is_complete

    limit_s = await others_limit_s(world)
    # Accounts are locked in the order in which they were opened: all others before the last.
    async with account_left_locked(world, players[-1]):
        refused = asyncio.create_task(page())
        await asyncio.sleep(0.05)
        async with asyncio.timeout(limit_s):
            for player in players[:-1]:
                await world.bet(player, stake_minor=100, fixture_id=f"g-{uuid4().hex}")
        with pytest.raises(Unavailable):
            await refused
    assert await page()
    assert [await world.cash_minor(player) for player in players] == [1_000, 1_000, 1_000, 1_100]


async def test_batches_in_opposite_order_and_a_settlement_beside_them_stop_nobody(settings: Settings) -> None:
    patient = Ledger(answer_timeout_ms=30_000, statement_timeout_ms=10_000)
    async with open_world(settings, ledger=patient) as world, open_world(settings, ledger=patient) as other:
        players = [await world.open_player(cash_minor=100_000) for _ in range(6)]
        fixtures, settled = ([f"{kind}-{uuid4().hex}" for _ in range(4)] for kind in "fs")
        for player in players:
            for fixture_id in settled:
                await world.bet(player, stake_minor=100, fixture_id=fixture_id)
        pairs = [(player, fixture_id) for player in players for fixture_id in fixtures]
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        before = (await world.fetch(deadlocks))[0]["deadlocks"]

        async def place(side: LedgerWorld, ordered: list[tuple[Player, str]]) -> None:
            for _ in range(3):
                answers = await asyncio.gather(
                    *(side.bets.place(build_command(player, 100, name)) for player, name in ordered)
                )
                assert all(answer.bet is not None for answer in answers)

        async def settle() -> None:
            for fixture_id in reversed(settled):
                await world.apply(fixture_id, settlement(home_won=True), key=f"{fixture_id}/1")

        async with asyncio.timeout(60):
            await asyncio.gather(place(world, pairs), place(other, pairs[::-1]), settle())
        assert (await world.fetch(deadlocks))[0]["deadlocks"] == before
        left_minor = 100_000 - 6 * len(fixtures) * 100 + len(settled) * 100
        assert [await world.cash_minor(player) for player in players] == [left_minor] * len(players)


@pytest.mark.parametrize("table", ["bets.bet", "ledger.outbox", "pam.player"])
async def test_a_table_that_somebody_keeps_to_themselves_is_complained_of_until_they_let_go(
    settings: Settings, table: str
) -> None:
    async with (
        scratch_database(settings) as scratch,
        open_world(scratch, statement_timeout_ms=LOOK_LIMIT_MS) as world,
        relaying(scratch, statement_timeout_ms=500) as (relay, _),
    ):
        await health(relay)
        other = await asyncpg.connect(scratch.postgres_dsn)
        async with other.transaction():
            await other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(Unavailable):
                await world.pool.ping()
            assert table != "ledger.outbox" or await relay.complaint() is not None
        await world.pool.ping()
        await health(relay)
        await other.close()


async def test_a_migration_that_waits_for_a_long_reader_keeps_no_bet_waiting(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_migration, "REST_S", 0.2)
    steps = shutil.copytree(postgres_migration.STEPS, tmp_path / "steps")
    (steps / "9999.later.sql").write_text("ALTER TABLE bets.bet ADD COLUMN later integer;\n", encoding="utf-8")
    async with scratch_database(settings) as scratch, open_world(scratch) as world:
        player = await world.open_player(cash_minor=1_000)
        limit_s = await others_limit_s(world)
        async with world.pool.transaction() as reader:
            await reader.execute("SELECT count(*) FROM bets.bet")
            migrating = asyncio.create_task(asyncio.to_thread(migrate_postgres, scratch, steps_dir=steps))
            await asyncio.sleep(0.3)
            async with asyncio.timeout(2 * limit_s):
                await world.bet(player, stake_minor=100, fixture_id=f"f-{uuid4().hex}")
            assert not migrating.done()
        assert "1 of" in await migrating
        await world.bet(player, stake_minor=100, fixture_id=f"f-{uuid4().hex}")
