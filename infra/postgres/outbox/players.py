"""Players who registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from infra.postgres.outbox.event import OutboxEvent, OutboxMessage, OutboxRow
from infra.stores.postgres import Connection
from infra.stores.postgres_players import FIND_PLAYERS, read_player
from overround.pam.v1 import player_pb2
from wire.players import build_player
from wire.topics import PLAYER_EVENTS

_REGISTERED: Final = """
    SELECT 'player_registered' AS event, p.player_id AS subject, 0 AS sequence, c.transaction_id,
        p.registered_time_us AS time_us
    FROM pam.player p
    LEFT JOIN ledger.command c ON c.provider = 'pam' AND c.answer = jsonb_build_object('player_id', p.player_id)
"""


async def _load(connection: Connection, rows: Sequence[OutboxRow]) -> Mapping[UUID, asyncpg.Record]:
    players = await connection.fetch(FIND_PLAYERS, [row.subject for row in rows])
    return {player["player_id"]: player for player in players}


def _build(row: OutboxRow, players: Mapping[UUID, asyncpg.Record]) -> OutboxMessage:
    player = read_player(players[row.subject])
    value = player_pb2.PlayerRegistered(position=row.stamp(), player=build_player(player)).SerializeToString()
    return OutboxMessage(row.position, PLAYER_EVENTS.name, str(player.player_id), value)


EVENTS: Final = (OutboxEvent("player_registered", _REGISTERED, _load, _build),)
