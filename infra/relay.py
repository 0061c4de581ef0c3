"""The relay: what the ledger committed goes into the log, in the ledger's order.

One relay leads at a time, by a lock that lives and dies with its connection. It may die anywhere: what it published
without having remembered it is published again, and consumers skip what they have seen by its position.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import asyncpg
import structlog
from prometheus_client import Counter, Gauge

from infra.postgres.outbox.event import OutboxMessage, Position
from infra.processes.health import rest
from infra.settings import Relay as RelaySettings
from infra.stores.ledger_anchors import expect_told_is_there, newest_anchors
from infra.stores.ledger_epoch import describe_oldest_writer
from infra.stores.log_place import LogPlace
from infra.stores.postgres import UNAVAILABLE, Connection, expect_own_positions
from infra.stores.postgres_chain import append_block
from infra.stores.postgres_outbox import (
    load_messages,
    load_position,
    measure_lag,
    prune_published,
    store_position,
)
from infra.stores.postgres_records import append_records
from infra.stores.told_log import remember_log
from kernel.errors import DomainError, Unavailable
from kernel.log import Outlet
from overround.wallet.v1.anchor_pb2 import LedgerAnchor, LedgerChain
from wire.topics import LEDGER_ANCHORS

LEADER_LOCK = "ledger.relay"
LAG_ROWS_MAX = 10_000
LAG_INTERVAL_S = 1.0
SWEEP_INTERVAL_S = 1.0
HOLDS_SWEPT_MAX = 1_000
STALLED_S = 5.0

PUBLISHED = Counter("relay_published", "Messages confirmed by the log.", ["topic"])
LAG_ROWS = Gauge("relay_lag_rows", f"Rows not published yet, counted up to {LAG_ROWS_MAX}.")
LAG_SECONDS = Gauge("relay_lag_seconds", "Age of the oldest row not published yet.")
CHAINED = Counter("relay_chained_transfers", "Transfers that entered the Merkle chain.")
RECORDED = Counter("relay_chained_records", "Commands that entered the Merkle chain with what they wrote.")
PRUNED = Counter("relay_pruned_rows", "Published rows deleted from the outbox.")
EXPIRED = Counter("relay_expired_holds", "Holds that nobody ended in their time, as when a gateway dies.")

log = structlog.get_logger(__name__)


class OwnOutlet(Outlet, Protocol):
    """A way into the log that is the relay's alone."""

    def close(self) -> None:
        """Let go of everything."""
        ...


