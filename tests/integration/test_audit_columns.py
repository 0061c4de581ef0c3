"""Each column that decides money, time or identity, falsified in turn: the audit notices every one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import pytest

from infra.audit import check_ledger
from infra.migrations.postgres_migration import migrate_postgres
from infra.settings import Settings
from infra.stores.postgres import Connection
from infra.stores.postgres_chain import append_block
from infra.stores.postgres_records import append_records
from markets.results import ResultKind
from tests.integration.test_audit import on_server, play_a_bit_of_everything, with_database
from tests.ledger_world import LedgerWorld, correction, open_world, settlement

FALSIFIED_BY_TYPE = {
    "bigint": "coalesce({0}, 0) + 1",
    "integer": "coalesce({0}, 0) + 1",
    "smallint": "coalesce({0}, 0) + 1",
    "boolean": "NOT coalesce({0}, false)",
    "text": "coalesce({0}, '') || 'x'",
    "uuid": "gen_random_uuid()",
    "bytea": "sha256(coalesce({0}, ''))",
    "jsonb": "coalesce({0}, '{{}}') || '{{\"falsified\": 1}}'",
    "xid8": "(coalesce({0}, '0')::text::bigint + 1)::text::xid8",
    "bigint[]": "{0} || 2::bigint",
    "integer[]": "{0} || 2",
    "date": "coalesce({0}, '2000-01-01') + 1",
    "int8multirange": "{0} + '{{[1,2)}}'",
}
DECIDES_NOTHING = {
    "ledger.account.jurisdiction": "no rule reads it yet",
    "ledger.epoch.adopted_by": "says who adopted a restored ledger",
    "ledger.epoch.time_us": "says when",
    "ledger.epoch.ledger_id": "names the ledger's anchors; none is found under another",
    "ledger.told_log.is_only": "is the same in every row there may be",
    "ledger.told_log.log_id": "names the log; whoever finds another refuses it",
    "ledger.told_log.anchors_end": "of a log that ends before, whoever finds it refuses it",
    "ledger.relay_position.time_us": "says when the relay came so far",
    "ledger.chain_block.time_us": "says when a block was made",
    "ledger.record_block.time_us": "says when a block was made",
    "ledger.account.opened_time_us": "of a house account it says when; a player's is chained",
    "ledger.relay_position.transaction_id": "what is skipped is missed in ClickHouse and in liability",
    "ledger.relay_position.row_id": "what is skipped is missed in ClickHouse and in liability",
    "bets.settlement.applied_count": "counts for people",
    "bets.settlement.last_bet_id": "says where a page ended; nobody reads it of a complete result",
    "bets.settlement.completed_time_us": "says when",
    "ledger.hold.begun_time_us": "says when",
    "ledger.hold.expires_time_us": "of a hold that has ended it says until when it would have been there",
    "pam.player.status": "changes while the player is there",
    "pam.player.session_epoch": "changes while the player is there",
    "payments.attempt.asked_count": "counts how often a provider was asked",
    "payments.attempt.ask_time_us": "says when a provider is asked next",
    "payments.inbox.message_id": "numbers what came",
    "payments.inbox.provider": "what a notification brought stands in events; the inbox keeps what was sent",
    "payments.inbox.body": "the same",
    "payments.inbox.received_time_us": "says when",
    "payments.inbox.closed_time_us": "says when",
    "payments.inbox.complaint": "is for a person",
    **dict.fromkeys(
        (
            *(f"pam.person.{told}" for told in ("country", "given_name", "family_name", "address_line", "postcode")),
            *("pam.person.birth_date", "pam.person.email", "pam.person.told_time_us"),
        ),
        "is what a player told, and may correct",
    ),
    **dict.fromkeys(
        (
            *("pam.register_inquiry.register", "pam.register_inquiry.request_id", "pam.register_inquiry.player_id"),
            *("pam.register_inquiry.word", "pam.register_inquiry.answer_id", "pam.register_inquiry.time_us"),
            "pam.register_inquiry.inquiry_id",
        ),
        "is what a register said; its own book has it under the same names",
    ),
}
ROWS = (0, 1, -1)
"""Of each table: the first, the second, the last."""


@pytest.fixture(scope="module")
def played(settings: Settings) -> Iterator[Settings]:
    """A database in which everything happened that the audit speaks of, all of it chained."""
    scratch = with_database(settings, f"scratch_{uuid4().hex[:12]}")
    migrate_postgres(scratch)
    asyncio.run(play(scratch))
    yield scratch
    asyncio.run(on_server(settings, f"DROP DATABASE {scratch.postgres.database} WITH (FORCE)"))


async def play(settings: Settings) -> None:
    async with open_world(settings) as world:
        await play_a_bit_of_everything(world)
        await owe_and_repay(world)
        await world.wait_for_horizon()
        async with world.pool.connection() as connection:
            while await append_block(connection, transfers_max=50):
                pass
            while await append_records(connection, records_max=50):
                pass


async def owe_and_repay(world: LedgerWorld) -> None:
    """A payout is spent before it is taken back, and the next one repays the advance."""
    player = await world.open_player(cash_minor=100)
    await world.bet(player, stake_minor=100, fixture_id="sim:owe:1")
    await world.apply("sim:owe:1", settlement(home_won=True), key="owe/1")
    await world.bet(player, stake_minor=200, fixture_id="sim:owe:2", odds_milli=3_000)
    await world.apply("sim:owe:1", correction(ResultKind.SETTLEMENT_ROLLBACK), key="owe/2")
    await world.apply("sim:owe:2", settlement(home_won=True), key="owe/3")


async def columns(connection: Connection) -> list[tuple[str, str, str]]:
    rows = await connection.fetch("""
        SELECT c.table_schema || '.' || c.table_name AS table, c.column_name, c.udt_name
        FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema IN ('ledger', 'bets', 'pam', 'casino', 'payments') AND t.table_type = 'BASE TABLE'
            AND c.is_generated = 'NEVER'
        ORDER BY 1, c.ordinal_position
    """)
    names = {
        "int8": "bigint",
        "int4": "integer",
        "int2": "smallint",
        "bool": "boolean",
        "_int8": "bigint[]",
        "_int4": "integer[]",
    }
    return [(row[0], row[1], names.get(row[2], row[2])) for row in rows]


async def test_honest_data_is_clean(played: Settings) -> None:
    connection = await asyncpg.connect(played.postgres_dsn)
    findings = await check_ledger(connection)
    await connection.close()
    assert {finding.name: finding.violations for finding in findings if finding.violations} == {}


async def test_each_falsified_column_is_noticed(played: Settings) -> None:
    connection = await asyncpg.connect(played.postgres_dsn)
    unnoticed = []
    listed = await columns(connection)
    for table, column, kind in listed:
        if f"{table}.{column}" in DECIDES_NOTHING:
            continue
        falsified = FALSIFIED_BY_TYPE[kind].format(column)
        places = [row[0] for row in await connection.fetch(f"SELECT ctid FROM {table} ORDER BY ctid")]
        for place in {places[row] for row in ROWS if -1 <= row < len(places)} if places else ():
            if not await is_noticed(connection, f"UPDATE {table} SET {column} = {falsified} WHERE ctid = $1", place):
                unnoticed.append(f"{table}.{column}")
                break
    await connection.close()
    assert not unnoticed, "\n".join(unnoticed)
    assert set(DECIDES_NOTHING) <= {f"{table}.{column}" for table, column, _ in listed}


async def is_noticed(connection: Connection, falsification: str, place: object) -> bool:
    """Return whether the database refuses it, or the audit complains about it."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("SET LOCAL session_replication_role = replica")
        try:
            await connection.execute(falsification, place)
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.GeneratedAlwaysError):
            return True
        return any(finding.violations for finding in await check_ledger(connection))
    finally:
        await transaction.rollback()
