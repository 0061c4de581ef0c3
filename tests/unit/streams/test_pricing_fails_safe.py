"""News that cannot be applied suspends: nothing stays open behind it, and no result is lost with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest

from infra.migrations.kafka_migration import declare
from infra.processes.pricing import complaint_of_lag
from infra.settings import load_settings
from markets.fixture import MarketStatus, SuspensionReason
from markets.layout import MARKETS_MAX, MarketLayout
from odds.fixture.state import FixtureState
from odds.pricing.repricing import Repricing, price
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2, fixture_pb2
from streams import pricing, pricing_folding
from tests.builders.pricing_world import FAIR_ISH, FOOTBALL
from tests.fakes.fake_faust import eventually
from tests.fakes.pricing_bench import Bench
from wire.books import parse_explanation
from wire.feed import build_quotes
from wire.topics import EXPLANATIONS, FEED_UPDATES, PRICING_DEAD_LETTERS, RESULTS

OPEN, SUSPENDED, SETTLED = MarketStatus.OPEN, MarketStatus.SUSPENDED, MarketStatus.SETTLED
FAILED = SuspensionReason.PRICING_FAILED
GOAL = fixture_pb2.MatchState(
    status=fixture_pb2.FIXTURE_STATUS_IN_PLAY, period=fixture_pb2.PERIOD_FIRST_HALF, home_score=1
)
WON = feed_pb2.MarketResult(
    kind=feed_pb2.RESULT_KIND_SETTLEMENT,
    market_id="1x2",
    outcomes=[feed_pb2.OutcomeResult(outcome_id="home", win_factor_micro=1_000_000, dead_heat_factor_micro=1_000_000)],
)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    await bench.start()
    bench.quote()
    await eventually(lambda: len(bench.outlet.books()) == 1)
    yield bench
    await bench.stop()


async def sent(bench: Bench, update: feed_pb2.FeedUpdate) -> None:
    offset = bench.send(update)
    await eventually(lambda: bench.is_acknowledged(offset))


def raising(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("no such price")


def two_way(market_ids: Sequence[str], status: int = OPEN) -> feed_pb2.Quotes:
    layout = MarketLayout.of_markets([(market_id, ("yes", "no")) for market_id in market_ids])
    return build_quotes(
        layout,
        market_statuses=np.full(layout.market_count, status, dtype=np.uint8),
        decimal_odds_milli=np.full(layout.outcome_count, 1_900, dtype=np.uint32),
        is_snapshot=False,
    )


def main_market() -> feed_pb2.Quotes:
    layout = MarketLayout.of_markets([("1x2", ("home", "draw", "away"))])
    return build_quotes(
        layout,
        market_statuses=np.array([OPEN], dtype=np.uint8),
        decimal_odds_milli=np.array(FAIR_ISH[:3], dtype=np.uint32),
        is_snapshot=False,
    )


def points(begin: int, end: int) -> list[str]:
    return [f"point:{number}" for number in range(begin, end)]


async def test_what_cannot_be_priced_takes_no_bets_and_its_results_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pricing, "price", raising)
    await sent(bench, feed_pb2.FeedUpdate(state=GOAL))
    book = bench.outlet.books()[-1]
    assert book.market_statuses.tolist() == [SUSPENDED] * FOOTBALL.market_count
    assert book.suspension_reasons.tolist() == [FAILED] * FOOTBALL.market_count
    assert book.state is not None
    assert book.state.home_score == 1
    await sent(bench, feed_pb2.FeedUpdate(results=[WON]))
    assert len(bench.outlet.values_of(RESULTS.name)) == 1
    assert bench.outlet.books()[-1].market_statuses.tolist() == [SETTLED, SUSPENDED]
    await eventually(lambda: len(bench.outlet.values_of(PRICING_DEAD_LETTERS.name)) == 2)

    monkeypatch.undo()
    offset = bench.quote()
    await eventually(lambda: bench.is_acknowledged(offset))
    assert bench.outlet.books()[-1].market_statuses.tolist() == [SETTLED, OPEN]


async def test_a_fixture_that_cannot_be_priced_holds_up_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def choosy(states: Sequence[FixtureState], **others: Any) -> list[Repricing]:
        if any(state.fixture_id == "match" for state in states):
            raising()
        return price(states, **others)

    monkeypatch.setattr(pricing, "price", choosy)
    bad, good = bench.quote(), bench.quote(fixture_id="other")
    await eventually(lambda: bench.is_acknowledged(bad) and bench.is_acknowledged(good))
    newest = {book.fixture_id: book for book in bench.outlet.books()}
    assert OPEN not in newest["match"].market_statuses.tolist()
    assert newest["other"].market_statuses.tolist() == [OPEN] * FOOTBALL.market_count


async def test_a_fixture_without_a_book_has_its_results_forwarded_though_it_cannot_be_priced(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pricing, "price", raising)
    offset = bench.send(feed_pb2.FeedUpdate(results=[WON]), fixture_id="unseen")
    await eventually(lambda: bench.is_acknowledged(offset))
    assert len(bench.outlet.values_of(RESULTS.name)) == 1
    assert len(bench.outlet.books()) == 1


async def test_what_cannot_be_folded_in_stops_its_provider_until_it_says_all_of_it_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pricing_folding, "fold", raising)
    await sent(bench, feed_pb2.FeedUpdate(state=GOAL, results=[WON]))
    monkeypatch.undo()
    assert bench.outlet.books()[-1].market_statuses.tolist() == [SETTLED, SUSPENDED]
    assert len(bench.outlet.values_of(RESULTS.name)) == 1
    bench.quote()
    await sent(bench, feed_pb2.FeedUpdate(state=GOAL))
    assert bench.outlet.books()[-1].market_statuses.tolist() == [SETTLED, SUSPENDED]
    offset = bench.quote()
    await eventually(lambda: bench.is_acknowledged(offset))
    assert bench.outlet.books()[-1].market_statuses.tolist() == [SETTLED, OPEN]


async def test_behind_a_state_that_was_refused_nothing_opens_before_one_that_can_be_taken(bench: Bench) -> None:
    def newest() -> list[int]:
        return list(bench.outlet.books()[-1].market_statuses.tolist())

    await sent(bench, feed_pb2.FeedUpdate(quotes=main_market(), is_state_refused=True))
    assert newest() == [SUSPENDED] * FOOTBALL.market_count
    await sent(bench, feed_pb2.FeedUpdate(quotes=main_market()))
    assert newest() == [SUSPENDED] * FOOTBALL.market_count
    provider = parse_explanation(
        book_pb2.PriceExplanation.FromString(bench.outlet.values_of(EXPLANATIONS.name)[-1])
    ).providers[0]
    assert provider.is_state_refused
    await sent(bench, feed_pb2.FeedUpdate(state=GOAL))
    assert newest() == [SUSPENDED] * FOOTBALL.market_count
    await sent(bench, feed_pb2.FeedUpdate(quotes=main_market()))
    assert newest() == [OPEN, SUSPENDED]


async def test_what_cannot_be_read_suspends_what_its_provider_quotes(bench: Bench) -> None:
    await sent(bench, feed_pb2.FeedUpdate(state=fixture_pb2.MatchState(status=99), results=[WON]))  # type: ignore[arg-type]
    assert bench.outlet.books()[-1].market_statuses.tolist() == [SETTLED, SUSPENDED]
    assert len(bench.outlet.values_of(RESULTS.name)) == 1
    await eventually(lambda: len(bench.outlet.values_of(PRICING_DEAD_LETTERS.name)) == 1)


async def test_with_a_full_layout_the_rest_of_an_update_counts(bench: Bench) -> None:
    for begin in range(0, MARKETS_MAX - 2, 2_047):
        await sent(bench, feed_pb2.FeedUpdate(quotes=two_way(points(begin, min(begin + 2_047, MARKETS_MAX - 2)))))
    assert bench.outlet.books()[-1].layout.market_count == MARKETS_MAX
    quotes = two_way(["btts"])
    quotes.CopyFrom(
        build_quotes(
            MarketLayout.of_markets([("1x2", ("home", "draw", "away")), ("btts", ("yes", "no"))]),
            market_statuses=np.array([SUSPENDED, OPEN], dtype=np.uint8),
            decimal_odds_milli=np.array([*FAIR_ISH[:3], 1_900, 1_900], dtype=np.uint32),
            is_snapshot=False,
        )
    )
    await sent(bench, feed_pb2.FeedUpdate(quotes=quotes, state=GOAL, bet_stop=feed_pb2.BetStop()))
    book = bench.outlet.books()[-1]
    assert OPEN not in book.market_statuses.tolist()
    assert book.state is not None
    assert book.state.home_score == 1
    assert "btts" not in book.layout.index_by_market_id


async def test_markets_that_have_their_result_make_room_for_new_ones(bench: Bench) -> None:
    for begin in range(0, MARKETS_MAX - 2, 2_047):
        await sent(bench, feed_pb2.FeedUpdate(quotes=two_way(points(begin, min(begin + 2_047, MARKETS_MAX - 2)))))
    settled = [
        feed_pb2.MarketResult(kind=feed_pb2.RESULT_KIND_CANCEL, market_id=market_id) for market_id in points(0, 1_000)
    ]
    await sent(bench, feed_pb2.FeedUpdate(results=settled))
    await sent(bench, feed_pb2.FeedUpdate(quotes=two_way(["btts", "point:5000"])))
    book = bench.outlet.books()[-1]
    assert book.layout.market_count == MARKETS_MAX - 1_000 + 2
    assert book.market_statuses[book.layout.market_index("btts")] == OPEN
    assert book.market_statuses[book.layout.market_index("1x2")] == OPEN
    assert "point:999" not in book.layout.index_by_market_id
    assert "point:1000" in book.layout.index_by_market_id


async def test_news_that_waits_so_long_that_the_log_may_lose_it_is_complained_of(bench: Bench) -> None:
    kept_us = 72 * 3_600_000_000
    assert bench.agent is not None
    bench.outlet.is_holding = True
    bench.send(feed_pb2.FeedUpdate(results=[WON]))
    bench.clock.time_us += kept_us // 20
    await eventually(lambda: bench.agent is not None and bench.agent.lag_us > 0)
    assert complaint_of_lag(bench.agent.lag_us, kept_us=kept_us) is None
    bench.clock.time_us += 3_600_000_000
    assert complaint_of_lag(bench.agent.lag_us, kept_us=kept_us) == (
        "prices news of 4.6 h ago: the log keeps it, and results, for 72 h"
    )
    bench.outlet.release()
    await eventually(lambda: bench.agent is not None and bench.agent.lag_us == 0)


def test_updates_with_results_are_kept_by_time_alone() -> None:
    config = declare(FEED_UPDATES, load_settings("test")).config
    assert (config["retention.bytes"], config["message.timestamp.type"]) == ("-1", "LogAppendTime")
    assert int(config["retention.ms"]) >= 24 * 3_600_000
