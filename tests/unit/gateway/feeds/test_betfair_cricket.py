"""The exchange's cricket stream, part by part."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.feeds.betfair import BetfairAdapter
from gateway.feeds.reading import Reading
from overround.odds.v1.fixture_pb2 import CricketInnings, FixtureStatus
from tests.builders.betfair_lines import begun, definition, line

SIDES = {"homeTeam": {"name": "Ham", "selectionId": 11}, "awayTeam": {"name": "Egg", "selectionId": 22}}


def innings(number: int, side: str | None, runs: Any, overs: Any, wickets: Any = 0) -> dict[str, Any]:
    return {
        "inningsNum": number,
        "battingTeam": side,
        "inningsRuns": runs,
        "inningsOvers": overs,
        "inningsWickets": wickets,
    }


def told(*played: dict[str, Any], current: int = 1, overs: Any = 20) -> dict[str, Any]:
    return {"fixtureInfo": {"maxOvers": overs}, "matchStats": {"currentInnings": current, "inningsStats": list(played)}}


def ball(adapter: BetfairAdapter, time_ms: int, *changes: dict[str, Any], event_id: str = "77") -> Reading:
    parts = [{"eventId": event_id, **change} for change in changes]
    return adapter.read(orjson.dumps({"op": "ccm", "pt": time_ms, "cc": parts}))


@pytest.fixture
def adapter() -> BetfairAdapter:
    return begun()


def test_sides_get_their_names_and_innings_their_balls(adapter: BetfairAdapter) -> None:
    (named,) = ball(adapter, 2, SIDES).updates
    assert (named.description.home_name, named.description.away_name) == ("Ham", "Egg")
    assert {item.id: item.name for item in named.description.participants} == {"11": "Ham", "22": "Egg"}
    assert not named.HasField("state")
    (update,) = ball(adapter, 3, told(innings(1, "Egg", 57, "8.4", 2), innings(2, None, 0, "0.0"))).updates
    assert not update.HasField("description")
    assert (update.state.home_score, update.state.away_score) == (0, 57)
    assert update.state.cricket.innings_balls == 120
    assert list(update.state.cricket.innings) == [CricketInnings(runs=57, wickets=2, balls=52)]


def test_what_is_told_again_is_no_news(adapter: BetfairAdapter) -> None:
    change = told(innings(1, "Ham", 4, "0.3"))
    assert len(ball(adapter, 2, SIDES, change).updates) == 2
    assert not ball(adapter, 3, change, {"fixtureInfo": {"eventStatus": "BALL_IN_PROGRESS"}}).updates


def test_the_state_of_the_market_keeps_the_balls(adapter: BetfairAdapter) -> None:
    ball(adapter, 2, SIDES, told(innings(1, "Ham", 4, "0.3")))
    (update,) = adapter.read(line(3, marketDefinition=definition(inPlay=True))).updates
    assert update.state.status == FixtureStatus.FIXTURE_STATUS_IN_PLAY
    assert (update.state.home_score, update.state.cricket.innings[0].balls) == (4, 3)


def test_a_match_none_of_whose_markets_is_followed_is_left_alone(adapter: BetfairAdapter) -> None:
    assert not ball(adapter, 2, SIDES, event_id="10").updates


def test_innings_of_nobody_s_are_not_known_yet(adapter: BetfairAdapter) -> None:
    ball(adapter, 2, SIDES)
    assert not ball(adapter, 3, told(innings(1, "0", 0, "0.0"))).updates


@pytest.mark.parametrize(
    "change",
    [
        told(innings(1, "Ham", -1, "1.0")),
        told(innings(1, "Ham", 1, "1.6")),
        told(innings(1, "Ham", 1, 1.2)),
        told(innings(1, "Ham", 1, "1.0", 11)),
        told(innings(1, "Ham", 1, "1.0"), current=True),
        told(innings(1, "Ham", 1, "1.0"), overs=101),
        {"matchStats": {"currentInnings": 1}},
        {"fixtureInfo": "none"},
    ],
)
def test_what_cannot_be_is_refused_and_the_score_is_not_known_until_it_is_told(
    adapter: BetfairAdapter, change: dict[str, Any]
) -> None:
    good = told(innings(1, "Ham", 1, "1.0"))
    ball(adapter, 2, SIDES, good)
    reading = ball(adapter, 3, change)
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]
    (update,) = reading.updates
    assert update.state.is_score_unknown
    assert not update.state.HasField("cricket")
    (update,) = ball(adapter, 4, good).updates
    assert (update.state.is_score_unknown, update.state.home_score) == (False, 1)


def test_changes_that_are_no_list_are_refused(adapter: BetfairAdapter) -> None:
    reading = adapter.read(orjson.dumps({"op": "ccm", "pt": 2, "cc": {"eventId": "77"}}))
    assert not reading.updates
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]
