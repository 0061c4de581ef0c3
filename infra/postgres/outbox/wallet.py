"""Money that moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import asyncpg

from infra.postgres.outbox.event import OutboxEvent, OutboxMessage, OutboxRow, load_by_sequence
from kernel.money import Money
from wallet.transfer import Transfer
from wire.topics import WALLET_EVENTS
from wire.wallet import build_transfer_posted

_TRANSFERS: Final = """
    SELECT t.row_id AS sequence, t.transfer_id, t.provider, t.key, t.leg, t.debit_account_id, t.credit_account_id,
        t.amount_minor, t.currency, t.kind, t.time_us,
        CASE WHEN debit_version IS NULL THEN credit_account_id ELSE debit_account_id END AS player_account_id
    FROM ledger.transfer t WHERE t.row_id = ANY ($1::bigint[])
"""
_POSTED: Final = """
    SELECT 'transfer_posted' AS event, transfer_id AS subject, row_id AS sequence, transaction_id, time_us
    FROM ledger.transfer
"""


def _build(row: OutboxRow, transfers: Mapping[int, asyncpg.Record]) -> OutboxMessage:
    found = transfers[row.sequence]
    transfer = Transfer(
        transfer_id=found["transfer_id"],
        provider=found["provider"],
        key=found["key"],
        leg=found["leg"],
        debit_account_id=found["debit_account_id"],
        credit_account_id=found["credit_account_id"],
        amount=Money(found["amount_minor"], found["currency"]),
        kind=found["kind"],
        time_us=found["time_us"],
    )
    value = build_transfer_posted(transfer, row.stamp()).SerializeToString()
    return OutboxMessage(row.position, WALLET_EVENTS.name, str(found["player_account_id"]), value)


EVENTS: Final = (OutboxEvent("transfer_posted", _POSTED, load_by_sequence(_TRANSFERS), _build),)
