"""The Merkle chain over the commands with all that they wrote: bets, legs, events, players, accounts, results, rounds.

What a command wrote never changes, so a record is read anew when it is verified. A block holds whole transactions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import asyncpg

from infra.stores.postgres import OUTLASTS_A_CRASH, Connection
from infra.stores.postgres_chain import BlockVerdict, complain_of_block
from wallet.chain import GENESIS_HASH, block_hash, leaf_hash, merkle_root

_BLOCKS_PAGE = 200

_LAST_BLOCK = """
    SELECT block_id, last_transaction_id::text AS last_transaction_id, block_hash
    FROM ledger.record_block ORDER BY block_id DESC LIMIT 1
"""
# Only what nothing can come before any more.
_END = """
    SELECT max(transaction_id)::text FROM (
        SELECT transaction_id FROM ledger.command
        WHERE transaction_id > $1::text::xid8 AND transaction_id < ledger.horizon()
        ORDER BY transaction_id LIMIT $2
    ) AS page
"""
# Columns one by one: what is added to a table later must not change the records of before. Of a bet only what it was
# placed with, its lines where they are not a single's, its rate where it has one that is dated; of a player only what
# was registered, and by whose rules they play where those are not the house's own. What came later stands at the end,
# of commands that have it.
_RECORDS = """
    SELECT (jsonb_build_array(
        c.provider, c.key, encode(c.fingerprint, 'hex'), c.answer, c.time_us, c.transaction_id::text,
        (
            SELECT jsonb_build_array(b.bet_id, b.player_id, b.request_id, b.account_id, b.stake_minor, b.currency,
                b.potential_return_minor, b.placed_time_us)
                || CASE WHEN b.lines = '{1}' THEN '[]' ELSE jsonb_build_array(b.lines) END
                || CASE WHEN b.rate_day IS NULL THEN '[]'
                    ELSE jsonb_build_array(b.reference_currency, b.rate_micro, b.rate_day) END
            FROM bets.bet b WHERE c.provider = 'bets' AND b.bet_id = (c.answer ->> 'bet_id')::uuid
        ),
        (
            SELECT jsonb_agg(jsonb_build_array(l.leg, l.fixture_id, l.market_id, l.outcome_id, l.decimal_odds_milli,
                l.book_version, l.is_in_play, l.fixture_name) ORDER BY l.leg)
            FROM bets.leg l WHERE c.provider = 'bets' AND l.bet_id = (c.answer ->> 'bet_id')::uuid
        ),
        (
            SELECT jsonb_agg(jsonb_build_array(e.bet_id, e.sequence, e.kind, e.time_us, e.amount_minor, e.status,
                e.return_minor, e.result_key) ORDER BY e.sequence)
            FROM bets.event e
            WHERE e.bet_id = (c.answer ->> 'bet_id')::uuid AND e.transaction_id = c.transaction_id
        ),
        (
            SELECT jsonb_build_array(s.result_key, s.provider_id, s.fixture_id, s.market_id, s.kind, s.result,
                encode(s.digest, 'hex'), s.is_echo, s.begun_time_us)
            FROM bets.settlement s
            WHERE c.provider = 'settlement' AND s.result_key = left(c.key, -length((c.answer ->> 'bet_id')) - 1)
        ),
        (
            SELECT jsonb_build_array(p.player_id, p.username, p.password_hash, p.role, p.currency, p.cash_account_id,
                p.registered_time_us)
                || CASE WHEN p.jurisdiction = 'default' THEN '[]' ELSE jsonb_build_array(p.jurisdiction) END
            FROM pam.player p WHERE c.provider = 'pam' AND p.player_id = (c.answer ->> 'player_id')::uuid
        ),
        (
            SELECT jsonb_agg(jsonb_build_array(a.account_id, a.owner_id, a.kind, a.currency, a.jurisdiction, a.guarded,
                a.opened_time_us) ORDER BY a.account_id)
            FROM ledger.account a WHERE c.provider = 'pam' AND a.owner_id = (c.answer ->> 'player_id')::uuid
        )
    ) || CASE WHEN c.provider = 'casino' THEN (
        SELECT coalesce(jsonb_agg(jsonb_build_array(r.round_id, r.player_id, r.request_id, r.account_id, r.game_code,
            r.game_version, r.stops, r.stake_minor, r.win_minor, r.currency, r.time_us)), '[]')
        FROM casino.round r WHERE r.round_id = (c.answer ->> 'round_id')::uuid
    ) ELSE '[]' END || CASE c.provider WHEN 'payments' THEN jsonb_build_array(
        (
            SELECT jsonb_build_array(d.deposit_id, d.player_id, d.account_id, d.request_id, d.method, d.instrument,
                d.amount_minor, d.currency, d.asked_time_us)
            FROM payments.deposit d WHERE d.deposit_id = (c.answer ->> 'deposit_id')::uuid
        ),
        (
            SELECT jsonb_build_array(a.reference, a.deposit_id, a.number, a.provider, a.decision, a.begun_time_us)
            FROM payments.attempt a WHERE a.reference = (c.answer ->> 'attempt')::uuid
        ),
        (
            SELECT jsonb_agg(jsonb_build_array(e.reference, e.sequence, e.state, e.provider_reference, e.code,
                e.time_us) ORDER BY e.sequence)
            FROM payments.attempt_event e
            WHERE e.reference = (c.answer ->> 'reference')::uuid AND e.transaction_id <= c.transaction_id
        )
    ) ELSE '[]' END || CASE WHEN c.provider <> 'protection' THEN '[]'::jsonb ELSE jsonb_build_array((
        SELECT jsonb_build_array(e.player_id, e.sequence, e.kind, e.until_us, e.limit_window, e.amount_minor,
            e.needs_confirmation, e.transaction_id::text, e.time_us)
        FROM pam.event e
        WHERE (e.player_id, e.sequence) = ((c.answer ->> 'player')::uuid, (c.answer ->> 'event')::integer)
    )) END)::text AS record, c.transaction_id::text AS transaction_id
    FROM ledger.command c
    WHERE c.transaction_id > $1::text::xid8 AND c.transaction_id <= $2::text::xid8
    ORDER BY c.transaction_id, c.provider COLLATE "C", c.key COLLATE "C" LIMIT $3
