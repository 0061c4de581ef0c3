"""What an exchange market definition says: which fixture and market it is, how play stands, who won."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from gateway.feeds.betfair_market import ExchangeMarket, Runner
from gateway.feeds.refusals import MessageMalformed
from overround.feed.v1.feed_pb2 import MarketResult, OutcomeResult, ResultKind
from overround.odds.v1.fixture_pb2 import FixtureDescription, FixtureStatus, Participant

FACTOR_ONE: Final = 1_000_000
NAME_LENGTH_MAX: Final = 200
SPORTS: Final[Mapping[str, str]] = {
    "1": "football",
    "2": "tennis",
    "3": "golf",
    "4": "cricket",
    "5": "rugby-union",
    "7": "horse-racing",
    "1477": "rugby-league",
    "3503": "darts",
    "4339": "greyhound-racing",
    "6422": "snooker",
    "6423": "american-football",
    "7522": "basketball",
    "7524": "ice-hockey",
}
_RACING: Final = frozenset({"7", "4339"})
_MAIN_MARKETS: Final[Mapping[str, str]] = {"MATCH_ODDS": "match_odds", "WIN": "win"}
_EVENT_ID = re.compile(r"[0-9]{1,18}", re.ASCII)
_MARKET_TYPE = re.compile(r"[A-Z0-9_]{1,64}", re.ASCII)
_DRAW: Final = "The Draw"


def is_offered(definition: Mapping[str, Any]) -> bool:
    """Return whether a market pays plain odds; lines, ranges and each-way markets are left alone."""
    return definition.get("bettingType", "ODDS") == "ODDS" and definition.get("marketType") != "EACH_WAY"


def locate(exchange_id: str, definition: Mapping[str, Any]) -> ExchangeMarket:
    """Return the market a definition is of, without prices.

    Raises:
        MessageMalformed: If its event or its type does not have its form.
    """
    event_id, market_type = str(definition["eventId"]), str(definition["marketType"])
    if not _EVENT_ID.fullmatch(event_id) or not _MARKET_TYPE.fullmatch(market_type):
        raise MessageMalformed(f"A market must have an event and a type, had {event_id[:32]!r}, {market_type[:64]!r}")
    fixture_id = f"betfair:{event_id}"
    if definition.get("eventTypeId") in _RACING:
        fixture_id += f".{_start_of(definition):%H%M}"
    market_id = _MAIN_MARKETS.get(market_type, f"betfair:{market_type}")
    return ExchangeMarket(market_id=market_id, exchange_id=str(exchange_id), fixture_id=fixture_id)


def describe(market: ExchangeMarket, definition: Mapping[str, Any]) -> FixtureDescription:
    """Return what the fixture is; teams are named where the event is called "A v B"."""
    event_name = str(definition.get("eventName", ""))[:NAME_LENGTH_MAX]
    home_name, is_pairing, away_name = event_name.partition(" v ")
    return FixtureDescription(
        sport=SPORTS.get(str(definition.get("eventTypeId", "")), ""),
        competition="" if is_pairing else event_name,
        home_name=home_name if is_pairing else "",
        away_name=away_name,
        start_time_ms=round(_start_of(definition).timestamp() * 1000),
        participants=[
            Participant(id=runner.outcome_id, name=runner.name[:NAME_LENGTH_MAX] or runner.outcome_id)
            for runner in market.runner_by_id.values()
            if runner.name != _DRAW
        ],
    )


def status_of(definition: Mapping[str, Any]) -> FixtureStatus.ValueType:
    """Return where the fixture stands; its main market's end is its own."""
    if definition["status"] == "CLOSED" and definition["marketType"] in _MAIN_MARKETS:
        return FixtureStatus.FIXTURE_STATUS_ENDED
    if definition.get("inPlay"):
        return FixtureStatus.FIXTURE_STATUS_IN_PLAY
    return FixtureStatus.FIXTURE_STATUS_PRE_MATCH


def results_of(market: ExchangeMarket, definition: Mapping[str, Any]) -> MarketResult | None:
    """Return how every runner of a closed market came out; None while one is not decided.

    Where more runners won than there are places, they share them: the dead-heat factor is places by winners.
    """
    if definition["status"] != "CLOSED":
        return None
    statuses = [runner.status for runner in market.runner_by_id.values()]
    won_count = sum(status in ("WINNER", "PLACED") for status in statuses)
    place_count = int(definition.get("numberOfWinners", 1))
    dead_heat_factor_micro = FACTOR_ONE
    if 0 < place_count < won_count:
        dead_heat_factor_micro = FACTOR_ONE * place_count // won_count
    if not statuses or not all(status in _DECIDED for status in statuses):
        return None
    return MarketResult(
        kind=ResultKind.RESULT_KIND_SETTLEMENT,
        market_id=market.market_id,
        outcomes=[_outcome_of(runner, dead_heat_factor_micro) for runner in market.runner_by_id.values()],
        certainty=2,
    )


_DECIDED: Final = frozenset({"WINNER", "PLACED", "LOSER", "REMOVED", "REMOVED_VACANT"})


def _outcome_of(runner: Runner, dead_heat_factor_micro: int) -> OutcomeResult:
    is_won = runner.status in ("WINNER", "PLACED")
    return OutcomeResult(
        outcome_id=runner.outcome_id,
        win_factor_micro=FACTOR_ONE if is_won else 0,
        void_factor_micro=FACTOR_ONE if runner.status.startswith("REMOVED") else 0,
        dead_heat_factor_micro=dead_heat_factor_micro if is_won else FACTOR_ONE,
    )


def _start_of(definition: Mapping[str, Any]) -> datetime:
    start = datetime.fromisoformat(definition["marketTime"])
    if start.tzinfo is None or start.year < 1970:
        raise MessageMalformed(f"Market time must have a zone, was {definition['marketTime']!r}")
    return start
