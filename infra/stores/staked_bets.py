"""Bets as a result finds them: rows, legs and what stands on them, read under the locks of whoever settles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from bets.bet import BetStatus
from bets.settlement import BetStanding, StakedBet, StakedLeg
from infra.stores.bet_rows import read_lines
from infra.stores.postgres import Connection
from markets.results import MarketResult, OutcomeResult, Reduction, ResultKind

# A row for each leg, looked up bet by bet: what a page concerns is few of all there are.
_STAKED: Final = """
    SELECT b.bet_id, b.stake_minor, b.placed_time_us, b.lines, b.status, b.return_minor, b.is_cancelled, own.*
    FROM staked b CROSS JOIN LATERAL (
        SELECT l.leg, l.outcome_id, l.decimal_odds_milli, (l.fixture_id, l.market_id) = ($1, $2) AS is_told_of, (
            SELECT CASE r.kind WHEN 1 THEN r.result_key END FROM bets.leg_result r
            WHERE r.bet_id = l.bet_id AND r.leg = l.leg AND r.kind <= 2 ORDER BY r.sequence DESC LIMIT 1
        ) AS settled_by, (
            SELECT r.kind = 3 FROM bets.leg_result r
            WHERE r.bet_id = l.bet_id AND r.leg = l.leg AND r.kind >= 3 ORDER BY r.sequence DESC LIMIT 1
        ) AS is_leg_cancelled
        FROM bets.leg l WHERE l.bet_id = b.bet_id OFFSET 0
    ) AS own
    ORDER BY b.bet_id, own.leg
"""
# A bet with two legs on the market is there once, by the first of them.
_PAGE: Final = """
    WITH staked AS MATERIALIZED (
        SELECT b.bet_id, b.stake_minor, b.placed_time_us, b.lines, b.status, b.return_minor, b.is_cancelled
        FROM bets.leg l JOIN bets.bet b USING (bet_id)
        WHERE l.fixture_id = $1 AND l.market_id = $2 AND l.bet_id > $3
            AND ($4::bigint = 0 OR b.placed_time_us >= $4) AND ($5::bigint = 0 OR b.placed_time_us < $5)
            AND (l.leg = 0 OR NOT EXISTS (
                SELECT FROM bets.leg before WHERE before.bet_id = l.bet_id AND before.leg < l.leg
                    AND (before.fixture_id, before.market_id) = ($1, $2)
            ))
        ORDER BY l.bet_id LIMIT $6 FOR UPDATE OF b
    )
"""
_THESE: Final = "WITH staked AS (SELECT * FROM bets.bet WHERE bet_id = ANY ($3::uuid[]))"
_RESULTS: Final = "SELECT result_key, result FROM bets.settlement WHERE result_key = ANY ($1)"


async def lock_page(
    connection: Connection, fixture_id: str, result: MarketResult, *, after: UUID, size: int
) -> list[StakedBet]:
    """Lock the bets that a result concerns and that follow `after`, at most `size`, and return them by bet id.

    The caller has the market's lock. What other results have done meanwhile to bets of several legs, which their
    markets do not keep from each other, is read once their rows are locked.
    """
    rows = await connection.fetch(_PAGE + _STAKED, fixture_id, result.market_id, after, *result.window_us, size)
    several = {row["bet_id"] for row in rows if row["leg"] > 0}
    if several:
        fresh = await connection.fetch(_THESE + _STAKED, fixture_id, result.market_id, list(several))
        rows = [*(row for row in rows if row["bet_id"] not in several), *fresh]
        rows.sort(key=itemgetter("bet_id", "leg"))
    return await _build(connection, rows, result)


async def read_locked(connection: Connection, fixture_id: str, result: MarketResult, bet_id: UUID) -> list[StakedBet]:
    """Return a bet whose row and markets the caller has locked, as a result of one of its markets finds it."""
    return await _build(
        connection, await connection.fetch(_THESE + _STAKED, fixture_id, result.market_id, [bet_id]), result
    )


def read_result(stored: str) -> MarketResult:
    """Return a result as it is stored."""
    told = orjson.loads(stored)
    return MarketResult(
        **told
        | {
            "kind": ResultKind(told["kind"]),
            "outcomes": tuple(OutcomeResult(**outcome) for outcome in told["outcomes"]),
            "reductions": tuple(Reduction(**reduction) for reduction in told.get("reductions", ())),
        }
    )


async def _build(connection: Connection, rows: Sequence[asyncpg.Record], result: MarketResult) -> list[StakedBet]:
    named = {outcome.outcome_id for outcome in result.outcomes}
    is_rollback = result.kind is ResultKind.SETTLEMENT_ROLLBACK
    keys = {
        row["settled_by"]
        for row in rows
        if row["settled_by"] and not (row["is_told_of"] and (is_rollback or row["outcome_id"] in named))
    }
    stored = await connection.fetch(_RESULTS, list(keys)) if keys else []
    results = {each["result_key"]: read_result(each["result"]) for each in stored}
    return [_bet(list(legs), results) for _, legs in groupby(rows, key=itemgetter("bet_id"))]


def _bet(rows: Sequence[asyncpg.Record], results: Mapping[str, MarketResult]) -> StakedBet:
    first = rows[0]
    return StakedBet(
        bet_id=first["bet_id"],
        stake_minor=first["stake_minor"],
        placed_time_us=first["placed_time_us"],
        lines=read_lines(first["lines"]),
        legs=tuple(_leg(row, results) for row in rows),
        standing=BetStanding(BetStatus(first["status"]), first["return_minor"], first["is_cancelled"]),
    )


def _leg(row: asyncpg.Record, results: Mapping[str, MarketResult]) -> StakedLeg:
    leg = StakedLeg(
        leg=row["leg"],
        outcome_id=row["outcome_id"],
        decimal_odds_milli=row["decimal_odds_milli"],
        is_told_of=row["is_told_of"],
        is_cancelled=bool(row["is_leg_cancelled"]),
    )
    settlement = results.get(row["settled_by"])
    if settlement is None:
        return leg
    outcome = next(outcome for outcome in settlement.outcomes if outcome.outcome_id == leg.outcome_id)
    return replace(leg, outcome=outcome, reductions=settlement.reductions_of(row["placed_time_us"]))
