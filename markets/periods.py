"""Where a game of two sides stands that is played by periods: basketball, ice hockey and what else is told so."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from markets.fixture import MatchState, Score, SportState


@dataclass(frozen=True, slots=True)
class PeriodsState:
    """Periods and the clock; the score of the game is that of all of them, overtime and shoot-out included.

    Attributes:
        period_count: Of a game without overtime: 4 quarters, 3 thirds, 2 halves; 0 where the provider does not say.
        period_seconds: How long each is.
        overtime_seconds: How long an overtime is.
        periods: Score of every period and overtime begun, in order, a shoot-out as one more; the last one is being
            played while the game is.
        seconds_left: Until the end of that one.
        is_clock_stopped: A time-out, a break.
    """

    period_count: int = 0
    period_seconds: int = 0
    overtime_seconds: int = 0
    periods: tuple[Score, ...] = ()
    seconds_left: int = 0
    is_clock_stopped: bool = False

    def has_news_over(self, held: SportState | None) -> bool:
        """Return whether there is a new period; what is scored is told by the score."""
        return isinstance(held, PeriodsState) and self._incidents != held._incidents

    def progress(self, _match: MatchState) -> int:
        """Return how much was played: a period is more than all seconds of the one before."""
        return (len(self.periods) << 16) - self.seconds_left

    def is_clock_running(self, _match: MatchState) -> bool:
        """Return whether the clock should move."""
        return not self.is_clock_stopped and self.seconds_left > 0

    @property
    def _incidents(self) -> Hashable:
        return len(self.periods)
