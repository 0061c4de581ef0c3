"""The liability, settlement and history agents on the real log and the real stores."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import numpy as np
import pytest
from clickhouse_driver import Client
from confluent_kafka import Consumer, TopicPartition
from redis.asyncio import Redis

from bets.answer import PlaceCommand
from bets.bet import SINGLE, Bet, BetStatus, Leg
from infra.faust_app import COMMIT_INTERVAL_S
from infra.kafka import KafkaOutlet, partition_of
from infra.migrations.clickhouse_migration import migrate_clickhouse
from infra.processes.history import keep_history
from infra.processes.risk import keep_liability
from infra.processes.settlement import settle
from infra.settings import Ledger, Settings
from infra.stores.liability import COMPLETE_KEY, liability_key
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_bets import PostgresBetLedger
from infra.stores.postgres_players import PostgresPlayers
from infra.stores.postgres_wallet import PostgresWallet
from kernel.commands import fingerprint_of
from kernel.money import Money
from overround.bets.v1 import bet_pb2
from overround.common.v1 import outbox_pb2
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2
from overround.risk.v1 import risk_pb2
from overround.wallet.v1 import wallet_pb2
from pam.player import PlayerRole
from tests.currencies import EURO
from tests.free_ports import free_port
from tests.ledger_world import LedgerWorld, open_world, scratch_database
from wire.topics import BET_LEGS, BOOKS, RESULTS, WALLET_EVENTS

WAIT_S = 120
DEPOSIT_MINOR, STAKE_MINOR, ODDS_MILLI = 10_000, 1_000, 2_500

Process = Callable[[Settings, asyncio.Event], Awaitable[None]]


@pytest.fixture
def own_settings(settings: Settings) -> Settings:
    """The same servers with consumer groups and HTTP ports that no other test has."""
    kafka = settings.kafka.model_copy(update={"consumer_group_prefix": f"test-{uuid.uuid4().hex[:12]}"})
    agents = settings.agents.model_copy(update={"history_block_interval_ms": 50, "settlement_page_bets_max": 2})
    ports = {name: free_port() for name in ("risk_http", "settlement_http", "history_http")}
    update = {"kafka": kafka, "agents": agents, "ports": settings.ports.model_copy(update=ports)}
    return settings.model_copy(update=update)


@pytest.fixture
async def outlet(kafka_client: dict[str, str]) -> AsyncIterator[KafkaOutlet]:
    sender = KafkaOutlet(kafka_client, client_id="test", delivery_timeout_ms=60_000)
    yield sender
    sender.close()


@asynccontextmanager
async def _running(process: Process, settings: Settings, port: int) -> AsyncIterator[asyncio.Task[None]]:
    """Run a process's composition in this loop; enters once it says it is healthy, with its task."""
    stopping = asyncio.Event()
    task = asyncio.create_task(_run(process, settings, stopping))
    try:
        async with aiohttp.ClientSession() as client:

            async def is_healthy() -> bool:
                if task.done():
                    await task
                try:
                    async with client.get(f"http://{settings.host}:{port}/readyz") as answer:
                        return answer.status == 200
                except aiohttp.ClientError:
                    return False

            await _eventually(is_healthy)
            yield task
    finally:
        stopping.set()
        await task


async def _run(process: Process, settings: Settings, stopping: asyncio.Event) -> None:
    await process(settings, stopping)


async def _eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not await condition():
        assert time.monotonic() < deadline_s, "did not happen in time"
        await asyncio.sleep(0.05)


def _leg_changed(
    row_id: int, fixture_id: str, bet_id: uuid.UUID, *, kind: bet_pb2.BetEvent.Kind.ValueType
) -> bet_pb2.LegChanged:
    sign = -1 if kind == bet_pb2.BetEvent.KIND_SETTLED else 1
    return bet_pb2.LegChanged(
        position=outbox_pb2.OutboxPosition(transaction_id=77, row_id=row_id),
        bet_id=str(bet_id),
        leg=bet_pb2.Leg(fixture_id=fixture_id, market_id="1x2", outcome_id="home", decimal_odds_milli=ODDS_MILLI),
        stake_minor=sign * STAKE_MINOR,
        potential_return_minor=sign * STAKE_MINOR * ODDS_MILLI // 1_000,
        currency="EUR",
        kind=kind,
    )


