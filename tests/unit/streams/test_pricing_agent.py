"""The pricing agent between a log, a serving copy and a clock that can all fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import takewhile
from typing import Any

import pytest
from faust.types import TP

from kernel.log import DeliveryFailed
from markets.fixture import FixtureDescription, FixtureStatus, MarketStatus, MatchState, SuspensionReason
from odds.fixture.state import FixtureState
from odds.folding.provider_rights import ProviderRights, RightsTable
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import Repricing, price
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2, fixture_pb2
from overround.trading.v1 import trading_pb2
from streams import pricing
from streams.fixtures import UNENDED_US_MAX, is_expired
from streams.ports import EncodedPair
from streams.pricing_inputs import Waiting, WaitingFixtures
from tests.builders.pricing_world import FAIR_ISH, NOW_US, folded, quotes, update
from tests.fakes.fake_faust import eventually
from tests.fakes.pricing_bench import PACE, START_US, Bench
from wire.books import parse_book
from wire.results import result_keys
from wire.topics import BOOKS, EXPLANATIONS, FEED_UPDATES, HEARTBEATS, PRICING_DEAD_LETTERS, RESULTS, TRADING_COMMANDS

DOWN = SuspensionReason.PROVIDER_DOWN


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    await bench.start()
    yield bench
    await bench.stop()


async def test_an_update_is_acknowledged_when_the_log_has_its_book(bench: Bench) -> None:
    bench.outlet.is_holding = True
    offset = bench.quote()
    await eventually(lambda: len(bench.outlet.values_of(BOOKS.name)) == 1)
    await asyncio.sleep(0.02)
    assert not bench.is_acknowledged(offset)

    bench.outlet.release()
    await eventually(lambda: bench.is_acknowledged(offset))


async def test_the_explanation_goes_ahead_of_its_book(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.values_of(BOOKS.name)) == 1)
    topics = [topic for topic, _, _ in bench.outlet.sent if topic != HEARTBEATS.name]
    assert topics == [EXPLANATIONS.name, BOOKS.name]


async def test_what_the_log_did_not_confirm_is_published_again_with_a_higher_version(bench: Bench) -> None:
    bench.outlet.failures = [DeliveryFailed("no broker")]
    offset = bench.quote()
    await eventually(lambda: bench.is_acknowledged(offset))
    first, second = bench.outlet.books()
    assert second.version > first.version
    assert second.decimal_odds_milli.tolist() == first.decimal_odds_milli.tolist()


async def test_an_update_that_changes_no_price_is_explained_but_makes_no_book(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.books()) == 1)
    offset = bench.quote()
    await eventually(lambda: bench.is_acknowledged(offset))
    assert len(bench.outlet.values_of(BOOKS.name)) == 1
    explained = [book_pb2.PriceExplanation.FromString(value) for value in bench.outlet.values_of(EXPLANATIONS.name)]
    assert [item.providers[0].sequence for item in explained] == [1, 2]


async def test_results_go_out_when_the_book_that_shows_them_is_there(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.books()) == 1)
    bench.outlet.is_holding = True
    result = feed_pb2.MarketResult(kind=feed_pb2.RESULT_KIND_SETTLEMENT, market_id="1x2")
    offset = bench.send(feed_pb2.FeedUpdate(results=[result]))
    await eventually(lambda: len(bench.outlet.books()) == 2)
    await asyncio.sleep(0.02)
    assert bench.outlet.values_of(RESULTS.name) == []

    bench.outlet.release()
    await eventually(lambda: bench.is_acknowledged(offset))
    assert len(bench.outlet.values_of(RESULTS.name)) == 1


async def test_results_of_an_update_delivered_again_are_forwarded_again(bench: Bench) -> None:
    """The worker before may have died between the book and the results."""
    result = feed_pb2.MarketResult(kind=feed_pb2.RESULT_KIND_SETTLEMENT, market_id="1x2")
    bench.quote()
    for _ in range(2):
        offset = bench.send(feed_pb2.FeedUpdate(results=[result]), sequence=50)
        await eventually(lambda offset=offset: bench.is_acknowledged(offset))  # type: ignore[misc]
    assert len(bench.outlet.values_of(RESULTS.name)) == 2
    assert len(bench.outlet.books()) <= 2


async def test_a_part_that_the_table_of_rights_mutes_is_told_once_in_a_while() -> None:
    rights = RightsTable((ProviderRights("alpha", may_tell_state=False),))
    bench = Bench(PricingPolicy(provider_timeout_us=10**12, rights=rights))
    await bench.start()
    bench.quote()
    for _ in range(3):
        told = feed_pb2.FeedUpdate(state=fixture_pb2.MatchState(status=fixture_pb2.FIXTURE_STATUS_IN_PLAY))
        offset = bench.send(told)
        await eventually(lambda offset=offset: bench.is_acknowledged(offset))  # type: ignore[misc]
    (letter,) = [feed_pb2.DeadLetter.FromString(item) for item in bench.outlet.values_of(PRICING_DEAD_LETTERS.name)]
    assert letter.message.startswith("STATE_NOT_PERMITTED: alpha about match: ")
    await bench.stop()


async def test_a_strangers_word_is_kept_aside_and_its_result_goes_to_a_person(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.books()) == 1)
    result = feed_pb2.MarketResult(kind=feed_pb2.RESULT_KIND_SETTLEMENT, market_id="1x2")
    told = feed_pb2.FeedUpdate(state=fixture_pb2.MatchState(status=fixture_pb2.FIXTURE_STATUS_ENDED), results=[result])
    offset = bench.send(told, provider_id="stranger")
    await eventually(lambda: bench.is_acknowledged(offset) and bool(bench.outlet.values_of(PRICING_DEAD_LETTERS.name)))
    assert len(bench.outlet.books()) == 1
    (letter,) = [feed_pb2.DeadLetter.FromString(item) for item in bench.outlet.values_of(PRICING_DEAD_LETTERS.name)]
    assert letter.reason == "NO_RIGHT"
    assert letter.message.startswith("FIXTURE_NOT_QUOTED: stranger about match: ")
    (forwarded,) = [feed_pb2.FixtureResults.FromString(item) for item in bench.outlet.values_of(RESULTS.name)]
    assert (forwarded.provider_id, forwarded.results[0].referral_reason) == ("stranger", "FIXTURE_NOT_QUOTED")


async def test_a_result_that_counts_keeps_the_referral_that_its_provider_wrote(bench: Bench) -> None:
    bench.quote()
    result = feed_pb2.MarketResult(
        kind=feed_pb2.RESULT_KIND_SETTLEMENT, market_id="1x2", referral_reason="DEAD_HEAT_UNKNOWN"
    )
    offset = bench.send(feed_pb2.FeedUpdate(results=[result]))
    await eventually(lambda: bench.is_acknowledged(offset))
    (forwarded,) = [feed_pb2.FixtureResults.FromString(item) for item in bench.outlet.values_of(RESULTS.name)]
    assert forwarded.results[0].referral_reason == "DEAD_HEAT_UNKNOWN"


async def test_results_are_judged_once_though_a_batch_is_priced_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.books()) == 1)
    failed: list[bool] = []

    def fail_once(states: Sequence[FixtureState], **others: Any) -> list[Repricing]:
        if len(states) > 1 and not failed:
            failed.append(True)
            raise ValueError("no price")
        return price(states, **others)

    monkeypatch.setattr(pricing, "price", fail_once)
    result = feed_pb2.MarketResult(kind=feed_pb2.RESULT_KIND_SETTLEMENT, market_id="1x2")
    bench.quote(fixture_id="other")
    offset = bench.send(feed_pb2.FeedUpdate(results=[result]))
    await eventually(lambda: bench.is_acknowledged(offset))
    assert failed
    assert len(bench.outlet.values_of(RESULTS.name)) == 1


async def test_results_that_an_older_stream_brings_late_are_not_forwarded(bench: Bench) -> None:
    """The log of both streams is read again after a crash: what came in time is forwarded again, in its order."""
    settled, rolled_back = (
        feed_pb2.MarketResult(kind=kind, market_id="1x2")
        for kind in (feed_pb2.RESULT_KIND_SETTLEMENT, feed_pb2.RESULT_KIND_SETTLEMENT_ROLLBACK)
    )
    bench.quote()
    for sequence, epoch, result, appended_us in (
        (8, 1, settled, START_US + 1),
        (8, 2, settled, START_US + 2),
        (9, 2, rolled_back, START_US + 3),
        (9, 1, settled, START_US + 4),
        (8, 1, settled, START_US + 1),
    ):
        bench.app.appended_us = appended_us
        offset = bench.send(feed_pb2.FeedUpdate(results=[result]), sequence=sequence, epoch=epoch)
        await eventually(lambda offset=offset: bench.is_acknowledged(offset))  # type: ignore[misc]
    forwarded = [feed_pb2.FixtureResults.FromString(value) for value in bench.outlet.values_of(RESULTS.name)]
    assert [(item.epoch, item.sequence) for item in forwarded] == [(1, 8), (2, 8), (2, 9), (1, 8)]
    assert len({key for item in forwarded for key in result_keys(item)}) == 3


@pytest.mark.parametrize("value", [b"\xff", feed_pb2.FeedUpdate(fixture_id="other").SerializeToString()])
async def test_what_is_malformed_is_kept_aside_and_acknowledged(bench: Bench, value: bytes) -> None:
    offset = bench.app.deliver(FEED_UPDATES.name, "match", value)
    behind = bench.quote()
    await eventually(lambda: bench.is_acknowledged(offset) and bench.is_acknowledged(behind))
    (letter,) = [feed_pb2.DeadLetter.FromString(item) for item in bench.outlet.values_of(PRICING_DEAD_LETTERS.name)]
    assert letter.raw == value
    assert letter.source == f"{FEED_UPDATES.name}-0-{offset}"


async def test_a_command_without_request_id_is_malformed(bench: Bench) -> None:
    command = trading_pb2.TradingCommand(fixture_id="match", action=trading_pb2.TRADING_ACTION_SUSPEND)
    offset = bench.app.deliver(TRADING_COMMANDS.name, "match", command.SerializeToString())
    await eventually(lambda: bench.is_acknowledged(offset))
    assert len(bench.outlet.values_of(PRICING_DEAD_LETTERS.name)) == 1


async def test_pricing_goes_on_without_the_serving_copy_which_then_gets_the_newest(bench: Bench) -> None:
    bench.store.is_away = True
    for price_milli in (1_900, 2_000, 2_200):
        offset = bench.quote((*FAIR_ISH[:3], price_milli, 1_800))
        await eventually(lambda offset=offset: bench.is_acknowledged(offset))  # type: ignore[misc]
    assert len(bench.outlet.books()) == 3
    assert bench.store.newest == {}

    bench.store.is_away = False
    newest = bench.outlet.books()[-1]
    await eventually(lambda: "match" in bench.store.newest)
    assert bench.store.newest["match"].version == newest.version


async def test_a_copy_that_lost_its_data_is_filled_and_then_called_whole(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: "match" in bench.store.newest and bench.store.whole.get(0) is not None)
    bench.store.newest.clear()
    bench.store.whole.clear()
    await eventually(lambda: 0 in bench.store.whole)
    assert "match" in bench.store.newest


async def test_the_copy_is_not_called_whole_beyond_what_is_still_on_its_way(bench: Bench) -> None:
    bench.outlet.is_holding = True
    bench.quote()
    await eventually(lambda: len(bench.outlet.values_of(BOOKS.name)) == 1)
    bench.clock.time_us += 60_000_000
    before = dict(bench.store.whole)
    await asyncio.sleep(1.2)
    assert bench.store.whole[0] <= START_US // 1_000
    assert bench.store.whole[0] >= before.get(0, 0)


async def test_a_new_worker_reads_what_the_log_has_beyond_the_copy(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: bool(bench.store.newest) and bool(bench.store.whole))
    stored = bench.store.newest["match"]
    command = trading_pb2.TradingCommand(
        request_id="r1", fixture_id="match", action=trading_pb2.TRADING_ACTION_SUSPEND, trader_name="ann"
    )
    bench.app.deliver(TRADING_COMMANDS.name, "match", command.SerializeToString())
    await eventually(lambda: len(bench.outlet.books()) == 2)
    book, explanation = bench.outlet.values_of(BOOKS.name)[-1], bench.outlet.values_of(EXPLANATIONS.name)[-1]

    successor = Bench()
    successor.store.newest, successor.store.whole = {"match": stored}, {0: START_US // 1_000}
    successor.published.pairs = {"match": EncodedPair(0, book, explanation)}
    await successor.start()
    successor.sequence = 100
    successor.quote()
    await eventually(lambda: len(successor.outlet.books()) == 1)
    await successor.stop()

    (after,) = successor.outlet.books()
    assert after.version > bench.outlet.books()[-1].version
    assert [item.trader_name for item in after.trader_suspensions] == ["ann"]
    assert successor.published.asked == [{0: START_US // 1_000 - 10_000}]


async def test_a_copy_that_is_not_whole_is_not_believed(bench: Bench) -> None:
    assert bench.published.asked == [{0: 0}]


async def test_what_a_provider_no_longer_stands_for_is_suspended_before_the_successor_beats(bench: Bench) -> None:
    """It fell silent while nobody priced: no update will ever tell."""
    for name in ("match", "other"):
        bench.quote(fixture_id=name)
    await eventually(lambda: len(bench.outlet.books()) == 2)
    assert {book.market_statuses.tolist()[0] for book in bench.outlet.books()} == {MarketStatus.OPEN}

    successor = Bench(PricingPolicy(provider_timeout_us=3_000_000))
    successor.published.pairs = published_by(bench)
    successor.clock.time_us = START_US + 60_000_000
    await successor.start()
    await eventually(lambda: bool(successor.outlet.values_of(HEARTBEATS.name)))
    await successor.stop()

    before_beat = takewhile(lambda sent: sent[0] != HEARTBEATS.name, successor.outlet.sent)
    books = [
        parse_book(book_pb2.Book.FromString(value or b"")) for topic, _, value in before_beat if topic == BOOKS.name
    ]
    assert {book.fixture_id for book in books} == {"match", "other"}
    assert {tuple(book.suspension_reasons.tolist()) for book in books} == {(DOWN, DOWN)}


async def test_no_heartbeat_before_the_log_has_the_books_of_every_fixture_that_was_read_back(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.books()) == 1)
    successor = Bench()
    successor.published.pairs = published_by(bench)
    successor.outlet.is_holding = True
    await successor.start()
    await eventually(lambda: len(successor.outlet.books()) == 1)
    await asyncio.sleep(0.6)
    assert successor.outlet.values_of(HEARTBEATS.name) == []

    successor.outlet.release()
    await eventually(lambda: bool(successor.outlet.values_of(HEARTBEATS.name)))
    await successor.stop()


async def test_no_heartbeat_before_the_providers_are_known(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.books()) == 1)
    successor = Bench()
    successor.published.pairs = published_by(bench)
    successor.provider_log.is_caught_up = False
    await successor.start()
    await asyncio.sleep(0.6)
    assert successor.outlet.sent == []

    successor.provider_log.is_caught_up = True
    await eventually(lambda: bool(successor.outlet.values_of(HEARTBEATS.name)))
    await successor.stop()


@pytest.mark.parametrize(
    ("book", "explanation"),
    [("as it was", ""), ("as it was", "unreadable"), ("unreadable", "as it was"), ("unreadable", "unreadable")],
)
async def test_a_fixture_that_cannot_be_read_back_is_suspended(bench: Bench, book: str, explanation: str) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.books()) == 1)
    (pair,) = published_by(bench).values()

    successor = Bench()
    successor.published.pairs = {
        "match": EncodedPair(0, damaged(pair.book, book), damaged(pair.explanation, explanation))
    }
    successor.clock.time_us += 1
    await successor.start()
    await eventually(lambda: bool(successor.outlet.values_of(HEARTBEATS.name)))
    (after,) = successor.outlet.books()
    await successor.stop()

    reason = SuspensionReason.NOT_RESTORED if book == "as it was" else SuspensionReason.TRADER
    assert set(after.suspension_reasons.tolist()) <= {reason}
    assert MarketStatus.OPEN not in after.market_statuses
    assert after.version > bench.outlet.books()[-1].version
    assert bool(after.trader_suspensions) == (book == "unreadable")


async def test_no_heartbeat_before_the_backlog_of_a_partition_is_known(bench: Bench) -> None:
    """Also one of commands: the desk may have suspended while nobody priced."""
    for topic in (FEED_UPDATES.name, TRADING_COMMANDS.name):
        fresh = Bench()
        fresh.app.consumer.is_fetching = False
        await fresh.start()
        await asyncio.sleep(0.6)
        assert fresh.outlet.values_of(HEARTBEATS.name) == []
        fresh.app.consumer.ends[TP(topic, 0)] = 5
        fresh.app.consumer.is_fetching = True
        await asyncio.sleep(0.6)
        assert fresh.outlet.values_of(HEARTBEATS.name) == []

        fresh.app.consumer.ends.clear()
        await eventually(lambda fresh=fresh: bool(fresh.outlet.values_of(HEARTBEATS.name)))  # type: ignore[misc]
        await fresh.stop()


async def test_the_heartbeat_names_the_end_of_the_books_it_vouches_for(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.books()) == 1)
    count = len(bench.outlet.values_of(HEARTBEATS.name))
    await eventually(lambda: len(bench.outlet.values_of(HEARTBEATS.name)) > count)
    assert book_pb2.PricingHeartbeat.FromString(bench.outlet.values_of(HEARTBEATS.name)[-1]).books_end_offset == 1


async def test_the_heartbeat_does_not_claim_what_is_still_on_its_way(bench: Bench) -> None:
    def beats() -> list[int]:
        return [
            book_pb2.PricingHeartbeat.FromString(value).time_us for value in bench.outlet.values_of(HEARTBEATS.name)
        ]

    bench.clock.time_us = START_US + 5_000_000
    await eventually(lambda: START_US + 5_000_000 in beats())
    bench.app.consumer.ends[TP(FEED_UPDATES.name, 0)] = 100
    bench.quote()
    count = len(beats())
    await eventually(lambda: len(beats()) > count + 1)
    assert beats()[-1] == START_US


async def test_the_heartbeat_claims_nothing_beyond_what_is_known_of_the_logs_end(bench: Bench) -> None:
    """Whoever was paused wakes up with what it knew before."""
    bench.clock.time_us = START_US + 5_000_000
    bench.app.consumer.known_us = START_US + 1
    count = len(bench.outlet.values_of(HEARTBEATS.name))
    await eventually(lambda: len(bench.outlet.values_of(HEARTBEATS.name)) > count + 1)
    assert book_pb2.PricingHeartbeat.FromString(bench.outlet.values_of(HEARTBEATS.name)[-1]).time_us == START_US + 1


async def test_no_heartbeat_follows_one_that_the_log_does_not_confirm(bench: Bench) -> None:
    bench.outlet.is_holding = True
    count = len(bench.outlet.values_of(HEARTBEATS.name))
    await eventually(lambda: len(bench.outlet.values_of(HEARTBEATS.name)) > count)
    await asyncio.sleep(0.6)
    assert len(bench.outlet.values_of(HEARTBEATS.name)) == count + 1


async def test_partitions_taken_away_are_neither_priced_nor_called_alive(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: len(bench.outlet.books()) == 1)
    await bench.app.on_partitions_revoked.send({TP(FEED_UPDATES.name, 0), TP(TRADING_COMMANDS.name, 0)})
    await asyncio.sleep(0.3)
    count = len(bench.outlet.values_of(HEARTBEATS.name))
    await asyncio.sleep(0.6)
    assert len(bench.outlet.values_of(HEARTBEATS.name)) == count


async def test_a_fixture_that_never_ended_is_forgotten_in_the_log_and_then_in_the_copy(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: "match" in bench.store.newest and bench.store.whole.get(0) is not None)
    successor = Bench()
    successor.published.pairs, successor.store = published_by(bench), bench.store
    successor.clock.time_us = START_US + PACE.retention_us + UNENDED_US_MAX
    successor.outlet.failures = [DeliveryFailed("no broker")]
    await successor.start()
    await eventually(lambda: "match" not in successor.store.newest)
    await eventually(lambda: bool(successor.outlet.values_of(HEARTBEATS.name)))
    await successor.stop()

    tombstones = [(topic, key) for topic, key, value in successor.outlet.sent if value is None]
    assert tombstones == [(BOOKS.name, "match"), (EXPLANATIONS.name, "match")] * 2
    assert successor.outlet.books() == []


async def test_a_fixture_that_is_heard_of_again_while_it_is_forgotten_stays(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: "match" in bench.store.newest and bench.store.whole.get(0) is not None)
    successor = Bench()
    successor.published.pairs, successor.store = published_by(bench), bench.store
    successor.clock.time_us = START_US + PACE.retention_us + UNENDED_US_MAX
    successor.outlet.is_holding = True
    await successor.start()
    await eventually(lambda: any(value is None for _, _, value in successor.outlet.sent))
    offset = successor.quote()
    await eventually(lambda: len(successor.outlet.books()) == 1)
    successor.outlet.release()
    await eventually(lambda: successor.is_acknowledged(offset))
    await asyncio.sleep(1.5)
    await successor.stop()
    assert successor.store.newest["match"].version == successor.outlet.books()[-1].version


async def test_what_the_log_took_back_is_not_read_back_from_the_copy(bench: Bench) -> None:
    bench.quote()
    await eventually(lambda: "match" in bench.store.newest and bench.store.whole.get(0) is not None)
    successor = Bench()
    successor.store = bench.store
    successor.published.pairs = {"match": EncodedPair(0, None, None)}
    await successor.start()
    await eventually(lambda: bool(successor.outlet.values_of(HEARTBEATS.name)))
    await eventually(lambda: "match" not in successor.store.newest)
    await successor.stop()
    assert successor.outlet.books() == []


DAY_US = 86_400_000_000


@pytest.mark.parametrize(
    ("status", "start_days", "quiet_days", "is_given_up"),
    [
        (FixtureStatus.ENDED, None, 2, True),
        (FixtureStatus.ENDED, None, 0.5, False),
        (FixtureStatus.IN_PLAY, 0, 6, False),
        (FixtureStatus.IN_PLAY, 0, 8, True),
        (FixtureStatus.IN_PLAY, None, 3_650, True),
        (FixtureStatus.PRE_MATCH, 90, 30, False),
        (FixtureStatus.PRE_MATCH, 90, 96, False),
        (FixtureStatus.PRE_MATCH, 90, 98, True),
        (FixtureStatus.PRE_MATCH, 1_000_000, 3_650, True),
    ],
)
def test_a_fixture_is_given_up_when_it_is_over_or_long_past_its_start(
    status: FixtureStatus, start_days: float | None, quiet_days: float, is_given_up: bool
) -> None:
    start_ms = 0 if start_days is None else (NOW_US + int(start_days * DAY_US)) // 1_000
    state = folded(
        update(quoted=quotes(), state=MatchState(status), description=FixtureDescription(start_time_ms=start_ms))
    )
    now_us = NOW_US + int(quiet_days * DAY_US)
    assert is_expired(state, now_us=now_us, retention_us=DAY_US) == is_given_up


def damaged(value: bytes | None, how: str) -> bytes | None:
    return {"as it was": value, "unreadable": b"\xff\xff", "": b""}[how]


def published_by(bench: Bench) -> dict[str, EncodedPair]:
    """Return what the log has of a worker."""
    explanations = {key: value for topic, key, value in bench.outlet.sent if topic == EXPLANATIONS.name}
    books = {key: value for topic, key, value in bench.outlet.sent if topic == BOOKS.name}
    return {key: EncodedPair(0, value, explanations[key]) for key, value in books.items()}


def test_urgent_fixtures_are_taken_first_and_keep_the_order_of_their_updates() -> None:
    waiting = WaitingFixtures()
    for name in ("first", "second", "third"):
        waiting.add(name, Waiting(0, 10, results=[b"early"]), is_urgent=False)
    waiting.add("third", Waiting(0, 20, results=[b"stop"]), is_urgent=True)
    taken = waiting.take(2)
    assert list(taken) == ["third", "first"]
    assert taken["third"].results == [b"early", b"stop"]
    assert taken["third"].appended_time_us == 10
    assert list(waiting.take(2)) == ["second"]
