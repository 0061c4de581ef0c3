"""Keep books, bets, transfers and liability in ClickHouse for good.

Reads:  odds.books.v1, bets.events.v1, wallet.events.v1, risk.liability.v1.
Writes: the history tables, in large blocks.
State:  none.
Replay: safe. A row that comes again replaces itself: see docs/adr/0007-history-rows-replace-themselves.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

import faust
import structlog
from faust.types import TP, EventT
from google.protobuf.message import DecodeError
from prometheus_client import Counter

from kernel.clock import Clock
from kernel.errors import Unavailable
from kernel.log import ConfirmedOutlet
from streams.dead_letters import AGENT_ERROR, MALFORMED, DeadLetters
from streams.history_tables import (
    BET_EVENTS,
    LAYOUT_COLUMN_NAMES,
    LAYOUT_TABLE,
    LEDGER_TRANSFERS,
    LIABILITIES,
    HistoryTable,
    LayoutCatalogue,
    Row,
    book_versions,
)
from streams.inbox import Inbox
from streams.retry import retry_while
from wire.topics import HISTORY_DEAD_LETTERS

WAITING_EVENTS_MAX: Final = 20_000
WAITING_BYTES_MAX: Final = 64 * 1024 * 1024
IDLE_S: Final = 5.0

ROWS_KEPT = Counter("overround_history_rows", "Rows inserted.", ["table"])
BLOCKS_KEPT = Counter("overround_history_blocks", "Blocks inserted.", ["table"])

log = structlog.get_logger(__name__)


class History(Protocol):
    """Where rows are kept."""

    async def insert(self, table: str, column_names: Sequence[str], columns: Sequence[Sequence[object]]) -> None:
        """Append one block, whole or not at all.

        Raises:
            Unavailable: If it was not confirmed in time; the block may be sent again.
        """
        ...


class HistoryAgent:
    """One inbox and one writer for each table; a block is acknowledged after it is inserted.

    While ClickHouse is away the inboxes fill, reading stops, and the log keeps what comes.
    """

    def __init__(
        self, *, history: History, outlet: ConfirmedOutlet, clock: Clock, block_rows_max: int, block_interval_s: float
    ) -> None:
        """Prepare the agent.

        Args:
            history: Where rows are kept.
            outlet: The way to the dead letters.
            clock: Stamps dead letters.
            block_rows_max: Rows at most in one block.
            block_interval_s: How long a block is gathered.
        """
        layouts = LayoutCatalogue()
        dead_letters = DeadLetters(outlet, HISTORY_DEAD_LETTERS.name, clock)
        self._writers = [
            _TableWriter(
                table,
                layouts=layouts,
                history=history,
                dead_letters=dead_letters,
                block_rows_max=block_rows_max,
                block_interval_s=block_interval_s,
            )
            for table in (book_versions(layouts), BET_EVENTS, LEDGER_TRANSFERS, LIABILITIES)
        ]
        self._is_consuming = False

    @property
    def is_ready(self) -> bool:
        """Whether partitions were assigned."""
        return self._is_consuming

    def attach(self, app: faust.App) -> None:
        """Make these the agents of the app."""
        for writer in self._writers:
            app.agent(app.topic(writer.table.topic), name=f"history-{writer.table.name}")(writer.take_in)
            app.task(writer.work)
        app.on_partitions_assigned.connect(self._on_assigned, weak=False)
        app.on_partitions_revoked.connect(self._on_revoked, weak=False)

    async def _on_assigned(self, _app: Any, /, *_arguments: Any, **_: Any) -> None:
        self._is_consuming = True

    async def _on_revoked(self, _app: Any, /, *arguments: Any, **_: Any) -> None:
        revoked: set[TP] = arguments[0]
        for writer in self._writers:
            writer.inbox.drop(revoked)


class _TableWriter:
    def __init__(
        self,
        table: HistoryTable,
        *,
        layouts: LayoutCatalogue,
        history: History,
        dead_letters: DeadLetters,
        block_rows_max: int,
        block_interval_s: float,
    ) -> None:
        self.table = table
        self.inbox = Inbox(events_max=WAITING_EVENTS_MAX, bytes_max=WAITING_BYTES_MAX)
        self._layouts = layouts
        self._history = history
        self._dead_letters = dead_letters
        self._block_rows_max = block_rows_max
        self._block_interval_s = block_interval_s
        self._column_names = (*table.column_names, "topic_partition", "topic_offset")

    async def take_in(self, stream: Any) -> None:
        async for event in stream.noack().events():
            await self.inbox.put(event)

    async def work(self) -> None:
        while True:
            events = await self.inbox.take(self._block_rows_max, timeout_s=IDLE_S)
            if 0 < len(events) < self._block_rows_max:
                await asyncio.sleep(self._block_interval_s)
                events += await self.inbox.take(self._block_rows_max - len(events), timeout_s=0)
            if events:
                await self._keep_safely(events)

    async def _keep_safely(self, events: list[EventT[bytes]]) -> None:
        try:
            await self._keep(events)
        except Exception as error:
            if len(events) == 1:
                reason = MALFORMED if isinstance(error, DecodeError) else AGENT_ERROR
                await self._dead_letters.bury(events[0], reason=reason, message=repr(error))
            else:
                log.warning("history.block_split", table=self.table.name, rows=len(events), error=repr(error))
                middle = len(events) // 2
                await self._keep_safely(events[:middle])
                await self._keep_safely(events[middle:])
        self.inbox.finish(events)

    async def _keep(self, events: list[EventT[bytes]]) -> None:
        rows = [self._read(event) for event in events if event.message.value is not None]
        if not rows:
            return
        await self._keep_layouts()
        await self._insert(self.table.name, self._column_names, rows)

    def _read(self, event: EventT[bytes]) -> Row:
        message = event.message
        return (*self.table.read(message.value or b""), message.partition, message.offset)

    async def _keep_layouts(self) -> None:
        if self._layouts.pending:
            await self._insert(LAYOUT_TABLE, LAYOUT_COLUMN_NAMES, list(self._layouts.pending.values()))
            self._layouts.mark_kept()

    async def _insert(self, name: str, column_names: Sequence[str], rows: Sequence[Row]) -> None:
        columns = list(zip(*rows, strict=True))
        await retry_while(
            Unavailable, lambda: self._history.insert(name, column_names, columns), step=f"insert into {name}"
        )
        ROWS_KEPT.labels(name).inc(len(rows))
        BLOCKS_KEPT.labels(name).inc()