async def test_legs_become_liability_in_redis_also_after_a_restart_and_after_redis_lost_it(
    own_settings: Settings, outlet: KafkaOutlet
) -> None:
    fixture_id = f"test:{uuid.uuid4()}"
    bets = [uuid.uuid4(), uuid.uuid4()]
    accepted = bet_pb2.BetEvent.KIND_ACCEPTED
    legs = [_leg_changed(row_id + 1, fixture_id, bet_id, kind=accepted) for row_id, bet_id in enumerate(bets)]
    redis = Redis.from_url(own_settings.redis_url)

    async def send(*messages: bet_pb2.LegChanged) -> None:
        for message in messages:
            await outlet.send_and_wait(BET_LEGS.name, fixture_id, message.SerializeToString())

    async def has(*, bet_count: int, turnover_minor: int) -> bool:
        value = await redis.get(liability_key(fixture_id))
        liability = risk_pb2.FixtureLiability.FromString(value if isinstance(value, bytes) else b"")
        counted = sum(market.bet_count for market in liability.markets)
        return (counted, liability.turnover_minor) == (bet_count, turnover_minor)

    async with redis:
        async with _running(keep_liability, own_settings, own_settings.ports.risk_http):
            await send(*legs, *legs)
            await _eventually(lambda: has(bet_count=2, turnover_minor=2_000))
            await redis.delete(liability_key(fixture_id), COMPLETE_KEY)
            await _eventually(lambda: has(bet_count=2, turnover_minor=2_000))
        async with _running(keep_liability, own_settings, own_settings.ports.risk_http):
            settled = _leg_changed(3, fixture_id, bets[0], kind=bet_pb2.BetEvent.KIND_SETTLED)
            await send(*legs, settled)
            await _eventually(lambda: has(bet_count=1, turnover_minor=2_000))


class _Bettor:
    def __init__(self, settings: Settings, pool: PostgresPool) -> None:
        self._players = PostgresPlayers(pool)
        self._wallet = PostgresWallet(pool)
        self._ledger = PostgresBetLedger(pool, Ledger())
        self._settings = settings

    async def register(self) -> None:
        name = f"t{uuid.uuid4().hex[:16]}"
        stored = await self._players.register(
            request_id=uuid.uuid4(),
            username=name,
            password_hash="$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
            role=PlayerRole.BETTOR,
            currency="EUR",
        )
        self.player = stored.player
        await self._wallet.deposit_test_money(uuid.uuid4(), self.player.cash_account_id, Money(DEPOSIT_MINOR, "EUR"))

    async def back(self, fixture_id: str, outcome_id: str) -> Bet:
        request_id = uuid.uuid4()
        leg = Leg(fixture_id, "handicap:-0.25", outcome_id, ODDS_MILLI, 1, False, "A v B")
        fingerprint = fingerprint_of(fixture_id, outcome_id)
        account_id = self.player.cash_account_id
        stake = Money(STAKE_MINOR, "EUR")
        payout_minor = STAKE_MINOR * ODDS_MILLI // 1_000
        player_id = self.player.player_id
        command = PlaceCommand(
            request_id, player_id, account_id, fingerprint, (leg,), SINGLE, stake, payout_minor, None, rate=EURO
        )
        answer = await self._ledger.place(command)
        assert answer.bet is not None
        return answer.bet

    async def returns(self, bets: list[Bet]) -> list[tuple[BetStatus, int]]:
        found = [await self._ledger.get_bet(self.player.player_id, bet.bet_id) for bet in bets]
        return [(bet.status, bet.return_minor) for bet in found if bet is not None]

    async def available_minor(self) -> int:
        balance = await self._wallet.balance(self.player.cash_account_id)
        return balance.available_minor

    async def close(self) -> None:
        await self._ledger.close()


