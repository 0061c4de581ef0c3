"""A ledger restored elsewhere, and somebody else's open transaction: the relay says what keeps it, and goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from infra.kafka import KafkaOutlet
from infra.ledger_adoption import run_adoption
from infra.local.launch import as_user
from infra.local.programs.postgres import binaries, prepare_data, server_user
from infra.local.secrets import LocalSecrets
from infra.migrations.postgres_migration import migrate_postgres
from infra.processes.own_cursors import CursorsOfOwnLog
from infra.processes.own_log import OwnLog
from infra.relay import Relay
from infra.settings import Settings
from infra.stores.feed_keys import PostgresCursors
from infra.stores.ledger_anchors import compare_anchors, expect_told_is_there, newest_anchors
from infra.stores.log_place import LogPlace, read_place
from infra.stores.postgres import Connection, PositionsNotOwn, expect_own_positions
from infra.stores.told_log import LogNotOwn, adopt_log, expect_own_log, remember_log
from kernel.errors import Unavailable
from overround.wallet.v1.anchor_pb2 import LedgerAnchor, LedgerChain
from tests.free_ports import free_port
from tests.integration.test_relay import QUICK, RelayOutlet
from tests.ledger_world import open_world, scratch_database
from wire.topics import LEDGER_ANCHORS

START_TIMEOUT_S = 120
WAIT_S = 120


@pytest.fixture
async def scratch(settings: Settings) -> AsyncIterator[Settings]:
    async with scratch_database(settings) as made:
        yield made


class Cluster:
    """A server of its own, which has counted next to no transactions yet and hardly flushes by itself."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        for parent in (folder, *folder.parents):
            if parent == Path("/tmp"):
                break
            parent.chmod(0o755)
        self._data = folder / "postgres"
        prepare_data(self._data, settings.postgres.user, LocalSecrets.load(settings).postgres_password)
        self._port = free_port()
        self.settings = settings.model_copy(
            update={"ports": settings.ports.model_copy(update={"postgres": self._port})}
        )
        self._server = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        options = [
            f"port={self._port}",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "wal_writer_delay=10s",
        ]
        command = [*as_user(server_user(), needs_override=False), str(binaries() / "postgres"), "-D", str(self._data)]
        words = [word for option in options for word in ("-c", option)]
        return subprocess.Popen([*command, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    def crash_and_start(self) -> None:
        """End without a checkpoint, as a crash does."""
        self.stop(signal.SIGQUIT)
        self._server = self._start()

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End at once."""
        self._server.send_signal(number)
        self._server.wait(START_TIMEOUT_S)


@pytest.fixture
def other_cluster(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    cluster = Cluster(settings, folder)
    yield cluster
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def relaying(
    settings: Settings, told: Sequence[LedgerAnchor] = (), place: LogPlace | None = None, **changes: int
) -> AsyncIterator[tuple[Relay, RelayOutlet]]:
    outlet, stopping = RelayOutlet(), asyncio.Event()
    there = partial(read_place, settings.kafka_client, client_id="test")
    relay = Relay(
        settings.postgres_dsn, lambda: outlet, lambda: told, lambda: place or there(), QUICK.model_copy(update=changes)
    )
    running = asyncio.create_task(relay.run(stopping))
    yield relay, outlet
    stopping.set()
    await running


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await is_so():  # noqa: ASYNC110 (what is waited for has no event)
            await asyncio.sleep(0.02)


async def complaint(relay: Relay, holding: str) -> str:
    async def holds() -> bool:
        return holding in (await relay.complaint() or "")

    await until(holds)
    return await relay.complaint() or ""


async def health(relay: Relay) -> None:
    async def is_well() -> bool:
        return await relay.complaint() is None

    await until(is_well)


async def are_anchored(connection: Connection, chains: int) -> bool:
    return len(await newest_anchors(connection, epoch=0)) == chains


async def until_told(outlet: RelayOutlet, count: int) -> None:
    async def are_there() -> bool:
        return len(outlet.positions()) >= count

    await until(are_there)


def restore(source: Settings, target: Settings) -> None:
    """Dump one database and restore it into an empty one of another cluster."""

    password = LocalSecrets.load(source).postgres_password

    def run(name: str, *arguments: str, **options: object) -> bytes:
        program = [str(binaries() / name), *(argument.replace(f":{password}@", "@") for argument in arguments)]
        environment = {**os.environ, "PGCONNECT_TIMEOUT": "60", "PGPASSWORD": password}  # others see command lines
        done = subprocess.run(program, check=True, capture_output=True, timeout=240, env=environment, **options)  # type: ignore[call-overload]
        return bytes(done.stdout)

    dump = run("pg_dump", "--format=custom", source.postgres_dsn)
    server = target.postgres_dsn.rpartition("/")[0]
    run("psql", f"{server}/postgres", "-c", f"CREATE DATABASE {target.postgres.database}")
    run("pg_restore", f"--dbname={target.postgres_dsn}", input=dump)


async def wait_for_server(settings: Settings) -> None:
    server = f"{settings.postgres_dsn.rpartition('/')[0]}/postgres"
    async with asyncio.timeout(START_TIMEOUT_S):
        while True:
            try:
                await (await asyncpg.connect(server)).close()
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.1)
            else:
                return


async def test_a_ledger_restored_elsewhere_is_not_led_until_a_person_adopts_it(
    scratch: Settings, other_cluster: Cluster
) -> None:
    async with open_world(scratch) as world, relaying(scratch) as (relay, before):
        player = await world.open_player(cash_minor=1_000)
        await world.bet(player, stake_minor=100, fixture_id="f")
        await health(relay)
        await until_told(before, 5)
    target = other_cluster.settings.model_copy(update={"postgres": scratch.postgres})
    await wait_for_server(target)
    await asyncio.to_thread(restore, scratch, target)

    async with open_world(target) as world, relaying(target) as (relay, after):
        assert "overround ledger adopt" in await complaint(relay, "the ledger was restored")
        with pytest.raises(Unavailable):
            await world.bet(player, stake_minor=200, fixture_id="g")
        assert after.sent == []
        assert "goes on here in epoch 1" in await asyncio.to_thread(run_adoption, target)
        await world.bet(player, stake_minor=300, fixture_id="h")
        await health(relay)
        await until_told(after, 3)
    # What was told before the restore is not told again, and all that comes is told, after it.
    positions = after.positions()
    assert positions == sorted(positions)
    assert before.positions()[-1] < positions[0]
    assert "of this cluster already (epoch 1)" in await asyncio.to_thread(run_adoption, target)


async def test_a_ledger_that_was_set_back_in_its_own_cluster_is_not_led_until_a_person_adopts_it(
    scratch: Settings, kafka_client: dict[str, str]
) -> None:
    copied = f"{scratch.postgres.database}_copy"
    as_it_was = scratch.model_copy(update={"postgres": scratch.postgres.model_copy(update={"database": copied})})
    async with open_world(scratch) as world, relaying(scratch):
        player = await world.open_player(cash_minor=1_000)
        connection = await asyncpg.connect(scratch.postgres_dsn)
        await until(partial(are_anchored, connection, 2))
    server = await asyncpg.connect(scratch.postgres_dsn.replace(scratch.postgres.database, "postgres"))
    await connection.close()
    await server.execute(f"CREATE DATABASE {copied} TEMPLATE {scratch.postgres.database}")
    async with open_world(scratch) as world, relaying(scratch):
        connection = await asyncpg.connect(scratch.postgres_dsn)
        before = await newest_anchors(connection, epoch=0)
        await world.bet(player, stake_minor=100, fixture_id="f")

        async def have_grown() -> bool:
            return [a.block_id for a in await newest_anchors(connection, epoch=0)] > [a.block_id for a in before]

        await until(have_grown)
        told = await newest_anchors(connection, epoch=0)
        await connection.close()

    async with relaying(as_it_was, told) as (relay, after):
        assert "overround ledger adopt" in await complaint(relay, "it was set back")
        assert after.sent == []
        outlet = KafkaOutlet(kafka_client, client_id="test", delivery_timeout_ms=10_000)
        for anchor in told:
            await outlet.send_and_wait(LEDGER_ANCHORS.name, LedgerChain.Name(anchor.chain), anchor.SerializeToString())
        outlet.close()
        assert "goes on here in epoch 1" in await asyncio.to_thread(run_adoption, as_it_was)
        await health(relay)
        async with open_world(as_it_was) as world:
            await world.bet(player, stake_minor=300, fixture_id="h")
        await until_told(after, 3)
    assert min(position for position in after.positions()[-3:])[0] >> 48 == 1
    assert "of this cluster already (epoch 1)" in await asyncio.to_thread(run_adoption, as_it_was)
    await server.execute(f"DROP DATABASE {copied} WITH (FORCE)")
    await server.close()


@pytest.mark.parametrize(
    ("now", "wrong"),
    [
        (LogPlace("another log", 9), "must be the log, in which the ledger was told, is another log"),
        (LogPlace("the log", 6), "must have the 7 anchors that it had, has 6: it was set back"),
    ],
)
async def test_a_log_that_is_another_or_was_set_back_is_neither_told_nor_read_until_a_person_adopts_it(
    scratch: Settings, now: LogPlace, wrong: str
) -> None:
    async with open_world(scratch) as world:
        places = [LogPlace("the log", 7)]
        own_log = OwnLog(world.pool, lambda: places[-1])
        watching = asyncio.create_task(own_log.watch())
        async with relaying(scratch, place=LogPlace("the log", 7)) as (relay, before):
            await world.bet(await world.open_player(cash_minor=1_000), stake_minor=100, fixture_id="f")
            await health(relay)
            await until_told(before, 5)
        await own_log.wait()
        assert own_log.complaint is None

        places.append(now)
        await asyncio.wait_for(watching, WAIT_S)  # who has read the log that was there before begins anew
        assert wrong in (own_log.complaint or "")
        cursors = CursorsOfOwnLog(PostgresCursors(world.pool), own_log)
        async with relaying(scratch, place=now) as (relay, after):
            assert "overround ledger adopt" in await complaint(relay, wrong)
            with pytest.raises(LogNotOwn, match=wrong):
                await cursors.begin("provider", now_ms=0)
            assert after.sent == []
            async with world.pool.connection() as connection:
                await adopt_log(connection, now)
            await health(relay)
            await until_told(after, 5)
            assert after.positions() == before.positions()
            assert (await cursors.begin("provider", now_ms=0)).epoch == 1


async def test_whoever_adopts_a_ledger_adopts_the_log_that_is_there(scratch: Settings) -> None:
    there = await asyncio.to_thread(read_place, scratch.kafka_client, client_id="test")
    connection = await asyncpg.connect(scratch.postgres_dsn)
    assert "nothing was changed" in await asyncio.to_thread(run_adoption, scratch)
    await remember_log(connection, LogPlace("a log that is gone", 5))
    assert "goes on here in epoch 1" in await asyncio.to_thread(run_adoption, scratch)
    await expect_own_log(connection, there)
    assert "nothing was changed" in await asyncio.to_thread(run_adoption, scratch)
    await connection.close()


async def test_what_was_anchored_outlasts_a_crash_of_the_server(scratch: Settings, other_cluster: Cluster) -> None:
    target = other_cluster.settings.model_copy(update={"postgres": scratch.postgres})
    await wait_for_server(target)
    await asyncio.to_thread(migrate_postgres, target)
    connection = await asyncpg.connect(target.postgres_dsn)
    async with open_world(target) as world, relaying(target):
        await world.open_player(cash_minor=1_000)
        await until(partial(are_anchored, connection, 2))
        told = await newest_anchors(connection, epoch=0)
        other_cluster.crash_and_start()
    await wait_for_server(target)
    connection = await asyncpg.connect(target.postgres_dsn)
    await expect_told_is_there(connection, told)
    await connection.close()


async def test_nobody_adopts_a_ledger_that_is_where_it_was(scratch: Settings) -> None:
    connection = await asyncpg.connect(scratch.postgres_dsn)
    assert await expect_own_positions(connection) == 0
    await connection.execute("ALTER TABLE ledger.epoch DISABLE TRIGGER ALL; UPDATE ledger.epoch SET cluster = 'other'")
    with pytest.raises(PositionsNotOwn, match="are of other"):
        await expect_own_positions(connection)
    await connection.close()


async def test_somebody_elses_open_transaction_is_named_where_it_keeps_the_outbox(
    scratch: Settings, settings: Settings
) -> None:
    async with open_world(scratch) as world, relaying(scratch, lag_ms_max=1_000) as (relay, outlet):
        await health(relay)
        other = await asyncpg.connect(settings.postgres_dsn, server_settings={"application_name": "forgotten"})
        transaction = other.transaction()
        await transaction.start()
        await other.execute("SELECT pg_current_xact_id()")
        await world.open_player(cash_minor=1_000)
        said = await complaint(relay, "waits for")
        assert f"forgotten in database {settings.postgres.database}" in said
        assert outlet.positions() == []
        await transaction.rollback()
        await health(relay)
        await other.close()
    assert len(outlet.positions()) == 3


async def test_anchors_are_held_against_their_blocks_and_what_a_restore_lost_is_counted(scratch: Settings) -> None:
    async with open_world(scratch) as world, relaying(scratch):
        await world.open_player(cash_minor=1_000)
        connection = await asyncpg.connect(scratch.postgres_dsn)

        await until(partial(are_anchored, connection, 2))
    anchors = await newest_anchors(connection, epoch=0)
    assert (await compare_anchors(connection, anchors)).complaints == ()
    forged = LedgerAnchor.FromString(anchors[0].SerializeToString())
    forged.block_hash = bytes(32)
    missing = LedgerAnchor.FromString(anchors[1].SerializeToString())
    missing.block_id += 7
    verdict = await compare_anchors(connection, [*anchors, forged, missing])
    assert [complaint.split(" ", 2)[2] for complaint in verdict.complaints] == [
        "of chain_block is another than was anchored",
        "of record_block was anchored and is not there",
    ]
    await connection.execute("SELECT ledger.adopt('test')")
    verdict = await compare_anchors(connection, [*anchors, missing])
    assert (verdict.complaints, verdict.lost_count) == ((), 1)
    await connection.close()
