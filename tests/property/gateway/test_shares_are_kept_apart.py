"""One source at its share leaves every other as it would be without it."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.rpc.shares import Share, Shares, TooManyCalls

SOURCES = ("greedy", "ann", "bob")
KINDS = ("streams", "calls")
STEPS = st.lists(st.tuples(st.sampled_from(SOURCES), st.sampled_from(KINDS), st.booleans()), max_size=60)

Step = tuple[str, str, bool]


def outcomes(steps: list[Step], calls_max: int) -> dict[str, list[bool]]:
    """Return whether each call of a source was let in, when calls begin and end in this order."""
    shares = Shares("address")
    held: Counter[tuple[str, str]] = Counter()
    found: dict[str, list[bool]] = {source: [] for source in SOURCES}
    for source, kind, is_begun in steps:
        share = Share(kind, calls_max)
        if is_begun:
            try:
                shares.begin(share, source)
                held[source, kind] += 1
                found[source].append(True)
            except TooManyCalls:
                found[source].append(False)
            assert held[source, kind] <= calls_max
        elif held[source, kind]:
            shares.end(share, source)
            held[source, kind] -= 1
    for source, kind in held.elements():
        shares.end(Share(kind, calls_max), source)
    assert shares._counts == {}
    return found


@given(STEPS, st.integers(1, 4))
def test_a_source_is_answered_as_if_there_were_no_other(steps: list[Step], calls_max: int) -> None:
    together = outcomes(steps, calls_max)
    for source in SOURCES:
        alone = outcomes([step for step in steps if step[0] == source], calls_max)
        assert together[source] == alone[source]
