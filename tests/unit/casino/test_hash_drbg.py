"""Hash_DRBG gives what NIST says it must, and tells nothing of its state.

Known answers: NIST CAVP, drbgvectors_pr_false (Hash_DRBG.rsp), SHA-256, COUNT = 0 of each group.
"""

from __future__ import annotations

import pytest

from casino.hash_drbg import REQUEST_BYTES_MAX, HashDrbg
from kernel.errors import InvariantBroken

NOTHING = ""
KNOWN = {
    "no further inputs": (
        "63363377e41e86468deb0ab4a8ed683f6a134e47e014c700454e81e95358a569",
        "808aa38f2a72a62359915a9f8a04ca68",
        NOTHING,
        ("e62b8a8ee8f141b6980566e3bfe3c04903dad4ac2cdf9f2280010a6739bc83d3", NOTHING),
        (NOTHING, NOTHING),
        "04eec63bb231df2c630a1afbe724949d005a587851e1aa795e477347c8b056621c18bddcdd8d99fc5fc2b92053d8cfacfb0bb8831205fad1"
        "ddd6c071318a6018f03b73f5ede4d4d071f9de03fd7aea105d9299b8af99aa075bdb4db9aa28c18d174b56ee2a014d098896ff2282c955a8"
        "1969e069fa8ce007a180183a07dfae17",
    ),
    "a personalization": (
        "b87bb4de5c148d964fc0cb612d69295671780b4270fe32bf389b6f49488efe13",
        "27eb37a0c695c4ee3c9b70b7f6b33492",
        "52321406ac8a9c266b1f8d811bb871269e5824b59a0234f01d358193523bbb7c",
        ("7638267f534c4e6ee22cc6ca6ed824fd5d3d387c00b89dd791eb5ac9766385b8", NOTHING),
        (NOTHING, NOTHING),
        "de01c061651bab3cef2fc4ea89a56b6e86e74b2e9fd11ed671c97c813778a06a2c1f41b41e754a5257750c6bde9601da9d67d8d9564f4a85"
        "38b92516a2dacc496dee257b85393f2a01ad59aa3257f1b6da9566e3706d2d6d4a26e511b0c64d7dc223acb24827178afa43ca8d5a66f983"
        "d6929dc61564c4c14fc32d85765a23f7",
    ),
    "additional inputs": (
        "9cfb7ad03be487a3b42be06e9ae44f283c2b1458cec801da2ae6532fcb56cc4c",
        "a20765538e8db31295747ec922c13a69",
        NOTHING,
        (
            "96bc8014f90ebdf690db0e171b59cc46c75e2e9b8e1dc699c65c03ceb2f4d7dc",
            "6fea0894052dab3c44d503950c7c72bd7b87de87cb81d3bb51c32a62f742286d",
        ),
        (
            "d3467c78563b74c13db7af36c2a964820f2a9b1b167474906508fdac9b2049a6",
            "5840a11cc9ebf77b963854726a826370ffdb2fc2b3d8479e1df5dcfa3dddd10b",
        ),
        "71c1154a2a7a3552413970bf698aa02f14f8ea95e861f801f463be27868b1b14b1b4babd9eba5915a6414ab1104c8979b1918f3094925aea"
        "b0d07d2037e613b63cbd4f79d9f95c84b47ed9b77230a57515c211f48f4af6f5edb2c308b33905db308cf88f552c8912c49b34e66c026e67"
        "b302ca65b187928a1aba9a49edbfe190",
    ),
}


@pytest.mark.parametrize(
    ("entropy", "nonce", "personalization", "reseed", "additional", "expected"), KNOWN.values(), ids=KNOWN.keys()
)
def test_it_gives_the_known_answers(  # noqa: PLR0917 - as the vectors come
    entropy: str, nonce: str, personalization: str, reseed: tuple[str, str], additional: tuple[str, str], expected: str
) -> None:
    made = HashDrbg(bytes.fromhex(entropy), bytes.fromhex(nonce), personalization=bytes.fromhex(personalization))
    made.reseed(bytes.fromhex(reseed[0]), additional=bytes.fromhex(reseed[1]))
    made.generate(128, additional=bytes.fromhex(additional[0]))
    assert made.generate(128, additional=bytes.fromhex(additional[1])).hex() == expected


def test_too_little_entropy_and_too_large_requests_are_refused() -> None:
    for entropy, nonce in ((bytes(31), bytes(16)), (bytes(32), bytes(15))):
        with pytest.raises(InvariantBroken, match="32 bytes of entropy and 16 of nonce"):
            HashDrbg(entropy, nonce, personalization=b"")
    made = HashDrbg(bytes(32), bytes(16), personalization=b"")
    with pytest.raises(InvariantBroken, match="had 31"):
        made.reseed(bytes(31), additional=b"")
    assert len(made.generate(REQUEST_BYTES_MAX, additional=b"")) == REQUEST_BYTES_MAX
    for size in (0, REQUEST_BYTES_MAX + 1):
        with pytest.raises(InvariantBroken, match="1 to 65536 bytes"):
            made.generate(size, additional=b"")


def test_its_text_tells_nothing_of_its_state() -> None:
    assert repr(HashDrbg(bytes(32), bytes(16), personalization=b"")) == "HashDrbg(...)"
