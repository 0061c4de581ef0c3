"""The Merkle chain's hashing."""

from __future__ import annotations

import hashlib

import pytest

from wallet.chain import GENESIS_HASH, block_hash, leaf_hash, merkle_root

# RFC 6962's example inputs, as used by the test vectors of certificate transparency logs; roots of the first n leaves.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize(("count", "root"), ROOTS.items())
def test_roots_are_those_of_rfc_6962(count: int, root: str) -> None:
    leaves = [hashlib.sha256(b"\x00" + bytes.fromhex(leaf)).digest() for leaf in LEAVES[:count]]
    assert merkle_root(leaves).hex() == root


def test_fields_do_not_run_together() -> None:
    assert leaf_hash(["ab", "c"]) != leaf_hash(["a", "bc"])
    assert leaf_hash([1, None]) != leaf_hash([None, 1])


def test_a_block_depends_on_the_block_before_its_number_and_its_count() -> None:
    root = leaf_hash(["x"])
    hashes = {
        block_hash(GENESIS_HASH, 1, 1, root),
        block_hash(root, 1, 1, root),
        block_hash(GENESIS_HASH, 2, 1, root),
        block_hash(GENESIS_HASH, 1, 2, root),
    }
    assert len(hashes) == 4