def _result(kind: feed_pb2.ResultKind.ValueType, **void_and_win: tuple[int, int]) -> feed_pb2.MarketResult:
    outcomes = [
        feed_pb2.OutcomeResult(
            outcome_id=outcome_id, void_factor_micro=void, win_factor_micro=win, dead_heat_factor_micro=1_000_000
        )
        for outcome_id, (void, win) in void_and_win.items()
    ]
    return feed_pb2.MarketResult(kind=kind, market_id="handicap:-0.25", outcomes=outcomes)


async def test_results_settle_bets_and_a_rollback_takes_the_money_back_and_settles_anew(
    own_settings: Settings, outlet: KafkaOutlet
) -> None:
    fixture_id = f"test:{uuid.uuid4()}"
    pool = PostgresPool(
        own_settings.postgres_dsn, connections_max=4, statement_timeout_ms=5_000, application_name="test"
    )
    await pool.open()
    bettor = _Bettor(own_settings, pool)
    await bettor.register()
    # More bets than a page holds, so that pages must follow each other.
    bets = [await bettor.back(fixture_id, outcome_id) for outcome_id in ("home", "home", "home", "away", "away")]
    left_minor = DEPOSIT_MINOR - 5 * STAKE_MINOR

    async def send(sequence: int, result: feed_pb2.MarketResult) -> None:
        message = feed_pb2.FixtureResults(
            provider_id="uof:1", fixture_id=fixture_id, sequence=sequence, results=[result]
        )
        for _ in range(2):
            await outlet.send_and_wait(RESULTS.name, fixture_id, message.SerializeToString())

    def stand(home: tuple[BetStatus, int], away: tuple[BetStatus, int]) -> Callable[[], Awaitable[bool]]:
        async def check() -> bool:
            expected_minor = left_minor + 3 * home[1] + 2 * away[1]
            returns = await bettor.returns(bets)
            return returns == [home] * 3 + [away] * 2 and await bettor.available_minor() == expected_minor

        return check

    settled, opened = BetStatus.SETTLED, BetStatus.OPEN
    try:
        async with _running(settle, own_settings, own_settings.ports.settlement_http):
            # Drawn: the home side half loses, the away side half wins.
            half = _result(feed_pb2.RESULT_KIND_SETTLEMENT, home=(500_000, 0), away=(500_000, 1_000_000))
            await send(1, half)
            await _eventually(stand((settled, 500), (settled, 1_750)))
            await send(2, _result(feed_pb2.RESULT_KIND_SETTLEMENT_ROLLBACK))
            await _eventually(stand((opened, 0), (opened, 0)))
            await send(3, _result(feed_pb2.RESULT_KIND_SETTLEMENT, home=(0, 1_000_000), away=(0, 0)))
            await _eventually(stand((settled, 2_500), (settled, 0)))
    finally:
        await bettor.close()
        await pool.close()


async def test_a_ledger_that_was_restored_gets_the_results_that_were_settled_since(
    own_settings: Settings, outlet: KafkaOutlet
) -> None:
    place = TopicPartition(RESULTS.name, 0)
    group = f"{own_settings.kafka.consumer_group_prefix}-settlement"
    committed = Consumer({**own_settings.kafka_client, "group.id": group})
    async with scratch_database(own_settings) as before, scratch_database(own_settings) as after:
        fixture_id = next(name for name in map(str, iter(uuid.uuid4, None)) if partition_of(name, 2) == 0)
        won = _result(feed_pb2.RESULT_KIND_SETTLEMENT, home=(0, 1_000_000), away=(0, 0))
        message = feed_pb2.FixtureResults(provider_id="uof:1", fixture_id=fixture_id, sequence=1, results=[won])

        async def is_settled(world: LedgerWorld) -> bool:
            rows = await world.fetch("SELECT FROM bets.settlement WHERE fixture_id = $1 AND is_complete", fixture_id)
            return bool(rows)

        async with open_world(before) as world, _running(settle, before, before.ports.settlement_http):
            await outlet.send_and_wait(RESULTS.name, fixture_id, message.SerializeToString())
            await _eventually(lambda: is_settled(world))
            end = committed.get_watermark_offsets(place)[1]

            async def is_read() -> bool:
                return committed.committed([place])[0].offset >= end

            await _eventually(is_read)
        committed.close()
        async with open_world(after) as world:
            # As it was before the result came, and adopted: another cluster would need a server of its own.
            await world.fetch("SELECT ledger.adopt('test')")
            async with _running(settle, after, after.ports.settlement_http):
                await _eventually(lambda: is_settled(world))


