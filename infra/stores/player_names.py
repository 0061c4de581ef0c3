"""Names of players for the desk, remembered since a name never changes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from uuid import UUID

import structlog

from infra.stores.postgres import PostgresPool
from infra.stores.postgres_players import FIND_PLAYERS
from kernel.errors import Unavailable

log = structlog.get_logger(__name__)

NAMES_REMEMBERED_MAX = 20_000
TIMEOUT_S = 1.0


class PostgresPlayerNames:
    """Implements `gateway.ports.PlayerNames`."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool
        self._names: dict[str, str] = {}

    async def find_names(self, player_ids: Collection[str]) -> dict[str, str]:
        """Return names by player id; one that is not found in time is left out."""
        unknown = [player_id for player_id in player_ids if player_id not in self._names]
        if unknown:
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    await self._look_up(unknown)
            except (Unavailable, TimeoutError) as error:
                log.warning("desk.player_names_missing", players=len(unknown), error=repr(error))
        return {player_id: self._names[player_id] for player_id in player_ids if player_id in self._names}

    async def _look_up(self, player_ids: list[str]) -> None:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(FIND_PLAYERS, [UUID(player_id) for player_id in player_ids])
        if len(self._names) + len(rows) > NAMES_REMEMBERED_MAX:
            self._names.clear()
        self._names.update((str(row["player_id"]), row["username"]) for row in rows)
