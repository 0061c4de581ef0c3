"""From where a provider's stream goes on: what the log has beyond the cursor of those before it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Self

from gateway.feeds.ports import Cursor, LoggedUpdate

EPOCH_UNTOLD: Final = 0
"""Of updates from before they told it."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """What is known of the updates beyond a cursor.

    Attributes:
        in_log: Sequences that need not be sent again, unless one before them of the same fixture is.
        seen_sequence: The highest that an earlier stream brought into the log.
        owed: Fixtures by sequence of what the log has and yet has to come again, in order.
    """

    in_log: frozenset[int]
    seen_sequence: int
    owed: Mapping[int, str]

    @classmethod
    def of(cls, cursor: Cursor, logged: Collection[LoggedUpdate]) -> Self:
        """Read the updates of earlier streams.

        Only those of the last stream count, and only where no younger stream spoke of the fixture: what an older one
        brought may lie behind a hole, and what came late is passed over by pricing.
        """
        newest_epochs: dict[str, int] = {}
        for update in logged:
            newest_epochs[update.fixture_id] = max(update.epoch, newest_epochs.get(update.fixture_id, EPOCH_UNTOLD))
        beyond = [update for update in logged if update.sequence > cursor.acknowledged_sequence]
        counting = (EPOCH_UNTOLD, cursor.epoch - 1)
        in_log = frozenset(
            update.sequence
            for update in beyond
            if update.epoch in counting and update.epoch == newest_epochs[update.fixture_id]
        )
        return cls(
            in_log,
            max((update.sequence for update in beyond), default=0),
            {update.sequence: update.fixture_id for update in beyond if update.sequence not in in_log},
        )
