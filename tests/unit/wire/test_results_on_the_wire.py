"""Results through protobuf and back."""

import pytest

from bets.ports import ResultMessage
from markets.results import MarketResult, OutcomeResult, Reduction, ResultKind, ResultMalformed
from overround.feed.v1 import feed_pb2
from wire.feed import build_results, parse_update
from wire.results import build_market_result, parse_market_result, read_results, result_keys


def test_a_result_survives_the_wire() -> None:
    result = MarketResult(
        ResultKind.CANCEL,
        "handicap:-0.25",
        (OutcomeResult("home", 1_000_000, 500_000, 333_333), OutcomeResult("away", 0, 500_000, 1_000_000)),
        1_700_000_000_000,
        1_700_000_600_000,
        "12",
        2,
    )
    encoded = build_market_result(result).SerializeToString()
    assert parse_market_result(feed_pb2.MarketResult.FromString(encoded)) == result


def test_reductions_and_a_referral_survive_the_wire_into_the_results() -> None:
    result = MarketResult(
        ResultKind.SETTLEMENT,
        "win",
        (OutcomeResult("3", 1_000_000, 0, 1_000_000),),
        0,
        0,
        "",
        2,
        (Reduction(1_700_000_000_000, 221_300, False), Reduction(1_700_000_600_000, 50_000, True)),
        "DEAD_HEAT_UNKNOWN",
    )
    update = feed_pb2.FeedUpdate(fixture_id="sr:match:1", sequence=7, results=[build_market_result(result)])
    stored = feed_pb2.FixtureResults.FromString(build_results(update).SerializeToString())
    assert parse_market_result(stored.results[0]) == result


@pytest.mark.parametrize("kind", [0, 5])
def test_a_kind_nobody_knows_is_refused(kind: int) -> None:
    with pytest.raises(ResultMalformed, match=f"was {kind}"):
        parse_market_result(feed_pb2.MarketResult(kind=feed_pb2.ResultKind.ValueType(kind), market_id="1x2"))


def test_two_cancellations_of_one_market_in_one_message_have_names_of_their_own() -> None:
    cancel = feed_pb2.MarketResult(kind=feed_pb2.RESULT_KIND_CANCEL, market_id="1x2")
    message = feed_pb2.FixtureResults(
        provider_id="uof:1", fixture_id="sr:match:1", sequence=7, results=[cancel, cancel]
    )
    assert result_keys(message) == ["sr:match:1/uof:1/7/0/1x2/3", "sr:match:1/uof:1/7/1/1x2/3"]


def test_a_referral_that_is_added_leaves_one_that_the_result_brings() -> None:
    results = [
        feed_pb2.MarketResult(market_id="1x2", referral_reason="DEAD_HEAT_UNKNOWN"),
        feed_pb2.MarketResult(market_id="btts"),
    ]
    update = feed_pb2.FeedUpdate(fixture_id="sr:match:1", sequence=7, results=results)
    for added, reasons in ((["", ""], ["DEAD_HEAT_UNKNOWN", ""]), (["NOT_QUOTED"] * 2, ["NOT_QUOTED"] * 2)):
        assert [result.referral_reason for result in build_results(update, added).results] == reasons


def test_a_field_that_nobody_knows_yet_is_part_of_what_a_result_says() -> None:
    known = feed_pb2.MarketResult(kind=feed_pb2.RESULT_KIND_CANCEL, market_id="1x2").SerializeToString()
    later_field = b"\xf8\x07\x01"  # number 127, a varint
    digests = {
        read_results(ResultMessage("k", "p", "f", "1x2", 3, encoded, is_whole=False))[0].digest
        for encoded in (known, known, known + later_field)
    }
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("kind", "end_ms", "stopped", "markets"),
    [
        (feed_pb2.RESULT_KIND_CANCEL, 2_001, None, ("1x2",)),
        (feed_pb2.RESULT_KIND_CANCEL, 2_000, None, None),
        (feed_pb2.RESULT_KIND_CANCEL, 0, None, None),
        (feed_pb2.RESULT_KIND_CANCEL_ROLLBACK, 2_001, None, None),
        (feed_pb2.RESULT_KIND_CANCEL, 2_001, ["btts"], ("btts", "1x2")),
        (feed_pb2.RESULT_KIND_CANCEL, 2_001, [], ()),
        (feed_pb2.RESULT_KIND_CANCEL, 0, [], ()),
    ],
)
def test_a_market_stops_where_bets_would_be_void(
    kind: feed_pb2.ResultKind.ValueType, end_ms: int, stopped: list[str] | None, markets: tuple[str, ...] | None
) -> None:
    result = feed_pb2.MarketResult(kind=kind, market_id="1x2", window_start_ms=1_000, window_end_ms=end_ms)
    bet_stop = None if stopped is None else feed_pb2.BetStop(market_ids=stopped)
    told = feed_pb2.FeedUpdate(fixture_id="sr:match:1", sequence=7, results=[result], bet_stop=bet_stop)
    assert parse_update(told, appended_time_us=2_000_000).bet_stop_market_ids == markets
