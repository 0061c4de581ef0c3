"""The audit is clean on honest data, and each check fires on data broken on purpose."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from uuid import uuid4

import asyncpg
import pytest
from clickhouse_driver import Client
from rich.console import Console

from compliance.jurisdiction import LimitWindow
from infra.audit import audit_ledger, build_table
from infra.audit_check import Finding
from infra.audit_checks import CHECKS
from infra.migrations.postgres_migration import migrate_postgres
from infra.settings import Audit, Settings
from infra.stores.postgres_chain import append_block
from infra.stores.postgres_protection import PostgresProtection
from kernel.money import Money
from markets.results import ResultKind
from pam.player import Player, PlayerStatus
from payments.deposit import AttemptState, advance
from payments.provider import Outcome, Told
from tests.builders.deposits import build_asked, build_route
from tests.ledger_world import LedgerWorld, build_command, claim_of, correction, open_world, settlement

SETTLED_BET = "(SELECT bet_id FROM bets.bet WHERE event_count > 1 ORDER BY bet_id LIMIT 1)"
STAKE = "(SELECT min(row_id) FROM ledger.transfer WHERE kind = 'stake')"
CASH = "(SELECT min(account_id) FROM ledger.account WHERE kind = 'cash')"

BELLS, NOTHING = (9, 2, 4), (0, 0, 0)
"""How the house's first game stops for three bells, and for nothing."""
ROUNDS_MONEY = "A round moved its stake and its win, and nothing else"
DRAWS = "What was drawn gives what was won, and no spin came too soon"
WON_ROUND = "(SELECT round_id FROM casino.round WHERE win_minor > 0 LIMIT 1)"

