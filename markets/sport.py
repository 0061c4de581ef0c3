"""What is declared of a sport: one entry, in a file of its own below `markets/sports/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from markets.goal_games import GoalGame
from markets.market_type import MarketType


@dataclass(frozen=True, slots=True)
class OddsApiName:
    """What The Odds API calls a sport.

    Attributes:
        kind: What keys of its competitions begin with.
        types: Ids of our types of markets by its keys of markets; others are counted as unknown.
    """

    kind: str
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sport:
    """A sport: what it is called, by us and by the feeds, and what is asked about its fixtures.

    Attributes:
        name: As descriptions of fixtures have it.
        types: Types of markets on its fixtures, its own and those it has in common with others; those that are asked
            about any contest are not among them.
        exchange: Number of the exchange's event type; empty for none.
        is_race: The exchange has a race as a market of an event, which is the meeting.
        uof: Id in the Unified Odds Feed; empty for none: then its name there is taken.
        odds_api: Its name in The Odds API; None for none: then the key's own is taken.
        goal_game: What a game is like where goals by periods are played for: such a sport is priced, settled and
            simulated by this entry alone. None where other things are.
    """

    name: str
    types: tuple[MarketType, ...] = ()
    exchange: str = ""
    is_race: bool = False
    uof: str = ""
    odds_api: OddsApiName | None = None
    goal_game: GoalGame | None = None