def _book(fixture_id: str, version: int) -> bytes:
    book = book_pb2.Book(
        fixture_id=fixture_id,
        version=version,
        published_time_us=version,
        feed_time_us=version - 1,
        layout_hash=uuid.uuid5(uuid.NAMESPACE_OID, fixture_id).int & (2**64 - 1),
        market_ids=["1x2", "total:2.5"],
        outcome_counts=np.array([3, 2], "<u2").tobytes(),
        outcome_ids=["home", "draw", "away", "over", "under"],
        market_statuses=b"\x01\x02",
        suspension_reasons=b"\x00\x01",
        market_versions=np.array([version, 1], "<u8").tobytes(),
        decimal_odds_milli=np.array([version % 1_000 + 1_001, 3_000, 4_000, 1_900, 1_901], "<u4").tobytes(),
    )
    book.state.home_score = 1
    book.state.clock_seconds = 754
    return book.SerializeToString()


async def test_history_holds_each_version_and_each_transfer_once_after_they_are_published_again(
    own_settings: Settings, outlet: KafkaOutlet, clickhouse_dsn: str
) -> None:
    fixture_id = f"test:{uuid.uuid4()}"
    start = time.time_ns() // 1_000
    versions = list(range(start, start + 40))
    transfer = wallet_pb2.TransferPosted(
        position=outbox_pb2.OutboxPosition(transaction_id=9, row_id=1),
        transfer_id=str(uuid.uuid4()),
        provider="test",
        key=fixture_id,
        leg=0,
        debit_account_id="1",
        credit_account_id="2",
        kind="stake",
        time_us=start,
    )
    transfer.amount.amount_minor, transfer.amount.currency = 2**53 + 1, "EUR"

    async def publish() -> None:
        for version in versions:
            outlet.send(BOOKS.name, fixture_id, _book(fixture_id, version))
        outlet.send(BOOKS.name, fixture_id, b"\xff")
        outlet.send(WALLET_EVENTS.name, fixture_id, transfer.SerializeToString())
        await outlet.flush(10)

    with Client.from_url(f"{clickhouse_dsn}?send_receive_timeout=20") as client:

        async def counts() -> tuple[int, int]:
            name = {"name": fixture_id}
            ((books,),) = client.execute("SELECT count() FROM book_versions FINAL WHERE fixture_id = %(name)s", name)
            ((copies,),) = client.execute("SELECT count() FROM book_versions WHERE fixture_id = %(name)s", name)
            return books, copies

        async def arrived(copies_min: int) -> bool:
            return (await counts())[0] == len(versions) and (await counts())[1] >= copies_min

        async with _running(keep_history, own_settings, own_settings.ports.history_http):
            await publish()
            await _eventually(lambda: arrived(len(versions)))
        await publish()
        async with _running(keep_history, own_settings, own_settings.ports.history_http):
            await publish()

            async def transfers_arrived() -> bool:
                rows = client.execute(
                    "SELECT amount_minor, currency, kind FROM ledger_transfers FINAL WHERE key = %(name)s",
                    {"name": fixture_id},
                )
                return bool(rows == [(2**53 + 1, "EUR", "stake")])

            await _eventually(transfers_arrived)
            await _eventually(lambda: arrived(len(versions)))

        rows = client.execute(
            "SELECT version, market_statuses, decimal_odds_milli, home_score, clock_seconds, layout_hash"
            " FROM book_versions FINAL WHERE fixture_id = %(name)s ORDER BY version",
            {"name": fixture_id},
        )
        assert [row[0] for row in rows] == versions
        assert rows[0][1:5] == ([1, 2], [start % 1_000 + 1_001, 3_000, 4_000, 1_900, 1_901], 1, 754)
        layouts = client.execute(
            "SELECT market_ids, outcome_counts FROM book_layouts FINAL WHERE layout_hash = %(hash)s",
            {"hash": rows[0][5]},
        )
        assert layouts == [(["1x2", "total:2.5"], [3, 2])]


