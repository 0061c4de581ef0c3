"""Random numbers for games: seeded by the machine, seeded anew in time, watched over, each as likely as another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from casino.hash_drbg import ENTROPY_BYTES_MIN, NONCE_BYTES_MIN, HashDrbg
from kernel.clock import Clock
from kernel.errors import InvariantBroken, Part, Unavailable

REQUESTS_OF_A_SEED_MAX: Final = 65_536
SEED_AGE_S_MAX: Final = 600.0
TRIES_MAX: Final = 128
"""Each is refused with less than one half: that all are is told from chance."""

_NUMBER_BYTES: Final = 4
_NUMBERS: Final = 2 ** (8 * _NUMBER_BYTES)
_PERSONALIZATION: Final = b"overround games"
# From NIST's CAVP examples: Hash_DRBG.rsp, SHA-256 without prediction resistance and further inputs, COUNT = 0.
_KNOWN_ENTROPY: Final = bytes.fromhex("63363377e41e86468deb0ab4a8ed683f6a134e47e014c700454e81e95358a569")
_KNOWN_NONCE: Final = bytes.fromhex("808aa38f2a72a62359915a9f8a04ca68")
_KNOWN_RESEED: Final = bytes.fromhex("e62b8a8ee8f141b6980566e3bfe3c04903dad4ac2cdf9f2280010a6739bc83d3")
_KNOWN_BEGIN: Final = bytes.fromhex("04eec63bb231df2c630a1afbe724949d005a587851e1aa795e477347c8b05662")
_KNOWN_BYTES: Final = 128


class RandomNumbers(Protocol):
    """Where the outcomes of games come from."""

    def below(self, bound: int) -> int:
        """Return a whole number from zero to below `bound`, each as likely as another.

        Raises:
            Unavailable: If the generator fails its tests: then nothing is drawn.
        """
        ...


class GameRandomness:
    """Hash_DRBG over the machine's entropy.

    It is seeded when a number is first wanted, and anew after so many requests or seconds, and in every process that
    was forked from this one. Once a test fails nothing is drawn until the tests are asked for and pass.

    Args:
        entropy: Returns as many bytes as it is asked for, from the operating system.
        process_id: Returns in which process this runs.
        clock: Says how old a seed is.
    """

    def __init__(self, *, entropy: Callable[[int], bytes], process_id: Callable[[], int], clock: Clock) -> None:
        self._entropy = entropy
        self._process_id = process_id
        self._clock = clock
        self._generator: HashDrbg | None = None
        self._last_entropy = b""
        self._owner = 0
        self._requests = 0
        self._seeded_s = 0.0
        self._complaint: str | None = None

    def below(self, bound: int) -> int:
        """Return a whole number from zero to below `bound`; what would make some likelier is drawn again."""
        if not 0 < bound <= _NUMBERS:
            raise InvariantBroken(f"A bound must be 1 to {_NUMBERS}, was {bound}")
        accepted = accepted_below(bound, _NUMBERS)
        for _ in range(TRIES_MAX):
            drawn = int.from_bytes(self._draw(), "big")
            if drawn < accepted:
                return drawn % bound
        raise self._fail(f"{TRIES_MAX} numbers in a row were out of range")

    def pass_over(self) -> None:
        """Draw what nobody gets, so that what comes next depends on when it is asked for, too."""
        self._draw()

    def test(self) -> None:
        """Test it, seeded anew; where it had failed and passes, numbers are drawn again.

        Raises:
            Unavailable: If it fails.
        """
        self._complaint = None
        self._seed()

    def _draw(self) -> bytes:
        if self._complaint is not None:
            raise self._fail(self._complaint)
        is_old = self._requests >= REQUESTS_OF_A_SEED_MAX or self._clock.monotonic_s() - self._seeded_s > SEED_AGE_S_MAX
        if self._generator is None or is_old or self._owner != self._process_id():
            self._seed()
        if self._generator is None:
            raise InvariantBroken("A generator that was seeded must be there, is not")
        self._requests += 1
        return self._generator.generate(_NUMBER_BYTES, additional=b"")

    def _seed(self) -> None:
        if not gives_known_answer(HashDrbg):
            raise self._fail("the generator does not give its known answer")
        entropy = self._entropy(ENTROPY_BYTES_MIN)
        if len(entropy) < ENTROPY_BYTES_MIN or entropy == self._last_entropy:
            raise self._fail("the source of entropy repeats itself or gives too little")
        self._last_entropy = entropy
        if self._generator is None:
            self._generator = HashDrbg(entropy, self._entropy(NONCE_BYTES_MIN), personalization=_PERSONALIZATION)
        else:
            self._generator.reseed(entropy, additional=b"")
        self._owner, self._requests, self._seeded_s = self._process_id(), 0, self._clock.monotonic_s()

    def _fail(self, complaint: str) -> Unavailable:
        self._complaint = complaint
        return Unavailable(Part.RANDOMNESS, f"Games need random numbers that pass their tests, but {complaint}")


def accepted_below(bound: int, numbers: int) -> int:
    """Return below which of `numbers` equally likely numbers the remainders by `bound` are equally likely."""
    return numbers - numbers % bound


def gives_known_answer(generator: type[HashDrbg]) -> bool:
    """Return whether a generator gives what NIST says it must."""
    made = generator(_KNOWN_ENTROPY, _KNOWN_NONCE, personalization=b"")
    made.reseed(_KNOWN_RESEED, additional=b"")
    made.generate(_KNOWN_BYTES, additional=b"")
    return made.generate(_KNOWN_BYTES, additional=b"").startswith(_KNOWN_BEGIN)
