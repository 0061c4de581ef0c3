"""What the gateway needs from outside beside the log: the serving copy of prices, why they are, and names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from kernel.log import LogCopy


class BookSnapshots(Protocol):
    """The serving copy of the newest book of every fixture."""

    async def read_books(self) -> LogCopy:
        """Return the books of all fixtures that are not over.

        Raises:
            Unavailable: If the copy is not whole, or no answer came in time; the log has to be read instead.
        """
        ...


class Explanations(Protocol):
    """Why the newest books say what they say."""

    async def read_explanation(self, fixture_id: str) -> bytes:
        """Return the newest explanation of a fixture, empty if there is none.

        Raises:
            Unavailable: If no answer came in time.
        """
        ...


class LoggedExplanation(NamedTuple):
    """What the log has of a version.

    Attributes:
        value: Empty where it has none of that version.
        version_after: The fixture's next version that was met instead; 0 for none.
    """

    value: bytes
    version_after: int


class ExplanationLog(Protocol):
    """Why books said what they said, for as long as the log keeps every version."""

    async def find_explanation(self, fixture_id: str, version: int) -> LoggedExplanation:
        """Return the explanation that was published with a version of a fixture's book.

        Raises:
            Unavailable: If the log was not read in time.
        """
        ...


class PlayerNames(Protocol):
    """How players are shown to the desk."""

    async def find_names(self, player_ids: Collection[str]) -> Mapping[str, str]:
        """Return names by player id; one that is not found in time is left out."""
        ...
