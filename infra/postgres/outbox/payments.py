"""What became of deposits at their providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from infra.postgres.outbox.event import OutboxEvent, OutboxMessage, OutboxRow
from infra.stores.postgres import Connection
from kernel.money import Money
from overround.payments.v1 import payment_pb2
from payments.deposit import AttemptState
from payments.provider import Method
from wire.money import build_money
from wire.payments import ATTEMPT_STATES, METHODS
from wire.topics import PAYMENT_EVENTS

_CHANGED: Final = """
    SELECT 'deposit_changed' AS event, reference AS subject, sequence, transaction_id, time_us
    FROM payments.attempt_event
"""
_CHANGES: Final = """
    SELECT e.reference, e.sequence, e.state, e.provider_reference, e.code, e.time_us, a.provider, d.deposit_id,
        d.player_id, d.method, d.amount_minor, d.currency
    FROM unnest($1::uuid[], $2::bigint[]) AS asked (reference, sequence)
    JOIN payments.attempt_event e USING (reference, sequence)
    JOIN payments.attempt a USING (reference) JOIN payments.deposit d USING (deposit_id)
"""


async def _load(connection: Connection, rows: Sequence[OutboxRow]) -> Mapping[tuple[UUID, int], asyncpg.Record]:
    found = await connection.fetch(_CHANGES, [row.subject for row in rows], [row.sequence for row in rows])
    return {(record["reference"], record["sequence"]): record for record in found}


def _build(row: OutboxRow, changes: Mapping[tuple[UUID, int], asyncpg.Record]) -> OutboxMessage:
    found = changes[row.subject, row.sequence]
    changed = payment_pb2.DepositChanged(
        position=row.stamp(),
        deposit_id=str(found["deposit_id"]),
        player_id=str(found["player_id"]),
        amount=build_money(Money(found["amount_minor"], found["currency"])),
        method=METHODS[Method(found["method"])],
        reference=str(found["reference"]),
        provider=found["provider"],
        state=ATTEMPT_STATES[AttemptState(found["state"])],
        provider_reference=found["provider_reference"],
        code=found["code"],
        sequence=row.sequence,
        time_us=found["time_us"],
    )
    return OutboxMessage(row.position, PAYMENT_EVENTS.name, changed.player_id, changed.SerializeToString())


EVENTS: Final = (OutboxEvent("deposit_changed", _CHANGED, _load, _build),)
