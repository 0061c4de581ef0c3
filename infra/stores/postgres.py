"""PostgreSQL connections whose every wait is bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from kernel.commands import LedgerUnavailable

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"

STALE_S = 300
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


class PostgresPool:
    """A bounded pool. It connects when a connection is first wanted, so that it starts and lives without the server."""

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
            },
        )

    async def open(self) -> None:
        """Make the pool usable; no connection is made yet."""
        await self._pool

    async def close(self) -> None:
        """Drop every connection at once; what was not committed is not."""
        self._pool.terminate()

    async def ping(self) -> None:
        """Ask the server for a sign of life.

        Raises:
            LedgerUnavailable: If none came in time.
        """
        async with self.connection() as connection:
            await connection.execute("SELECT 1")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; one on which anything failed for want of the server is thrown away.

        Raises:
            LedgerUnavailable: If none is to be had in time, or the server failed while it was lent.
        """
        try:
            connection = await self._pool.acquire(timeout=self._timeout_s)
        except UNAVAILABLE as error:
            raise _unavailable(error) from error
        try:
            yield connection
        except UNAVAILABLE as error:
            connection.terminate()
            raise _unavailable(error) from error
        except BaseException:
            if connection.is_in_transaction():
                connection.terminate()
            raise
        finally:
            await self._pool.release(connection, timeout=self._timeout_s)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection within a READ COMMITTED transaction.

        Raises:
            LedgerUnavailable: If the server could not be asked or the commit is in doubt.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection


def _unavailable(error: BaseException) -> LedgerUnavailable:
    return LedgerUnavailable(f"PostgreSQL must answer in time, failed with {type(error).__name__}")
