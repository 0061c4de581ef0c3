"""Keep books, bets, transfers, rounds and liability in ClickHouse for good.

Reads:  odds.books.v1, bets.events.v1, wallet.events.v1, casino.rounds.v1, risk.liability.v1.
Writes: the history tables, in large blocks.
State:  none.
Replay: safe. A row that comes again replaces itself: see docs/adr/0007-history-rows-replace-themselves.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import faust
from faust.types import EventT
from prometheus_client import Counter

from kernel.clock import Clock
from kernel.errors import Unavailable
from kernel.log import ConfirmedOutlet
from streams.agent import Agent, Events, fold_safely
from streams.dead_letters import DeadLetters
from streams.history_tables import (
    BET_EVENTS,
    CASINO_ROUNDS,
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
            for table in (book_versions(layouts), BET_EVENTS, LEDGER_TRANSFERS, CASINO_ROUNDS, LIABILITIES)
        ]

    @property
    def is_ready(self) -> bool:
        """Whether partitions were assigned."""
        return all(writer.is_assigned for writer in self._writers)

    def attach(self, app: faust.App) -> None:
        """Make these the agents of the app."""
        for writer in self._writers:
            writer.attach(app)


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
        self._table = table
        self._inbox = Inbox(events_max=WAITING_EVENTS_MAX, bytes_max=WAITING_BYTES_MAX)
        self._layouts = layouts
        self._history = history
        self._dead_letters = dead_letters
        self._block_rows_max = block_rows_max
        self._block_interval_s = block_interval_s
        self._column_names = (*table.column_names, "topic_partition", "topic_offset")
        self._agent = Agent(f"history-{table.name}", [table.topic], inbox=self._inbox, works=(self._work,))

    @property
    def is_assigned(self) -> bool:
        return self._agent.is_assigned

    def attach(self, app: faust.App) -> None:
        self._agent.attach(app)

    async def _work(self) -> None:
        while True:
            events = await self._inbox.take(self._block_rows_max, timeout_s=IDLE_S)
            if 0 < len(events) < self._block_rows_max:
                await asyncio.sleep(self._block_interval_s)
                events += await self._inbox.take(self._block_rows_max - len(events), timeout_s=0)
            if events:
                await fold_safely(events, self._keep, inbox=self._inbox, dead_letters=self._dead_letters)

    async def _keep(self, events: Events) -> None:
        rows = [self._read(event) for event in events if event.message.value is not None]
        if not rows:
            return
        await self._keep_layouts()
        await self._insert(self._table.name, self._column_names, rows)

    def _read(self, event: EventT[bytes]) -> Row:
        message = event.message
        return (*self._table.read(message.value or b""), message.partition, message.offset)

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
