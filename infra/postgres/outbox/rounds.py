"""Rounds of our own games that were played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from casino.rounds import Round
from infra.postgres.outbox.event import OutboxEvent, OutboxMessage, OutboxRow
from infra.stores.postgres import Connection
from infra.stores.postgres_rounds import FIND_ROUNDS, read_round
from wire.casino import build_round_played
from wire.topics import CASINO_ROUNDS

_PLAYED: Final = """
    SELECT 'round_played' AS event, round_id AS subject, 0 AS sequence, transaction_id, time_us FROM casino.round
"""


async def _load(connection: Connection, rows: Sequence[OutboxRow]) -> Mapping[UUID, Round]:
    found = await connection.fetch(FIND_ROUNDS, [row.subject for row in rows])
    return {UUID(int=record["round_id"].int): read_round(record) for record in found}


def _build(row: OutboxRow, rounds: Mapping[UUID, Round]) -> OutboxMessage:
    played = rounds[row.subject]
    value = build_round_played(played, row.stamp()).SerializeToString()
    return OutboxMessage(row.position, CASINO_ROUNDS.name, str(played.account_id), value)


EVENTS: Final = (OutboxEvent("round_played", _PLAYED, _load, _build),)
