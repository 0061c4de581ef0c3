"""Something is told again only after a while, and what is remembered of it is bounded."""

from __future__ import annotations

from kernel.clock import SystemClock
from streams.seldom import Seldom


class Hand(SystemClock):
    """A clock that somebody turns."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic_s(self) -> float:
        return self.now_s


def test_the_same_is_told_again_after_the_interval_alone() -> None:
    clock = Hand()
    seldom = Seldom(clock, interval_s=60.0, keys_max=10)
    assert [seldom.is_due("a"), seldom.is_due("b"), seldom.is_due("a")] == [True, True, False]
    clock.now_s = 59.0
    assert not seldom.is_due("a")
    clock.now_s = 60.0
    assert seldom.is_due("a")
    assert not seldom.is_due("a")


def test_what_is_remembered_is_bounded_and_the_longest_unsaid_goes_first() -> None:
    seldom = Seldom(Hand(), interval_s=60.0, keys_max=2)
    assert [seldom.is_due(key) for key in "abca"] == [True, True, True, True]
    assert not seldom.is_due("c")
