"""The newest block of each chain of the ledger, as it is told outside the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from infra.stores.postgres import Connection, PositionsNotOwn
from kernel.errors import Part
from overround.wallet.v1.anchor_pb2 import LedgerAnchor, LedgerChain

NEWEST_COMPARED: Final = 100
"""Of both chains, told every few seconds: what a ledger lost that was set back is among the newest."""

_TABLE_BY_CHAIN: Final = {
    LedgerChain.LEDGER_CHAIN_TRANSFERS: "chain_block",
    LedgerChain.LEDGER_CHAIN_RECORDS: "record_block",
}
_NEWEST = """
    SELECT block_id, block_hash, time_us FROM ledger.{table} ORDER BY block_id DESC LIMIT 1
"""
_HASHES = "SELECT block_id, block_hash FROM ledger.{table} WHERE block_id = ANY ($1::bigint[])"
_LEDGER_ID = "SELECT ledger_id::text FROM ledger.epoch ORDER BY epoch DESC LIMIT 1"
_ADOPTED = "SELECT epoch, chain_block_id, record_block_id FROM ledger.epoch ORDER BY epoch"


@dataclass(frozen=True, slots=True)
class AnchorVerdict:
    """What comparing the anchors found: complaints, and how many blocks a restore is known to have lost."""

    complaints: tuple[str, ...]
    lost_count: int


async def expect_told_is_there(connection: Connection, anchors: Collection[LedgerAnchor]) -> None:
    """Check that the ledger has whatever it told of itself.

    Raises:
        PositionsNotOwn: If it does not: it is as it was before, and would count again what it counted since.
    """
    verdict = await compare_anchors(connection, anchors)
    if verdict.complaints:
        raise PositionsNotOwn(
            Part.LEDGER,
            f"The ledger must have what it told, but {verdict.complaints[0]}: it was set back. Once no other copy of "
            "it runs, `overround ledger adopt` lets it go on here",
        )


async def newest_anchors(connection: Connection, *, epoch: int) -> list[LedgerAnchor]:
    """Return an anchor for each chain that has a block."""
    anchors = []
    ledger_id = await connection.fetchval(_LEDGER_ID)
    for chain, table in _TABLE_BY_CHAIN.items():
        row = await connection.fetchrow(_NEWEST.format(table=table))
        if row is not None:
            anchors.append(LedgerAnchor(ledger_id=ledger_id, chain=chain, epoch=epoch, **dict(row)))
    return anchors


async def compare_anchors(connection: Connection, anchors: Collection[LedgerAnchor]) -> AnchorVerdict:
    """Hold every anchor of this ledger against its block; what an adopted restore went back behind counts as lost."""
    ledger_id = await connection.fetchval(_LEDGER_ID)
    adopted = await connection.fetch(_ADOPTED)
    complaints: list[str] = []
    lost_count = 0
    for chain, table in _TABLE_BY_CHAIN.items():
        of_chain = [item for item in anchors if (item.ledger_id, item.chain) == (ledger_id, chain)]
        kept = set(map(_identity, of_chain))
        rows = await connection.fetch(_HASHES.format(table=table), sorted({block_id for _, block_id, _ in kept}))
        hash_by_block = {row["block_id"]: row["block_hash"] for row in rows}
        for epoch, block_id, block_hash in sorted(kept):
            if _is_lost(epoch, block_id, ((row["epoch"], row[f"{table}_id"]) for row in adopted)):
                lost_count += 1
            elif block_id not in hash_by_block:
                complaints.append(f"block {block_id} of {table} was anchored and is not there")
            elif hash_by_block[block_id] != block_hash:
                complaints.append(f"block {block_id} of {table} is another than was anchored")
    return AnchorVerdict(tuple(complaints), lost_count)


def _identity(anchor: LedgerAnchor) -> tuple[int, int, bytes]:
    return anchor.epoch, anchor.block_id, anchor.block_hash


def _is_lost(epoch: int, block_id: int, adopted: Iterable[tuple[int, int]]) -> bool:
    return any(epoch < later and block_id > last_block_id for later, last_block_id in adopted)
