"""API keys of providers that push, and the cursors of their streams, in PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import asyncpg

from gateway.feeds.ports import Cursor, Provider, StreamSuperseded
from infra.settings import Settings
from infra.stores.postgres import PostgresPool

_FIND = "SELECT provider_id, timeout_ms FROM feed.provider_key WHERE key_sha256 = $1 AND revoked_at IS NULL"
_PROVISION = """
    INSERT INTO feed.provider_key (key_sha256, provider_id, timeout_ms) VALUES ($1, $2, $3)
    ON CONFLICT (key_sha256) DO UPDATE SET timeout_ms = excluded.timeout_ms
"""
_CURSOR = """
    SELECT epoch, acknowledged_sequence, is_exact, moved_time_ms FROM feed.provider_cursor
    WHERE provider_id = $1 FOR UPDATE
"""
_BEGIN_FIRST = """
    INSERT INTO feed.provider_cursor (provider_id, epoch, acknowledged_sequence, is_exact, moved_time_ms)
    VALUES ($1, 0, 0, true, $2) ON CONFLICT DO NOTHING
"""
_BEGIN = """
    UPDATE feed.provider_cursor SET epoch = epoch + 1, is_exact = false, moved_time_ms = $2 WHERE provider_id = $1
"""
# Not waited for on disk: a cursor that a crash sets back a little only makes the log be read from a little earlier.
_MOVE = """
    WITH relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS setting)
    UPDATE feed.provider_cursor
    SET acknowledged_sequence = greatest(acknowledged_sequence, $3), is_exact = $4, moved_time_ms = $5
    FROM relaxed WHERE provider_id = $1 AND epoch = $2 AND relaxed.setting = 'off'
"""


class PostgresFeedKeys:
    """Finds whose an API key is."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def find_provider(self, api_key: str) -> Provider | None:
        """Return whose key this is; None for an unknown or revoked one.

        Raises:
            Unavailable: If PostgreSQL does not answer in time.
        """
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_FIND, _digest(api_key))
        return None if row is None else Provider(row["provider_id"], row["timeout_ms"])


class PostgresCursors:
    """Keeps how far each provider's updates are taken."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def begin(self, provider_id: str, *, now_ms: int) -> Cursor:
        """Begin a new epoch and return where the last one left off; from here on the cursor is not exact.

        Raises:
            Unavailable: If PostgreSQL does not answer in time.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(_BEGIN_FIRST, provider_id, now_ms)
            row = await connection.fetchrow(_CURSOR, provider_id)
            await connection.execute(_BEGIN, provider_id, now_ms)
        if row is None:
            raise StreamSuperseded(f"Cursor of {provider_id} must stay, was deleted")
        return Cursor(row["epoch"] + 1, row["acknowledged_sequence"], row["is_exact"], row["moved_time_ms"])

    async def move(
        self, provider_id: str, *, epoch: int, acknowledged_sequence: int, is_exact: bool, now_ms: int
    ) -> None:
        """Move the cursor.

        Raises:
            StreamSuperseded: If the epoch is no longer the newest.
            Unavailable: If PostgreSQL does not answer in time.
        """
        async with self._pool.connection() as connection:
            done = await connection.execute(_MOVE, provider_id, epoch, acknowledged_sequence, is_exact, now_ms)
        if done != "UPDATE 1":
            raise StreamSuperseded(f"Stream {epoch} of {provider_id} must be its newest, another has begun")


async def provision_feed_keys(settings: Settings, provider_api_keys: Mapping[str, str]) -> None:
    """Make the API keys of these providers valid; keys that are known already stay as they are."""
    connection = await asyncpg.connect(settings.postgres_dsn)
    try:
        await connection.executemany(
            _PROVISION,
            [
                (_digest(api_key), provider_id, settings.feeds.provider_timeout_ms)
                for provider_id, api_key in provider_api_keys.items()
            ],
        )
    finally:
        await connection.close()


def _digest(api_key: str) -> bytes:
    return hashlib.sha256(api_key.encode()).digest()
