"""What happened to players, and how they stand; nothing of what they told of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from infra.postgres.outbox.event import OutboxEvent, OutboxMessage, OutboxRow
from infra.stores.postgres import Connection
from infra.stores.postgres_players import FIND_PLAYERS, read_player
from overround.pam.v1 import player_pb2
from pam.player import Player
from wire.players import build_player
from wire.topics import PLAYER_EVENTS, PLAYERS

_REGISTERED: Final = """
    SELECT 'player_registered' AS event, p.player_id AS subject, 0 AS sequence, c.transaction_id,
        p.registered_time_us AS time_us
    FROM pam.player p
    LEFT JOIN ledger.command c ON c.provider = 'pam' AND c.answer = jsonb_build_object('player_id', p.player_id)
"""
_CHANGED: Final = """
    SELECT 'player_event' AS event, player_id AS subject, sequence, transaction_id, time_us FROM pam.event
    WHERE kind <> 6
"""
_STANDS: Final = """
    SELECT 'player_stands' AS event, player_id AS subject, sequence, transaction_id, time_us FROM pam.event
"""
_CHANGES: Final = """
    SELECT e.player_id, e.sequence, e.kind, e.until_us, e.limit_window, e.amount_minor, e.time_us
    FROM pam.event e JOIN unnest($1::uuid[], $2::integer[]) AS asked (player_id, sequence) USING (player_id, sequence)
"""


async def _load(connection: Connection, rows: Sequence[OutboxRow]) -> Mapping[UUID, Player]:
    players = await connection.fetch(FIND_PLAYERS, list({row.subject for row in rows}))
    return {player["player_id"]: read_player(player) for player in players}


async def _load_changes(
    connection: Connection, rows: Sequence[OutboxRow]
) -> tuple[Mapping[UUID, Player], Mapping[tuple[UUID, int], asyncpg.Record]]:
    changes = await connection.fetch(_CHANGES, [row.subject for row in rows], [row.sequence for row in rows])
    return await _load(connection, rows), {(change["player_id"], change["sequence"]): change for change in changes}


def _build_registered(row: OutboxRow, players: Mapping[UUID, Player]) -> OutboxMessage:
    value = player_pb2.PlayerEvent(position=row.stamp(), player=build_player(players[row.subject]))
    return OutboxMessage(row.position, PLAYER_EVENTS.name, str(row.subject), value.SerializeToString())


def _build_changed(
    row: OutboxRow, loaded: tuple[Mapping[UUID, Player], Mapping[tuple[UUID, int], asyncpg.Record]]
) -> OutboxMessage:
    players, changes = loaded
    found = changes[row.subject, row.sequence]
    change = player_pb2.PlayerChange(
        kind=found["kind"],
        until_us=found["until_us"] or 0,
        limit_window=found["limit_window"] or "",
        limit_minor=found["amount_minor"],
        time_us=found["time_us"],
        sequence=row.sequence,
    )
    value = player_pb2.PlayerEvent(position=row.stamp(), player=build_player(players[row.subject]), change=change)
    return OutboxMessage(row.position, PLAYER_EVENTS.name, str(row.subject), value.SerializeToString())


def _build_state(row: OutboxRow, players: Mapping[UUID, Player]) -> OutboxMessage:
    player = players[row.subject]
    value = player_pb2.PlayerState(
        position=row.stamp(), player=build_player(player), cash_account_id=str(player.cash_account_id)
    )
    return OutboxMessage(row.position, PLAYERS.name, str(row.subject), value.SerializeToString())


EVENTS: Final = (
    OutboxEvent("player_registered", _REGISTERED, _load, _build_registered),
    OutboxEvent("player_event", _CHANGED, _load_changes, _build_changed),
    OutboxEvent("player_stands", _STANDS, _load, _build_state),
)
