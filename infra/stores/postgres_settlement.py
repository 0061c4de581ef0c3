"""Results into money, in PostgreSQL, a page of bets a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import orjson

from bets.bet import BetStatus
from bets.ports import SettlementPage
from bets.settlement import FACTOR_ONE_MICRO, MarketResult, OutcomeResult, ResultKind, reduced_return_minor
from infra.stores.postgres import Connection, PostgresPool
from kernel.errors import InvariantBroken

_OPEN = "SELECT is_same, is_complete, last_bet_id FROM bets.open_settlement($1, $2, $3, $4, $5, $6, $7)"
_PAGE = """
    SELECT b.bet_id, b.stake_minor, b.placed_time_us, l.outcome_id, l.decimal_odds_milli
    FROM bets.leg l JOIN bets.bet b USING (bet_id)
    WHERE l.fixture_id = $1 AND l.market_id = $2 AND l.bet_id > $3
        AND ($4::bigint = 0 OR b.placed_time_us >= $4) AND ($5::bigint = 0 OR b.placed_time_us < $5)
    ORDER BY l.bet_id LIMIT $6 FOR UPDATE OF b
"""
_APPLY = "SELECT bets.settle_page($1, $2, $3, $4, $5, $6, $7)"

_WINDOWED = (ResultKind.CANCEL, ResultKind.CANCEL_ROLLBACK)


class PostgresSettlementLedger:
    """Applies results to bets: implements `bets.ports.SettlementLedger`."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def settle_page(
        self, fixture_id: str, result: MarketResult, *, result_key: str, page_size: int
    ) -> SettlementPage:
        """Apply a result to the next page of bets it concerns, in one transaction."""
        start_us, end_us = (0, 0)
        if result.kind in _WINDOWED:
            start_us, end_us = result.window_start_ms * 1_000, result.window_end_ms * 1_000
        async with self._pool.transaction() as connection:
            standing = await _open(connection, fixture_id, result, result_key, (start_us, end_us))
            if standing["is_complete"]:
                return SettlementPage(applied=0, is_complete=True)
            bets = await connection.fetch(
                _PAGE, fixture_id, result.market_id, standing["last_bet_id"], start_us, end_us, page_size
            )
            is_complete = len(bets) < page_size
            applied = await _apply(connection, result, result_key, bets, is_complete=is_complete)
        return SettlementPage(applied=applied, is_complete=is_complete)


async def _open(
    connection: Connection, fixture_id: str, result: MarketResult, result_key: str, window_us: tuple[int, int]
) -> asyncpg.Record:
    standing = await connection.fetchrow(
        _OPEN,
        result_key,
        fixture_id,
        result.market_id,
        int(result.kind),
        orjson.dumps(result).decode(),
        *window_us,
    )
    if standing is None or not standing["is_same"]:
        raise InvariantBroken(f"Result {result_key} must be the same at every delivery, was another before")
    return standing


async def _apply(
    connection: Connection, result: MarketResult, result_key: str, bets: Sequence[asyncpg.Record], *, is_complete: bool
) -> int:
    outcomes = {outcome.outcome_id: outcome for outcome in result.outcomes}
    bet_ids: list[UUID] = []
    returns_minor: list[int] = []
    statuses: list[int] = []
    for bet in bets:
        outcome = outcomes.get(bet["outcome_id"])
        if result.kind is ResultKind.SETTLEMENT and outcome is None:
            continue  # the result says nothing of this outcome: the bet stays as it is
        bet_ids.append(bet["bet_id"])
        returns_minor.append(0 if outcome is None else _return_minor(bet, outcome, result))
        statuses.append(_status(outcome))
    last_bet_id = bets[-1]["bet_id"] if bets else None
    applied: int = await connection.fetchval(
        _APPLY, result_key, int(result.kind), bet_ids, returns_minor, statuses, last_bet_id, is_complete
    )
    return applied


def _return_minor(bet: asyncpg.Record, outcome: OutcomeResult, result: MarketResult) -> int:
    return reduced_return_minor(
        stake_minor=bet["stake_minor"],
        decimal_odds_milli=bet["decimal_odds_milli"],
        outcome=outcome,
        reductions=result.reductions_of(bet["placed_time_us"]),
    )


def _status(outcome: OutcomeResult | None) -> BetStatus:
    is_void = outcome is not None and outcome.void_factor_micro == FACTOR_ONE_MICRO
    return BetStatus.VOID if is_void else BetStatus.SETTLED
