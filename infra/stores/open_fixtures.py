"""Which fixtures the ledger has open bets on."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from infra.stores.postgres import PostgresPool

_WITH_OPEN_BETS: Final = """
    SELECT asked.fixture_id FROM unnest($1::text[]) AS asked (fixture_id) WHERE EXISTS (
        SELECT FROM bets.leg l JOIN bets.bet b USING (bet_id) WHERE l.fixture_id = asked.fixture_id AND b.status = 1
    )
"""


class PostgresOpenFixtures:
    """Implements `streams.ports.OpenBets`."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def with_open_bets(self, fixture_ids: Collection[str]) -> set[str]:
        """Return those of some fixtures that have open bets.

        Raises:
            Unavailable: If no answer came in time.
        """
        async with self._pool.connection() as connection:
            return {row["fixture_id"] for row in await connection.fetch(_WITH_OPEN_BETS, list(fixture_ids))}