TAMPERINGS = [
    (ROUNDS_MONEY, f"UPDATE casino.round SET win_minor = win_minor + 1 WHERE round_id = {WON_ROUND}"),
    (ROUNDS_MONEY, f"DELETE FROM casino.round WHERE round_id = {WON_ROUND}"),
    (ROUNDS_MONEY, "UPDATE ledger.transfer SET amount_minor = amount_minor + 1 WHERE provider = 'casino'"),
    (ROUNDS_MONEY, "UPDATE ledger.command SET answer = answer || '{\"time_us\": 1}' WHERE provider = 'casino'"),
    (DRAWS, f"UPDATE casino.round SET stops = '{{0,0,0}}' WHERE round_id = {WON_ROUND}"),
    (DRAWS, "UPDATE casino.round SET game_version = 99"),
    (DRAWS, "UPDATE casino.round SET stops = '{0,0,10}'"),
    (DRAWS, "UPDATE casino.round SET player_id = (SELECT min(player_id::text)::uuid FROM casino.round)"),
    (
        "Every bet is reckoned by a rate of the house",
        "UPDATE bets.bet SET rate_micro = rate_micro + 1 WHERE currency = 'JPY'",
    ),
    (
        "Every bet is reckoned by a rate of the house",
        "UPDATE bets.bet SET rate_day = rate_day + 1 WHERE bet_id = (SELECT min(bet_id::text)::uuid FROM bets.bet)",
    ),
    ("Debits equal credits", f"UPDATE ledger.account SET posted_minor = posted_minor + 1 WHERE account_id = {CASH}"),
    ("Debits equal credits", f"UPDATE ledger.transfer SET credit_account_id = 999999 WHERE row_id = {STAKE}"),
    (
        "A balance is the sum of its transfers",
        f"UPDATE ledger.account SET posted_minor = posted_minor + 1 WHERE account_id = {CASH}",
    ),
    (
        "A balance is the sum of its transfers",
        "UPDATE ledger.account SET posted_minor = posted_minor + 1 WHERE kind = 'stakes'",
    ),
    (
        "No guarded account is below zero",
        "ALTER TABLE ledger.account DROP CONSTRAINT account_guarded_not_negative; "
        f"UPDATE ledger.account SET posted_minor = -1 WHERE account_id = {CASH}",
    ),
    (
        "Account versions have no gap",
        f"UPDATE ledger.transfer SET debit_version = debit_version + 100 WHERE row_id = {STAKE}",
    ),
    ("Account versions have no gap", f"UPDATE ledger.account SET version = version + 1 WHERE account_id = {CASH}"),
    ("One command, one answer", "UPDATE ledger.command SET answer = NULL WHERE provider = 'bets'"),
    ("One command, one answer", "DELETE FROM ledger.command WHERE provider = 'deposits'"),
    (
        "One command, one answer",
        "UPDATE ledger.command SET answer = '{\"refusal\": {}}' WHERE provider = 'deposits'",
    ),
    (
        "A hold ends once, and what is held is what is pending",
        f"UPDATE ledger.account SET held_minor = 1 WHERE account_id = {CASH}",
    ),
    ("A claim becomes its bet, or nothing", "UPDATE ledger.hold SET state = 'voided', posted_minor = 0"),
    ("A claim becomes its bet, or nothing", "UPDATE ledger.hold SET expires_time_us = ended_time_us - 1"),
    ("A claim becomes its bet, or nothing", "UPDATE bets.claimed_market SET market_id = 'total:2.5'"),
    ("A claim becomes its bet, or nothing", "DELETE FROM bets.claimed_market"),
    (
        "A claim becomes its bet, or nothing",
        "UPDATE ledger.hold SET state = 'pending', posted_minor = 0, ended_time_us = NULL, expires_time_us = 0",
    ),
    (
        "An original is reversed at most once, and whole",
        "DROP INDEX ledger.transfer_reversed_once; UPDATE ledger.transfer t SET reverses_row_id = r.reverses_row_id "
        f"FROM ledger.transfer r WHERE r.kind = 'rollback' AND t.row_id = {STAKE}",
    ),
    (
        "An original is reversed at most once, and whole",
        "UPDATE ledger.transfer SET amount_minor = amount_minor + 1 WHERE kind = 'rollback'",
    ),
    (
        "What is tombstoned never moves",
        "INSERT INTO ledger.tombstone (provider, key, reversal_key) "
        f"SELECT provider, key, 'late' FROM ledger.transfer WHERE row_id = {STAKE}",
    ),
    (
        "Every bet has one stake, of its amount, from its account",
        f"UPDATE ledger.transfer SET amount_minor = amount_minor + 1 WHERE row_id = {STAKE}",
    ),
    (
        "Every bet has one stake, of its amount, from its account",
        f"DELETE FROM bets.bet WHERE bet_id = {SETTLED_BET}",
    ),
    (
        "A bet's return is its payouts and refunds less what was taken back",
        "UPDATE bets.bet SET return_minor = return_minor + 1 WHERE status = 2",
    ),
    ("A bet stands as its events say", "UPDATE bets.bet SET status = 3 WHERE status = 2"),
    ("A bet stands as its events say", f"DELETE FROM bets.event WHERE bet_id = {SETTLED_BET} AND sequence = 0"),
    ("A bet stands as its events say", f"UPDATE bets.event SET kind = 5 WHERE bet_id = {SETTLED_BET} AND sequence = 1"),
    (
        "A bet has its legs, each in a line, and its return follows from their odds",
        f"UPDATE bets.leg SET decimal_odds_milli = decimal_odds_milli + 100 WHERE bet_id = {SETTLED_BET}",
    ),
    ("A player stands as their events say", "UPDATE pam.player SET excluded_until_us = excluded_until_us + 1"),
    ("A player stands as their events say", "DELETE FROM pam.event WHERE kind = 2"),
    ("A player stands as their events say", "DELETE FROM ledger.command WHERE provider = 'protection'"),
    (
        "Deposit limits are those that their players set, raised no sooner than they may be",
        "UPDATE pam.deposit_limit SET amount_minor = amount_minor + 1",
    ),
    (
        "Deposit limits are those that their players set, raised no sooner than they may be",
        "DELETE FROM pam.deposit_limit",
    ),
    (
        "Deposit limits are those that their players set, raised no sooner than they may be",
        "UPDATE pam.event SET until_us = until_us + 1000000000000 WHERE kind = 4 AND limit_window = '24h'",
    ),
    (
        "Nobody paid in more than the limits that they had set",
        "UPDATE pam.event SET amount_minor = 799 WHERE kind IN (3, 4) AND amount_minor = 900",
    ),
    ("A player has a cash account of their own", "UPDATE pam.player SET currency = 'SEK'"),
    ("The outbox tells of all that happened, in order", "DELETE FROM ledger.outbox WHERE event = 'transfer_posted'"),
    ("The outbox tells of all that happened, in order", "DELETE FROM ledger.outbox WHERE event = 'bet_changed'"),
    (
        "The outbox tells of all that happened, in order",
        "UPDATE ledger.relay_position SET transaction_id = '9000000000000'",
    ),
    ("A deposit stands as its events say", "UPDATE payments.attempt SET code = 'x' WHERE state = 'credited'"),
    ("A deposit stands as its events say", "DELETE FROM payments.attempt_event WHERE sequence = 1"),
    (
        "What was captured is credited once, and nothing else is",
        "UPDATE payments.attempt SET provider_reference = provider_reference || 'x' WHERE state = 'credited'",
    ),
    (
        "What was captured is credited once, and nothing else is",
        "UPDATE payments.deposit SET amount_minor = amount_minor + 1",
    ),
    (
        "Clearing of each payment provider is what it has not settled",
        "UPDATE ledger.account SET party = party || 'x' WHERE party IS NOT NULL",
    ),
    (
        "Clearing of each payment provider is what it has not settled",
        "DELETE FROM ledger.transfer WHERE provider = 'payments' AND kind = 'deposit'",
    ),
    ("The Merkle chain of transfers holds", f"UPDATE ledger.transfer SET time_us = time_us + 1 WHERE row_id = {STAKE}"),
    ("The Merkle chain of transfers holds", f"DELETE FROM ledger.transfer WHERE row_id = {STAKE}"),
    (
        "The Merkle chain of transfers holds",
        "UPDATE ledger.chain_block SET previous_hash = sha256('x') WHERE block_id = 2",
    ),
    ("The Merkle chain of transfers holds", "DELETE FROM ledger.chain_block WHERE block_id = 1"),
]


