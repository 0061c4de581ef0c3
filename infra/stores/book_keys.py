"""Names of the books' serving copy in Redis, for who writes it and who reads it."""

from __future__ import annotations

from typing import Final

LIVE_KEY: Final = "fixtures:live"
COMPLETE_KEY: Final = "books:complete"
WHOLE_KEY: Final = "books:whole"
VERSIONS_KEY: Final = "books:versions"
BOOK_PREFIX: Final = "book:"
EXPLANATION_PREFIX: Final = "explanation:"
HELD_PREFIX: Final = "books:held:"


def book_key(fixture_id: str) -> str:
    """Return where the newest book of a fixture stands."""
    return f"{BOOK_PREFIX}{fixture_id}"


def explanation_key(fixture_id: str) -> str:
    """Return where the newest explanation of a fixture stands."""
    return f"{EXPLANATION_PREFIX}{fixture_id}"


def held_key(partition: int) -> str:
    """Return where it stands of which fixtures of a partition there is anything."""
    return f"{HELD_PREFIX}{partition}"
