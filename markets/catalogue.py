"""The types of markets that are known, and what a market's id says.

An id is a type and, where the type has one, its line: "1x2", "total:2.5". Markets of one half begin with it:
"first_half_total:0.5". What a feed has no id of ours for keeps one of the feed's own: "betfair:SET_WINNER:1.102",
"uof:63". Of what is not known here any outcomes may win together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from kernel.errors import InvariantBroken
from markets import contests, sports
from markets.market_type import Line, MarketType, Part, Role
from markets.sport import Sport
from markets.winners import ANY_WINNERS, Winners

IDS_CACHED_MAX: Final = 65_536
BETFAIR: Final = "betfair"
UOF: Final = "uof"


def _declared() -> Iterator[Sport]:
    for module in iter_modules(sports.__path__):
        yield from import_module(f"{sports.__name__}.{module.name}").SPORTS


def by_name(declared: Iterable[Sport]) -> Mapping[str, Sport]:
    """Return sports by name.

    Raises:
        InvariantBroken: If one is declared twice.
    """
    found: dict[str, Sport] = {}
    for sport in declared:
        if sport.name in found:
            raise InvariantBroken(f"A sport must be declared once, {sport.name!r} was twice")
        found[sport.name] = sport
    return found


def _each_once(types: Iterable[MarketType]) -> tuple[MarketType, ...]:
    """Return types in their order; those that sports have in common are one object."""
    return tuple({id(known): known for known in types}.values())


SPORTS: Final = by_name(_declared())
TYPES: Final = _each_once((*contests.TYPES, *(known for sport in SPORTS.values() for known in sport.types)))
UNKNOWN_TYPE: Final = MarketType("", "", winners=ANY_WINNERS)

_TYPE_BY_ID: Final[Mapping[str, MarketType]] = {known.type_id: known for known in TYPES}
_TYPE_BY_FEED_NAME: Final[Mapping[tuple[str, str], MarketType]] = {
    **{(BETFAIR, name): known for known in TYPES for name in known.exchange},
    **{(UOF, name.number): known for known in TYPES for name in known.uof},
}
_LINE_IN_NAME: Final = re.compile(r"[0-9]+$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Market:
    """What a market's id says.

    Attributes:
        name: The id without its specifier: its type with the part of the match, or the feed it is of.
        type: `UNKNOWN_TYPE` where nobody knows it.
        part: Of the match; the whole where the id is a feed's own.
        specifier: What follows the name; empty for nothing.
        is_feeds_own: A feed gave it an id, and ids of outcomes, of its own.
        winners: Which of its outcomes can win together.
    """

    name: str
    type: MarketType
    part: Part
    specifier: str
    is_feeds_own: bool
    winners: Winners

    @property
    def role(self) -> Role:
        """What it is to its fixture: part of a match, or what a feed has beside all that is ours, is a side market."""
        return Role.SIDE if self.is_feeds_own or self.part is not Part.MATCH else self.type.role

    @property
    def is_leading(self) -> bool:
        """Whether it comes first in its fixture's book."""
        return self.role is Role.LEADING and not self.specifier

    @property
    def line(self) -> float | None:
        """The number it ends with; None for none."""
        if self.is_feeds_own or self.type.line is Line.NONE:
            return None
        try:
            return float(self.specifier)
        except ValueError:
            return None


@lru_cache(maxsize=IDS_CACHED_MAX)
def market_of(market_id: str) -> Market:
    """Return what a market's id says."""
    name, _, specifier = market_id.partition(":")
    if name in (BETFAIR, UOF):
        feeds_type = _type_by_feed_name(name, specifier.partition(":")[0])
        return Market(name, feeds_type, Part.MATCH, specifier, True, feeds_type.winners.of_any_names())
    part = next((part for part in (Part.FIRST_HALF, Part.SECOND_HALF) if name.startswith(part.value)), Part.MATCH)
    known = _TYPE_BY_ID.get(name.removeprefix(part.value), UNKNOWN_TYPE)
    return Market(name, known, part, specifier, False, known.winners)


def winners_of(market_id: str) -> Winners:
    """Return which outcomes of a market can win together."""
    return market_of(market_id).winners


def _type_by_feed_name(feed: str, name: str) -> MarketType:
    named = _TYPE_BY_FEED_NAME.get((feed, name))
    return named or _TYPE_BY_FEED_NAME.get((feed, _LINE_IN_NAME.sub("#", name)), UNKNOWN_TYPE)
