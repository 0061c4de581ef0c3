"""Letting a restored ledger go on, and who keeps the outbox from being told."""

from __future__ import annotations

from infra.stores.postgres import Connection

_OLDEST_WRITER = """
    SELECT format('process %s (%s in database %s, %s) has had a transaction open for %s s',
        pid, coalesce(nullif(application_name, ''), 'no name'), datname, state,
        extract(epoch FROM clock_timestamp() - xact_start)::bigint)
    FROM pg_stat_activity
    WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() ORDER BY backend_xid::text::bigint LIMIT 1
"""
_ADOPT = "SELECT ledger.adopt($1)"


async def adopt(connection: Connection, *, adopted_by: str) -> int:
    """Let the ledger go on in this cluster; return the new epoch."""
    epoch: int = await connection.fetchval(_ADOPT, adopted_by)
    return epoch


async def describe_oldest_writer(connection: Connection) -> str:
    """Say whose transaction, of any database of the server, is the oldest that may still write; empty if nobody's."""
    found: str | None = await connection.fetchval(_OLDEST_WRITER)
    return found or ""
