"""What an exchange market definition says: which fixture and market it is, and who plays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from gateway.feeds.betfair_market import ExchangeMarket
from gateway.feeds.ordering import TIME_MS_MAX
from gateway.feeds.refusals import MessageMalformed
from markets.catalogue import BETFAIR, SPORTS, TYPES
from markets.market_type import Family, Role
from markets.sport import Sport
from overround.odds.v1.fixture_pb2 import FixtureDescription, Participant

NAME_LENGTH_MAX: Final = 200
SPORT_BY_EVENT_TYPE: Final[Mapping[str, Sport]] = {sport.exchange: sport for sport in SPORTS.values() if sport.exchange}
# Of others the exchange has outcomes that are no runners, or several in an event.
MAIN_MARKETS: Final[Mapping[str, str]] = {
    name: known.type_id
    for known in TYPES
    for name in known.exchange
    if known.role is Role.LEADING and known.outcomes is Family.RUNNERS
}
_EVENT_ID = re.compile(r"[0-9]{1,18}", re.ASCII)
_MARKET_TYPE = re.compile(r"[A-Z0-9_]{1,64}", re.ASCII)
_EXCHANGE_ID = re.compile(r"[0-9.]{1,32}", re.ASCII)
_PAIRING = re.compile(r"(?P<first>.+?) (?P<link>v|[Vv][Ss]\.?|VS\.?|@) (?P<second>.+)")
_DRAW: Final = "The Draw"


def is_offered(definition: Mapping[str, Any]) -> bool:
    """Return whether a market pays plain odds; lines, ranges and each-way markets are left alone."""
    return definition.get("bettingType", "ODDS") == "ODDS" and definition.get("marketType") != "EACH_WAY"


def is_race(definition: Mapping[str, Any]) -> bool:
    """Return whether it is of horses or greyhounds."""
    sport = _sport_of(definition)
    return sport is not None and sport.is_race


def locate(exchange_id: str, definition: Mapping[str, Any]) -> ExchangeMarket:
    """Return the market a definition is of, without prices.

    An event may have many markets of one type, so that the exchange's own id is part of ours; only what asks who wins
    the fixture is there once, and has the name that other providers give it.

    Raises:
        MessageMalformed: If its id, its event, its type or, of a race, its start does not have its form.
    """
    event_id, market_type = str(definition.get("eventId")), str(definition.get("marketType"))
    texts = ((_EXCHANGE_ID, exchange_id), (_EVENT_ID, event_id), (_MARKET_TYPE, market_type))
    if not all(pattern.fullmatch(text) for pattern, text in texts):
        raise MessageMalformed(
            "A market must have an id, an event and a type, "
            f"had {exchange_id[:32]!r}, {event_id[:32]!r} and {market_type[:64]!r}"
        )
    fixture_id = f"betfair:{event_id}"
    if is_race(definition):
        fixture_id += f".{_start_of(definition):%H%M}"
    market_id = MAIN_MARKETS.get(market_type) or own_market_id(exchange_id, market_type)
    market = ExchangeMarket(
        market_id=market_id, market_type=market_type, exchange_id=exchange_id, fixture_id=fixture_id
    )
    market.place_count = 1 if market_type in MAIN_MARKETS else None
    return market


def own_market_id(exchange_id: str, market_type: str) -> str:
    """Return the id of a market that only the exchange has."""
    return f"{BETFAIR}:{market_type}:{exchange_id}"


def describe(market: ExchangeMarket, definition: Mapping[str, Any]) -> FixtureDescription:
    """Return what the fixture is; teams are named where the event is called "A v B", "A vs B" or "B @ A".

    Raises:
        MessageMalformed: If its start is no time.
    """
    event_name = str(definition.get("eventName") or "")[:NAME_LENGTH_MAX]
    home_name, away_name = _sides_of(event_name)
    sport = _sport_of(definition)
    return FixtureDescription(
        sport=sport.name if sport is not None else "",
        competition="" if home_name else event_name,
        home_name=home_name,
        away_name=away_name,
        start_time_ms=round(_start_of(definition).timestamp() * 1000),
        participants=[
            Participant(id=runner.outcome_id, name=runner.name[:NAME_LENGTH_MAX] or runner.outcome_id)
            for runner in market.runner_by_id.values()
            if runner.name != _DRAW
        ],
    )


def time_ms_of(text: Any) -> int:
    """Return a time of the exchange, milliseconds since the Unix epoch.

    Raises:
        MessageMalformed: If it is none, has no zone, or is not in the times that are taken.
    """
    return round(_time_of(text).timestamp() * 1000)


def _sport_of(definition: Mapping[str, Any]) -> Sport | None:
    return SPORT_BY_EVENT_TYPE.get(str(definition.get("eventTypeId", "")))


def _sides_of(event_name: str) -> tuple[str, str]:
    """Return who is at home and who is away, nobody where two are not named; "@" has the home side second."""
    found = _PAIRING.fullmatch(event_name)
    if found is None:
        return "", ""
    sides = found["first"], found["second"]
    return sides if found["link"] != "@" else sides[::-1]


def _start_of(definition: Mapping[str, Any]) -> datetime:
    return _time_of(definition.get("marketTime"))


def _time_of(text: Any) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise MessageMalformed(f"A time must be like 2026-01-02T12:00:00.000Z, was {str(text)[:32]!r}") from None
    if time.tzinfo is None or not 1 <= time.timestamp() * 1000 <= TIME_MS_MAX:
        raise MessageMalformed(f"A time must have a zone and be after 1970, was {text[:32]!r}")
    return time