@pytest.fixture(scope="module")
def played(settings: Settings) -> Iterator[Settings]:
    """A database in which a bit of everything has happened; each test works on a copy."""
    scratch = with_database(settings, f"scratch_{uuid4().hex[:12]}")
    migrate_postgres(scratch)
    asyncio.run(play(scratch))
    yield scratch
    asyncio.run(on_server(settings, f"DROP DATABASE {scratch.postgres.database} WITH (FORCE)"))


@pytest.fixture
async def copy(played: Settings) -> AsyncIterator[Settings]:
    """A copy of it, and no ClickHouse."""
    name = f"scratch_{uuid4().hex[:12]}"
    await on_server(played, f"CREATE DATABASE {name} TEMPLATE {played.postgres.database}")
    without_copy = with_database(played, name)
    yield without_copy.model_copy(update={"ports": played.ports.model_copy(update={"clickhouse": 1})})
    await on_server(played, f"DROP DATABASE {name} WITH (FORCE)")


def with_database(settings: Settings, name: str) -> Settings:
    return settings.model_copy(update={"postgres": settings.postgres.model_copy(update={"database": name})})


async def on_server(settings: Settings, statement: str, *, in_database: bool = False) -> None:
    connection = await asyncpg.connect((settings if in_database else with_database(settings, "postgres")).postgres_dsn)
    await connection.execute(statement)
    await connection.close()


async def play(settings: Settings) -> None:
    async with open_world(settings) as world:
        await play_a_bit_of_everything(world)


