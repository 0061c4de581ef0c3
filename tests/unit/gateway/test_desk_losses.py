"""What the desk is told that fixtures could still cost."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from gateway.books import BookCache, BookWatch
from gateway.desk_feed import DeskFeed, DeskWatch
from gateway.desk_losses import WORK_S_MAX, DeskLosses
from kernel.log import Record
from markets.fixture import Score
from markets.layout import MarketLayout
from overround.odds.v1 import book_pb2, fixture_pb2
from overround.risk.v1 import risk_pb2
from overround.trading.v1 import trading_service_pb2
from tests.fakes.fake_clock import FakeClock
from wire.topics import BOOKS, LIABILITIES

LAYOUT = MarketLayout.of_markets([("1x2", ["home", "draw", "away"]), ("total:2.5", ["over", "under"])])


class NoNames:
    async def find_names(self, player_ids: Collection[str]) -> dict[str, str]:
        return {}


class World:
    """A gateway's books and its desk; contradicting bets on every fixture."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.books = BookCache(
            clock=self.clock, partition_of=lambda _: 0, partitions=1, heartbeat_age_ms_max=1, watchers_max=5
        )
        self.feed = DeskFeed(names=NoNames(), watchers_max=2)
        self.losses = DeskLosses(books=self.books, feed=self.feed, clock=self.clock)
        self.watch: BookWatch = self.books.watch(frozenset())
        self.desk: DeskWatch = self.feed.watch()
        self.version = 0

    def book(
        self,
        fixture_id: str,
        home: int,
        away: int,
        *,
        sport: str = "football",
        period: fixture_pb2.Period.ValueType = fixture_pb2.PERIOD_SECOND_HALF,
    ) -> None:
        self.version += 1
        book = book_pb2.Book(
            fixture_id=fixture_id,
            version=self.version,
            description=fixture_pb2.FixtureDescription(sport=sport),
            state=fixture_pb2.MatchState(
                status=fixture_pb2.FIXTURE_STATUS_IN_PLAY,
                period=period,
                home_score=home,
                away_score=away,
            ),
            layout_hash=LAYOUT.layout_hash,
            market_ids=LAYOUT.market_ids,
            outcome_counts=LAYOUT.outcome_counts.tobytes(),
            outcome_ids=LAYOUT.outcome_ids,
        )
        self.books.apply([Record(BOOKS.name, 0, 0, 0, fixture_id, book.SerializeToString())])

    def bets(self, fixture_id: str, version: int, payout_minor: int = 3_000) -> None:
        liability = risk_pb2.FixtureLiability(
            fixture_id=fixture_id,
            version=version,
            currency="EUR",
            markets=[
                market("1x2", "draw", payout_minor),
                market("total:2.5", "under", 2_500),
            ],
        )
        raw = liability.SerializeToString()
        self.feed.apply_liabilities([Record(LIABILITIES.name, 0, 0, 0, fixture_id, raw)])

    def told(self) -> dict[str, risk_pb2.FixtureWorstLoss]:
        self.losses.take_turn(self.watch)
        response = trading_service_pb2.WatchDeskResponse.FromString(b"".join(self.desk.take()))
        return {loss.fixture_id: loss for loss in response.worst_losses}


def market(market_id: str, outcome_id: str, payout_minor: int) -> risk_pb2.MarketLiability:
    outcome = risk_pb2.OutcomeLiability(
        outcome_id=outcome_id, stake_minor=1_000, payout_minor=payout_minor, bet_count=1
    )
    return risk_pb2.MarketLiability(market_id=market_id, stake_minor=1_000, bet_count=1, outcomes=[outcome])


@pytest.fixture
def world() -> World:
    return World()


def test_a_goal_changes_what_a_match_could_still_cost(world: World) -> None:
    world.book("f", 1, 1)
    world.bets("f", 1)
    level = world.told()["f"]
    assert (level.worst_loss_minor, level.score.home, level.score.away) == (3_500, 1, 1)
    world.book("f", 2, 1)
    behind = world.told()["f"]
    assert (behind.worst_loss_minor, behind.score.home, behind.score.away) == (1_000, 2, 2)


def test_a_book_that_leaves_score_and_bets_is_no_news(world: World) -> None:
    world.book("f", 1, 1)
    world.bets("f", 1)
    world.told()
    world.book("f", 1, 1)
    assert world.told() == {}


def test_an_older_liability_does_not_undo_a_newer_one(world: World) -> None:
    world.book("f", 1, 1)
    world.bets("f", 2, payout_minor=5_000)
    world.bets("f", 1)
    assert world.told()["f"].worst_loss_minor == 5_500


def test_a_sport_without_goals_is_told_as_a_bound(world: World) -> None:
    world.book("f", 1, 1, sport="tennis")
    world.bets("f", 1)
    told = world.told()["f"]
    assert (told.worst_loss_minor, told.undecided_minor, told.HasField("score")) == (3_500, 3_500, False)


def test_bets_on_a_fixture_without_a_book_are_told_as_a_bound(world: World) -> None:
    world.bets("f", 1)
    assert world.told()["f"].undecided_minor == 3_500


def test_no_turn_works_for_longer_than_it_may(world: World) -> None:
    world.clock.step_us = round(WORK_S_MAX / 4 * 1e6)
    for number in range(10):
        world.bets(f"f{number}", 1)
    first = world.told()
    assert 0 < len(first) < 10
    rest: set[str] = set()
    for _ in range(10):
        rest |= set(world.told())
    assert set(first) | rest == {f"f{number}" for number in range(10)}


def test_nothing_is_worked_out_without_a_desk_and_nothing_is_missed_by_the_next(world: World) -> None:
    world.book("f", 1, 1)
    world.bets("f", 1)
    assert world.told()["f"].worst_loss_minor == 3_500
    world.feed.unwatch(world.desk)
    world.clock.step_us = round(WORK_S_MAX / 100 * 1e6)
    begun_us = world.clock.time_us
    world.book("f", 2, 1)
    world.losses.take_turn(world.watch)
    assert world.clock.time_us - begun_us < WORK_S_MAX / 10 * 1e6
    world.desk = world.feed.watch()
    # What was told before the goal is not shown to who comes after it.
    assert b"".join(world.desk.take()).count(b"f") == 1  # the liability alone
    assert world.told()["f"].worst_loss_minor == 1_000


def test_a_liability_that_is_told_no_more_is_not_worked_out(world: World) -> None:
    world.book("f", 1, 1)
    world.bets("f", 1)
    world.feed.apply_liabilities([Record(LIABILITIES.name, 0, 0, 0, "f", None)])
    assert world.told() == {}


def test_what_stood_at_the_break_is_known_to_a_desk_that_comes_after_it(world: World) -> None:
    world.feed.unwatch(world.desk)
    world.book("f", 1, 0, period=fixture_pb2.PERIOD_FIRST_HALF)
    world.losses.take_turn(world.watch)
    world.book("f", 1, 0, period=fixture_pb2.PERIOD_HALF_TIME)
    world.losses.take_turn(world.watch)
    world.book("f", 1, 1)
    world.bets("f", 1)
    world.desk = world.feed.watch()
    world.told()
    assert world.losses._standings["f"].scores.half_time == Score(1, 0)
