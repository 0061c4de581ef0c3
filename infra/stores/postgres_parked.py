"""Results that have not become money, and what people decide about them, in PostgreSQL."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from bets.ports import DueResult, ParkedCounts, ResultContradicts, ResultMessage, ResultReferred
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_settlement import redo

DECIDED_REASONS = (ResultContradicts.reason, ResultReferred.reason)
"""What a person decides by wanting a result applied; one that failed is looked at like a new one."""

_PARK = """
    INSERT INTO bets.parked_result (
        result_key, provider_id, fixture_id, market_id, kind, message, is_whole, reason, detail, holds_queue,
        state
    )
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
    WHERE NOT EXISTS (SELECT FROM bets.settlement s WHERE s.result_key = $1 AND s.is_complete)
    ON CONFLICT (result_key) DO NOTHING
"""
_DUE = """
    SELECT p.parked_id, p.result_key, p.provider_id, p.fixture_id, p.market_id, p.kind, p.message, p.is_whole,
        p.is_decided AND p.reason = ANY ($2) AS is_decided
    FROM bets.parked_result p
    WHERE p.state = 'due' AND NOT (p.holds_queue AND EXISTS (
        SELECT FROM bets.parked_result e WHERE e.fixture_id = p.fixture_id AND e.parked_id < p.parked_id
            AND e.holds_queue AND e.state IN ('held', 'due')
    ))
    ORDER BY p.parked_id LIMIT $1
"""
_HOLD = """
    UPDATE bets.parked_result SET state = 'held', is_decided = false, reason = $2, detail = $3, holds_queue = $4
    WHERE parked_id = $1 AND state = 'due'
"""
_FINISH = """
    UPDATE bets.parked_result SET state = 'applied', ended_time_us = ledger.now_us()
    WHERE parked_id = $1 AND state = 'due'
"""
_COUNT = """
    SELECT count(*) FILTER (WHERE state = 'held') AS results_held,
        count(DISTINCT fixture_id) FILTER (WHERE state = 'held' AND holds_queue) AS fixtures_held,
        (SELECT count(*) FROM bets.unsettled WHERE state = 'held') AS bets_unsettled
    FROM bets.parked_result WHERE state IN ('held', 'due')
"""
_WAITING = """
    SELECT parked_id, state, reason, provider_id, fixture_id, market_id, kind, holds_queue, parked_time_us, detail
    FROM bets.parked_result WHERE state IN ('held', 'due') ORDER BY parked_id LIMIT $1
"""
_UNSETTLED = """
    SELECT u.bet_id, u.result_key, u.reason, u.detail, u.return_minor, u.time_us
    FROM bets.unsettled u WHERE u.state = 'held' ORDER BY u.time_us, u.bet_id LIMIT $1
"""
_OPEN_LONG = """
    SELECT l.fixture_id, l.market_id, count(*) AS bets, min(b.placed_time_us) AS oldest_us
    FROM bets.bet b JOIN bets.leg l USING (bet_id)
    WHERE b.status = 1 AND b.placed_time_us < ledger.now_us() - $1::bigint
    GROUP BY l.fixture_id, l.market_id ORDER BY min(b.placed_time_us) LIMIT $2
"""
_BEGUN = """
    SELECT s.applied_count, (
        SELECT count(*) FROM bets.leg l JOIN bets.bet b USING (bet_id)
        WHERE l.fixture_id = p.fixture_id AND l.market_id = p.market_id AND b.status = 1
    ) AS open_count
    FROM bets.parked_result p JOIN bets.settlement s USING (result_key) WHERE p.parked_id = $1
