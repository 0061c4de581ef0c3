"""What a Unified Odds Feed document says a fixture is."""

from __future__ import annotations

from typing import Final

from lxml import etree

from gateway.feeds.uof_catalogue import SPORT_BY_ID
from gateway.feeds.uof_values import attribute, time_ms_of
from overround.odds.v1.fixture_pb2 import FixtureDescription

REMEMBERED_MAX: Final = 16_384
_NAME_LENGTH_MAX: Final = 200


class DescriptionMemory:
    """What is known of each fixture, since a change tells only what changed and a description is replaced whole."""

    def __init__(self) -> None:
        self._description_by_fixture: dict[str, FixtureDescription] = {}

    def merge(self, fixture_id: str, news: FixtureDescription) -> FixtureDescription:
        """Return what is known with the fields of the news that are set."""
        known = self._description_by_fixture.pop(fixture_id, None) or FixtureDescription()
        if len(self._description_by_fixture) >= REMEMBERED_MAX:
            del self._description_by_fixture[next(iter(self._description_by_fixture))]
        known.MergeFrom(news)
        self._description_by_fixture[fixture_id] = known
        return known

    def sport_of(self, fixture_id: str) -> str:
        """Return what is played, empty where that is not known."""
        known = self._description_by_fixture.get(fixture_id)
        return "" if known is None else known.sport


def description_from(fixture: etree._Element) -> FixtureDescription:
    """Return the description in a `fixture` element.

    Raises:
        MessageMalformed: If its start is no time.
    """
    tournament = fixture.find("{*}tournament")
    sport = fixture.find(".//{*}sport")
    return FixtureDescription(
        sport=_sport_of(sport) if sport is not None else "",
        competition=_name_of(tournament) if tournament is not None else "",
        home_name=_competitor(fixture, "home"),
        away_name=_competitor(fixture, "away"),
        start_time_ms=time_ms_of(fixture, "start_time") or time_ms_of(fixture, "scheduled"),
    )


def _competitor(fixture: etree._Element, qualifier: str) -> str:
    for competitor in fixture.iterfind("{*}competitors/{*}competitor"):
        if attribute(competitor, "qualifier") == qualifier:
            return _name_of(competitor)
    return ""


def _sport_of(sport: etree._Element) -> str:
    return SPORT_BY_ID.get(attribute(sport, "id"), _name_of(sport).lower().replace(" ", "-"))[:_NAME_LENGTH_MAX]


def _name_of(element: etree._Element) -> str:
    return attribute(element, "name")[:_NAME_LENGTH_MAX]