class Relay:
    """Publishes the outbox, chains the transfers, prunes what is published, ends holds whose time is over.

    Args:
        open_outlet: Makes an outlet that keeps its order and never gives a message up, so that none overtakes another
            of its key; called again after an outlet failed.
        read_told: Reads the newest of what the log was told of the ledger's chains; may block.
        read_place: Reads which log it is, and how far it has come; may block.
    """

    def __init__(
        self,
        dsn: str,
        open_outlet: Callable[[], OwnOutlet],
        read_told: Callable[[], Sequence[LedgerAnchor]],
        read_place: Callable[[], LogPlace],
        settings: RelaySettings,
    ) -> None:
        self._dsn = dsn
        self._read_place = read_place
        self._read_told = read_told
        self._open_outlet = open_outlet
        self._settings = settings
        self._is_leader = False
        self._is_standby = False
        self._refusal = ""
        self._beat_s = 0.0
        self._upkeep: _Upkeep | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Lead, or wait to lead, until told to stop; outages of the database or the log are sat out."""
        while not stopping.is_set():
            try:
                await self._connect_and_lead(stopping)
            except (*UNAVAILABLE, DomainError) as error:
                log.warning("relay.interrupted", kind=type(error).__name__, detail=str(error))
                self._refusal = str(error) if isinstance(error, Unavailable) else ""
            self._is_leader = False
            await rest(stopping, self._settings.retry_ms / 1_000)

    async def complaint(self) -> str | None:
        """Return what keeps the relay from doing its work; one that waits to lead is well."""
        if self._is_standby:
            return None
        if not self._is_leader:
            return self._refusal or "not connected to the ledger"
        if asyncio.get_running_loop().time() - self._beat_s > STALLED_S:
            return f"published nothing for {STALLED_S:.0f} s though something waits"
        return self._upkeep.lag_complaint if self._upkeep is not None else None

    async def _connect_and_lead(self, stopping: asyncio.Event) -> None:
        timeout_s = self._settings.statement_timeout_ms / 1_000
        connection = await asyncpg.connect(
            self._dsn,
            timeout=timeout_s,
            command_timeout=timeout_s,
            server_settings={
                "application_name": "relay",
                # A position that is lost with the server is only a page published again.
                "synchronous_commit": "off",
                # The server's end of a connection that was given up must end too, with the lock of who leads.
                "statement_timeout": str(self._settings.statement_timeout_ms),
                "jit": "off",
            },
        )
        try:
            self._is_standby = not await _lead(connection)
            if not self._is_standby:
                log.info("relay.leads")
                await self._publish_until(stopping, connection)
        finally:
            connection.terminate()

    async def _publish_until(self, stopping: asyncio.Event, connection: Connection) -> None:
        outlet = self._open_outlet()
        try:
            epoch = await expect_own_positions(connection)
            await remember_log(connection, await asyncio.to_thread(self._read_place))
            await expect_told_is_there(connection, await asyncio.to_thread(self._read_told))
            position = await load_position(connection)
            self._upkeep = upkeep = _Upkeep(connection, outlet, self._read_place, self._settings, epoch=epoch)
            while not stopping.is_set():
                self._beat_s = asyncio.get_running_loop().time()
                messages = await load_messages(connection, position, self._settings.page_rows_max)
                self._is_leader = True  # not before: a lock on the outbox lets it connect, over and over
                if messages:
                    await _publish(outlet, messages, stopping)
                    position = messages[-1].position
                    await store_position(connection, position)
                await upkeep.run_due(position)
                await rest(stopping, self._pause_s(len(messages)))
        finally:
            await asyncio.to_thread(outlet.close)

    def _pause_s(self, row_count: int) -> float:
        return 0 if row_count == self._settings.page_rows_max else self._settings.poll_ms / 1_000


class _Upkeep:
    """What is done now and then between two pages, each a bounded step.

    Attributes:
        lag_complaint: What is wrong with how long the oldest row has waited, None if nothing is.
    """

    def __init__(
        self,
        connection: Connection,
        outlet: Outlet,
        read_place: Callable[[], LogPlace],
        settings: RelaySettings,
        *,
        epoch: int,
    ) -> None:
        self.lag_complaint: str | None = None
        self._connection = connection
        self._outlet = outlet
        self._read_place = read_place
        self._settings = settings
        self._epoch = epoch
        self._chain_due_s = 0.0
        self._anchor_due_s = 0.0
        self._prune_due_s = 0.0
        self._lag_due_s = 0.0
        self._sweep_due_s = 0.0

    async def run_due(self, position: Position) -> None:
        """Append blocks, anchor them, delete a page, measure the lag, or sweep holds, where it is time to."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._chain_due_s:
            await self._chain(now_s)
        if now_s >= self._anchor_due_s:
            await self._anchor()
            self._anchor_due_s = now_s + self._settings.anchor_interval_ms / 1_000
        if now_s >= self._prune_due_s:
            await self._prune(now_s, position)
        if now_s >= self._lag_due_s:
            await self._measure_lag(position)
            self._lag_due_s = now_s + LAG_INTERVAL_S
        if now_s >= self._sweep_due_s:
            await self._sweep(now_s)

    async def _measure_lag(self, position: Position) -> None:
        lag = await measure_lag(self._connection, position, LAG_ROWS_MAX)
        LAG_ROWS.set(lag.row_count)
        LAG_SECONDS.set(lag.age_us / 1_000_000)
        if lag.age_us <= self._settings.lag_ms_max * 1_000:
            self.lag_complaint = None
            return
        # A row is told once every transaction that began before it has ended, also one of another database.
        writer = await describe_oldest_writer(self._connection)
        waits = f"the oldest of what happened waits for {lag.age_us // 1_000_000} s to be told"
        self.lag_complaint = f"{waits}: {writer}" if writer else waits

    async def _chain(self, now_s: float) -> None:
        rows_max = self._settings.chain_block_rows_max
        transfers = await append_block(self._connection, transfers_max=rows_max)
        records = await append_records(self._connection, records_max=rows_max)
        CHAINED.inc(transfers)
        RECORDED.inc(records)
        if max(transfers, records) < rows_max:
            self._chain_due_s = now_s + self._settings.chain_interval_ms / 1_000

    async def _anchor(self) -> None:
        """Tell the newest blocks outside the database; one that is lost on the way is followed by a newer one.

        That the log is still the one it was is looked at before: it may have been exchanged or set back meanwhile.
        """
        await remember_log(self._connection, await asyncio.to_thread(self._read_place))
        for anchor in await newest_anchors(self._connection, epoch=self._epoch):
            self._outlet.send(LEDGER_ANCHORS.name, LedgerChain.Name(anchor.chain), anchor.SerializeToString())

    async def _prune(self, now_s: float, position: Position) -> None:
        rows_max = self._settings.page_rows_max
        count = await prune_published(
            self._connection, position, kept_s=self._settings.published_kept_s, rows_max=rows_max
        )
        PRUNED.inc(count)
        if count < rows_max:
            self._prune_due_s = now_s + self._settings.prune_interval_ms / 1_000

    async def _sweep(self, now_s: float) -> None:
        """End what is over: whoever spends does that for their own account, this is for what accounts show."""
        count: int = await self._connection.fetchval("SELECT ledger.sweep_holds($1)", HOLDS_SWEPT_MAX)
        EXPIRED.inc(count)
        if count < HOLDS_SWEPT_MAX:
            self._sweep_due_s = now_s + SWEEP_INTERVAL_S


async def _lead(connection: Connection) -> bool:
    has_lock: bool = await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", LEADER_LOCK)
    return has_lock


async def _publish(outlet: Outlet, messages: Sequence[OutboxMessage], stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    left = len(messages)

    def confirm(error: Exception | None) -> None:
        nonlocal left
        left -= 1
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        elif left == 0:
            done.set_result(None)

    def report(error: Exception | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(confirm, error)

    for message in messages:
        outlet.send(message.topic, message.key, message.value, report)
    await _wait_or_stop(done, stopping)
    for message in messages:
        PUBLISHED.labels(message.topic).inc()


class _Stopped(DomainError):
    """The relay was told to stop while the log had not confirmed: the page is published again later."""


async def _wait_or_stop(done: asyncio.Future[None], stopping: asyncio.Event) -> None:
    stop = asyncio.ensure_future(stopping.wait())
    waits: set[asyncio.Future[Any]] = {done, stop}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
    if not done.done():
        done.cancel()
        raise _Stopped("The log must confirm before the relay stops, did not")
    done.result()
