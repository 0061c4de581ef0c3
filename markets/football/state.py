"""Football: what a match has beside its period, score and clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markets.fixture import RUNNING_PERIODS, MatchState, Score, SportState


@dataclass(frozen=True, slots=True)
class FootballState:
    """Cards, corners, stoppage time and what is told of the scores of halves.

    Attributes:
        stoppage_seconds: Announced stoppage time of the running period; 0 for not.
        half_time: Score of the first half, where the provider tells it once the half is over.
        full_time: Score of normal time, likewise.
        had_extra_time: More than normal time was played, as far as the provider says.
    """

    stoppage_seconds: int = 0
    home_red_cards: int = 0
    away_red_cards: int = 0
    home_yellow_cards: int = 0
    away_yellow_cards: int = 0
    home_corners: int = 0
    away_corners: int = 0
    half_time: Score | None = None
    full_time: Score | None = None
    had_extra_time: bool = False

    @property
    def red_cards(self) -> tuple[int, int]:
        """Of the home side, and of the other."""
        return self.home_red_cards, self.away_red_cards

    def has_news_over(self, held: SportState | None) -> bool:
        """Return whether the red cards are others; who says nothing of them has seen none."""
        return self.red_cards != (held.red_cards if isinstance(held, FootballState) else (0, 0))

    def progress(self, match: MatchState) -> int:
        """Return the goals and red cards."""
        return match.home_score + match.away_score + sum(self.red_cards)

    def is_clock_running(self, match: MatchState) -> bool:
        """Return whether the clock should move: it stands at half-time and in penalties."""
        return match.period in RUNNING_PERIODS


NOTHING_BESIDE: Final = FootballState()


def football_of(match: MatchState) -> FootballState:
    """Return what is told of a football match beside its score and clock; nothing where nothing is."""
    return match.sport if isinstance(match.sport, FootballState) else NOTHING_BESIDE