"""
_DROP_BET = "SELECT bets.drop_unsettled($1, $2, $3)"
_STATE = "SELECT state, reason, detail FROM bets.parked_result WHERE parked_id = $1"


class PostgresParkedResults:
    """Keeps results until they are applied or dropped: implements `bets.ports.ParkedResults`."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def park(self, message: ResultMessage, *, reason: str, detail: str, holds_queue: bool, is_held: bool) -> None:
        """Keep a result, once for its key, unless it is applied whole."""
        async with self._pool.connection() as connection:
            await connection.execute(
                _PARK,
                _storable(message.key),
                _storable(message.provider_id),
                _storable(message.fixture_id),
                _storable(message.market_id),
                message.kind,
                message.encoded,
                message.is_whole,
                reason,
                _storable(detail),
                holds_queue,
                "held" if is_held else "due",
            )

    async def list_due(self, size: int) -> list[DueResult]:
        """Return parked results that may be applied now, oldest first, at most `size`."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_DUE, size, DECIDED_REASONS)
        return [
            DueResult(
                row["parked_id"],
                ResultMessage(
                    row["result_key"],
                    row["provider_id"],
                    row["fixture_id"],
                    row["market_id"],
                    row["kind"],
                    row["message"],
                    row["is_whole"],
                ),
                row["is_decided"],
            )
            for row in rows
        ]

    async def hold(self, parked_id: int, *, reason: str, detail: str, holds_queue: bool) -> None:
        """Let a due result wait for a person."""
        async with self._pool.connection() as connection:
            await connection.execute(_HOLD, parked_id, reason, _storable(detail), holds_queue)

    async def finish(self, parked_id: int) -> None:
        """Note that a due result is applied whole."""
        async with self._pool.connection() as connection:
            await connection.execute(_FINISH, parked_id)

    async def count(self) -> ParkedCounts:
        """Return how much has not become money."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_COUNT)
        return ParkedCounts(**row) if row is not None else ParkedCounts(0, 0, 0)

    # What people see and decide

    async def list_waiting(self, size: int) -> list[asyncpg.Record]:
        """Return the results that are parked, oldest first."""
        async with self._pool.connection() as connection:
            return await connection.fetch(_WAITING, size)

    async def list_unsettled(self, size: int) -> list[asyncpg.Record]:
        """Return the bets that were set aside, oldest first."""
        async with self._pool.connection() as connection:
            return await connection.fetch(_UNSETTLED, size)

    async def list_open_long(self, age_us: int, size: int) -> list[asyncpg.Record]:
        """Return the markets that have bets older than `age_us` without a result, the longest first."""
        async with self._pool.connection() as connection:
            return await connection.fetch(_OPEN_LONG, age_us, size)

    async def state_of(self, parked_id: int) -> tuple[str, str, str]:
        """Return where a parked result stands, with reason and detail."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_STATE, parked_id)
        return (row["state"], row["reason"], row["detail"]) if row is not None else ("unknown", "", "")

    async def count_begun(self, parked_id: int) -> tuple[int, int]:
        """Return how many bets a result has changed that is not applied whole, and how many of its market are open."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_BEGUN, parked_id)
        return (row["applied_count"], row["open_count"]) if row is not None else (0, 0)

    async def decide(self, parked_id: int, decision: str, *, reason: str, decided_by: str) -> str | None:
        """Say that a parked result is to be applied ("redo") or left ("drop"); return what is wrong with that."""
        async with self._pool.connection() as connection:
            complaint: str | None = await connection.fetchval(
                "SELECT bets.decide_parked($1, $2, $3, $4)", parked_id, decision, reason, decided_by
            )
        return complaint

    async def decide_bet(self, bet_id: UUID, decision: str, *, reason: str, decided_by: str) -> int:
        """Apply to a bet that was set aside what its results make of it ("redo"), or give that up ("drop").

        Returns:
            How many results that was.

        Raises:
            asyncpg.PostgresError: If it still cannot be paid; nothing is changed.
        """
        async with self._pool.transaction() as connection:
            if decision == "redo":
                return await redo(connection, bet_id, reason=reason, decided_by=decided_by)
            count: int = await connection.fetchval(_DROP_BET, bet_id, reason, decided_by)
        return count


def _storable(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
