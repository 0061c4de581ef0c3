"""Random numbers of games: each as likely as another, seeded anew in time and after a fork, none where a test fails."""

from __future__ import annotations

from collections import Counter

import pytest

from casino import randomness
from casino.hash_drbg import HashDrbg
from casino.randomness import (
    REQUESTS_OF_A_SEED_MAX,
    SEED_AGE_S_MAX,
    TRIES_MAX,
    GameRandomness,
    accepted_below,
    gives_known_answer,
)
from kernel.errors import InvariantBroken, Unavailable
from tests.fakes.fake_clock import FakeClock


class Machine:
    """An operating system whose entropy is known, and counts."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.process = 1
        self.asked = 0
        self.is_stuck = False

    def entropy(self, size: int) -> bytes:
        self.asked += not self.is_stuck
        return bytes((self.asked % 256,)) * size

    def made(self) -> GameRandomness:
        return GameRandomness(entropy=self.entropy, process_id=lambda: self.process, clock=self.clock)


def drawn(random: GameRandomness, count: int = 8) -> list[int]:
    return [random.below(2**32) for _ in range(count)]


@pytest.mark.parametrize(("bound", "numbers", "accepted"), [(37, 2**32, 4_294_967_289), (37, 256, 222), (1, 256, 256)])
def test_numbers_that_would_make_some_likelier_are_not_accepted(bound: int, numbers: int, accepted: int) -> None:
    assert accepted_below(bound, numbers) == accepted
    shares = Counter(number % bound for number in range(min(accepted, 222)))
    assert len(set(shares.values())) == 1


def test_every_number_below_the_bound_is_as_likely_as_another() -> None:
    random, count = Machine().made(), 20_000
    shares = Counter(random.below(10) for _ in range(count))
    assert set(shares) == set(range(10))
    chi_squared = sum((share - count / 10) ** 2 / (count / 10) for share in shares.values())
    assert chi_squared < 21.67, "the 99 % point of nine degrees of freedom"


def test_the_same_seed_gives_the_same_numbers_and_another_others() -> None:
    first, second = Machine(), Machine()
    assert drawn(first.made()) == drawn(second.made())
    third = Machine()
    third.asked = 9
    assert drawn(first.made()) != drawn(third.made())


def test_a_seed_is_renewed_after_so_many_numbers_or_seconds_and_in_a_forked_process() -> None:
    machine = Machine()
    random = machine.made()
    drawn(random)
    seeded = machine.asked
    machine.clock.put_on(SEED_AGE_S_MAX)
    drawn(random)
    assert machine.asked == seeded
    machine.clock.put_on(0.001)
    drawn(random)
    assert machine.asked == seeded + 1
    machine.process = 2
    drawn(random)
    assert machine.asked == seeded + 2
    drawn(random, REQUESTS_OF_A_SEED_MAX - 8)
    assert machine.asked == seeded + 2
    drawn(random, 1)
    assert machine.asked == seeded + 3


def test_two_processes_that_were_one_draw_different_numbers() -> None:
    machine = Machine()
    parent = machine.made()
    drawn(parent)
    child = machine.made()
    child.__dict__.update(parent.__dict__)
    child._generator = HashDrbg.__new__(HashDrbg)
    for name in HashDrbg.__slots__:
        setattr(child._generator, name, getattr(parent._generator, name))
    child._process_id = lambda: 2
    assert drawn(parent) != drawn(child)


def test_a_source_that_repeats_itself_ends_drawing_until_it_passes() -> None:
    machine = Machine()
    machine.is_stuck = True
    random = machine.made()
    drawn(random, 1)
    machine.clock.put_on(SEED_AGE_S_MAX + 1)
    for _ in range(2):
        with pytest.raises(Unavailable, match="repeats itself") as refused:
            random.below(10)
        assert refused.value.reason == "RANDOMNESS_UNAVAILABLE"
    with pytest.raises(Unavailable):
        random.test()
    machine.is_stuck = False
    with pytest.raises(Unavailable):
        random.below(10)
    random.test()
    assert 0 <= random.below(10) < 10


def test_a_generator_without_its_known_answer_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(HashDrbg):
        __slots__ = ()

        def generate(self, size: int, *, additional: bytes) -> bytes:
            return bytes(size)

    assert gives_known_answer(HashDrbg)
    assert not gives_known_answer(Broken)
    monkeypatch.setattr(randomness, "HashDrbg", Broken)
    with pytest.raises(Unavailable, match="known answer"):
        Machine().made().below(10)


def test_a_generator_that_gives_nothing_in_range_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    random, asked = Machine().made(), list[int]()
    drawn(random, 1)

    def generate(_self: HashDrbg, size: int, *, additional: bytes) -> bytes:
        asked.append(size)
        return b"\xff" * size

    monkeypatch.setattr(HashDrbg, "generate", generate)
    with pytest.raises(Unavailable, match="out of range"):
        random.below(3)
    assert len(asked) == TRIES_MAX


@pytest.mark.parametrize("bound", [0, -1, 2**32 + 1])
def test_bounds_that_cannot_be_are_refused(bound: int) -> None:
    with pytest.raises(InvariantBroken):
        Machine().made().below(bound)
