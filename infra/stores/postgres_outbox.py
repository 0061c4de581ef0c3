"""The outbox in PostgreSQL: what is not published yet, as messages, and how far publishing came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from infra.postgres.outbox.event import OutboxEvent, OutboxMessage, OutboxRow, Position
from infra.postgres.outbox.registry import EVENTS
from infra.stores.postgres import Connection
from kernel.errors import InvariantBroken

# A row is published only once every transaction that began before it has ended: then none can come in before it.
_NEXT = """
    SELECT transaction_id::text::bigint AS transaction_id, row_id, event, subject, sequence
    FROM ledger.outbox
    WHERE (transaction_id, row_id) > ($1::text::xid8, $2) AND transaction_id < ledger.horizon()
    ORDER BY ledger.outbox.transaction_id, row_id LIMIT $3
"""
_POSITION = """
    SELECT transaction_id::text::bigint AS transaction_id, row_id FROM ledger.relay_position WHERE relay = 'outbox'
"""
_ADVANCE = """
    UPDATE ledger.relay_position SET transaction_id = $1::text::xid8, row_id = $2, time_us = ledger.now_us()
    WHERE relay = 'outbox'
"""
_LAG = """
    SELECT count(*) AS row_count, coalesce(ledger.now_us() - min(time_us), 0) AS age_us FROM (
        SELECT time_us FROM ledger.outbox WHERE (transaction_id, row_id) > ($1::text::xid8, $2)
        ORDER BY transaction_id, row_id LIMIT $3
    ) AS unpublished
"""
# Only from the front: what is left of the outbox has no hole.
_PRUNE = """
    DELETE FROM ledger.outbox WHERE (transaction_id, row_id) IN (
        SELECT transaction_id, row_id FROM (
            SELECT transaction_id, row_id, bool_and(time_us < ledger.now_us() - $3::bigint)
                OVER (ORDER BY transaction_id, row_id) AS is_old
            FROM (
                SELECT transaction_id, row_id, time_us FROM ledger.outbox
                WHERE (transaction_id, row_id) <= ($1::text::xid8, $2) ORDER BY transaction_id, row_id LIMIT $4
            ) AS front
        ) AS aged WHERE is_old
    )
"""


@dataclass(frozen=True, slots=True)
class OutboxLag:
    """Rows that wait, counted up to a limit, and how long the oldest has."""

    row_count: int
    age_us: int


async def load_position(connection: Connection) -> Position:
    """Return how far publishing came."""
    row = await connection.fetchrow(_POSITION)
    if row is None:
        raise InvariantBroken("The relay's position must exist, does not")
    return Position(row["transaction_id"], row["row_id"])


async def store_position(connection: Connection, position: Position) -> None:
    """Remember that everything up to `position` is in the log."""
    await connection.execute(_ADVANCE, str(position.transaction_id), position.row_id)


async def load_messages(connection: Connection, after: Position, rows_max: int) -> list[OutboxMessage]:
    """Return the next messages in the order in which they must be published."""
    found = await connection.fetch(_NEXT, str(after.transaction_id), after.row_id, rows_max)
    rows = [
        OutboxRow(Position(row["transaction_id"], row["row_id"]), row["event"], row["subject"], row["sequence"])
        for row in found
    ]
    loaded = await _load(connection, rows)
    return [_event(row.event).build(row, loaded[row.event]) for row in rows]


async def measure_lag(connection: Connection, after: Position, rows_max: int) -> OutboxLag:
    """Return what waits behind `after`; the count stops at `rows_max`."""
    row = await connection.fetchrow(_LAG, str(after.transaction_id), after.row_id, rows_max)
    if row is None:
        raise InvariantBroken("An aggregate must have a row, had none")
    return OutboxLag(row["row_count"], row["age_us"])


async def prune_published(connection: Connection, until: Position, *, kept_s: int, rows_max: int) -> int:
    """Delete a page of published rows that are old enough; return how many."""
    status = await connection.execute(_PRUNE, str(until.transaction_id), until.row_id, kept_s * 1_000_000, rows_max)
    return int(status.split()[-1])


async def _load(connection: Connection, rows: Sequence[OutboxRow]) -> dict[str, Any]:
    """Return what the rows of each event name; what several events read is read once."""
    names_by_load: dict[Callable[..., Awaitable[Any]], list[str]] = defaultdict(list)
    for name in dict.fromkeys(row.event for row in rows):
        names_by_load[_event(name).load].append(name)
    loaded: dict[str, Any] = {}
    for load, names in names_by_load.items():
        loaded |= dict.fromkeys(names, await load(connection, [row for row in rows if row.event in names]))
    return loaded


def _event(name: str) -> OutboxEvent[Any]:
    if name not in EVENTS:
        raise InvariantBroken(f"Every event of the outbox must have a file that tells it, {name!r} has none")
    return EVENTS[name]