async def play_a_bit_of_everything(world: LedgerWorld) -> None:
    players = [await world.open_player(cash_minor=1_000, currency=currency) for currency in ("EUR", "EUR", "JPY")]
    for player in players:
        for number in range(4):
            await world.bet(player, stake_minor=100, fixture_id=f"sim:test:{number}")
    won = settlement(home_won=True)
    await world.apply("sim:test:0", won, key="0/1")
    await world.apply("sim:test:1", won, key="1/1")
    await world.apply("sim:test:1", correction(ResultKind.SETTLEMENT_ROLLBACK), key="1/2")
    await world.apply("sim:test:2", correction(ResultKind.CANCEL), key="2/1")
    await pay_in(world, players)
    await protect_players(world)
    await world.wait_for_horizon()
    async with world.pool.connection() as connection:
        while await append_block(connection, transfers_max=8):
            pass
    await world.bet(players[0], stake_minor=1, fixture_id="sim:test:4")
    for player, stops, win_minor in ((players[0], BELLS, 15_000), (players[1], NOTHING, 0)):
        await world.spin(player, stops, win_minor=win_minor)
    claimed = build_command(players[1], 1, "sim:test:4")
    assert (await world.bets.claim(claim_of(claimed, until_us=await world.now_us() + 10_000_000))).is_claimed
    assert (await world.bets.place(claimed)).bet is not None


async def pay_in(world: LedgerWorld, players: Sequence[Player]) -> None:
    """Deposits that were credited, at once and late, declined, and left open; and notifications."""
    courses = (
        (Outcome.CAPTURED,),
        (Outcome.NO_ANSWER, Outcome.PENDING, Outcome.CAPTURED),
        (Outcome.DECLINED, Outcome.CAPTURED),
        (Outcome.DECLINED,),
        (Outcome.NO_ANSWER,),
    )
    for number, course in enumerate(courses):
        for player in players:
            asked = build_asked(player, 700 + number)
            (attempt,) = (await world.deposits.begin(asked, build_route(asked, "cards-1"))).deposit.attempts
            for outcome in course:
                standing = await world.deposits.find_attempt(attempt.reference)
                assert standing is not None
                name, code = f"pay_{attempt.reference.hex}", "no_funds" if outcome is Outcome.DECLINED else ""
                told = Told(attempt.reference, outcome, name, asked.amount, code)
                assert await world.deposits.move(standing, advance(standing.state, outcome, age_us=0), told)
    asked = build_asked(players[0], 900)
    deposit = (await world.deposits.begin(asked, build_route(asked, "cards-1"))).deposit
    failed = Told(deposit.last.reference, Outcome.DECLINED, "", asked.amount, "unreachable")
    assert await world.deposits.move(deposit.last, AttemptState.DECLINED, failed)
    followed = await world.deposits.begin_next(deposit, build_route(asked, "cards-2"))
    assert followed is not None
    paid = Told(followed.last.reference, Outcome.CAPTURED, "second", asked.amount)
    assert await world.deposits.move(followed.last, AttemptState.CREDITED, paid)
    for number in range(2):
        await world.inbox.put("cards-1", f"told {number}".encode())
    (first, _) = await world.inbox.new(messages_max=2)
    await world.inbox.close(first.message_id, complaint="NOTIFICATION_MALFORMED: was none")


async def protect_players(world: LedgerWorld) -> None:
    """Players bound what they pay in, raise that, step back and exclude themselves."""
    protection = PostgresProtection(world.pool)
    for needs_confirmation in (True, False):
        player = await world.open_player(cash_minor=100)
        for window, bounds in ((LimitWindow.DAY, (500, 400, 900)), (LimitWindow.MONTH, (1_000, None))):
            for bound in bounds:
                await protection.set_limit(
                    player,
                    uuid4(),
                    window=window,
                    amount_minor=bound,
                    raise_waits_us=0 if window is LimitWindow.DAY else 10**15,
                    raise_needs_confirmation=needs_confirmation,
                )
        if needs_confirmation:
            await protection.confirm_limit(player, uuid4(), window=LimitWindow.DAY)
        await world.wallet.deposit_test_money(uuid4(), player.cash_account_id, Money(700, "EUR"))
        await protection.step_back(player, uuid4(), hours=24)
        await protection.exclude(player, uuid4(), months=6)
        await world.players.set_status(player.username, PlayerStatus.BLOCKED)


