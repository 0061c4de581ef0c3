"""Hash_DRBG with SHA-256: a deterministic generator of random bits, of 256 bits of security strength.

Source:
    NIST SP 800-90A Rev. 1 (June 2015): 10.1.1, the derivation function of 10.3.1, sizes of table 2.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from kernel.errors import InvariantBroken

SEED_BYTES: Final = 55
ENTROPY_BYTES_MIN: Final = 32
NONCE_BYTES_MIN: Final = 16
REQUEST_BYTES_MAX: Final = 2**16
REQUESTS_OF_A_SEED_MAX: Final = 2**48

_DIGEST_BYTES: Final = 32
_MODULUS: Final = 2 ** (8 * SEED_BYTES)


class HashDrbg:
    """The generator. What it holds is told by nothing that it can be asked, nor by its text."""

    __slots__ = ("_constant", "_request", "_value")

    def __init__(self, entropy: bytes, nonce: bytes, *, personalization: bytes) -> None:
        """Instantiate it.

        Args:
            entropy: At least ENTROPY_BYTES_MIN that nobody can guess.
            nonce: At least NONCE_BYTES_MIN that never come twice.
            personalization: Tells this generator from others.

        Raises:
            InvariantBroken: If there is too little of them.
        """
        if len(entropy) < ENTROPY_BYTES_MIN or len(nonce) < NONCE_BYTES_MIN:
            raise InvariantBroken(
                f"A generator needs {ENTROPY_BYTES_MIN} bytes of entropy and {NONCE_BYTES_MIN} of nonce, "
                f"had {len(entropy)} and {len(nonce)}"
            )
        self._seed(_derive(entropy + nonce + personalization))

    def __repr__(self) -> str:
        """Tell nothing of the state."""
        return "HashDrbg(...)"

    def reseed(self, entropy: bytes, *, additional: bytes) -> None:
        """Mix in new entropy, at least ENTROPY_BYTES_MIN of it.

        Raises:
            InvariantBroken: If there is too little.
        """
        if len(entropy) < ENTROPY_BYTES_MIN:
            raise InvariantBroken(f"A new seed needs {ENTROPY_BYTES_MIN} bytes of entropy, had {len(entropy)}")
        self._seed(_derive(b"\x01" + self._value.to_bytes(SEED_BYTES, "big") + entropy + additional))

    def generate(self, size: int, *, additional: bytes) -> bytes:
        """Return so many bytes, at most REQUEST_BYTES_MAX.

        Raises:
            InvariantBroken: If that is too many, or the seed gave REQUESTS_OF_A_SEED_MAX answers already.
        """
        if not 0 < size <= REQUEST_BYTES_MAX or self._request > REQUESTS_OF_A_SEED_MAX:
            raise InvariantBroken(f"A request must be 1 to {REQUEST_BYTES_MAX} bytes of a seed that is young, was not")
        if additional:
            self._add(int.from_bytes(_digest(b"\x02", self._value, additional), "big"))
        drawn = _expand(self._value, size)
        self._add(int.from_bytes(_digest(b"\x03", self._value), "big") + self._constant + self._request)
        self._request += 1
        return drawn

    def _seed(self, seed: bytes) -> None:
        self._value = int.from_bytes(seed, "big")
        self._constant = int.from_bytes(_derive(b"\x00" + seed), "big")
        self._request = 1

    def _add(self, number: int) -> None:
        self._value = (self._value + number) % _MODULUS


def _derive(told: bytes) -> bytes:
    bits = (8 * SEED_BYTES).to_bytes(4, "big")
    blocks = -(-SEED_BYTES // _DIGEST_BYTES)
    return b"".join(sha256(bytes((block,)) + bits + told).digest() for block in range(1, blocks + 1))[:SEED_BYTES]


def _digest(prefix: bytes, value: int, *others: bytes) -> bytes:
    return sha256(b"".join((prefix, value.to_bytes(SEED_BYTES, "big"), *others))).digest()


def _expand(value: int, size: int) -> bytes:
    blocks = -(-size // _DIGEST_BYTES)
    numbers = ((value + block) % _MODULUS for block in range(blocks))
    return b"".join(sha256(number.to_bytes(SEED_BYTES, "big")).digest() for number in numbers)[:size]
