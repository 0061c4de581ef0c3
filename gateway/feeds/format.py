"""What a provider's format is to those who read recordings of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.feeds.reading import FeedAdapter


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFormat:
    """One format. The module of an adapter has it as its `FORMAT`, and nothing else has to name it.

    Attributes:
        name: As people say it of a recording that was expected.
        begins_with: The byte that every recording of it, and of no other format, begins with.
        is_by_line: Whether each line of a recording is a message; where not, the whole of it is one.
        new_adapter: Makes what reads the messages of one recording after the other.
        time_ms_of: Returns a message's time stamp, milliseconds since the Unix epoch; None where it has none.
    """

    name: str
    begins_with: bytes
    is_by_line: bool
    new_adapter: Callable[[], FeedAdapter]
    time_ms_of: Callable[[bytes], int | None]


def time_stamp(pattern: bytes) -> Callable[[bytes], int | None]:
    """Return what finds a message's time stamp, in milliseconds, by the first group of a pattern."""
    compiled = re.compile(pattern)

    def find(raw: bytes) -> int | None:
        found = compiled.search(raw)
        return None if found is None else int(found[1])

    return find
