"""What is declared of a type of markets: one entry each, in the file of its sport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from markets.winners import ONE_WINNER, Winners


class Part(Enum):
    """Which part of a match a market is about; the value begins its id."""

    MATCH = ""
    FIRST_HALF = "first_half_"
    SECOND_HALF = "second_half_"

    @property
    def words(self) -> str:
        """What screens call it."""
        return self.name.capitalize().replace("_", " ")


class Role(IntEnum):
    """What a market is to its fixture."""

    LEADING = 1
    """It asks who wins the fixture, and comes first in its book."""
    MAIN = 2
    """It is one of the heavily traded ones beside that."""
    SIDE = 3


class Line(Enum):
    """What number a market's id ends with."""

    NONE = "none"
    TOTAL = "total"
    """The count that its outcomes are over and under: whole, half or quarter."""
    HANDICAP = "handicap"
    """What the home side is given before scores are compared: whole, half or quarter; a push gives stakes back."""
    START = "start"
    """The same as a whole number, with a draw among the outcomes."""
    ORDINAL = "ordinal"
    """The n-th of something."""
    COUNT = "count"
    """So many of something."""


class Family(Enum):
    """Outcomes that are not the same in every market of a type."""

    SCORES = 'scores ("2-1") and "other"'
    COUNTS = 'counts, the last one open ("0", "1", "2+")'
    RANGES = 'ranges of counts, the last one open ("0-1", "2+")'
    MARGINS = 'side and margin, the last one open ("home:2", "away:3+"), and "draw"'
    BANDS = 'bands of minutes ("16-30") and "none"'
    RUNNERS = "who takes part"


class Group(Enum):
    """Markets that a screen shows together, in this order."""

    POPULAR = "Popular"
    GOALS = "Goals"
    TOTALS = "Totals"
    HANDICAP = "Handicap"
    SCORE = "Score"
    HALVES = "Halves"
    MORE = "More"


@dataclass(frozen=True, slots=True)
class UofName:
    """A type's number in the Unified Odds Feed.

    Attributes:
        specifier: Name of the one specifier that becomes our line; empty for none.
        outcomes: Our ids by its numbers of outcomes. Where there are none the market keeps an id of the feed's own.
    """

    number: str
    part: Part = Part.MATCH
    specifier: str = ""
    outcomes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MarketType:
    """A question that is asked about fixtures.

    Attributes:
        type_id: What ids of its markets begin with, the part of the match left out.
        words: What screens call it; "{line}", "{signed}" and "{nth}" stand for the line, with its sign, as an ordinal.
        outcomes: Their ids, or their family.
        winners: Which of them can win together.
        uof: What the Unified Odds Feed calls it.
        exchange: What the exchange calls it, by market type; "#" stands for a line.
    """

    type_id: str
    words: str
    outcomes: tuple[str, ...] | Family = Family.RUNNERS
    group: Group = Group.MORE
    line: Line = Line.NONE
    role: Role = Role.SIDE
    winners: Winners = ONE_WINNER
    uof: tuple[UofName, ...] = ()
    exchange: tuple[str, ...] = ()
