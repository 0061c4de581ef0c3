"""Results into money, in PostgreSQL, a page of bets a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from bets.ports import KeyedResult, ResultContradicts, ResultReferred, ResultWaits, SettlementPage
from bets.settlement import SettledBet, settle
from infra.stores.postgres import Connection, PostgresPool
from infra.stores.staked_bets import lock_page, read_locked, read_result
from kernel.errors import InvariantBroken
from markets.results import MarketResult, words_of

SET_ASIDE_MAX: Final = 20
"""Bets of one result that are set aside; where more fail, it is the result that cannot be applied."""

LOCKS_WITHIN_MS: Final = 200
"""A page waits for an account or a market that others hold no longer: what it has locked already waits with it."""

CONTENT_ERRORS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.PLPGSQLError)
"""What says that something in a page is wrong."""

SET_ASIDE_REASONS: Final = (
    (asyncpg.DataError, "AMOUNT_OUT_OF_RANGE", "an amount would be more than an account can hold"),
    (asyncpg.IntegrityConstraintViolationError, "LEDGER_RULE_BROKEN", "it would break a rule of the ledger"),
    (asyncpg.PostgresError, "LEDGER_REFUSED", "the ledger refuses it"),
)
"""Why a bet is set aside, by the first class of errors that fits, and what that means."""

_STANDING = """
    SELECT s.provider_id, s.result, NULL::bigint AS parked_id
    FROM bets.market m JOIN bets.settlement s ON s.result_key = m.settled_by
    WHERE m.fixture_id = $1 AND m.market_id = $2 AND bets.feed_of(s.provider_id) <> bets.feed_of($3)
    UNION ALL (
        SELECT c.provider_id, c.result, NULL
        FROM bets.market m JOIN bets.settlement c USING (fixture_id, market_id)
        WHERE m.fixture_id = $1 AND m.market_id = $2 AND c.kind = 3 AND NOT c.is_echo AND NOT isempty(m.cancelled_us)
            AND bets.feed_of(c.provider_id) <> bets.feed_of($3)
        ORDER BY c.begun_time_us DESC LIMIT 1
    )
    UNION ALL (
        SELECT p.provider_id, NULL, p.parked_id FROM bets.parked_result p
        WHERE p.fixture_id = $1 AND p.market_id = $2 AND p.state = 'held' AND p.reason = 'RESULT_CONTRADICTS'
        ORDER BY p.parked_id LIMIT 1
    )
"""
_BOUND_LOCKS = f"SET LOCAL lock_timeout = {LOCKS_WITHIN_MS}"
_OPEN = "SELECT verdict, last_bet_id FROM bets.open_settlement($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_APPLY = "SELECT bets.settle_page($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
_APPLY_TO_LEGS = "SELECT bets.apply_to_legs($1, $2, $3, $4, $5, $6, $7, $8)"
_SET_ASIDE = "SELECT bets.set_aside($1, $2, $3, $4, $5, $6)"
_LOCK_BET = """
    SELECT pg_advisory_xact_lock(bets.market_lock_key(m.fixture_id, m.market_id)) FROM (
        SELECT DISTINCT l.fixture_id, l.market_id FROM bets.leg l WHERE l.bet_id = $1 ORDER BY 1, 2 OFFSET 0
    ) AS m
"""
_LOCK_ROW = "SELECT FROM bets.bet WHERE bet_id = $1 FOR UPDATE"
_WAITING = """
    SELECT s.result_key, s.fixture_id, s.result FROM bets.unsettled u JOIN bets.settlement s USING (result_key)
    WHERE u.bet_id = $1 AND u.state = 'held' ORDER BY s.begun_time_us, s.result_key
"""
_REDONE = "SELECT bets.redo_unsettled($1, $2, $3)"
_COUNT_ASIDE = "SELECT count(*) FROM bets.unsettled WHERE result_key = $1"


@dataclass(frozen=True, slots=True)
class _Page:
    """Bets a result concerns, with what it makes of each; where the page ends, and whether it is the last."""

    bets: Sequence[SettledBet]
    last_bet_id: UUID | None
    is_last: bool


class PostgresSettlementLedger:
    """Applies results to bets: implements `bets.ports.SettlementLedger`."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def settle_page(
        self, keyed: KeyedResult, *, page_size: int, has_left_queue: bool, is_decided: bool
    ) -> SettlementPage:
        """Apply a result to the next page of bets it concerns, in one transaction.

        A page that fails for what is in it is halved, down to the bet, which is set aside. One that others keep from
        its locks lets go of those that it has.

        Raises:
            Unavailable: If the ledger did not answer in time, or others hold a market or an account of the page.
        """
        while True:
            try:
                return await self._settle(keyed, page_size, has_left_queue=has_left_queue, is_decided=is_decided)
            except CONTENT_ERRORS as error:
                if page_size == 1:
                    await self._set_aside(keyed, error, has_left_queue=has_left_queue, is_decided=is_decided)
                    return SettlementPage(applied=0, is_complete=False)
                page_size //= 2

    async def _settle(
        self, keyed: KeyedResult, page_size: int, *, has_left_queue: bool, is_decided: bool
    ) -> SettlementPage:
        async with self._pool.transaction() as connection:
            opened = await _open(connection, keyed, has_left_queue=has_left_queue, is_decided=is_decided)
            if opened["verdict"] == "complete":
                return SettlementPage(applied=0, is_complete=True)
            page = await _read_page(connection, keyed, opened["last_bet_id"], page_size)
            columns = _columns(keyed.key, keyed.result, page.bets)
            await connection.execute(_APPLY, *columns, page.last_bet_id, page.is_last)
        return SettlementPage(applied=sum(bet.is_changed for bet in page.bets), is_complete=page.is_last)

    async def _set_aside(self, keyed: KeyedResult, error: Exception, *, has_left_queue: bool, is_decided: bool) -> None:
        async with self._pool.transaction() as connection:
            opened = await _open(connection, keyed, has_left_queue=has_left_queue, is_decided=is_decided)
            page = await _read_page(connection, keyed, opened["last_bet_id"], 1)
            if not page.bets or await connection.fetchval(_COUNT_ASIDE, keyed.key) >= SET_ASIDE_MAX:
                raise error
            (bet,) = page.bets
            await connection.execute(
                _SET_ASIDE,
                keyed.key,
                int(keyed.result.kind),
                bet.bet_id,
                bet.standing.return_minor,
                *set_aside_reason(error),
            )


