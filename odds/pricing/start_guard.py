"""Our own clock guards the start: from then on a fixture may be on, whoever says what of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from markets.fixture import FixtureStatus

_GUARDED: Final = frozenset({FixtureStatus.UNKNOWN, FixtureStatus.PRE_MATCH})


@dataclass(frozen=True, slots=True, eq=False)
class StartGuard:
    """How long after its scheduled start a fixture may wait until somebody calls it in play.

    Attributes:
        tolerance_us: In sports that are not named.
        tolerance_us_by_sport: In those that are.
    """

    tolerance_us: int = 0
    tolerance_us_by_sport: Mapping[str, int] = field(default_factory=dict)

    def overdue_from_us(self, status: FixtureStatus, *, sport: str, start_time_ms: int) -> int | None:
        """Return from when on nobody may bet on a fixture of that status, None for never."""
        if start_time_ms <= 0 or status not in _GUARDED:
            return None
        return start_time_ms * 1_000 + self.tolerance_us_by_sport.get(sport, self.tolerance_us)

    def is_overdue(self, status: FixtureStatus, *, sport: str, start_time_ms: int, now_us: int) -> bool:
        """Return whether a fixture should have begun and nobody calls it in play."""
        overdue_us = self.overdue_from_us(status, sport=sport, start_time_ms=start_time_ms)
        return overdue_us is not None and now_us >= overdue_us


def may_be_on(status: FixtureStatus, *, start_time_ms: int, now_us: int) -> bool:
    """Return whether a fixture is in play, or may be for all we know: then bets on it wait, and are smaller.

    Before the match is what is called so, or what nobody says anything of, while its start is known to lie ahead; what
    is called so without a start is taken at its word.
    """
    if start_time_ms > 0 and status in _GUARDED:
        return now_us >= start_time_ms * 1_000
    return status in (FixtureStatus.IN_PLAY, FixtureStatus.UNKNOWN)
