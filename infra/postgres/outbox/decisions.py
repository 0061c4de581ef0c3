"""What people decided, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import asyncpg

from infra.postgres.outbox.event import OutboxEvent, OutboxMessage, OutboxRow, load_by_sequence
from overround.audit.v1.audit_pb2 import Asked, Decision
from wire.topics import AUDIT

_ABOUT_RESULTS: Final = """
    SELECT d.decision_id AS sequence, d.decision || '_result' AS decision, p.result_key AS subject, d.decided_by,
        d.reason, d.time_us
    FROM bets.result_decision d JOIN bets.parked_result p USING (parked_id) WHERE d.decision_id = ANY ($1::bigint[])
"""
_RESULT_DECIDED: Final = """
    SELECT 'result_decided' AS event, (SELECT ledger_id FROM ledger.epoch LIMIT 1) AS subject,
        decision_id AS sequence, transaction_id, time_us
    FROM bets.result_decision WHERE parked_id IS NOT NULL
"""
_ABOUT_BETS: Final = """
    SELECT decision_id AS sequence, decision || '_bet' AS decision, bet_id::text AS subject, decided_by, reason, time_us
    FROM bets.result_decision WHERE decision_id = ANY ($1::bigint[])
"""
_BET_DECIDED: Final = """
    SELECT 'bet_decided' AS event, bet_id AS subject, decision_id AS sequence, transaction_id, time_us
    FROM bets.result_decision WHERE bet_id IS NOT NULL
"""


def _build(row: OutboxRow, decisions: Mapping[int, asyncpg.Record]) -> OutboxMessage:
    found = decisions[row.sequence]
    decision = Decision(
        decision=found["decision"],
        subject=found["subject"],
        decided_by=found["decided_by"],
        reason=found["reason"],
        time_us=found["time_us"],
    )
    value = Asked(position=row.stamp(), decision=decision).SerializeToString()
    return OutboxMessage(row.position, AUDIT.name, decision.decided_by, value)


EVENTS: Final = (
    OutboxEvent("result_decided", _RESULT_DECIDED, load_by_sequence(_ABOUT_RESULTS), _build),
    OutboxEvent("bet_decided", _BET_DECIDED, load_by_sequence(_ABOUT_BETS), _build),
)
