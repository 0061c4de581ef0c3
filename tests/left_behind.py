"""What a part of the system still knows of some fixtures, wherever it keeps it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final

OWN_PACKAGES: Final = frozenset({"kernel", "markets", "odds", "risk", "bets", "wire", "streams", "gateway", "infra"})


def find_left_behind(root: object, prefix: str) -> set[str]:
    """Return the texts that begin so and are reachable from an object of ours through its fields and collections."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting: list[Any] = [root]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if item.startswith(prefix):
                found.add(item)
        elif id(item) not in seen:
            seen.add(id(item))
            waiting += _parts_of(item)
    return found


def _parts_of(item: Any) -> Iterator[Any]:
    if isinstance(item, Mapping):
        yield from item
        yield from item.values()
    elif isinstance(item, list | tuple | set | frozenset | deque):
        yield from item
    elif type(item).__module__.partition(".")[0] in OWN_PACKAGES:
        yield from getattr(item, "__dict__", {}).values()
        for kind in type(item).__mro__:
            names = [name for name in getattr(kind, "__slots__", ()) if name != "__weakref__"]
            yield from (getattr(item, name) for name in names if hasattr(item, name))
