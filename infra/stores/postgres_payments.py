"""Deposits and what providers sent, in PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from infra.stores.ledger_answers import read_answer, refusal_of_deposit
from infra.stores.postgres import Connection, PostgresPool
from kernel.commands import RequestIdReused
from kernel.errors import InvariantBroken
from kernel.money import Money
from payments.deposit import ASK_AFTER_US, Attempt, AttemptState, Deposit, DepositAsked, Route
from payments.ports import Begun, Notification
from payments.provider import Method, Told
from wallet.posting import Answer, Command

_BEGIN: Final = """
    SELECT is_same, answer FROM payments.begin_deposit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
_BEGIN_NEXT: Final = "SELECT payments.begin_next($1, $2, $3, $4, $5, $6)"
_FIND: Final = "SELECT * FROM payments.deposit WHERE deposit_id = $1 AND player_id = $2"
_FIND_ASKED: Final = """
    SELECT d.deposit_id, c.fingerprint FROM payments.deposit d
    JOIN ledger.command c ON c.provider = 'payments' AND c.key = $3
    WHERE (d.player_id, d.request_id) = ($1, $2)
"""
_ATTEMPTS: Final = """
    SELECT a.*, d.amount_minor, d.currency FROM payments.attempt a JOIN payments.deposit d USING (deposit_id)
"""
_ATTEMPTS_OF: Final = f"{_ATTEMPTS} WHERE a.deposit_id = $1 ORDER BY a.number"
_ATTEMPTS_NAMED: Final = f"{_ATTEMPTS} WHERE a.reference = ANY ($1::uuid[])"
_MOVE: Final = "SELECT payments.move_attempt($1, $2, $3, $4, $5)"
_TAKE_DUE: Final = "SELECT payments.take_due($1, $2)"
_PUT: Final = "INSERT INTO payments.inbox (provider, body) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_NEW: Final = """
    SELECT message_id, provider, body FROM payments.inbox WHERE closed_time_us IS NULL ORDER BY message_id LIMIT $1
"""
_CLOSE: Final = """
    UPDATE payments.inbox SET closed_time_us = ledger.now_us(), complaint = $2
    WHERE message_id = $1 AND closed_time_us IS NULL
"""


_COMPLAINTS: Final = """
    SELECT message_id, provider, received_time_us, complaint FROM payments.inbox WHERE complaint IS NOT NULL
    ORDER BY message_id LIMIT $1
"""
_REOPEN: Final = """
    UPDATE payments.inbox SET closed_time_us = NULL, complaint = NULL WHERE message_id = $1 AND complaint IS NOT NULL
"""
_OPEN_LONG: Final = f"""
    {_ATTEMPTS} WHERE a.ask_time_us IS NOT NULL AND a.begun_time_us < ledger.now_us() - $1
    ORDER BY a.begun_time_us LIMIT $2
