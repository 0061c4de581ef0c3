"""Messages into blocks of rows: acknowledged after the insert, split around what cannot be kept."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from kernel.errors import Part, Unavailable
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2
from streams.history import HistoryAgent
from streams.history_tables import LayoutCatalogue, read_book
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_faust import FakeApp, eventually
from tests.fakes.fake_outlet import FakeOutlet
from wire.topics import BOOKS, HISTORY_DEAD_LETTERS


class FakeHistory:
    def __init__(self) -> None:
        self.blocks: list[tuple[str, list[tuple[object, ...]]]] = []
        self.failures: list[Exception] = []
        self.refused_version = -1

    async def insert(self, table: str, column_names: Sequence[str], columns: Sequence[Sequence[object]]) -> None:
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop()
        rows = list(zip(*columns, strict=True))
        if table == "book_versions" and any(row[1] == self.refused_version for row in rows):
            raise TypeError("does not fit")
        assert all(len(row) == len(column_names) for row in rows)
        self.blocks.append((table, rows))

    def versions(self) -> list[Any]:
        return [row[1] for table, rows in self.blocks if table == "book_versions" for row in rows]


Parts = tuple[FakeHistory, FakeOutlet, Any]


@pytest.fixture
def parts() -> Parts:
    history, outlet = FakeHistory(), FakeOutlet()
    app: Any = FakeApp()
    agent = HistoryAgent(history=history, outlet=outlet, clock=FakeClock(), block_rows_max=100, block_interval_s=0.05)
    agent.attach(app)
    return history, outlet, app


def _book(version: int, *, layout_hash: int = 7) -> bytes:
    return book_pb2.Book(
        fixture_id="sim:1:1",
        version=version,
        layout_hash=layout_hash,
        market_ids=["1x2"],
        outcome_counts=np.array([3], "<u2").tobytes(),
        outcome_ids=["home", "draw", "away"],
        decimal_odds_milli=np.array([2_000, 3_000, 4_000], "<u4").tobytes(),
    ).SerializeToString()


async def test_books_that_come_together_are_one_block_and_their_layout_goes_before(parts: Parts) -> None:
    history, _, app = parts
    for version in range(50):
        app.deliver(BOOKS.name, version, _book(version))
    async with app:
        await eventually(lambda: len(app.acknowledged) == 50)
        app.deliver(BOOKS.name, 50, _book(50))
        await eventually(lambda: len(app.acknowledged) == 51)
    tables = [table for table, _ in history.blocks]
    assert tables == ["book_layouts", "book_versions", "book_versions"]
    assert history.blocks[0][1] == [(7, [b"1x2"], [3], [b"home", b"draw", b"away"])]
    assert history.versions() == list(range(51))


async def test_a_block_is_bounded(parts: Parts) -> None:
    history, _, app = parts
    for version in range(250):
        app.deliver(BOOKS.name, version, _book(version))
    async with app:
        await eventually(lambda: len(app.acknowledged) == 250)
    assert max(len(rows) for _, rows in history.blocks) == 100


async def test_nothing_is_acknowledged_while_clickhouse_is_away(parts: Parts) -> None:
    history, outlet, app = parts
    history.failures = [Unavailable(Part.HISTORY, "away"), Unavailable(Part.HISTORY, "away")]
    app.deliver(BOOKS.name, 0, _book(1))
    async with app:
        await eventually(lambda: len(history.failures) < 2)
        assert app.acknowledged == []
        await eventually(lambda: len(app.acknowledged) == 1)
    assert (history.versions(), outlet.sent) == ([1], [])


async def test_what_cannot_be_kept_is_buried_and_the_rest_of_its_block_is_kept(parts: Parts) -> None:
    history, outlet, app = parts
    history.refused_version = 7
    for version in range(20):
        app.deliver(BOOKS.name, version, b"\xff" if version == 3 else _book(version))
    app.deliver(BOOKS.name, 20, None)
    async with app:
        await eventually(lambda: len(app.acknowledged) == 21)
    assert sorted(history.versions()) == [version for version in range(20) if version not in (3, 7)]
    letters = [feed_pb2.DeadLetter.FromString(value) for value in outlet.kept_of(HISTORY_DEAD_LETTERS.name)]
    assert [(letter.reason, letter.source) for letter in letters] == [
        ("MALFORMED", "odds.books.v1-0-3"),
        ("AGENT_ERROR", "odds.books.v1-0-7"),
    ]


def test_a_layout_that_was_forgotten_is_kept_once_more() -> None:
    catalogue = LayoutCatalogue(known_max=1)
    read_book(catalogue, _book(1, layout_hash=1))
    catalogue.mark_kept()
    read_book(catalogue, _book(2, layout_hash=2))
    assert list(catalogue.pending) == [2]
    catalogue.mark_kept()
    read_book(catalogue, _book(3, layout_hash=2))
    assert not catalogue.pending
    read_book(catalogue, _book(4, layout_hash=1))
    assert list(catalogue.pending) == [1]