async def test_a_copy_that_was_begun_anew_gets_what_the_one_before_had(
    own_settings: Settings, outlet: KafkaOutlet
) -> None:
    key = f"test:{uuid.uuid4()}"
    transfer = wallet_pb2.TransferPosted(transfer_id=str(uuid.uuid4()), provider="test", key=key, time_us=10**15)
    database = f"copy_{uuid.uuid4().hex[:12]}"
    clickhouse = own_settings.clickhouse.model_copy(update={"database": database})
    settings = own_settings.model_copy(update={"clickhouse": clickhouse})

    async def has_transfer() -> bool:
        with Client.from_url(settings.clickhouse_dsn) as client:
            rows = client.execute("SELECT count() FROM ledger_transfers FINAL WHERE key = %(key)s", {"key": key})
            return bool(rows == [(1,)])

    def begin_anew() -> None:
        with Client.from_url(own_settings.clickhouse_dsn) as client:
            client.execute(f"DROP DATABASE IF EXISTS {database}")
        time.sleep(1.0)  # what tells copies apart counts in seconds
        migrate_clickhouse(settings)

    await outlet.send_and_wait(WALLET_EVENTS.name, key, transfer.SerializeToString())
    try:
        begin_anew()
        async with _running(keep_history, settings, settings.ports.history_http) as ended:
            await _eventually(has_transfer)
            await asyncio.sleep(2 * COMMIT_INTERVAL_S)
            begin_anew()
            async with asyncio.timeout(WAIT_S):
                await ended  # by itself: whoever supervises starts it again
        async with _running(keep_history, settings, settings.ports.history_http):
            await _eventually(has_transfer)
    finally:
        with Client.from_url(own_settings.clickhouse_dsn) as client:
            client.execute(f"DROP DATABASE IF EXISTS {database}")


async def test_a_copy_that_answers_and_takes_nothing_is_complained_of_until_it_does(
    own_settings: Settings, outlet: KafkaOutlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.retry.LONG_S", 0.5)
    database = f"copy_{uuid.uuid4().hex[:12]}"
    clickhouse = own_settings.clickhouse.model_copy(update={"database": database})
    settings = own_settings.model_copy(update={"clickhouse": clickhouse})
    migrate_clickhouse(settings)
    health = f"http://{settings.host}:{settings.ports.history_http}/readyz"

    async def says(client: aiohttp.ClientSession, words: str) -> bool:
        async with client.get(health) as answer:
            return words in await answer.text()

    transfer = wallet_pb2.TransferPosted(transfer_id=str(uuid.uuid4()), provider="test", key="key", time_us=10**15)
    try:
        with Client.from_url(settings.clickhouse_dsn) as copy:
            copy.execute("RENAME TABLE ledger_transfers TO aside")
            async with (
                _running(keep_history, settings, settings.ports.history_http),
                aiohttp.ClientSession() as client,
            ):
                await outlet.send_and_wait(WALLET_EVENTS.name, "key", transfer.SerializeToString())
                await _eventually(lambda: says(client, "insert into ledger_transfers waits for "))
                copy.execute("RENAME TABLE aside TO ledger_transfers")
                await _eventually(lambda: says(client, "ok"))
    finally:
        with Client.from_url(own_settings.clickhouse_dsn) as client:
            client.execute(f"DROP DATABASE IF EXISTS {database}")
