"""Names of the books' serving copy in Redis, for who writes it and who reads it."""

from __future__ import annotations

from typing import Final

LIVE_KEY: Final = "fixtures:live"
COMPLETE_KEY: Final = "books:complete"
WHOLE_KEY: Final = "books:whole"
