"""Fixtures are listed page by page: every one that is not over once, whoever moves a start or comes in meanwhile."""

from __future__ import annotations

from typing import Any, cast

import pytest

from gateway.books import BookCache
from gateway.odds_service import PAGE_SIZE, PAGE_SIZE_MAX, OddsService
from overround.common.v1.page_pb2 import PageRequest
from overround.odds.v1 import fixture_pb2
from overround.odds.v1.odds_service_pb2 import ListedFixture, ListFixturesRequest
from tests.fakes.fake_clock import FakeClock
from tests.unit.gateway.test_gateway_books import NOW_US, build, record


class World:
    """A gateway's books, and who lists them."""

    def __init__(self) -> None:
        clock = FakeClock(NOW_US)
        self.books = BookCache(
            clock=clock, partition_of=lambda _: 0, partitions=1, heartbeat_age_ms_max=1_500, watchers_max=1
        )
        self.odds = OddsService(books=self.books, builders=cast("Any", None), clock=clock, in_play_delay_ms=0)

    def tell(self, fixture_id: str, *, version: int = 1, sport: str = "football", is_over: bool = False) -> None:
        status = fixture_pb2.FIXTURE_STATUS_ENDED if is_over else fixture_pb2.FIXTURE_STATUS_IN_PLAY
        book = build(fixture_id, version, status)
        named = fixture_pb2.Participant(id="home", name="Ajax")
        description = fixture_pb2.FixtureDescription(sport=sport, home_name="Ajax", participants=[named])
        book.description.CopyFrom(description)
        self.books.apply([record(book)])

    async def page(self, *, size: int = 0, token: str = "", sport: str = "") -> tuple[list[ListedFixture], str]:
        request = ListFixturesRequest(sport=sport, page=PageRequest(size=size, token=token))
        answer = await self.odds.list_fixtures(request, cast("Any", None))
        return list(answer.fixtures), answer.next_token


async def test_a_fixture_is_listed_without_prices_and_participants() -> None:
    world = World()
    world.tell("f:1", version=7)
    (listed,), token = await world.page()
    assert listed == ListedFixture(
        fixture_id="f:1",
        description=fixture_pb2.FixtureDescription(sport="football", home_name="Ajax"),
        status=fixture_pb2.FIXTURE_STATUS_IN_PLAY,
        book_version=7,
    )
    assert token == ""
    assert world.books.get("f:1").message.description.participants


async def test_a_walk_lists_each_once_whatever_comes_and_goes_meanwhile() -> None:
    world = World()
    for number in (3, 1, 5, 2, 4):
        world.tell(f"f:{number}")
    first, token = await world.page(size=2)
    world.tell("f:0")
    world.tell("f:2", version=2, is_over=True)
    world.tell("f:4", version=2, is_over=True)
    second, token = await world.page(size=2, token=token)
    assert [[listed.fixture_id for listed in page] for page in (first, second)] == [["f:1", "f:2"], ["f:3", "f:5"]]
    assert token == ""
    assert await world.page(token="f:5") == ([], "")


async def test_one_sport_is_listed_alone() -> None:
    world = World()
    world.tell("f:1", sport="tennis")
    world.tell("f:2")
    assert [listed.fixture_id for listed in (await world.page(sport="tennis"))[0]] == ["f:1"]
    assert await world.page(sport="golf") == ([], "")


@pytest.mark.parametrize(
    ("size", "count"), [(0, PAGE_SIZE), (1, 1), (PAGE_SIZE_MAX, PAGE_SIZE_MAX), (PAGE_SIZE_MAX + 1, PAGE_SIZE_MAX)]
)
async def test_a_page_is_as_long_as_asked_and_no_longer_than_any_may_be(size: int, count: int) -> None:
    world = World()
    for number in range(PAGE_SIZE_MAX + 1):
        world.tell(f"f:{number:03}")
    fixtures, token = await world.page(size=size)
    assert (len(fixtures), token) == (count, f"f:{count - 1:03}")
