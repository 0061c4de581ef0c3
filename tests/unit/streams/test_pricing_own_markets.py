"""The pricing agent settles the markets that the house alone offers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from odds.pricing.policy import PricingPolicy
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2, fixture_pb2
from streams.ports import EncodedPair
from tests.builders.football_world import quoted
from tests.fakes.fake_faust import eventually
from tests.fakes.pricing_bench import Bench
from wire.feed import build_quotes
from wire.topics import BOOKS, EXPLANATIONS, RESULTS

OWN_POLICY = PricingPolicy(provider_timeout_us=10**12, own_offers={"football": ("odd_even",)})


@pytest.fixture
async def own_bench() -> AsyncIterator[Bench]:
    """An agent that offers a market of its own, on a match that is quoted."""
    bench = Bench(OWN_POLICY)
    await bench.start()
    given = quoted(market_ids=("1x2", "total:2.5"))
    message = build_quotes(
        given.layout,
        market_statuses=given.market_statuses,
        decimal_odds_milli=given.decimal_odds_milli,
        is_snapshot=True,
    )
    bench.send(feed_pb2.FeedUpdate(quotes=message, description=fixture_pb2.FixtureDescription(sport="football")))
    await eventually(lambda: len(bench.outlet.books()) == 1)
    assert bench.outlet.books()[0].layout.market_ids == ("1x2", "total:2.5", "odd_even")
    yield bench
    await bench.stop()


def end(home_score: int, away_score: int) -> feed_pb2.FeedUpdate:
    """Return what a provider says at the end of a match."""
    state = fixture_pb2.MatchState(
        status=fixture_pb2.FIXTURE_STATUS_ENDED,
        period=fixture_pb2.PERIOD_FINISHED,
        home_score=home_score,
        away_score=away_score,
    )
    return feed_pb2.FeedUpdate(state=state)


def won(bench: Bench) -> list[tuple[int, list[str]]]:
    """Return the sequence of each message of own results, and which outcomes won."""
    messages = [feed_pb2.FixtureResults.FromString(value) for value in bench.outlet.values_of(RESULTS.name)]
    assert {message.provider_id for message in messages} <= {"house"}
    return [
        (
            message.sequence,
            [item.outcome_id for result in message.results for item in result.outcomes if item.win_factor_micro],
        )
        for message in messages
    ]


async def test_own_markets_are_settled_when_the_log_has_what_is_said_of_them(own_bench: Bench) -> None:
    own_bench.outlet.is_holding = True
    offset = own_bench.send(end(2, 1))
    await eventually(lambda: len(own_bench.outlet.books()) == 2)
    await asyncio.sleep(0.02)
    assert won(own_bench) == []
    said = book_pb2.PriceExplanation.FromString(own_bench.outlet.values_of(EXPLANATIONS.name)[-1])
    assert (said.own_settlement.sequence, list(said.own_markets)) == (1, [0, 0, 1])

    own_bench.outlet.release()
    await eventually(lambda: own_bench.is_acknowledged(offset))
    assert won(own_bench) == [(1, ["odd"])]
    assert own_bench.outlet.books()[-1].market_statuses.tolist() == [3, 3, 4]


async def test_a_corrected_end_settles_own_markets_anew(own_bench: Bench) -> None:
    for score in ((2, 1), (2, 1), (2, 2)):
        offset = own_bench.send(end(*score))
        await eventually(lambda offset=offset: own_bench.is_acknowledged(offset))  # type: ignore[misc]
    assert won(own_bench) == [(1, ["odd"]), (2, ["even"])]


async def test_own_results_of_an_end_delivered_again_go_out_again_and_are_the_same(own_bench: Bench) -> None:
    """The worker before may have died between the book and the results."""
    for _ in range(2):
        offset = own_bench.send(end(2, 1), sequence=50)
        await eventually(lambda offset=offset: own_bench.is_acknowledged(offset))  # type: ignore[misc]
    values = own_bench.outlet.values_of(RESULTS.name)
    assert len(values) == 2
    assert values[0] == values[1]


async def test_a_new_worker_does_not_settle_own_markets_anew_but_repeats_what_may_be_lost(own_bench: Bench) -> None:
    own_bench.send(end(2, 1), sequence=50)
    await eventually(lambda: len(won(own_bench)) == 1)
    later = Bench(OWN_POLICY)
    books, explanations = own_bench.outlet.values_of(BOOKS.name), own_bench.outlet.values_of(EXPLANATIONS.name)
    later.published.pairs = {"match": EncodedPair(0, books[-1], explanations[-1])}
    await later.start()
    offset = later.send(feed_pb2.FeedUpdate(), sequence=51)
    await eventually(lambda: later.is_acknowledged(offset))
    assert won(later) == []
    offset = later.send(end(2, 1), sequence=50)
    await eventually(lambda: later.is_acknowledged(offset))
    assert later.outlet.values_of(RESULTS.name) == own_bench.outlet.values_of(RESULTS.name)
    await later.stop()