async def _open(
    connection: Connection, keyed: KeyedResult, *, has_left_queue: bool, is_decided: bool
) -> asyncpg.Record:
    await connection.execute(_BOUND_LOCKS)
    opened = await connection.fetchrow(
        _OPEN,
        keyed.key,
        keyed.provider_id,
        keyed.fixture_id,
        keyed.result.market_id,
        int(keyed.result.kind),
        orjson.dumps(keyed.result).decode(),
        keyed.digest,
        has_left_queue,
        is_decided,
    )
    if opened is None or opened["verdict"] == "changed":
        raise InvariantBroken(f"Result {keyed.key} must be the same at every delivery, was another before")
    if opened["verdict"] == "contradicts":
        standing = await connection.fetch(_STANDING, keyed.fixture_id, keyed.result.market_id, keyed.provider_id)
        raise ResultContradicts(f"{keyed.provider_id} says {words_of(keyed.result)}; {_words_of_standing(standing)}")
    if opened["verdict"] == "waits":
        raise ResultWaits(f"Result {keyed.key} must wait for its turn, results of its fixture are parked before it")
    if opened["verdict"] == "go" and not opened["last_bet_id"].int and keyed.result.referral_reason and not is_decided:
        raise ResultReferred(keyed.result.referral_reason)
    return opened


def set_aside_reason(error: Exception) -> tuple[str, str]:
    """Return why a bet cannot be paid: a stable reason, and a sentence with what the server said."""
    reason, sentence = next((reason, told) for kind, reason, told in SET_ASIDE_REASONS if isinstance(error, kind))
    return reason, f"{sentence}: {error}"


def _words_of_standing(standing: Sequence[asyncpg.Record]) -> str:
    words = [
        f"by {row['provider_id']} it stands {words_of(read_result(row['result']))}"
        if row["parked_id"] is None
        else f"result {row['parked_id']} by {row['provider_id']} waits for a decision about the same market"
        for row in standing
    ]
    return "; ".join(words)


async def _read_page(connection: Connection, keyed: KeyedResult, after: UUID, page_size: int) -> _Page:
    bets = await lock_page(connection, keyed.fixture_id, keyed.result, after=after, size=page_size)
    last_bet_id = bets[-1].bet_id if bets else None
    return _Page(settle(keyed.result, bets), last_bet_id=last_bet_id, is_last=len(bets) < page_size)


async def redo(connection: Connection, bet_id: UUID, *, reason: str, decided_by: str) -> int:
    """Apply to a bet that was set aside what its results make of it now, in this transaction; return how many.

    Raises:
        asyncpg.PostgresError: If it still cannot be paid.
    """
    await connection.execute(_LOCK_BET, bet_id)
    await connection.execute(_LOCK_ROW, bet_id)
    for row in await connection.fetch(_WAITING, bet_id):
        result = read_result(row["result"])
        bets = settle(result, await read_locked(connection, row["fixture_id"], result, bet_id))
        await connection.execute(_APPLY_TO_LEGS, *_columns(row["result_key"], result, bets))
    count: int = await connection.fetchval(_REDONE, bet_id, reason, decided_by)
    return count


def _columns(result_key: str, result: MarketResult, bets: Sequence[SettledBet]) -> tuple[Any, ...]:
    legs = [(bet.bet_id, leg) for bet in bets for leg in bet.legs]
    changed = [bet for bet in bets if bet.is_changed]
    return (
        result_key,
        int(result.kind),
        [bet_id for bet_id, _ in legs],
        [leg for _, leg in legs],
        [bet.bet_id for bet in changed],
        [int(bet.standing.status) for bet in changed],
        [bet.standing.return_minor for bet in changed],
        [bet.standing.is_refund for bet in changed],
    )
