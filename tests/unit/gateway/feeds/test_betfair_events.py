"""Events of the exchange: many markets of one fixture, what they say of it together, and how each came out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.feeds.betfair import BetfairAdapter
from gateway.feeds.validation import UpdateValidator
from overround.feed.v1.feed_pb2 import FeedUpdate, MarketResult, Reduction, ResultKind
from overround.odds.v1.book_pb2 import MarketStatus
from overround.odds.v1.fixture_pb2 import FixtureStatus
from tests.builders.betfair_lines import definition, odds_of, only, prices, status_of
from tests.unit.gateway.feeds.test_betfair_stream import HORSES, needs_recordings

WHOLE = 1_000_000
CLOSED = MarketStatus.MARKET_STATUS_CLOSED
IN_PLAY, ENDED = FixtureStatus.FIXTURE_STATUS_IN_PLAY, FixtureStatus.FIXTURE_STATUS_ENDED


def market(exchange_id: str, time_ms: int, *changes: dict[str, Any], **defined: Any) -> bytes:
    change = {"id": exchange_id, "marketDefinition": definition(**defined), "rc": list(changes)}
    return json.dumps({"op": "mcm", "pt": time_ms, "mc": [change]}).encode()


def runners(*statuses: str, **others: Any) -> list[dict[str, Any]]:
    return [{"id": id_, "sortPriority": id_, "status": status} | others for id_, status in enumerate(statuses, 1)]


def backs(*odds: float) -> list[dict[str, Any]]:
    return [prices(id_, batb=[[0, price, 10]]) for id_, price in enumerate(odds, 1)]


def closed(*statuses: str, **defined: Any) -> FeedUpdate:
    update = only(BetfairAdapter().read(market("1.5", 1, status="CLOSED", runners=runners(*statuses), **defined)))
    UpdateValidator().check(update)
    return update


def won(update: FeedUpdate) -> list[str]:
    (result,) = update.results
    assert result.market_id == update.quotes.market_ids[0]
    return [outcome.outcome_id for outcome in result.outcomes if outcome.win_factor_micro]


def statuses_told(*raws: bytes) -> list[int]:
    adapter = BetfairAdapter()
    readings = [adapter.read(raw) for raw in raws]
    assert not any(reading.refusals for reading in readings)
    return [update.state.status for reading in readings for update in reading.updates if update.HasField("state")]


@pytest.mark.parametrize("market_type", ["SET_WINNER", "MATCH_BET", "OTHER_PLACE", "MATCH_ODDS", "WIN"])
def test_two_markets_of_one_type_in_an_event_have_prices_and_results_of_their_own(market_type: str) -> None:
    adapter = BetfairAdapter()
    defined = {"marketType": market_type, "eventId": "909"}
    two = runners("ACTIVE", "ACTIVE")
    first = only(adapter.read(market("1.101", 1, *backs(1.5, 2.8), runners=two, **defined)))
    second = only(adapter.read(market("1.102", 2, *backs(1.6, 2.5), runners=two, **defined)))
    assert first.fixture_id == second.fixture_id == "betfair:909"
    assert first.quotes.market_ids != second.quotes.market_ids
    assert [list(odds_of(update).values()) for update in (first, second)] == [[1500, 2800], [1600, 2500]]
    lost_won = runners("LOSER", "WINNER")
    first_closed = only(adapter.read(market("1.101", 3, status="CLOSED", runners=lost_won, **defined)))
    won_lost = runners("WINNER", "LOSER")
    second_closed = only(adapter.read(market("1.102", 4, status="CLOSED", runners=won_lost, **defined)))
    assert first_closed.quotes.market_ids == first.quotes.market_ids
    assert second_closed.quotes.market_ids == second.quotes.market_ids
    assert (won(first_closed), won(second_closed)) == (["2"], ["1"])


def test_ids_say_the_type_and_the_exchange_market_and_main_markets_are_as_everywhere() -> None:
    ids = [
        only(BetfairAdapter().read(market("1.7", 1, marketType=market_type))).quotes.market_ids[0]
        for market_type in ("MATCH_ODDS", "WIN", "OVER_UNDER_25")
    ]
    assert ids == ["match_odds", "win", "betfair:OVER_UNDER_25:1.7"]


@pytest.mark.parametrize(
    ("name", "home", "away"),
    [
        ("Ajax v PSV", "Ajax", "PSV"),
        ("Man Utd vs Leeds", "Man Utd", "Leeds"),
        ("Man Utd vs. Leeds", "Man Utd", "Leeds"),
        ("Boston Celtics @ LA Lakers", "LA Lakers", "Boston Celtics"),
        ("Ham 14th Jun", "", ""),
        ("v PSV", "", ""),
        ("Nov Vsetin", "", ""),
    ],
)
def test_teams_are_read_from_the_name_of_the_event(name: str, home: str, away: str) -> None:
    description = only(BetfairAdapter().read(market("1.5", 1, eventName=name))).description
    assert (description.home_name, description.away_name) == (home, away)
    assert description.competition == ("" if home else name)


def test_a_side_market_takes_play_no_way_back() -> None:
    half_time = {"marketType": "HALF_TIME", "status": "SUSPENDED"}
    told = statuses_told(market("1.1", 1, inPlay=True), market("1.2", 2, **half_time), market("1.1", 3, inPlay=False))
    assert told == [IN_PLAY]


def test_a_side_market_that_is_in_play_puts_the_fixture_in_play() -> None:
    side = {"marketType": "HALF_TIME", "inPlay": True}
    assert statuses_told(market("1.2", 1, **side), market("1.1", 2, inPlay=False)) == [IN_PLAY]


def test_a_fixture_that_ended_is_not_revived() -> None:
    half_time = {"marketType": "HALF_TIME", "inPlay": True}
    ended = market("1.1", 2, status="CLOSED", inPlay=True)
    again = market("1.1", 4, status="OPEN", inPlay=True)
    told = statuses_told(market("1.1", 1, inPlay=True), ended, market("1.2", 3, **half_time), again)
    assert told == [IN_PLAY, ENDED]


def test_the_end_of_a_side_market_is_not_the_end() -> None:
    half_time = {"marketType": "HALF_TIME", "status": "CLOSED", "inPlay": True}
    assert statuses_told(market("1.1", 1, inPlay=True), market("1.2", 2, **half_time)) == [IN_PLAY]


def test_the_main_market_describes_the_fixture_and_the_others_add_their_runners() -> None:
    adapter = BetfairAdapter()
    sides = [{"id": 1, "name": "Ajax", "status": "ACTIVE"}, {"id": 2, "name": "PSV", "status": "ACTIVE"}]
    goals = [{"id": 8, "name": "Under", "status": "ACTIVE"}, {"id": 9, "name": "Over", "status": "ACTIVE"}]
    side = {"marketType": "OVER_UNDER_25", "eventName": "Ajax v PSV", "runners": goals}
    adapter.read(market("1.2", 1, marketTime="2026-01-02T13:00:00Z", **side))
    adapter.read(market("1.1", 2, marketTime="2026-01-02T12:00:00Z", eventName="Ajax v PSV", runners=sides))
    later = adapter.read(market("1.2", 3, marketTime="2026-01-02T14:00:00Z", **side))
    assert later.updates == []
    added = [*goals, {"id": 10, "name": "Void", "status": "ACTIVE"}]
    description = only(adapter.read(market("1.2", 4, marketTime="2026-01-02T14:00:00Z", **side | {"runners": added})))
    assert description.description.start_time_ms == 1_767_355_200_000
    assert {item.name for item in description.description.participants} == {"Ajax", "PSV", "Under", "Over", "Void"}


def test_winners_share_the_one_place_that_is_paid() -> None:
    (result,) = closed("WINNER", "WINNER", "LOSER", marketType="WIN").results
    assert [(item.win_factor_micro, item.dead_heat_factor_micro) for item in result.outcomes] == [
        (WHOLE, 500_000),
        (WHOLE, 500_000),
        (0, WHOLE),
    ]


@pytest.mark.parametrize(("winners", "places"), [(4, 3), (5, 3), (3, 2), (10, 4)])
def test_more_winners_than_places_is_for_a_person_as_nobody_says_who_tied(winners: int, places: int) -> None:
    came_out = runners(*["WINNER"] * winners, "LOSER", "LOSER")
    raw = market("1.5", 1, marketType="PLACE", numberOfWinners=places, status="CLOSED", runners=came_out)
    reading = BetfairAdapter().read(raw)
    (update,) = reading.updates
    assert (status_of(update), list(update.results)) == (CLOSED, [])
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]
    assert "who tied" in reading.refusals[0].message


def test_a_market_pays_as_many_as_win_where_the_exchange_says_so_and_nobody_where_it_says_nothing() -> None:
    (result,) = closed("WINNER", "WINNER", "LOSER", marketType="MAKE_CUT", numberOfWinners=0).results
    assert {item.dead_heat_factor_micro for item in result.outcomes} == {WHOLE}
    came_out = definition(marketType="MAKE_CUT", status="CLOSED", runners=runners("WINNER", "WINNER", "LOSER"))
    del came_out["numberOfWinners"]
    raw = json.dumps({"op": "mcm", "pt": 1, "mc": [{"id": "1.5", "marketDefinition": came_out}]}).encode()
    (update,) = BetfairAdapter().read(raw).updates
    assert not update.results


def test_a_tie_told_after_a_result_takes_that_back_and_pays_nothing() -> None:
    adapter = BetfairAdapter()
    defined = {"marketType": "PLACE", "numberOfWinners": 2, "status": "CLOSED"}
    only(adapter.read(market("1.5", 1, runners=runners("WINNER", "WINNER", "LOSER", "LOSER"), **defined)))
    reading = adapter.read(market("1.5", 2, runners=runners("WINNER", "WINNER", "WINNER", "LOSER"), **defined))
    (update,) = reading.updates
    assert [result.kind for result in update.results] == [ResultKind.RESULT_KIND_SETTLEMENT_ROLLBACK]


def withdrawn(market_type: str, *factors: Any, removal: Any = "2026-01-02T11:00:00.000Z") -> list[dict[str, Any]]:
    others = runners("WINNER", "LOSER", "LOSER")
    gone = [
        {"id": 10 + place, "status": "REMOVED", "adjustmentFactor": factor, "removalDate": removal}
        for place, factor in enumerate(factors)
    ]
    return [*others, *gone]


def result_of(market_type: str, items: list[dict[str, Any]]) -> MarketResult:
    adapter = BetfairAdapter()
    raw = market("1.5", 77, marketType=market_type, eventTypeId="7", status="CLOSED", runners=items)
    update = only(adapter.read(raw))
    UpdateValidator().check(update)
    (result,) = update.results
    return result


REMOVED_MS = 1_767_351_600_000


@pytest.mark.parametrize(
    ("market_type", "is_off_winnings_only"), [("WIN", False), ("PLACE", True), ("OTHER_PLACE", True)]
)
def test_a_withdrawn_runner_is_void_and_takes_its_factor_off_earlier_bets(
    market_type: str, *, is_off_winnings_only: bool
) -> None:
    result = result_of(market_type, withdrawn(market_type, 20, 12.34))
    assert [
        item.outcome_id for item in result.outcomes if item.void_factor_micro == WHOLE and not item.win_factor_micro
    ] == ["10", "11"]
    assert list(result.reductions) == [
        Reduction(before_ms=REMOVED_MS, deduction_micro=200_000, is_off_winnings_only=is_off_winnings_only),
        Reduction(before_ms=REMOVED_MS, deduction_micro=123_400, is_off_winnings_only=is_off_winnings_only),
    ]


@pytest.mark.parametrize(
    ("market_type", "factor", "deduction_micro"),
    [("WIN", 2.5, 25_000), ("WIN", 2.49, 0), ("WIN", 0, 0), ("WIN", None, 0), ("PLACE", 2.49, 24_900)],
)
def test_small_factors_take_nothing_off_to_win(market_type: str, factor: Any, deduction_micro: int) -> None:
    result = result_of(market_type, withdrawn(market_type, factor))
    assert sum(reduction.deduction_micro for reduction in result.reductions) == deduction_micro


def test_a_removal_without_a_time_counts_from_when_it_was_told() -> None:
    (reduction,) = result_of("WIN", withdrawn("WIN", 20, removal=None)).reductions
    assert reduction.before_ms == 77


@pytest.mark.parametrize(("factor", "removal"), [("x", None), (101, None), (-1, None), (20, "soon"), (20, 7)])
def test_a_reduction_that_cannot_be_read_pays_nobody(factor: Any, removal: Any) -> None:
    raw = market("1.5", 1, marketType="WIN", status="CLOSED", runners=withdrawn("WIN", factor, removal=removal))
    reading = BetfairAdapter().read(raw)
    assert [list(update.results) for update in reading.updates] == [[]]
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]


@needs_recordings
def test_the_recorded_race_reduces_bets_from_before_its_two_withdrawals() -> None:
    (result,) = [result for update in updates_of(HORSES) for result in update.results]
    assert [(item.before_ms, item.deduction_micro, item.is_off_winnings_only) for item in result.reductions] == [
        (1_497_423_650_000, 71_400, False),
        (1_497_432_223_000, 55_500, False),
    ]


def updates_of(path: Path) -> list[FeedUpdate]:
    adapter = BetfairAdapter()
    return [update for raw in path.read_bytes().splitlines() for update in adapter.read(raw).updates]
