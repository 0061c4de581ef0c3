"""The outbox in PostgreSQL: what is not published yet, as messages, and how far publishing came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

import asyncpg

from bets.bet import BetEventKind
from infra.stores.bet_rows import BetRows, load_bet_rows
from infra.stores.postgres import Connection
from infra.stores.postgres_players import FIND_PLAYERS, read_player
from kernel.errors import InvariantBroken
from kernel.money import Money
from overround.common.v1 import outbox_pb2
from overround.pam.v1 import player_pb2
from wallet.transfer import Transfer
from wire.bets import build_bet_changed, build_leg_changed
from wire.players import build_player
from wire.topics import BET_EVENTS, BET_LEGS, PLAYER_EVENTS, WALLET_EVENTS
from wire.wallet import build_transfer_posted

# A row is published only once every transaction that began before it has ended: then none can come in before it.
_NEXT = """
    SELECT transaction_id::text::bigint AS transaction_id, row_id, kind, subject_id, event_sequence, leg,
        transfer_row_id
    FROM ledger.outbox
    WHERE (transaction_id, row_id) > ($1::text::xid8, $2) AND transaction_id < ledger.horizon()
    ORDER BY ledger.outbox.transaction_id, row_id LIMIT $3
"""
_TRANSFERS = """
    SELECT t.row_id, t.transfer_id, t.provider, t.key, t.leg, t.debit_account_id, t.credit_account_id, t.amount_minor,
        t.currency, t.kind, t.time_us,
        CASE WHEN debit_version IS NULL THEN credit_account_id ELSE debit_account_id END AS player_account_id
    FROM ledger.transfer t WHERE t.row_id = ANY ($1::bigint[])
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


class OutboxKind(IntEnum):
    """What a row of the outbox tells of."""

    BET = 1
    LEG = 2
    TRANSFER = 3
    PLAYER = 4


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the outbox."""

    transaction_id: int
    row_id: int


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """What goes into the log for one row."""

    position: Position
    topic: str
    key: str
    value: bytes


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
    rows = await connection.fetch(_NEXT, str(after.transaction_id), after.row_id, rows_max)
    if not rows:
        return []
    bets = await load_bet_rows(connection, _subjects(rows, OutboxKind.BET, OutboxKind.LEG))
    transfers = {
        row["row_id"]: row
        for row in await _fetch(connection, _TRANSFERS, [r["transfer_row_id"] for r in rows if r["transfer_row_id"]])
    }
    players = {
        row["player_id"]: row for row in await _fetch(connection, FIND_PLAYERS, _subjects(rows, OutboxKind.PLAYER))
    }
    return [_message(row, bets, transfers, players) for row in rows]


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


async def _fetch(connection: Connection, query: str, ids: Sequence[object]) -> list[asyncpg.Record]:
    return await connection.fetch(query, ids) if ids else []


def _subjects(rows: Sequence[asyncpg.Record], *kinds: OutboxKind) -> list[UUID]:
    return list({row["subject_id"] for row in rows if row["kind"] in kinds})


def _message(
    row: asyncpg.Record,
    bets: Mapping[UUID, BetRows],
    transfers: dict[int, asyncpg.Record],
    players: dict[UUID, asyncpg.Record],
) -> OutboxMessage:
    position = Position(row["transaction_id"], row["row_id"])
    stamp = outbox_pb2.OutboxPosition(transaction_id=position.transaction_id, row_id=position.row_id)
    match OutboxKind(row["kind"]):
        case OutboxKind.BET:
            topic, key, value = _bet_message(bets[row["subject_id"]], row["event_sequence"], stamp)
        case OutboxKind.LEG:
            topic, key, value = _leg_message(bets[row["subject_id"]], row["event_sequence"], row["leg"], stamp)
        case OutboxKind.TRANSFER:
            topic, key, value = _transfer_message(transfers[row["transfer_row_id"]], stamp)
        case OutboxKind.PLAYER:
            topic, key, value = _player_message(players[row["subject_id"]], stamp)
    return OutboxMessage(position, topic, key, value)


def _bet_message(rows: BetRows, sequence: int, stamp: outbox_pb2.OutboxPosition) -> tuple[str, str, bytes]:
    bet = rows.after(sequence)
    return BET_EVENTS.name, str(rows.account_id), build_bet_changed(bet, bet.events[-1], stamp).SerializeToString()


def _leg_message(rows: BetRows, sequence: int, place: int, stamp: outbox_pb2.OutboxPosition) -> tuple[str, str, bytes]:
    bet = rows.after(0)
    leg = bet.legs[place]
    kind = BetEventKind(rows.events[sequence]["kind"])
    return BET_LEGS.name, leg.fixture_id, build_leg_changed(bet, leg, kind, stamp).SerializeToString()


def _transfer_message(row: asyncpg.Record, stamp: outbox_pb2.OutboxPosition) -> tuple[str, str, bytes]:
    transfer = Transfer(
        transfer_id=row["transfer_id"],
        provider=row["provider"],
        key=row["key"],
        leg=row["leg"],
        debit_account_id=row["debit_account_id"],
        credit_account_id=row["credit_account_id"],
        amount=Money(row["amount_minor"], row["currency"]),
        kind=row["kind"],
        time_us=row["time_us"],
    )
    value = build_transfer_posted(transfer, stamp).SerializeToString()
    return WALLET_EVENTS.name, str(row["player_account_id"]), value


def _player_message(row: asyncpg.Record, stamp: outbox_pb2.OutboxPosition) -> tuple[str, str, bytes]:
    player = read_player(row)
    value = player_pb2.PlayerRegistered(position=stamp, player=build_player(player)).SerializeToString()
    return PLAYER_EVENTS.name, str(player.player_id), value
