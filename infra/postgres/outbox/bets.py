"""What happened to bets, and to each of their legs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from bets.bet import BetEventKind
from infra.postgres.outbox.event import OutboxEvent, OutboxMessage, OutboxRow
from infra.stores.bet_rows import BetRows, load_bet_rows
from infra.stores.postgres import Connection
from wire.bets import build_bet_changed, build_leg_changed
from wire.topics import BET_EVENTS, BET_LEGS

_CHANGES: Final = """
    SELECT 'bet_changed' AS event, bet_id AS subject, sequence, transaction_id, time_us FROM bets.event
"""
_LEG_CHANGES: Final = """
    SELECT 'leg_changed' AS event, e.bet_id AS subject,
        e.sequence * count(*) OVER (PARTITION BY e.bet_id, e.sequence) + l.leg AS sequence, e.transaction_id, e.time_us
    FROM bets.event e JOIN bets.leg l USING (bet_id)
"""


async def _load(connection: Connection, rows: Sequence[OutboxRow]) -> Mapping[UUID, BetRows]:
    return await load_bet_rows(connection, list({row.subject for row in rows}))


def _build_bet(row: OutboxRow, bets: Mapping[UUID, BetRows]) -> OutboxMessage:
    rows = bets[row.subject]
    bet = rows.after(row.sequence)
    value = build_bet_changed(bet, bet.events[-1], row.stamp()).SerializeToString()
    return OutboxMessage(row.position, BET_EVENTS.name, str(rows.account_id), value)


def _build_leg(row: OutboxRow, bets: Mapping[UUID, BetRows]) -> OutboxMessage:
    rows = bets[row.subject]
    bet = rows.after(0)
    sequence, place = divmod(row.sequence, len(bet.legs))
    kind = BetEventKind(rows.events[sequence]["kind"])
    value = build_leg_changed(bet, place, kind, row.stamp(), rows.rate).SerializeToString()
    return OutboxMessage(row.position, BET_LEGS.name, bet.legs[place].fixture_id, value)


EVENTS: Final = (
    OutboxEvent("bet_changed", _CHANGES, _load, _build_bet),
    OutboxEvent("leg_changed", _LEG_CHANGES, _load, _build_leg),
)
