"""How many calls one source may have under way: its own share is refused to it before anybody else's is touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernel.errors import Category, DomainError

RETRY_S: Final = 1


class TooManyCalls(DomainError):
    """A source has as many calls of a kind under way as it may."""

    reason = "TOO_MANY_CALLS"
    category = Category.BUSY


@dataclass(frozen=True, slots=True)
class Share:
    """What one source may have under way of a kind of calls; methods of the same kind share it.

    Attributes:
        kind: As a person would call it, in the plural.
        calls_max: So many at once.
    """

    kind: str
    calls_max: int


class Shares:
    """Counts the calls of each source by kind, and refuses what goes beyond its share.

    Args:
        source: What a source is, for people: "address".
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._counts: dict[tuple[str, str], int] = {}

    def begin(self, share: Share, source: str) -> None:
        """Count a call, which has to be ended.

        Raises:
            TooManyCalls: If the source has as many under way as it may; then there is nothing to end.
        """
        key = (share.kind, source)
        count = self._counts.get(key, 0)
        if count >= share.calls_max:
            raise TooManyCalls(
                f"At most {share.calls_max} {share.kind} may be under way from one {self._source}, as many are: "
                f"end one, or try again in {RETRY_S} s",
                figures={"calls_max": str(share.calls_max), "retry_s": str(RETRY_S)},
            )
        self._counts[key] = count + 1

    def end(self, share: Share, source: str) -> None:
        """Count a call no more."""
        key = (share.kind, source)
        if self._counts[key] == 1:
            del self._counts[key]
        else:
            self._counts[key] -= 1
