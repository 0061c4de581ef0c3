"""Players in PostgreSQL."""

from __future__ import annotations

import uuid
from uuid import UUID

import asyncpg

from infra.stores.ledger_answers import read_answer
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_persons import dump_person
from kernel.commands import fingerprint_of
from kernel.errors import InvariantBroken
from pam.person import Person
from pam.player import Player, PlayerRole, PlayerStatus, PlayerUnknown, StoredPlayer, UsernameTaken
from wallet.posting import Command

_REGISTER = "SELECT is_same, answer FROM pam.register($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_COLUMNS = """
    SELECT player_id, username, password_hash, role, status, currency, cash_account_id, registered_time_us,
        session_epoch, jurisdiction, timed_out_until_us, excluded_until_us
    FROM pam.player
"""
FIND_PLAYER = f"{_COLUMNS} WHERE player_id = $1"
FIND_PLAYERS = f"{_COLUMNS} WHERE player_id = ANY ($1::uuid[])"
_FIND_USERNAME = f"{_COLUMNS} WHERE username = $1"
_CHANGE_STATUS = "SELECT pam.change_status($1, $2, $3)"


class PostgresPlayers:
    """Players and their accounts: implements `pam.ports.PlayerStore`."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def register(
        self,
        *,
        request_id: UUID,
        username: str,
        password_hash: str,
        role: PlayerRole,
        currency: str,
        jurisdiction: str = "default",
        person: Person | None = None,
    ) -> StoredPlayer:
        """Make a player with an empty cash account, once for each request id."""
        told = None if person is None else dump_person(person)
        content = (username, int(role), currency, *(() if told is None else (jurisdiction, told)))
        command = Command("pam", str(request_id), fingerprint_of(*content))
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(
                _REGISTER,
                command.key,
                command.fingerprint,
                uuid.uuid4(),
                username,
                password_hash,
                int(role),
                currency,
                jurisdiction,
                told,
            )
            answer = read_answer(command, row)
            if answer.reason:
                raise UsernameTaken("Username must be one that nobody has, was taken")
            stored = await connection.fetchrow(FIND_PLAYER, UUID(answer.content["player_id"]))
        if stored is None:
            raise InvariantBroken(f"Player {answer.content['player_id']} must exist once registered")
        return _stored_player(stored)

    async def find_by_username(self, username: str) -> StoredPlayer | None:
        """Return the player of that name."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_FIND_USERNAME, username)
        return None if row is None else _stored_player(row)

    async def find(self, player_id: UUID) -> Player | None:
        """Return the player as stored now."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(FIND_PLAYER, player_id)
        return None if row is None else read_player(row)

    async def set_status(self, username: str, status: PlayerStatus) -> None:
        """Block a player or lift that; every gateway heeds it when it next looks a session of theirs up.

        Raises:
            PlayerUnknown: If nobody has that name.
            Unavailable: If PostgreSQL does not answer in time.
        """
        await self._change(username, int(status), ends_sessions=False)

    async def end_sessions(self, username: str) -> None:
        """End every session of a player, wherever it is; they may log in again.

        Raises:
            PlayerUnknown: If nobody has that name.
            Unavailable: If PostgreSQL does not answer in time.
        """
        await self._change(username, None, ends_sessions=True)

    async def _change(self, username: str, status: int | None, *, ends_sessions: bool) -> None:
        async with self._pool.connection() as connection:
            is_there = await connection.fetchval(_CHANGE_STATUS, username, status, ends_sessions)
        if not is_there:
            raise PlayerUnknown(f"Username must be a player's, nobody is called {username!r}")


def read_player(row: asyncpg.Record) -> Player:
    """Return the player of a row of pam.player."""
    return Player(
        player_id=UUID(int=row["player_id"].int),
        username=row["username"],
        role=PlayerRole(row["role"]),
        status=PlayerStatus(row["status"]),
        currency=row["currency"],
        cash_account_id=row["cash_account_id"],
        registered_time_us=row["registered_time_us"],
        session_epoch=row["session_epoch"],
        jurisdiction=row["jurisdiction"],
        timed_out_until_us=row["timed_out_until_us"],
        excluded_until_us=row["excluded_until_us"],
    )


def _stored_player(row: asyncpg.Record) -> StoredPlayer:
    return StoredPlayer(player=read_player(row), password_hash=row["password_hash"])
