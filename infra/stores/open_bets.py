"""The open bets of the ledger, read in pages by id."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from bets.ports import BetLedger
from infra.stores.bet_rows import read_rate
from infra.stores.postgres import PostgresPool
from risk.exposure import in_reference
from risk.ports import ExposureEntry, ReservationKey

_LEGS = """
SELECT b.bet_id, l.leg, l.fixture_id, l.market_id, l.outcome_id, b.stake_minor, b.potential_return_minor, b.currency,
    b.reference_currency, b.rate_micro, b.rate_day
FROM (SELECT * FROM bets.bet WHERE status = 1 AND {which}) AS b JOIN bets.leg l USING (bet_id)
ORDER BY b.bet_id, l.leg
"""
_READ_PAGE = _LEGS.format(which="bet_id > $1 ORDER BY bet_id LIMIT $2")
_READ_BET = _LEGS.format(which="bet_id = $1")
_FIND_OPEN = "SELECT bet_id FROM bets.bet WHERE bet_id = ANY ($1::uuid[]) AND status = 1"


class PostgresOpenBets:
    """What every open bet counts for in exposure: implements `risk.keeping.OpenBets`."""

    def __init__(self, pool: PostgresPool, ledger: BetLedger) -> None:
        self._pool = pool
        self._ledger = ledger

    async def read_page(self, *, after: UUID, size: int) -> list[tuple[UUID, ExposureEntry]]:
        """Return the legs of the open bets that follow `after` by bet id, those of `size` bets at most.

        Raises:
            Unavailable: If no answer came in time.
        """
        rows = await self._fetch(_READ_PAGE, after, size)
        return [(row["bet_id"], _entry(row)) for row in rows]

    async def find_open(self, bet_ids: Sequence[UUID]) -> set[UUID]:
        """Return which of these bets are open.

        Raises:
            Unavailable: If no answer came in time.
        """
        return {row["bet_id"] for row in await self._fetch(_FIND_OPEN, bet_ids)}

    async def find_by_request(self, key: ReservationKey) -> tuple[UUID, tuple[ExposureEntry, ...]] | None:
        """Return the open bet that a request became with its entries by leg, None if it became none.

        Raises:
            Unavailable: If no answer came in time, also because it is being decided now.
        """
        answer = await self._ledger.find_answer(key.player_id, key.request_id)
        if answer is None or answer.bet is None:
            return None
        rows = await self._fetch(_READ_BET, answer.bet.bet_id)
        return (answer.bet.bet_id, tuple(_entry(row) for row in rows)) if rows else None

    async def _fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        async with self._pool.connection() as connection:
            return await connection.fetch(query, *arguments)


def _entry(row: asyncpg.Record) -> ExposureEntry:
    stake_minor, payout_minor = row["stake_minor"], row["potential_return_minor"]
    cost = in_reference(read_rate(row), stake_minor=stake_minor, payout_minor=payout_minor)
    return ExposureEntry(row["fixture_id"], row["market_id"], row["outcome_id"], *cost, row["leg"])