async def broken(settings: Settings) -> set[str]:
    return {finding.name for finding in await audit_ledger(settings, must_check_copy=False) if finding.violations}


async def test_honest_data_is_clean_and_every_check_looked_at_something(copy: Settings) -> None:
    findings = await audit_ledger(copy, must_check_copy=False)
    violations = [finding.violations for finding in findings if not finding.name.startswith("ClickHouse")]
    assert violations == [()] * len(violations)
    assert len(violations) > len(CHECKS)
    idle = {finding.name for finding in findings if finding.checked_count == 0}
    assert idle <= {
        "What is tombstoned never moves",
        "The chains are those that were anchored in the log",
        "The Merkle chain of records holds",
    }


@pytest.mark.parametrize(("name", "tampering"), TAMPERINGS)
async def test_tampering_is_found(copy: Settings, name: str, tampering: str) -> None:
    connection = await asyncpg.connect(copy.postgres_dsn)
    await connection.execute(f"SET session_replication_role = replica; {tampering}")
    await connection.close()
    assert name in await broken(copy)


async def test_a_copy_in_clickhouse_is_compared_to_the_minor_unit(copy: Settings, settings: Settings) -> None:
    database = f"audit_{uuid4().hex[:12]}"
    clickhouse = copy.clickhouse.model_copy(update={"database": database})
    waiting = Audit(copy_timeout_s=0.5)
    with_copy = copy.model_copy(update={"clickhouse": clickhouse, "ports": settings.ports, "audit": waiting})
    client = Client.from_url(settings.clickhouse_dsn)
    client.execute(f"CREATE DATABASE {database}")
    try:
        client.execute(f"CREATE TABLE {database}.ledger_transfers AS {settings.clickhouse.database}.ledger_transfers")
        rows = await _transfers(copy)
        insert = (
            f"INSERT INTO {database}.ledger_transfers (provider, key, leg, transfer_id, debit_account_id, "
            "credit_account_id, amount_minor, currency, kind, time_us, transaction_id) VALUES"
        )
        client.execute(insert, rows)
        client.execute(insert, rows[:3])
        assert (await _copy_finding(with_copy)).violations == ()
        newest = max(int(str(row[-1])) for row in rows)
        client.execute(insert, [("bets", "lost", *rows[0][2:8], "stake of a bet that is lost", 0, newest + 1)])
        await on_server(copy, "SELECT ledger.adopt('test')", in_database=True)
        finding = await _copy_finding(with_copy)
        assert (finding.violations, finding.remark) == ((), "ClickHouse keeps 1 transfers that a restore lost")
        client.execute(insert, [(*rows[0][:1], "made-up", *rows[0][2:])])
        assert len((await _copy_finding(with_copy)).violations) == 1
    finally:
        client.execute(f"DROP DATABASE {database}")
        client.disconnect()


async def test_what_was_skipped_and_what_is_broken_is_said() -> None:
    findings = [
        Finding("one", 3, ()),
        Finding("two", 4, ("wrong",)),
        Finding("three", None, (), "no server"),
        Finding("four", 5, (), "a restore lost some"),
    ]
    console = Console(file=io.StringIO(), width=120, record=True)
    console.print(build_table(findings))
    text = console.export_text()
    assert "holds" in text
    assert "broken" in text
    assert "skipped: no server" in text
    assert "holds: a restore lost some" in text


async def _copy_finding(settings: Settings) -> Finding:
    return (await audit_ledger(settings, must_check_copy=True))[-1]


async def _transfers(settings: Settings) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(settings.postgres_dsn)
    rows = await connection.fetch(
        "SELECT provider, key, leg, transfer_id::text, debit_account_id::text, credit_account_id::text, amount_minor, "
        "currency, kind, time_us, transaction_id::text::bigint FROM ledger.transfer"
    )
    await connection.close()
    return [tuple(row) for row in rows]
