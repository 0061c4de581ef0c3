"""The Merkle chain over the transfers in PostgreSQL: appended behind the commits, verified from the first block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import asyncpg

from infra.stores.postgres import OUTLASTS_A_CRASH, Connection
from wallet.chain import GENESIS_HASH, block_hash, leaf_hash, merkle_root

_BLOCKS_PAGE = 200
_NO_END = (2**63 - 1, 2**63 - 1)

_LAST_BLOCK = """
    SELECT block_id, last_transaction_id::text::bigint AS last_transaction_id, last_row_id, block_hash
    FROM ledger.chain_block ORDER BY block_id DESC LIMIT 1
"""
# Only what nothing can come before any more.
_TRANSFERS = """
    SELECT transaction_id::text::bigint AS transaction_id, row_id, transfer_id, provider, key, leg, kind,
        debit_account_id, credit_account_id, amount_minor, currency, debit_version, credit_version, reverses_row_id,
        subject_id, time_us
    FROM ledger.transfer
    WHERE (transaction_id, row_id) > ($1::text::xid8, $2) AND (transaction_id, row_id) <= ($3::text::xid8, $4)
        AND transaction_id < ledger.horizon()
    ORDER BY ledger.transfer.transaction_id, row_id LIMIT $5
"""
_APPEND = """
    INSERT INTO ledger.chain_block (
        block_id, last_transaction_id, last_row_id, transfer_count, merkle_root, previous_hash, block_hash, time_us
    ) VALUES ($1, $2::text::xid8, $3, $4, $5, $6, $7, ledger.now_us())
"""
_ROLL_UP = "SELECT ledger.roll_up($1, $2)"
_BLOCKS = """
    SELECT block_id, last_transaction_id::text::bigint AS last_transaction_id, last_row_id, transfer_count, merkle_root,
        previous_hash, block_hash
    FROM ledger.chain_block WHERE block_id > $1 ORDER BY block_id LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class BlockVerdict:
    """What verifying one block found: its number, what it holds, and what is wrong, empty where nothing is."""

    block_id: int
    row_count: int
    complaint: str


async def append_block(connection: Connection, *, transfers_max: int) -> int:
    """Chain the next transfers that nothing can come before any more, and roll them up into the house's balances.

    Returns:
        How many transfers the block holds; zero where there was nothing to chain.
    """
    async with connection.transaction():
        await connection.execute(OUTLASTS_A_CRASH)  # it is told outside as soon as it is there
        last = await connection.fetchrow(_LAST_BLOCK)
        block_id, previous_hash = (last["block_id"] + 1, last["block_hash"]) if last else (1, GENESIS_HASH)
        start = (last["last_transaction_id"], last["last_row_id"]) if last else (0, 0)
        transfers = await _fetch_transfers(connection, start, _NO_END, transfers_max)
        if not transfers:
            return 0
        root = merkle_root([leaf_hash(list(row.values())) for row in transfers])
        end = transfers[-1]
        await connection.execute(
            _APPEND,
            block_id,
            str(end["transaction_id"]),
            end["row_id"],
            len(transfers),
            root,
            previous_hash,
            block_hash(previous_hash, block_id, len(transfers), root),
        )
        net_minor = _net_by_house_account(transfers)
        await connection.execute(_ROLL_UP, list(net_minor), list(net_minor.values()))
        return len(transfers)


async def verify_blocks(connection: Connection) -> AsyncIterator[BlockVerdict]:
    """Recompute every block from its transfers, oldest first."""
    previous_hash, block_id, start = GENESIS_HASH, 0, (0, 0)
    while blocks := await connection.fetch(_BLOCKS, block_id, _BLOCKS_PAGE):
        for block in blocks:
            end = (block["last_transaction_id"], block["last_row_id"])
            transfers = await _fetch_transfers(connection, start, end, block["transfer_count"] + 1)
            complaint = _complain(block, transfers, previous_hash, block_id + 1)
            yield BlockVerdict(block["block_id"], len(transfers), complaint)
            previous_hash, block_id, start = block["block_hash"], block["block_id"], end


async def _fetch_transfers(
    connection: Connection, after: tuple[int, int], until: tuple[int, int], rows_max: int
) -> list[asyncpg.Record]:
    return await connection.fetch(_TRANSFERS, str(after[0]), after[1], str(until[0]), until[1], rows_max)


def _net_by_house_account(transfers: Sequence[asyncpg.Record]) -> dict[int, int]:
    net_minor: dict[int, int] = defaultdict(int)
    for row in transfers:
        if row["debit_version"] is None:
            net_minor[row["debit_account_id"]] -= row["amount_minor"]
        if row["credit_version"] is None:
            net_minor[row["credit_account_id"]] += row["amount_minor"]
    return net_minor


def _complain(block: asyncpg.Record, transfers: Sequence[asyncpg.Record], previous_hash: bytes, block_id: int) -> str:
    ends = [(row["transaction_id"], row["row_id"]) for row in transfers[-1:]]
    is_end_right = ends == [(block["last_transaction_id"], block["last_row_id"])]
    leaves = [leaf_hash(list(row.values())) for row in transfers]
    return complain_of_block(
        block, leaves, count=block["transfer_count"], is_end_right=is_end_right, after=previous_hash, block_id=block_id
    )


def complain_of_block(
    block: asyncpg.Record, leaves: Sequence[bytes], *, count: int, is_end_right: bool, after: bytes, block_id: int
) -> str:
    """Return what is wrong with a block of a chain, empty if nothing is.

    Args:
        block: As it is stored.
        leaves: The hashes of what it holds now.
        count: How many it was made of.
        is_end_right: Whether what it holds ends where it says.
        after: The hash of the block before.
        block_id: What its number must be.
    """
    root = merkle_root(leaves) if leaves else b""
    faults = (
        (block["block_id"] != block_id, f"block {block_id} must come next, was {block['block_id']}"),
        (len(leaves) != count, f"block {block_id} must hold {count}, held {len(leaves)}"),
        (not is_end_right, f"block {block_id} must end where it says, does not"),
        (root != block["merkle_root"], f"what block {block_id} holds was changed"),
        (block["previous_hash"] != after, f"block {block_id} does not stand on the block before"),
        (
            block["block_hash"] != block_hash(after, block_id, len(leaves), root),
            f"the hash of block {block_id} is wrong",
        ),
    )
    return next((fault for is_wrong, fault in faults if is_wrong), "")
