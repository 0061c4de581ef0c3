"""How much pricing takes on at once: fewer, larger helpings cost less, smaller ones come sooner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

BUSY_FACTOR: Final = 2.0
"""Fetches begin at least this many times apart what pricing the last one's records took."""
CALM_SHARE: Final = 0.8
CROWDED_SHARE: Final = 0.9
"""Between these shares of the machine's time in use, fetches move to the most they may be apart."""


class Spacing(Protocol):
    """The least time between the beginnings of two fetches, for who fetches to read, in whatever thread."""

    seconds: float


@dataclass(frozen=True, slots=True)
class PricingPace:
    """How much at once, how often, how long.

    Attributes:
        spacing_s_max: The most that fetches are held apart.
        batch_fixtures_max: Fixtures of one batch.
        retention_us: A fixture that is over is forgotten after being quiet for so long.
    """

    spacing_s_max: float
    batch_fixtures_max: int
    retention_us: int

    def spacing_s(self, took_s: float, *, busy_share: float) -> float:
        """Return how far apart fetches are to begin.

        To fetch and to price a few records costs nearly as much as to do so with many. So while the machine has time to
        spare they are taken as they come; the less it has, the more are left to come together, which leaves the others
        (bets before all) the time that this saves.

        Args:
            took_s: How long the last batch took to price.
            busy_share: How much of the machine's time was in use lately, 0.0 to 1.0.
        """
        crowding = min(max((busy_share - CALM_SHARE) / (CROWDED_SHARE - CALM_SHARE), 0.0), 1.0)
        return min(max(BUSY_FACTOR * took_s, crowding * self.spacing_s_max), self.spacing_s_max)
