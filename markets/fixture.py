"""What a fixture is and where it stands. Numbers of the enumerations travel on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

FOOTBALL: Final = "football"


class FixtureStatus(IntEnum):
    """Where a fixture stands."""

    UNKNOWN = 0
    PRE_MATCH = 1
    IN_PLAY = 2
    ENDED = 3
    CANCELLED = 4


class Period(IntEnum):
    """Part of a match."""

    UNKNOWN = 0
    NOT_STARTED = 1
    FIRST_HALF = 2
    HALF_TIME = 3
    SECOND_HALF = 4
    EXTRA_TIME = 5
    PENALTIES = 6
    FINISHED = 7


RUNNING_PERIODS: Final = frozenset({Period.FIRST_HALF, Period.SECOND_HALF, Period.EXTRA_TIME})


class MarketStatus(IntEnum):
    """Whether a market takes bets."""

    UNKNOWN = 0
    OPEN = 1
    SUSPENDED = 2
    CLOSED = 3
    SETTLED = 4
    CANCELLED = 5
    HANDED_OVER = 6


class SuspensionReason(IntEnum):
    """Why a market is suspended."""

    NONE = 0
    PROVIDER = 1
    BET_STOP = 2
    PROVIDER_DOWN = 3
    CLOCK_STALE = 4
    TRADER = 5
    NO_PRICE = 6
    NOT_STARTED_IN_TIME = 7
    NOT_RESTORED = 8
    PRICING_FAILED = 9
    RESULT_REFERRED = 10


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody an outcome may be named after."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class FixtureDescription:
    """What a fixture is: changes seldom."""

    sport: str = ""
    competition: str = ""
    home_name: str = ""
    away_name: str = ""
    start_time_ms: int = 0
    participants: tuple[Participant, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """Goals at some time of a match."""

    home: int
    away: int


class SportState(Protocol):
    """What a sport has beside status, score and clock; a frozen value that equals another of the same content."""

    def has_news_over(self, held: SportState | None) -> bool:
        """Return whether something has happened that prices must know of: those from before do not count."""

    def progress(self, match: MatchState) -> int:
        """Return how much was played: rises as play goes on."""

    def is_clock_running(self, match: MatchState) -> bool:
        """Return whether a clock should be moving."""


@dataclass(frozen=True, slots=True)
class MatchState:
    """What is going on in a match now: replaced whole.

    Attributes:
        home_score: Goals, or the sport's own: sets won, points, runs.
        is_score_unknown: The provider did not tell the score; what was known of it holds.
        sport: What the sport has beside; None where the provider does not tell it.
    """

    status: FixtureStatus = FixtureStatus.UNKNOWN
    period: Period = Period.UNKNOWN
    home_score: int = 0
    away_score: int = 0
    clock_seconds: int | None = None
    is_score_unknown: bool = False
    sport: SportState | None = None

    @property
    def is_clock_running(self) -> bool:
        """Return whether the match has a clock that must move."""
        if self.status is not FixtureStatus.IN_PLAY or self.clock_seconds is None:
            return False
        return self.period in RUNNING_PERIODS if self.sport is None else self.sport.is_clock_running(self)

    @property
    def progress(self) -> tuple[int, int, int, int]:
        """Return how far it is: the greater the further."""
        played = self.home_score + self.away_score if self.sport is None else self.sport.progress(self)
        return int(self.status), int(self.period), played, self.clock_seconds or 0

    def has_news_over(self, held: MatchState) -> bool:
        """Return whether something has happened that prices must know of; one may tell less of its sport than another.

        A goal, a new period, or what the sport calls one.
        """
        if self.period is not held.period or (self.home_score, self.away_score) != (held.home_score, held.away_score):
            return True
        return self.sport is not None and self.sport.has_news_over(held.sport)
