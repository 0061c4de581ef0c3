"""One source at its share leaves every other as it would be without it."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack

from hypothesis import given
from hypothesis import strategies as st

from gateway.rpc.shares import Share, ShareInterceptor, TooManyCalls

SOURCES = ("greedy", "ann", "bob")
KINDS = ("streams", "calls")
STEPS = st.lists(st.tuples(st.sampled_from(SOURCES), st.sampled_from(KINDS), st.booleans()), max_size=60)

Step = tuple[str, str, bool]


async def nobody(_: object) -> str:
    return ""


def outcomes(steps: list[Step], calls_max: int) -> dict[str, list[bool]]:
    """Return whether each call of a source was let in, when calls begin and end in this order."""
    interceptor = ShareInterceptor("address", nobody, share_by_method={})
    held: dict[tuple[str, str], list[AbstractContextManager[None]]] = {}
    found: dict[str, list[bool]] = {source: [] for source in SOURCES}
    with ExitStack() as stack:
        for source, kind, is_begun in steps:
            calls = held.setdefault((source, kind), [])
            if not is_begun:
                if calls:
                    calls.pop(0).__exit__(None, None, None)
                continue
            begun = interceptor._taking(Share(kind, calls_max), source)
            try:
                begun.__enter__()
                calls.append(begun)
                found[source].append(True)
            except TooManyCalls:
                found[source].append(False)
            assert len(calls) <= calls_max
        for calls in held.values():
            for taking in calls:
                stack.push(taking)
    assert interceptor._counts == {}
    return found


@given(STEPS, st.integers(1, 4))
def test_a_source_is_answered_as_if_there_were_no_other(steps: list[Step], calls_max: int) -> None:
    together = outcomes(steps, calls_max)
    for source in SOURCES:
        alone = outcomes([step for step in steps if step[0] == source], calls_max)
        assert together[source] == alone[source]
