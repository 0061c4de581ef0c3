"""Players changed from the command line: the desk's own user is made, others are blocked or logged out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import NAMESPACE_DNS, uuid5

from infra.local.secrets import LocalSecrets
from infra.rates import read_rates
from infra.settings import Settings
from infra.stores.passwords import Argon2Passwords
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_players import PostgresPlayers
from kernel.errors import InvariantBroken
from pam.player import Player, PlayerRole
from pam.ports import PasswordDoor

TRADER_USERNAME: Final = "trader"
# The same in every run, so that the user is made once.
_REQUEST_ID = uuid5(NAMESPACE_DNS, "trader.overround.local")


async def provision_trader(settings: Settings, secrets: LocalSecrets) -> Player:
    """Make the user `trader` with the password of the secrets, unless there is one.

    Raises:
        Unavailable: If PostgreSQL does not answer in time.
        InvariantBroken: If somebody else has that name.
    """
    passwords = Argon2Passwords(settings.passwords)
    try:
        async with _open_players(settings) as players:
            stored = await players.find_by_username(TRADER_USERNAME) or await players.register(
                request_id=_REQUEST_ID,
                username=TRADER_USERNAME,
                password_hash=await passwords.hash(secrets.trader_password, door=PasswordDoor.TRADER),
                role=PlayerRole.TRADER,
                currency=read_rates(settings.house_dir).reference_currency,
            )
    finally:
        passwords.close()
    if stored.player.role != PlayerRole.TRADER:
        raise InvariantBroken(f"User {TRADER_USERNAME} must be a trader, is {stored.player.role.name}")
    return stored.player


async def administer_players(settings: Settings, change: Callable[[PostgresPlayers], Awaitable[None]]) -> None:
    """Change players where they are stored.

    Raises:
        PlayerUnknown: If there is no such player.
        Unavailable: If PostgreSQL does not answer in time.
    """
    async with _open_players(settings) as players:
        await change(players)


@asynccontextmanager
async def _open_players(settings: Settings) -> AsyncIterator[PostgresPlayers]:
    pool = PostgresPool(
        settings.postgres_dsn,
        connections_max=1,
        statement_timeout_ms=settings.ledger.statement_timeout_ms,
        application_name="provision",
    )
    await pool.open()
    try:
        yield PostgresPlayers(pool)
    finally:
        await pool.close()
