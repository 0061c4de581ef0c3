"""Providers hear which of their words they had no right to, and why, part by part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.feeds.rights_told import refusals_told
from kernel.log import Record
from markets.fixture import FixtureDescription
from markets.results import ResultKind
from odds.fixture.state import new_state
from odds.fixture.updates import ResultMark
from odds.folding.provider_rights import WORDS_BY_REASON, ProviderRights, RightsTable, judge_update
from overround.feed.v1.feed_pb2 import DeadLetter, FeedUpdate, FixtureResults, MarketResult
from tests.builders.pricing_world import folded, in_play, quotes, update
from wire.topics import PRICING_DEAD_LETTERS, RESULTS


def record(topic: str, message: Any) -> Record:
    return Record(topic, 0, 0, 0, "match", message.SerializeToString())


def test_an_update_that_counts_not_at_all_is_told_to_the_stream_that_brought_it() -> None:
    raw = FeedUpdate(provider_id="mallory", fixture_id="match", sequence=7, epoch=3).SerializeToString()
    letters = [
        DeadLetter(reason="NO_RIGHT", message="FIXTURE_NOT_QUOTED: mallory about match", raw=raw),
        DeadLetter(reason="MALFORMED", message="no update", raw=b"\xff"),
    ]
    (told,) = refusals_told(record(PRICING_DEAD_LETTERS.name, letter) for letter in letters)
    assert (told.provider_id, told.epoch) == ("mallory", 3)
    assert (told.refusal.sequence, told.refusal.reason) == (7, "NO_RIGHT")
    assert told.refusal.message == "FIXTURE_NOT_QUOTED: mallory about match"


def test_each_result_that_waits_for_a_person_for_want_of_rights_is_told_by_itself() -> None:
    results = FixtureResults(
        provider_id="mallory",
        sequence=8,
        epoch=3,
        results=[
            MarketResult(market_id="1x2", referral_reason="MARKET_OF_ANOTHER_PROVIDER"),
            MarketResult(market_id="btts"),
            MarketResult(market_id="top_four", referral_reason="the door said so itself"),
            MarketResult(market_id="corners", referral_reason="MARKET_NOT_QUOTED"),
        ],
    )
    told = list(refusals_told([record(RESULTS.name, results)]))
    assert [item.refusal.reason for item in told] == ["MARKET_OF_ANOTHER_PROVIDER", "MARKET_NOT_QUOTED"]
    assert {(item.provider_id, item.epoch, item.refusal.sequence) for item in told} == {("mallory", 3, 8)}
    assert "1x2" in told[0].refusal.message


def test_what_cannot_be_read_refuses_nothing() -> None:
    broken = DeadLetter(reason="NO_RIGHT", raw=b"\xff\xff")
    assert list(refusals_told([record(PRICING_DEAD_LETTERS.name, broken)])) == []


@pytest.mark.parametrize(
    ("rule", "refusals"),
    [
        (ProviderRights(), ()),
        (ProviderRights(may_quote=False), ("QUOTING_NOT_PERMITTED",)),
        (ProviderRights(may_tell_state=False), ("STATE_NOT_PERMITTED",)),
        (ProviderRights(may_quote=False, may_tell_state=False), ("NOTHING_PERMITTED",)),
    ],
)
def test_each_part_that_does_not_count_has_its_reason(rule: ProviderRights, refusals: tuple[str, ...]) -> None:
    told = update(quoted=quotes(), state=in_play(), description=FixtureDescription("football"))
    assert judge_update(new_state("match"), told, RightsTable((rule,))).refusals_of(told) == refusals


def test_every_reason_has_words_for_whom_it_concerns() -> None:
    state = folded(update(quoted=quotes()))
    stranger = update(provider_id="mallory", result_marks=(ResultMark(ResultKind.SETTLEMENT, "1x2", False),))
    judgement = judge_update(state, stranger, RightsTable())
    assert {*judgement.referral_reasons, *judgement.refusals_of(stranger)} <= set(WORDS_BY_REASON)
    quoting = replace(stranger, quotes=quotes())
    assert set(judge_update(state, quoting, RightsTable()).referral_reasons) <= set(WORDS_BY_REASON)
