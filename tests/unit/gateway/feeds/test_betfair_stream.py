"""The Exchange Stream adapter: recorded markets with what is known of them, and the stream's finer points."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.feeds.betfair import BetfairAdapter
from gateway.feeds.reading import RAW_BYTES_MAX, Reading
from infra.settings import ROOT
from overround.feed.v1.feed_pb2 import FeedUpdate, OutcomeResult, ResultKind
from overround.odds.v1.book_pb2 import MarketStatus
from overround.odds.v1.fixture_pb2 import FixtureStatus
from tests.builders.betfair_lines import begun, definition, line, odds_of, only, prices, reasons, status_of

BETFAIR = ROOT.parent / "shared" / "data" / "betfair"
CRICKET = BETFAIR / "1.200806927"
HORSES = BETFAIR / "BASIC-1.132153978"
OPEN, SUSPENDED, CLOSED = (
    MarketStatus.MARKET_STATUS_OPEN,
    MarketStatus.MARKET_STATUS_SUSPENDED,
    MarketStatus.MARKET_STATUS_CLOSED,
)
WHOLE = 1_000_000

needs_recordings = pytest.mark.skipif(not BETFAIR.is_dir(), reason="the reference data is not beside the repository")


def updates_of(path: Path) -> list[FeedUpdate]:
    adapter = BetfairAdapter()
    updates: list[FeedUpdate] = []
    for raw in path.read_bytes().splitlines():
        reading = adapter.read(raw)
        assert not reading.refusals
        updates += reading.updates
    return updates


def best_backs(path: Path) -> Iterator[tuple[float, ...]]:
    """The best price to back of each runner after each line, worked out anew from whole ladders."""
    ladders: dict[int, dict[float, float]] = {}
    for raw in path.read_bytes().splitlines():
        for change in json.loads(raw)["mc"]:
            for runner in change.get("marketDefinition", {}).get("runners", []):
                ladders.setdefault(runner["id"], {})
            for runner in change.get("rc", []):
                ladders[runner["id"]] |= dict(runner.get("atb", []))
        yield tuple(max((p for p, size in ladder.items() if size), default=0.0) for ladder in ladders.values())


@needs_recordings
def test_the_recorded_cricket_market_comes_out_as_it_went() -> None:
    updates = updates_of(CRICKET)
    assert {(update.provider_id, update.fixture_id) for update in updates} == {("betfair", "betfair:31573045")}
    assert {tuple(update.quotes.market_ids) for update in updates if update.HasField("quotes")} == {("match_odds",)}
    assert {tuple(update.quotes.outcome_ids) for update in updates} == {("228749", "2857977")}
    assert len(updates) == 1_459
    first, last = updates[0], updates[-1]
    assert first.description.sport == "cricket"
    assert first.description.start_time_ms == 1657537200000
    assert first.state.status == FixtureStatus.FIXTURE_STATUS_PRE_MATCH
    assert [update.state.status for update in updates if update.HasField("state")] == [
        FixtureStatus.FIXTURE_STATUS_PRE_MATCH,
        FixtureStatus.FIXTURE_STATUS_IN_PLAY,
        FixtureStatus.FIXTURE_STATUS_ENDED,
    ]
    statuses = [status_of(update) for update in updates]
    turns = [statuses[0], *(after for before, after in pairwise(statuses) if before != after)]
    assert turns == [OPEN, SUSPENDED, OPEN, SUSPENDED, CLOSED]
    assert [index for index, update in enumerate(updates) if update.results] == [len(updates) - 1]
    (result,) = last.results
    assert (result.kind, result.market_id, result.certainty) == (ResultKind.RESULT_KIND_SETTLEMENT, "match_odds", 2)
    assert list(result.outcomes) == [
        OutcomeResult(outcome_id="228749", win_factor_micro=WHOLE, dead_heat_factor_micro=WHOLE),
        OutcomeResult(outcome_id="2857977", win_factor_micro=0, dead_heat_factor_micro=WHOLE),
    ]


@needs_recordings
def test_prices_of_the_cricket_market_are_those_of_whole_ladders() -> None:
    adapter = BetfairAdapter()
    shown = {}
    checked = 0
    for raw, best in zip(CRICKET.read_bytes().splitlines(), best_backs(CRICKET), strict=True):
        for update in adapter.read(raw).updates:
            shown = odds_of(update)
        if json.loads(raw)["mc"][0].get("marketDefinition", {}).get("status") == "CLOSED":
            break
        assert tuple(shown.values()) == tuple(round(price * 1000) for price in best)
        checked += 1
    assert checked == 18_528


@needs_recordings
def test_a_recording_gives_the_same_rising_sequences_every_time() -> None:
    updates = updates_of(CRICKET)
    sequences = [update.sequence for update in updates]
    assert sequences == sorted(set(sequences))
    assert updates == updates_of(CRICKET)


@needs_recordings
def test_the_recorded_race_has_runners_starting_prices_and_void_bets() -> None:
    updates = updates_of(HORSES)
    assert {update.fixture_id for update in updates} == {"betfair:28270094.1855"}
    assert {tuple(update.quotes.market_ids) for update in updates} == {("win",)}
    description = updates[0].description
    assert (description.sport, description.competition) == ("horse-racing", "Ham 14th Jun")
    names = {participant.id: participant.name for participant in description.participants}
    assert len(names) == 14
    assert names["12115648"] == "Brother Mcgonagall"
    last = updates[-1]
    starting = dict(
        zip(last.quotes.outcome_ids, np.frombuffer(last.quotes.starting_odds_milli, "<u4").tolist(), strict=True)
    )
    assert (starting["12115648"], starting["11198538"]) == (4150, 0)
    assert not updates[0].quotes.starting_odds_milli
    (result,) = last.results
    factors = {item.outcome_id: (item.win_factor_micro, item.void_factor_micro) for item in result.outcomes}
    assert factors.pop("12115648") == (WHOLE, 0)
    assert (factors.pop("11198538"), factors.pop("9606433")) == ((0, WHOLE), (0, WHOLE))
    assert set(factors.values()) == {(0, 0)}
    assert len(factors) == 11


@needs_recordings
def test_without_ladders_the_last_traded_price_stands() -> None:
    second = updates_of(HORSES)[1]
    assert {outcome: odds for outcome, odds in odds_of(second).items() if odds} == {"11695059": 15_000}


@needs_recordings
@pytest.mark.parametrize("name", ["bflw_ORDER-1.177596575", "bflw_RACE-1.140075353"])
def test_streams_of_other_kinds_are_refused_as_unknown(name: str) -> None:
    adapter = BetfairAdapter()
    raws = [raw for raw in (BETFAIR / name).read_bytes().splitlines() if raw]
    assert {reason for raw in raws for reason in reasons(adapter.read(raw))} == {"UNKNOWN_MESSAGE"}


def test_a_delta_that_leaves_the_best_price_gives_no_update() -> None:
    adapter = begun()
    assert odds_of(only(adapter.read(line(2, rc=[prices(11, atb=[[2.0, 5], [1.9, 5]])])))) == {"11": 2000, "22": 0}
    for time_ms, delta in ((3, [2.0, 7]), (4, [1.95, 3]), (5, [1.9, 0]), (6, [1.8, 0])):
        reading = adapter.read(line(time_ms, rc=[prices(11, atb=[delta])]))
        assert reading == Reading("betfair", [], (), [])
    assert odds_of(only(adapter.read(line(7, rc=[prices(11, atb=[[2.0, 0]])]))))["11"] == 1950
    assert odds_of(only(adapter.read(line(8, rc=[prices(11, atb=[[1.95, 0]])]))))["11"] == 0


@pytest.mark.parametrize("field", ["batb", "bdatb"])
def test_ladders_by_level_are_kept_by_level(field: str) -> None:
    adapter = begun()
    update = only(adapter.read(line(2, rc=[prices(11, **{field: [[0, 2.0, 5], [1, 1.9, 5]]})])))
    assert odds_of(update)["11"] == 2000
    assert odds_of(only(adapter.read(line(3, rc=[prices(11, **{field: [[0, 1.95, 5]]})]))))["11"] == 1950
    assert odds_of(only(adapter.read(line(4, rc=[prices(11, **{field: [[0, 0, 0]]})]))))["11"] == 1900


def test_with_ladders_the_last_traded_price_is_no_offer() -> None:
    adapter = begun()
    assert odds_of(only(adapter.read(line(2, rc=[prices(11, ltp=3.0)])))) == {"11": 3000, "22": 0}
    assert odds_of(only(adapter.read(line(3, rc=[prices(22, atl=[[1.5, 2]])])))) == {"11": 0, "22": 0}


def test_a_full_image_replaces_all_prices() -> None:
    adapter = begun()
    only(adapter.read(line(2, rc=[prices(11, atb=[[2.0, 5]]), prices(22, atb=[[3.0, 5]])])))
    update = only(adapter.read(line(3, img=True, marketDefinition=definition(), rc=[prices(22, atb=[[2.5, 1]])])))
    assert odds_of(update) == {"11": 0, "22": 2500}


def test_runners_keep_their_place_and_a_removed_one_its_place_without_a_price() -> None:
    adapter = begun()
    only(adapter.read(line(2, rc=[prices(11, atb=[[2.0, 5]]), prices(22, atb=[[3.0, 5]])])))
    runners = [{"id": 22, "sortPriority": 1, "status": "ACTIVE"}, {"id": 11, "sortPriority": 2, "status": "REMOVED"}]
    update = only(adapter.read(line(3, marketDefinition=definition(runners=runners))))
    assert list(odds_of(update).items()) == [("11", 0), ("22", 3000)]


def test_going_in_play_is_told_once() -> None:
    adapter = begun()
    update = only(adapter.read(line(2, marketDefinition=definition(inPlay=True))))
    assert update.state.status == FixtureStatus.FIXTURE_STATUS_IN_PLAY
    assert not update.HasField("description")
    assert adapter.read(line(3, marketDefinition=definition(inPlay=True))) == Reading("betfair", [], (), [])


def test_a_corrected_result_takes_the_first_one_back() -> None:
    adapter = begun()

    def closed(*statuses: str, **changes: Any) -> dict[str, Any]:
        runners = [{"id": id_, "status": status} for id_, status in zip((11, 22), statuses, strict=True)]
        return definition(status="CLOSED", runners=runners, **changes)

    first = only(adapter.read(line(2, marketDefinition=closed("WINNER", "LOSER"))))
    assert status_of(first) == CLOSED
    assert [result.kind for result in first.results] == [ResultKind.RESULT_KIND_SETTLEMENT]
    assert first.state.status == FixtureStatus.FIXTURE_STATUS_ENDED
    again = adapter.read(line(3, marketDefinition=closed("WINNER", "LOSER", settledTime="2026-01-02T14:00:00.000Z")))
    assert again.updates == []
    corrected = only(adapter.read(line(4, marketDefinition=closed("LOSER", "WINNER"))))
    assert [result.kind for result in corrected.results] == [
        ResultKind.RESULT_KIND_SETTLEMENT_ROLLBACK,
        ResultKind.RESULT_KIND_SETTLEMENT,
    ]
    assert [item.win_factor_micro for item in corrected.results[1].outcomes] == [0, WHOLE]
    reopened = only(adapter.read(line(5, marketDefinition=definition())))
    assert [result.kind for result in reopened.results] == [ResultKind.RESULT_KIND_SETTLEMENT_ROLLBACK]
    assert status_of(reopened) == OPEN


def test_a_heartbeat_is_a_sign_of_life_and_unreliable_data_a_sign_of_none() -> None:
    adapter = BetfairAdapter()
    message = {"op": "mcm", "pt": 5, "ct": "HEARTBEAT"}
    (heartbeat,) = adapter.read(json.dumps(message).encode()).heartbeats
    assert (heartbeat.provider_id, heartbeat.is_up, heartbeat.provider_time_ms) == ("betfair", True, 5)
    (unreliable,) = adapter.read(json.dumps({"op": "mcm", "pt": 6, "status": 503}).encode()).heartbeats
    assert not unreliable.is_up
    (reliable,) = adapter.read(json.dumps({"op": "mcm", "pt": 7}).encode()).heartbeats
    assert reliable.is_up


@pytest.mark.parametrize("others", [{}, {"pt": "x"}, {"mc": 7}, {"ct": "HEARTBEAT"}, {"mc": [{}] * 1_001}])
def test_late_data_is_told_whatever_else_a_message_has_or_lacks(others: dict[str, Any]) -> None:
    adapter = BetfairAdapter()
    adapter.read(json.dumps({"op": "mcm", "pt": 5, "ct": "HEARTBEAT"}).encode())
    (late,) = adapter.read(json.dumps({"op": "mcm", "id": 2, "status": 503} | others).encode()).heartbeats
    assert (late.is_up, late.provider_time_ms) == (False, 5)


@pytest.mark.parametrize(
    "changes",
    [
        {"bettingType": "LINE"},
        {"bettingType": "ASIAN_HANDICAP_DOUBLE_LINE", "marketType": "ASIAN_HANDICAP"},
        {"marketType": "EACH_WAY"},
    ],
)
def test_markets_that_pay_no_plain_odds_are_left_alone(changes: dict[str, Any]) -> None:
    adapter = BetfairAdapter()
    nothing = Reading("betfair", [], (), [])
    assert adapter.read(line(1, img=True, marketDefinition=definition(**changes))) == nothing
    assert adapter.read(line(2, rc=[prices(11, hc=-0.5, batb=[[0, 1.9, 10]])])) == nothing
    assert adapter.read(line(3, marketDefinition=definition(**changes, status="CLOSED"))) == nothing
    assert only(adapter.read(line(4, img=True, marketDefinition=definition()))).quotes.market_ids == ["match_odds"]


def test_a_market_that_no_longer_pays_plain_odds_is_suspended() -> None:
    adapter = begun()
    only(adapter.read(line(2, rc=[prices(11, atb=[[2.0, 5]])])))
    reading = adapter.read(line(3, marketDefinition=definition(bettingType="LINE")))
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]
    assert [status_of(update) for update in reading.updates] == [SUSPENDED]


def test_repeated_and_late_changes_are_refused_and_leave_prices_alone() -> None:
    adapter = begun()
    raw = line(5, rc=[prices(11, atb=[[2.0, 5]])])
    only(adapter.read(raw))
    assert reasons(adapter.read(raw)) == ["DUPLICATE"]
    assert reasons(adapter.read(line(4, rc=[prices(11, atb=[[9.0, 5]])]))) == ["OUT_OF_ORDER"]
    assert odds_of(only(adapter.read(line(6, rc=[prices(22, atb=[[3.0, 5]])])))) == {"11": 2000, "22": 3000}


def test_a_change_before_its_definition_is_out_of_order() -> None:
    assert reasons(BetfairAdapter().read(line(1, rc=[prices(11, ltp=2.0)]))) == ["OUT_OF_ORDER"]


def test_one_bad_market_of_a_message_leaves_the_others() -> None:
    adapter = begun()
    message = json.loads(line(2, rc=[prices(11, atb=[[2.0, 5]])]))
    message["mc"].insert(0, {"id": "1.2", "rc": [{"id": 99}]})
    reading = adapter.read(json.dumps(message).encode())
    assert [refusal.reason for refusal in reading.refusals] == ["OUT_OF_ORDER"]
    assert [odds_of(update)["11"] for update in reading.updates] == [2000]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"{}",
        b"[" * 5_000,
        b'{"op":"mcm","mc":[{}]}',
        b'{"op":"mcm","pt":"x","mc":[{"id":"1.1"}]}',
        b'{"op":"mcm","pt":-1,"mc":[{"id":"1.1"}]}',
        b'{"op":"mcm","pt":1.5,"mc":[{"id":"1.1"}]}',
        b'{"op":"mcm","pt":1,"mc":{"id":1}}',
        line(2, rc=[prices(11, atb=[[1001, 1]])]),
        line(2, rc=[prices(11, atb=[[1.0, 1]])]),
        line(2, rc=[prices(11, atb=[["2", "1"]])]),
        line(2, rc=[prices(11, atb=[[2.0]])]),
        line(2, rc=[prices(11, ltp="x")]),
        line(2, rc=[prices("99", ltp=2.0)]),
        line(2, marketDefinition=definition(status="OPENED")),
        line(2, marketDefinition=definition(runners=None)),
        line(2, marketDefinition=definition(marketTime="soon")),
    ],
)
def test_what_does_not_have_its_form_is_refused(raw: bytes) -> None:
    assert reasons(begun().read(raw)) == ["MALFORMED"]


def test_sizes_are_bounded() -> None:
    adapter = begun()
    padding = b" " * (RAW_BYTES_MAX - len(line(2, rc=[])))
    assert adapter.read(line(2, rc=[]) + padding).refusals == []
    assert reasons(adapter.read(line(3, rc=[]) + padding + b" ")) == ["OVERSIZED"]
    crowd = [{"id": number, "status": "ACTIVE"} for number in range(513)]
    assert reasons(adapter.read(line(4, marketDefinition=definition(runners=crowd)))) == ["OVERSIZED"]
