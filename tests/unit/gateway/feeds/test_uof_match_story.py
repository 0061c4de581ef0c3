"""The Unified Odds Feed adapter: the match story message by message, and the feed's finer points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gateway.feeds.reading import RAW_BYTES_MAX, Reading
from gateway.feeds.uof import UofAdapter
from infra.settings import ROOT
from overround.feed.v1.feed_pb2 import FeedUpdate, MarketResult, Quotes, ResultKind
from overround.odds.v1.book_pb2 import MarketStatus
from overround.odds.v1.fixture_pb2 import FixtureStatus, MatchState, Period

UOF = ROOT.parent / "shared" / "data" / "uof"
STORY = UOF / "match_story"
SAMPLES = UOF / "mit_go-uof-sdk"
MATCH = "sr:match:90000001"
OPEN, CLOSED, SUSPENDED = (
    MarketStatus.MARKET_STATUS_OPEN,
    MarketStatus.MARKET_STATUS_CLOSED,
    MarketStatus.MARKET_STATUS_SUSPENDED,
)
HANDED_OVER, SETTLED = MarketStatus.MARKET_STATUS_HANDED_OVER, MarketStatus.MARKET_STATUS_SETTLED

needs_samples = pytest.mark.skipif(not UOF.is_dir(), reason="the reference data is not beside the repository")


@pytest.fixture(scope="module")
def story() -> dict[int, Reading]:
    if not STORY.is_dir():
        pytest.skip("the reference data is not beside the repository")
    adapter = UofAdapter()
    return {int(path.name[:2]): adapter.read(path.read_bytes()) for path in sorted(STORY.glob("*.xml"))}


def only(reading: Reading) -> FeedUpdate:
    assert not reading.refusals
    assert not reading.heartbeats
    (update,) = reading.updates
    return update


def sign_of(reading: Reading) -> tuple[str, bool, int]:
    assert not reading.updates
    (heartbeat,) = reading.heartbeats
    return heartbeat.provider_id, heartbeat.is_up, heartbeat.provider_time_ms


def prices_of(quotes: Quotes) -> dict[str, tuple[int, dict[str, int]]]:
    counts = np.frombuffer(quotes.outcome_counts, "<u2").tolist()
    odds = np.frombuffer(quotes.decimal_odds_milli, "<u4").tolist()
    prices, at = {}, 0
    for market_id, count, status in zip(quotes.market_ids, counts, quotes.market_statuses, strict=True):
        prices[market_id] = (status, dict(zip(quotes.outcome_ids[at : at + count], odds[at : at + count], strict=True)))
        at += count
    assert at == len(odds) == len(quotes.outcome_ids)
    return prices


def factors_of(result: MarketResult) -> dict[str, tuple[int, int, int]]:
    return {
        item.outcome_id: (item.win_factor_micro, item.void_factor_micro, item.dead_heat_factor_micro)
        for item in result.outcomes
    }


def read(text: str, adapter: UofAdapter | None = None) -> Reading:
    return (adapter or UofAdapter()).read(text.encode())


def odds_change(inner: str, *, time_ms: int = 5, status: str = "") -> str:
    return f'<odds_change product="1" event_id="sr:match:7" timestamp="{time_ms}">{status}{inner}</odds_change>'


def test_the_story_is_taken_whole(story: dict[int, Reading]) -> None:
    assert len(story) == 16
    assert [number for number, reading in story.items() if reading.refusals or reading.unknown_part_count] == []


def test_alive_says_that_its_product_is_up(story: dict[int, Reading]) -> None:
    assert sign_of(story[1]) == ("uof:1", True, 1700000000000)


def test_a_fixture_change_tells_the_start(story: dict[int, Reading]) -> None:
    update = only(story[2])
    assert (update.provider_id, update.fixture_id) == ("uof:3", MATCH)
    assert update.provider_time_ms == 1700000001000
    assert update.description.start_time_ms == 1700007200000
    assert not update.HasField("state")


def test_pre_match_odds_become_our_markets(story: dict[int, Reading]) -> None:
    update = only(story[3])
    assert update.provider_id == "uof:3"
    assert update.state == MatchState(status=FixtureStatus.FIXTURE_STATUS_PRE_MATCH, period=Period.PERIOD_NOT_STARTED)
    assert prices_of(update.quotes) == {
        "1x2": (OPEN, {"home": 2050, "draw": 3450, "away": 3750}),
        "total:2.5": (OPEN, {"over": 1900, "under": 1950}),
        "handicap:-0.25": (OPEN, {"home": 1920, "away": 1960}),
    }
    assert not update.quotes.is_snapshot


def test_a_complete_snapshot_says_up(story: dict[int, Reading]) -> None:
    assert sign_of(story[4]) == ("uof:3", True, 1700000003000)


def test_markets_are_handed_over(story: dict[int, Reading]) -> None:
    assert prices_of(only(story[5]).quotes) == {"1x2": (HANDED_OVER, {}), "total:2.5": (HANDED_OVER, {})}


def test_live_odds_carry_the_clock(story: dict[int, Reading]) -> None:
    update = only(story[6])
    assert update.provider_id == "uof:1"
    assert update.state == MatchState(
        status=FixtureStatus.FIXTURE_STATUS_IN_PLAY, period=Period.PERIOD_FIRST_HALF, clock_seconds=60
    )
    assert prices_of(update.quotes)["1x2"] == (OPEN, {"home": 2080, "draw": 3350, "away": 3800})


def test_a_bet_stop_stops_everything(story: dict[int, Reading]) -> None:
    update = only(story[7])
    assert update.HasField("bet_stop")
    assert list(update.bet_stop.market_ids) == []
    assert not update.HasField("quotes")


def test_a_goal_moves_score_and_prices(story: dict[int, Reading]) -> None:
    update = only(story[8])
    assert (update.state.home_score, update.state.away_score, update.state.clock_seconds) == (1, 0, 21 * 60 + 30)
    prices = prices_of(update.quotes)
    assert prices["1x2"] == (OPEN, {"home": 1420, "draw": 4500, "away": 8750})
    assert prices["next_goal:1"] == (SETTLED, {})


def test_a_settlement_seen_live_is_provisional(story: dict[int, Reading]) -> None:
    (result,) = only(story[9]).results
    assert (result.kind, result.market_id, result.certainty) == (ResultKind.RESULT_KIND_SETTLEMENT, "next_goal:1", 1)
    assert factors_of(result) == {
        "home": (1_000_000, 0, 1_000_000),
        "none": (0, 0, 1_000_000),
        "away": (0, 0, 1_000_000),
    }


def test_a_settlement_is_taken_back(story: dict[int, Reading]) -> None:
    assert list(only(story[10]).results) == [
        MarketResult(kind=ResultKind.RESULT_KIND_SETTLEMENT_ROLLBACK, market_id="next_goal:1")
    ]


def test_a_cancellation_has_its_window_and_reason(story: dict[int, Reading]) -> None:
    assert list(only(story[11]).results) == [
        MarketResult(
            kind=ResultKind.RESULT_KIND_CANCEL,
            market_id=market_id,
            window_start_ms=1700008490000,
            window_end_ms=1700008560000,
            void_reason="12",
        )
        for market_id in ("1x2", "total:2.5")
    ]


def test_a_cancellation_is_taken_back(story: dict[int, Reading]) -> None:
    assert list(only(story[12]).results) == [
        MarketResult(
            kind=ResultKind.RESULT_KIND_CANCEL_ROLLBACK,
            market_id="total:2.5",
            window_start_ms=1700008490000,
            window_end_ms=1700008560000,
        )
    ]


def test_an_inactive_outcome_is_not_offered(story: dict[int, Reading]) -> None:
    update = only(story[13])
    assert prices_of(update.quotes)["1x2"] == (OPEN, {"home": 2200, "draw": 3200, "away": 0})
    assert (update.state.home_score, update.state.away_score) == (0, 0)


def test_the_final_settlement_has_halves_voids_and_dead_heats(story: dict[int, Reading]) -> None:
    results = {result.market_id: result for result in only(story[14]).results}
    assert {result.certainty for result in results.values()} == {2}
    whole, half = 1_000_000, 500_000
    assert factors_of(results["1x2"]) == {"home": (0, 0, whole), "draw": (whole, 0, whole), "away": (0, 0, whole)}
    assert factors_of(results["total:2.5"]) == {"over": (0, 0, whole), "under": (whole, 0, whole)}
    assert factors_of(results["handicap:-0.25"]) == {"home": (0, half, whole), "away": (whole, half, whole)}
    assert factors_of(results["uof:40"]) == {
        "sr:player:1": (whole, 0, half),
        "sr:player:2": (whole, 0, half),
        "sr:player:3": (0, whole, whole),
    }


def test_the_end_of_the_story_is_a_product_that_is_down(story: dict[int, Reading]) -> None:
    assert sign_of(story[15]) == ("uof:1", False, 1700013600000)
    assert sign_of(story[16]) == ("uof:1", False, 1700013610000)


def test_sequences_rise_per_product_and_are_the_same_in_every_run(story: dict[int, Reading]) -> None:
    sequences: dict[str, list[int]] = {}
    for reading in story.values():
        for update in reading.updates:
            sequences.setdefault(update.provider_id, []).append(update.sequence)
    assert all(numbers == sorted(set(numbers)) for numbers in sequences.values())
    again = UofAdapter()
    repeated = [again.read(path.read_bytes()) for path in sorted(STORY.glob("*.xml"))]
    assert [list(reading.updates) for reading in repeated] == [list(reading.updates) for reading in story.values()]


@needs_samples
def test_the_sdk_samples_are_taken_but_for_what_is_no_feed_message() -> None:
    adapter = UofAdapter()
    readings = {path.name: adapter.read(path.read_bytes()) for path in sorted(SAMPLES.glob("*.xml"))}
    refused = {
        name: [item.reason for item in reading.refusals] for name, reading in readings.items() if reading.refusals
    }
    others = ("markets-0", "markets-1", "player_profile_f", "player_profile_m", "player_profile_u")
    assert refused == {f"{name}.xml": ["UNKNOWN_MESSAGE"] for name in others}
    odds = only(readings["odds_change-0.xml"])
    prices = prices_of(odds.quotes)
    assert prices["uof:48:score=42.5"] == (OPEN, {"1": 1120, "2": 1920})  # no status means active
    assert prices["uof:49"] == (CLOSED, {})
    assert prices["uof:123:game=3|point=1|set=2"] == (SUSPENDED, {"1": 1300, "2": 1700})
    assert prices["uof:188"][1]["sr:player:4322"] == 0
    assert (odds.state.period, odds.state.clock_seconds) == (Period.PERIOD_SECOND_HALF, 75 * 60 + 2)
    assert (odds.state.football.home_corners, odds.state.football.away_corners) == (5, 7)
    assert (odds.state.football.home_yellow_cards, odds.state.football.away_yellow_cards) == (1, 1)
    description = only(readings["fixture-0.xml"]).description
    assert (description.sport, description.competition) == ("football", "UEFA Champions League")
    assert (description.home_name, description.away_name) == ("Ajax Amsterdam", "Tottenham Hotspur")
    assert description.start_time_ms == 1557342000000


@pytest.mark.parametrize(
    ("specifiers", "market_id"),
    [
        ("b=2|a=1", "uof:900:a=1|b=2"),
        ("a=1|b=2", "uof:900:a=1|b=2"),
        ("", "uof:900"),
        ("variant=sr:point_range:76+", "uof:900:variant=sr:point_range:76+"),
    ],
)
def test_specifiers_are_put_in_order(specifiers: str, market_id: str) -> None:
    update = only(read(odds_change(f'<odds><market id="900" specifiers="{specifiers}"/></odds>')))
    assert list(update.quotes.market_ids) == [market_id]


def test_a_known_market_with_other_specifiers_keeps_its_own_name() -> None:
    market = '<market id="18" specifiers="total=2.5|quarter=1"><outcome id="12" odds="2"/></market>'
    quotes = only(read(odds_change(f"<odds>{market}</odds>"))).quotes
    assert prices_of(quotes) == {"uof:18:quarter=1|total=2.5": (OPEN, {"12": 2000})}


def test_odds_that_pay_nothing_are_not_offered() -> None:
    market = '<market id="1"><outcome id="1" odds="1.0"/><outcome id="2" odds="1.001"/><outcome id="3"/></market>'
    quotes = only(read(odds_change(f"<odds>{market}</odds>"))).quotes
    assert prices_of(quotes) == {"1x2": (OPEN, {"home": 0, "draw": 1001, "away": 0})}


def test_an_undecided_outcome_is_left_out() -> None:
    settlement = (
        '<bet_settlement product="1" event_id="sr:match:7" timestamp="5" certainty="1"><outcomes><market id="1">'
        '<outcome id="1" result="1"/><outcome id="2" result="-1"/></market><market id="900">'
        '<outcome id="1" result="-1"/></market></outcomes></bet_settlement>'
    )
    (result,) = only(read(settlement)).results
    assert factors_of(result) == {"home": (1_000_000, 0, 1_000_000)}


@pytest.mark.parametrize(
    ("match_status", "status", "period"),
    [
        ("0", FixtureStatus.FIXTURE_STATUS_PRE_MATCH, Period.PERIOD_NOT_STARTED),
        ("6", FixtureStatus.FIXTURE_STATUS_IN_PLAY, Period.PERIOD_FIRST_HALF),
        ("31", FixtureStatus.FIXTURE_STATUS_IN_PLAY, Period.PERIOD_HALF_TIME),
        ("7", FixtureStatus.FIXTURE_STATUS_IN_PLAY, Period.PERIOD_SECOND_HALF),
        ("41", FixtureStatus.FIXTURE_STATUS_IN_PLAY, Period.PERIOD_EXTRA_TIME),
        ("50", FixtureStatus.FIXTURE_STATUS_IN_PLAY, Period.PERIOD_PENALTIES),
        ("100", FixtureStatus.FIXTURE_STATUS_ENDED, Period.PERIOD_FINISHED),
        ("110", FixtureStatus.FIXTURE_STATUS_ENDED, Period.PERIOD_FINISHED),
        ("4711", FixtureStatus.FIXTURE_STATUS_UNSPECIFIED, Period.PERIOD_UNSPECIFIED),
    ],
)
def test_match_statuses_are_periods(match_status: str, status: int, period: int) -> None:
    state = only(read(odds_change("", status=f'<sport_event_status match_status="{match_status}"/>'))).state
    assert (state.status, state.period) == (status, period)


def test_stoppage_time_and_second_yellow_cards_count() -> None:
    status = (
        '<sport_event_status status="1" match_status="6"><clock match_time="45:00" stoppage_time="02:12" '
        'stoppage_time_announced="03:00"/><statistics><red_cards home="1" away="0"/>'
        '<yellow_red_cards home="1" away="2"/></statistics></sport_event_status>'
    )
    state = only(read(odds_change("", status=status))).state
    assert (state.clock_seconds, state.football.stoppage_seconds) == (45 * 60 + 132, 180)
    assert (state.football.home_red_cards, state.football.away_red_cards) == (2, 2)


def test_a_product_that_was_down_is_up_again_when_its_snapshot_is_complete() -> None:
    adapter = UofAdapter()
    read('<product_down product="1" timestamp="1"/>', adapter)
    assert sign_of(read('<alive product="1" timestamp="2" subscribed="1"/>', adapter)) == ("uof:1", False, 2)
    assert sign_of(read('<alive product="3" timestamp="2" subscribed="1"/>', adapter)) == ("uof:3", True, 2)
    assert sign_of(read('<snapshot_complete product="1" timestamp="3" request_id="1"/>', adapter)) == ("uof:1", True, 3)
    assert sign_of(read('<alive product="1" timestamp="4" subscribed="1"/>', adapter)) == ("uof:1", True, 4)


def test_a_fixture_change_keeps_what_is_known_and_can_cancel() -> None:
    adapter = UofAdapter()
    document = (
        '<fixtures_fixture generated_at="2026-01-01T12:00:00+00:00"><fixture id="sr:match:7" '
        'start_time="2026-01-02T12:00:00+00:00"><competitors><competitor name="Ajax" qualifier="home"/>'
        '<competitor name="PSV" qualifier="away"/></competitors></fixture></fixtures_fixture>'
    )
    read(document, adapter)
    change = '<fixture_change product="1" event_id="sr:match:7" timestamp="9" change_type="3" start_time="1000"/>'
    update = only(read(change, adapter))
    assert (update.description.home_name, update.description.start_time_ms) == ("Ajax", 1000)
    assert update.state.status == FixtureStatus.FIXTURE_STATUS_CANCELLED


def test_older_odds_are_refused_and_older_results_are_not() -> None:
    adapter = UofAdapter()
    only(read(odds_change("<odds/>", time_ms=100), adapter))
    late = read(odds_change("<odds/>", time_ms=99), adapter)
    assert [refusal.reason for refusal in late.refusals] == ["OUT_OF_ORDER"]
    assert only(read(results("rollback_bet_settlement", 98), adapter)).results
    assert refused(read(results("rollback_bet_settlement", 97), adapter)) == ["OUT_OF_ORDER"]


def results(kind: str, time_ms: int, window: str = "", market: str = '<market id="1"/>') -> str:
    inner = f"<outcomes>{market}</outcomes>" if kind == "bet_settlement" else market
    return f'<{kind} product="1" event_id="sr:match:7" timestamp="{time_ms}" {window}>{inner}</{kind}>'


def refused(reading: Reading) -> list[str]:
    return [refusal.reason for refusal in reading.refusals]


SETTLED_MARKET = '<market id="1"><outcome id="1" result="1"/></market>'
EARLY, LATER = 'start_time="10" end_time="20"', 'start_time="30" end_time="40"'


@pytest.mark.parametrize(
    ("first", "second", "is_taken"),
    [
        (results("bet_settlement", 200, market=SETTLED_MARKET), results("bet_cancel", 190, EARLY), True),
        (results("bet_cancel", 200), results("bet_settlement", 190, market=SETTLED_MARKET), True),
        (results("rollback_bet_settlement", 200), results("bet_cancel", 190), True),
        (results("bet_settlement", 200, market=SETTLED_MARKET), results("rollback_bet_cancel", 190), True),
        (results("rollback_bet_settlement", 200), results("bet_settlement", 190, market=SETTLED_MARKET), False),
        (results("bet_settlement", 200, market=SETTLED_MARKET), results("rollback_bet_settlement", 190), False),
        (results("rollback_bet_cancel", 200, EARLY), results("bet_cancel", 190, EARLY), False),
        (results("rollback_bet_cancel", 200), results("bet_cancel", 190, EARLY), False),
        (results("bet_cancel", 200, LATER), results("bet_cancel", 190, EARLY), True),
        (results("bet_cancel", 200, EARLY), results("bet_cancel", 200, LATER), True),
        (results("bet_cancel", 200), results("bet_cancel", 190, market='<market id="10"/>'), True),
    ],
)
def test_results_are_out_of_order_among_their_own_kind_alone(first: str, second: str, is_taken: bool) -> None:
    adapter = UofAdapter()
    assert only(read(first, adapter)).results
    reading = read(second, adapter)
    assert bool(reading.updates) is is_taken
    assert refused(reading) == ([] if is_taken else ["OUT_OF_ORDER"])


def test_a_message_that_comes_again_is_a_duplicate() -> None:
    adapter = UofAdapter()
    only(read(odds_change("<odds/>"), adapter))
    assert [refusal.reason for refusal in read(odds_change("<odds/>"), adapter).refusals] == ["DUPLICATE"]


def test_unknown_elements_are_counted_and_passed_over() -> None:
    reading = read(odds_change('<weather/><odds><market id="1"><hint/><outcome id="1" odds="2"/></market></odds>'))
    assert reading.unknown_part_count == 2
    assert prices_of(only(reading).quotes) == {"1x2": (OPEN, {"home": 2000})}


MALFORMED: dict[str, Any] = {
    "no XML": "odds",
    "cut off": "<odds_change product='1'",
    "no time": '<alive product="1"/>',
    "no product": '<alive timestamp="1"/>',
    "product out of range": '<alive product="1000" timestamp="1"/>',
    "no event": '<bet_stop product="1" timestamp="1"/>',
    "event id": '<bet_stop product="1" timestamp="1" event_id="../x"/>',
    "document type": '<!DOCTYPE a SYSTEM "http://localhost/a.dtd"><alive product="1" timestamp="1"/>',
    "external entity": '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><alive product="&e;" timestamp="1"/>',
    "hidden document type": '<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-<alive product="1" '
    'timestamp="1"/>',
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_does_not_have_its_form_is_refused(text: str) -> None:
    reading = read(text)
    assert [refusal.reason for refusal in reading.refusals] == ["MALFORMED"]
    assert not reading.updates
    assert not reading.heartbeats


def test_an_entity_bomb_is_refused_unread() -> None:
    layers = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(12))
    bomb = f'<!DOCTYPE a [<!ENTITY e0 "ha">{layers}]><alive product="1" timestamp="&e12;"/>'
    assert [refusal.reason for refusal in read(bomb).refusals] == ["MALFORMED"]
    utf16 = UofAdapter().read(("\ufeff" + bomb).encode("utf-16-le"))
    assert [refusal.reason for refusal in utf16.refusals] == ["MALFORMED"]


def test_size_is_bounded_to_the_byte() -> None:
    head, tail = '<alive product="1" timestamp="1" subscribed="1"', "/>"
    fitting = head + " " * (RAW_BYTES_MAX - len(head) - len(tail)) + tail
    assert not read(fitting).refusals
    assert [refusal.reason for refusal in read(fitting.replace("/>", " />")).refusals] == ["OVERSIZED"]