"""


class PostgresDeposits:
    """Implements `payments.ports.DepositStore`."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def find_asked(self, asked: DepositAsked) -> Deposit | None:
        """Return what was made of a request before, if anything was."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_FIND_ASKED, asked.player_id, asked.request_id, asked.key)
            if row is None:
                return None
            if row["fingerprint"] != asked.fingerprint:
                raise RequestIdReused(f"Deposit {asked.request_id} was asked for before with another content")
            return await _load(connection, asked.player_id, row["deposit_id"])

    async def begin(self, asked: DepositAsked, route: Route) -> Begun:
        """Store a deposit and its first attempt, once for each request, before its provider is asked."""
        command = Command("payments", asked.key, asked.fingerprint)
        deposit_id = uuid.uuid4()
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(
                _BEGIN,
                command.key,
                command.fingerprint,
                deposit_id,
                uuid.uuid4(),
                asked.player_id,
                asked.account_id,
                asked.request_id,
                asked.method,
                asked.instrument,
                asked.amount.amount_minor,
                asked.amount.currency,
                route.provider,
                orjson.dumps(route.decision).decode(),
                ASK_AFTER_US[0],
            )
            answer = read_answer(command, row)
            _expect_accepted(asked, answer)
            made_id = UUID(answer.content["deposit_id"])
            made = await _load(connection, asked.player_id, made_id)
        if made is None:
            raise InvariantBroken(f"Deposit {made_id} must be there once it has begun")
        return Begun(made, is_new=made_id == deposit_id)

    async def begin_next(self, deposit: Deposit, route: Route) -> Deposit | None:
        """Store the next attempt of a deposit whose last one failed, before its provider is asked."""
        number, decision = len(deposit.attempts), orjson.dumps(route.decision).decode()
        values = (deposit.deposit_id, number, uuid.uuid4(), route.provider, decision, ASK_AFTER_US[0])
        async with self._pool.connection() as connection:
            if not await connection.fetchval(_BEGIN_NEXT, *values):
                return None
            attempts = await connection.fetch(_ATTEMPTS_OF, deposit.deposit_id)
        return replace(deposit, attempts=tuple(_attempt(attempt) for attempt in attempts))

    async def find(self, player_id: UUID, deposit_id: UUID) -> Deposit | None:
        """Return a deposit of a player."""
        async with self._pool.connection() as connection:
            return await _load(connection, player_id, deposit_id)

    async def find_attempt(self, reference: UUID) -> Attempt | None:
        """Return an attempt by our name for it."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_ATTEMPTS_NAMED, [reference])
        return None if row is None else _attempt(row)

    async def move(self, attempt: Attempt, state: AttemptState, told: Told) -> bool:
        """Bring an attempt to another state, and credit its amount in the same commit where that is CREDITED."""
        async with self._pool.connection() as connection:
            is_moved: bool = await connection.fetchval(
                _MOVE, attempt.reference, attempt.event_count, state, told.provider_reference, told.code
            )
        return is_moved

    async def take_due(self, *, attempts_max: int) -> Sequence[Attempt]:
        """Return open attempts whose provider is to be asked again, and put off when it is asked next."""
        async with self._pool.connection() as connection:
            taken = [row[0] for row in await connection.fetch(_TAKE_DUE, attempts_max, ASK_AFTER_US)]
            return [_attempt(row) for row in await connection.fetch(_ATTEMPTS_NAMED, taken)] if taken else []

    async def open_long(self, age_us: int, attempts_max: int) -> list[asyncpg.Record]:
        """Return attempts that are open for so long, the oldest first, as they stand."""
        async with self._pool.connection() as connection:
            return await connection.fetch(_OPEN_LONG, age_us, attempts_max)


class PostgresInbox:
    """Implements `payments.ports.Inbox`."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def put(self, provider: str, body: bytes) -> None:
        """Keep a notification; one that came before is there already."""
        async with self._pool.connection() as connection:
            await connection.execute(_PUT, provider, body)

    async def new(self, *, messages_max: int) -> Sequence[Notification]:
        """Return what was not worked on yet, the oldest first."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_NEW, messages_max)
        return [Notification(**row) for row in rows]

    async def close(self, message_id: int, *, complaint: str) -> None:
        """Note that a notification was worked on; with a complaint it is for a person."""
        async with self._pool.connection() as connection:
            await connection.execute(_CLOSE, message_id, complaint or None)

    async def complaints(self, messages_max: int) -> list[asyncpg.Record]:
        """Return the notifications that are for a person, the oldest first."""
        async with self._pool.connection() as connection:
            return await connection.fetch(_COMPLAINTS, messages_max)

    async def reopen(self, message_id: int) -> bool:
        """Let one of those be worked on again; return whether there was one of that number."""
        async with self._pool.connection() as connection:
            return await connection.execute(_REOPEN, message_id) == "UPDATE 1"


def _expect_accepted(asked: DepositAsked, answer: Answer) -> None:
    if not answer.reason:
        return
    raise refusal_of_deposit(answer) or InvariantBroken(
        f"Deposit {asked.request_id} must be new or begun, was refused as {answer.reason}"
    )


async def _load(connection: Connection, player_id: UUID, deposit_id: UUID) -> Deposit | None:
    row = await connection.fetchrow(_FIND, deposit_id, player_id)
    if row is None:
        return None
    attempts = await connection.fetch(_ATTEMPTS_OF, deposit_id)
    return Deposit(
        deposit_id=deposit_id,
        amount=Money(row["amount_minor"], row["currency"]),
        method=Method(row["method"]),
        asked_time_us=row["asked_time_us"],
        attempts=tuple(_attempt(attempt) for attempt in attempts),
    )


def _attempt(row: asyncpg.Record) -> Attempt:
    return Attempt(
        reference=UUID(int=row["reference"].int),
        deposit_id=UUID(int=row["deposit_id"].int),
        provider=row["provider"],
        amount=Money(row["amount_minor"], row["currency"]),
        state=AttemptState(row["state"]),
        provider_reference=row["provider_reference"],
        code=row["code"],
        event_count=row["event_count"],
        begun_time_us=row["begun_time_us"],
    )
