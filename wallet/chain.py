"""A Merkle chain over the transfers: who changes one of them, however old, must change every block after it.

Source:
    Tree hashing as in RFC 6962, section 2.1: leaves and nodes are hashed with different prefixes, and a tree of n
    leaves splits at the largest power of two below n.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

GENESIS_HASH = bytes(32)

_LEAF_PREFIX = b"\x00"
_NODE_PREFIX = b"\x01"
_BLOCK_PREFIX = b"\x02"
_FIELD_SEPARATOR = "\x1f"


def leaf_hash(fields: Sequence[object]) -> bytes:
    """Hash one transfer; every field goes in as text, a missing one as an empty text."""
    text = _FIELD_SEPARATOR.join("" if field is None else str(field) for field in fields)
    return hashlib.sha256(_LEAF_PREFIX + text.encode()).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root of the tree over at least one leaf hash.

    Pairing neighbours level by level, an odd last node going up as it is, builds that tree without recursion.
    """
    level = list(leaves)
    while len(level) > 1:
        paired = [
            hashlib.sha256(_NODE_PREFIX + level[index] + level[index + 1]).digest()
            for index in range(0, len(level) - 1, 2)
        ]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def block_hash(previous_hash: bytes, block_id: int, transfer_count: int, root: bytes) -> bytes:
    """Hash a block onto the one before; GENESIS_HASH comes before the first."""
    numbers = block_id.to_bytes(8, "big") + transfer_count.to_bytes(8, "big")
    return hashlib.sha256(_BLOCK_PREFIX + previous_hash + numbers + root).digest()
