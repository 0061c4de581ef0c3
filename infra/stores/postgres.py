"""PostgreSQL connections whose every wait is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from kernel.errors import DomainError, Part, Unavailable

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"

STALE_S = 300
_STANDING = """
    SELECT epoch, cluster, ledger.cluster() AS cluster_now FROM ledger.epoch ORDER BY epoch DESC LIMIT 1
"""
_NEEDED = (
    *("pam.player", "ledger.account", "ledger.command", "ledger.transfer", "ledger.outbox", "ledger.hold"),
    *("bets.bet", "bets.leg", "bets.event", "bets.market"),
)
# One after the other: the ways to join so many tables are a quarter of a million, and a plan looks at them.
_SIGN_OF_LIFE = " UNION ALL ".join(f"SELECT FROM {table} WHERE false" for table in _NEEDED)
OUTLASTS_A_CRASH = "SET LOCAL synchronous_commit = on"  # of the server, also where the connection does not ask for it
ABANDONED_TRANSACTION_MS = 5_000  # an open transaction holds back the outbox of everyone

UNAVAILABLE = (
    TimeoutError,
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.InternalClientError,
)
"""What says that the server could not answer, rather than that the question was wrong."""


class PositionsNotOwn(Unavailable):
    """The ledger's positions count transactions of another cluster, or of another line of this one's history."""


class PostgresPool:
    """A bounded pool. It connects when a connection is first wanted, so that it starts and lives without the server.

    It lends none to a ledger that was restored and that nobody adopted: what is written there would never be told.
    """

    def __init__(self, dsn: str, *, connections_max: int, statement_timeout_ms: int, application_name: str) -> None:
        self._timeout_s = statement_timeout_ms / 1_000
        self._pool = asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=connections_max,
            timeout=self._timeout_s,
            command_timeout=self._timeout_s,
            max_inactive_connection_lifetime=STALE_S,
            server_settings={
                "application_name": application_name,
                "statement_timeout": str(statement_timeout_ms),
                "idle_in_transaction_session_timeout": str(ABANDONED_TRANSACTION_MS),
                "jit": "off",
                # Every statement takes columns or a key: planning it anew for its values costs, and changes nothing.
                "plan_cache_mode": "force_generic_plan",
            },
            init=_expect_own_positions,
            reset=_leave_as_it_is,
        )

    async def open(self) -> None:
        """Make the pool usable; no connection is made yet."""
        await self._pool

    async def close(self) -> None:
        """Drop every connection at once; what was not committed is not."""
        self._pool.terminate()

    async def ping(self) -> None:
        """Ask the server for a sign of life of every table that a bet needs: somebody may keep one to themselves.

        Raises:
            Unavailable: If none came in time.
        """
        async with self.connection() as connection:
            await connection.fetch(_SIGN_OF_LIFE)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection for at most the statement time-out, waiting for it included.

        One on which anything failed but a statement's content is thrown away: what it waits for may never come.

        Raises:
            Unavailable: If none is to be had in time, or the server failed or was too slow while it was lent.
        """
        try:
            async with asyncio.timeout(self._timeout_s), self._lend() as connection:
                yield connection
        except UNAVAILABLE as error:
            raise Unavailable(
                Part.LEDGER, f"PostgreSQL must answer in time, failed with {type(error).__name__}"
            ) from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection within a READ COMMITTED transaction.

        Raises:
            Unavailable: If the server could not be asked or the commit is in doubt.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def _lend(self) -> AsyncIterator[Connection]:
        connection = await self._pool.acquire()
        try:
            yield connection
        except (asyncpg.PostgresError, DomainError) as error:
            if isinstance(error, UNAVAILABLE):
                connection.terminate()
            raise
        except BaseException:
            connection.terminate()
            raise
        finally:
            await self._pool.release(connection)


async def expect_own_positions(connection: Connection) -> int:
    """Return the ledger's epoch.

    Raises:
        PositionsNotOwn: If the ledger was restored from elsewhere, or from an earlier state, and nobody adopted it.
    """
    row = await connection.fetchrow(_STANDING)
    if row is None or row["cluster"] != row["cluster_now"]:
        found, now = ("unknown", "unknown") if row is None else (row["cluster"], row["cluster_now"])
        raise PositionsNotOwn(
            Part.LEDGER,
            f"Positions must be of this cluster {now}, are of {found}: the ledger was restored. Once no other copy of "
            "it runs, `overround ledger adopt` lets it go on here",
        )
    epoch: int = row["epoch"]
    return epoch


async def _expect_own_positions(connection: Connection) -> None:
    await expect_own_positions(connection)


async def _leave_as_it_is(_connection: Connection) -> None:
    """Spare the round trip that clears a session: nothing is set here that outlives its transaction."""