"""
_APPEND = """
    INSERT INTO ledger.record_block (
        block_id, last_transaction_id, record_count, merkle_root, previous_hash, block_hash, time_us
    ) VALUES ($1, $2::text::xid8, $3, $4, $5, $6, ledger.now_us())
"""
_BLOCKS = """
    SELECT block_id, last_transaction_id::text AS last_transaction_id, record_count, merkle_root, previous_hash,
        block_hash
    FROM ledger.record_block WHERE block_id > $1 ORDER BY block_id LIMIT $2
"""
_EVERY = 2**31 - 1


async def append_records(connection: Connection, *, records_max: int) -> int:
    """Chain the next records that nothing can come before any more: about so many, as a transaction is kept whole.

    Returns:
        How many records the block holds; zero where there was nothing to chain.
    """
    async with connection.transaction():
        await connection.execute(OUTLASTS_A_CRASH)  # it is told outside as soon as it is there
        last = await connection.fetchrow(_LAST_BLOCK)
        block_id, previous_hash = (last["block_id"] + 1, last["block_hash"]) if last else (1, GENESIS_HASH)
        start = last["last_transaction_id"] if last else "0"
        end = await connection.fetchval(_END, start, records_max)
        if end is None:
            return 0
        leaves = _leaves(await _fetch_records(connection, start, end, _EVERY))
        root = merkle_root(leaves)
        this_hash = block_hash(previous_hash, block_id, len(leaves), root)
        await connection.execute(_APPEND, block_id, end, len(leaves), root, previous_hash, this_hash)
        return len(leaves)


async def verify_records(connection: Connection) -> AsyncIterator[BlockVerdict]:
    """Recompute every block from what the commands wrote, oldest first."""
    previous_hash, block_id, start = GENESIS_HASH, 0, "0"
    while blocks := await connection.fetch(_BLOCKS, block_id, _BLOCKS_PAGE):
        for block in blocks:
            records = await _fetch_records(connection, start, block["last_transaction_id"], block["record_count"] + 1)
            ends = [record["transaction_id"] for record in records[-1:]]
            complaint = complain_of_block(
                block,
                _leaves(records),
                count=block["record_count"],
                is_end_right=ends == [block["last_transaction_id"]],
                after=previous_hash,
                block_id=block_id + 1,
            )
            yield BlockVerdict(block["block_id"], len(records), complaint)
            previous_hash, block_id, start = block["block_hash"], block["block_id"], block["last_transaction_id"]


async def _fetch_records(connection: Connection, after: str, until: str, rows_max: int) -> list[asyncpg.Record]:
    return await connection.fetch(_RECORDS, after, until, rows_max)


def _leaves(records: Sequence[asyncpg.Record]) -> list[bytes]:
    return [leaf_hash([record["record"]]) for record in records]
