"""Rows of the outbox, and how those of one event become messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

import asyncpg

from infra.stores.postgres import Connection
from overround.common.v1 import outbox_pb2

Loaded = TypeVar("Loaded")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the outbox."""

    transaction_id: int
    row_id: int


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """That an event of a subject happened, by its number among the subject's; what it names never changes."""

    position: Position
    event: str
    subject: UUID
    sequence: int

    def stamp(self) -> outbox_pb2.OutboxPosition:
        """Return its place as messages carry it."""
        return outbox_pb2.OutboxPosition(transaction_id=self.position.transaction_id, row_id=self.position.row_id)


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """What goes into the log for one row."""

    position: Position
    topic: str
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class OutboxEvent(Generic[Loaded]):
    """An event that the outbox tells of.

    Attributes:
        name: As in the rows.
        happened: SQL of all that it has to tell of: event, subject, sequence, transaction_id, time_us.
        load: Reads what rows name, for a page of them at once; events that read the same share it.
        build: Makes the message of a row.
    """

    name: str
    happened: str
    load: Callable[[Connection, Sequence[OutboxRow]], Awaitable[Loaded]]
    build: Callable[[OutboxRow, Loaded], OutboxMessage]


def load_by_sequence(
    query: str,
) -> Callable[[Connection, Sequence[OutboxRow]], Awaitable[Mapping[int, asyncpg.Record]]]:
    """Return what reads the rows of `query` by their numbers: $1, and its column `sequence`."""

    async def load(connection: Connection, rows: Sequence[OutboxRow]) -> Mapping[int, asyncpg.Record]:
        found = await connection.fetch(query, [row.sequence for row in rows])
        return {record["sequence"]: record for record in found}

    return load
