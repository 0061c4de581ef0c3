"""Races: where one stands, and the types of markets on who is placed."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from markets.fixture import MatchState, SportState
from markets.market_type import Family, Group, MarketType, Role
from markets.sport import Sport
from markets.winners import ANY_WINNERS, Winners

WIN: Final = "win"
PLACES: Final = {f"place_{places}": places for places in (2, 3, 4)}
"""Places that are paid, by type of market."""

TYPES: Final = (
    MarketType(WIN, "To win", outcomes=Family.RUNNERS, group=Group.POPULAR, role=Role.LEADING, exchange=("WIN",)),
    # How many places are paid is told with the prices.
    MarketType(
        "place",
        "To be placed",
        outcomes=Family.RUNNERS,
        winners=ANY_WINNERS,
        exchange=("PLACE", "OTHER_PLACE", "TO_BE_PLACED"),
    ),
    *(
        MarketType(
            type_id,
            f"To be in the first {('two', 'three', 'four')[places - 2]}",
            outcomes=Family.RUNNERS,
            group=Group.POPULAR,
            winners=Winners(places),
        )
        for type_id, places in PLACES.items()
    ),
)

SPORTS: Final = (
    Sport("horse-racing", TYPES, exchange="7", is_race=True),
    Sport("greyhound-racing", TYPES, exchange="4339", is_race=True),
)
RACING: Final = tuple(sport.name for sport in SPORTS)


@dataclass(frozen=True, slots=True)
class Runner:
    """A runner of a race.

    Attributes:
        runner_id: As outcome ids have it.
        is_withdrawn: It does not start.
        position: Where it runs, or finished: 1 for first, equal ones share it; 0 for not known or not placed.
        withdrawn_time_ms: When it was withdrawn, since the Unix epoch; 0 for not.
        withdrawn_odds_milli: Its decimal odds then, times 1000; 0 where nobody knows.
    """

    runner_id: str
    is_withdrawn: bool = False
    position: int = 0
    withdrawn_time_ms: int = 0
    withdrawn_odds_milli: int = 0


@dataclass(frozen=True, slots=True)
class RaceState:
    """Runners and their positions; a race has no score.

    Attributes:
        is_official: The positions are the result.
    """

    runners: tuple[Runner, ...] = ()
    is_official: bool = False

    def has_news_over(self, held: SportState | None) -> bool:
        """Return whether a runner was withdrawn."""
        return isinstance(held, RaceState) and self._incidents != held._incidents

    def progress(self, _match: MatchState) -> int:
        """Return how far it is: off, and official."""
        return sum(runner.position > 0 for runner in self.runners) + (self.is_official << 16)

    def is_clock_running(self, _match: MatchState) -> bool:
        """Return that there is no clock."""
        return False

    @property
    def _incidents(self) -> Hashable:
        return tuple(runner.runner_id for runner in self.runners if runner.is_withdrawn)
