"""What the parts of the gateway follow of the log."""

from __future__ import annotations

from typing import Final

from gateway.desk_feed import RECENT_BETS_MAX
from infra.processes.servers import Reading
from wire.topics import (
    BET_EVENTS,
    BOOKS,
    FEED_PROVIDERS,
    HEARTBEATS,
    LIABILITIES,
    PLAYERS,
    PRICING_DEAD_LETTERS,
    RESULTS,
)

GATHER_MS: Final = 50  # nobody sees whether the desk or "my bets" is so much later

BOOK_LOG: Final = Reading(name="books", topics=(BOOKS, HEARTBEATS), start="end")
DESK_LOG: Final = Reading(name="desk", topics=(LIABILITIES, FEED_PROVIDERS), start="beginning", gather_ms=GATHER_MS)
BET_LOG: Final = Reading(
    name="bets", topics=(BET_EVENTS,), start="end", backlog_records=RECENT_BETS_MAX, gather_ms=GATHER_MS
)
RIGHTS_LOG: Final = Reading(name="rights", topics=(PRICING_DEAD_LETTERS, RESULTS), start="end", gather_ms=GATHER_MS)
PLAYER_LOG: Final = Reading(name="players", topics=(PLAYERS,), start="end")
