"""The Unified Odds Feed's numbers in our words: markets, outcomes, statuses, periods."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from gateway.feeds.refusals import MessageMalformed
from markets.catalogue import SPORTS, TYPES, UOF, market_of
from overround.odds.v1.book_pb2 import MarketStatus
from overround.odds.v1.fixture_pb2 import FixtureStatus, Period

_ID = re.compile(r"[0-9]{1,9}")
_OUTCOME_ID = re.compile(r"[!-~]{1,128}")
_SPECIFIER = re.compile(r"[A-Za-z0-9_]{1,32}=[!-<>-{}~]{1,128}")
_SPECIFIERS_MAX: Final = 16
_MARKET_ID_LENGTH_MAX: Final = 200
IDS_CACHED_MAX: Final = 65_536


@dataclass(frozen=True, slots=True)
class KnownMarket:
    """A market that we have a name of our own for.

    Attributes:
        specifier: Name of the one specifier that becomes part of our market id; empty for none.
    """

    name: str
    specifier: str
    outcome_id_by_number: Mapping[str, str]


KNOWN_MARKETS: Final[Mapping[str, KnownMarket]] = {
    name.number: KnownMarket(f"{name.part.value}{known.type_id}", name.specifier, name.outcomes)
    for known in TYPES
    for name in known.uof
    if name.outcomes
}

MARKET_STATUSES: Final[Mapping[str, MarketStatus.ValueType]] = {
    "1": MarketStatus.MARKET_STATUS_OPEN,
    "0": MarketStatus.MARKET_STATUS_CLOSED,
    "-1": MarketStatus.MARKET_STATUS_SUSPENDED,
    "-2": MarketStatus.MARKET_STATUS_HANDED_OVER,
    "-3": MarketStatus.MARKET_STATUS_SETTLED,
    "-4": MarketStatus.MARKET_STATUS_CANCELLED,
}

FIXTURE_STATUSES: Final[Mapping[str, FixtureStatus.ValueType]] = {
    "0": FixtureStatus.FIXTURE_STATUS_PRE_MATCH,
    "1": FixtureStatus.FIXTURE_STATUS_IN_PLAY,
    "2": FixtureStatus.FIXTURE_STATUS_IN_PLAY,  # suspended for a while
    "3": FixtureStatus.FIXTURE_STATUS_ENDED,
    "4": FixtureStatus.FIXTURE_STATUS_ENDED,  # closed: results confirmed
    "5": FixtureStatus.FIXTURE_STATUS_CANCELLED,
    "6": FixtureStatus.FIXTURE_STATUS_PRE_MATCH,  # delayed
    "7": FixtureStatus.FIXTURE_STATUS_IN_PLAY,  # interrupted
    "8": FixtureStatus.FIXTURE_STATUS_CANCELLED,  # postponed
    "9": FixtureStatus.FIXTURE_STATUS_CANCELLED,  # abandoned
}

PERIODS: Final[Mapping[str, Period.ValueType]] = {
    "0": Period.PERIOD_NOT_STARTED,
    "6": Period.PERIOD_FIRST_HALF,
    "31": Period.PERIOD_HALF_TIME,
    "7": Period.PERIOD_SECOND_HALF,
    "22": Period.PERIOD_NOT_STARTED,  # about to
    "61": Period.PERIOD_NOT_STARTED,  # delayed
    "32": Period.PERIOD_EXTRA_TIME,  # awaiting it
    "33": Period.PERIOD_EXTRA_TIME,  # its half-time
    "35": Period.PERIOD_EXTRA_TIME,  # something after normal time is awaited
    "36": Period.PERIOD_EXTRA_TIME,
    "40": Period.PERIOD_EXTRA_TIME,
    "41": Period.PERIOD_EXTRA_TIME,
    "42": Period.PERIOD_EXTRA_TIME,
    "34": Period.PERIOD_PENALTIES,  # awaiting them
    "50": Period.PERIOD_PENALTIES,
    "51": Period.PERIOD_PENALTIES,
    "52": Period.PERIOD_PENALTIES,
    "100": Period.PERIOD_FINISHED,
    "110": Period.PERIOD_FINISHED,  # after extra time
    "120": Period.PERIOD_FINISHED,  # after penalties
}
FIRST_HALF: Final = "6"
SECOND_HALF: Final = "7"
AWAITING_EXTRA_TIME: Final = "32"
AFTER_MORE_THAN_NORMAL_TIME: Final = frozenset({"110", "120"})
CALLED_OFF: Final = frozenset({"60", "70", "90"})  # postponed, cancelled, abandoned

SPORT_BY_ID: Final[Mapping[str, str]] = {sport.uof: sport.name for sport in SPORTS.values() if sport.uof}


@lru_cache(maxsize=IDS_CACHED_MAX)
def canonical_market_id(number: str, specifiers: str) -> str:
    """Return our id of a market: the same for the same specifiers in whatever order.

    Raises:
        MessageMalformed: If the number or the specifiers do not have their form.
    """
    if not _ID.fullmatch(number):
        raise MessageMalformed(f"Market id must be a number, was {number[:32]!r}")
    parts = _parse_specifiers(specifiers)
    known = KNOWN_MARKETS.get(number)
    if known is not None and list(parts) == ([known.specifier] if known.specifier else []):
        return _bounded(f"{known.name}:{parts[known.specifier]}" if known.specifier else known.name)
    joined = "|".join(f"{name}={value}" for name, value in sorted(parts.items()))
    return _bounded(f"{UOF}:{number}:{joined}" if joined else f"{UOF}:{number}")


def canonical_outcome_id(market_number: str, market_id: str, number: str) -> str:
    """Return our id of an outcome of the market that `canonical_market_id` named.

    Raises:
        MessageMalformed: If it is no id.
    """
    if not _OUTCOME_ID.fullmatch(number):
        raise MessageMalformed(f"Outcome id must be printable, without blanks, was {number[:32]!r}")
    known = KNOWN_MARKETS.get(market_number)
    if known is None or market_of(market_id).is_feeds_own:
        return number
    return known.outcome_id_by_number.get(number, number)


def _bounded(market_id: str) -> str:
    if len(market_id) > _MARKET_ID_LENGTH_MAX:
        raise MessageMalformed(f"A market id has at most {_MARKET_ID_LENGTH_MAX} characters, had {len(market_id)}")
    return market_id


def _parse_specifiers(specifiers: str) -> dict[str, str]:
    if not specifiers:
        return {}
    items = specifiers.split("|")
    if len(items) > _SPECIFIERS_MAX or not all(_SPECIFIER.fullmatch(item) for item in items):
        raise MessageMalformed(f"Specifiers must read a=1|b=2, were {specifiers[:64]!r}")
    parts = dict(item.split("=", 1) for item in items)
    if len(parts) < len(items):
        raise MessageMalformed(f"Specifiers must differ, were {specifiers[:64]!r}")
    return parts
