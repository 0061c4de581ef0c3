"""Send what was priced together, and say when the log has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import Counter

from kernel.clock import Clock
from kernel.log import Outlet
from odds.fixture.state import FixtureState
from odds.pricing.repricing import Repricing
from streams.ports import EncodedFixture, EncodedPair
from streams.pricing_delivery import Delivery
from streams.pricing_inputs import Waiting
from wire.books import encode_book, encode_explanation
from wire.feed import build_own_results
from wire.topics import BOOKS, EXPLANATIONS, RESULTS

REDELIVERY_S: Final = 0.5

PUBLISHED = Counter("overround_pricing_books_published", "Books published.")
FAILED = Counter("overround_pricing_deliveries_failed", "Batches that the log did not confirm in time.")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Fixtures priced together.

    Attributes:
        waiting: What they were priced for, by fixture.
        fixtures: What is news of them.
        started_us: When they were priced.
    """

    waiting: Mapping[str, Waiting]
    fixtures: Sequence[EncodedFixture]
    started_us: int


class Publisher:
    """Sends batches; results go out when the books that show them are there.

    Args:
        outlet: The way into the log.
        clock: Tells since when something is on its way.
        on_published: Called when the log has the books and explanations of a batch.
        on_finished: Called when it has the results too.
        on_failed: Called some time after a delivery failed: send the newest of these fixtures once more.
    """

    def __init__(
        self,
        outlet: Outlet,
        clock: Clock,
        *,
        on_published: Callable[[Batch], None],
        on_finished: Callable[[Batch], None],
        on_failed: Callable[[Batch], None],
    ) -> None:
        self._outlet = outlet
        self._clock = clock
        self._on_published = on_published
        self._on_finished = on_finished
        self._on_failed = on_failed
        self._batches: set[Batch] = set()

    def publish(self, batch: Batch) -> None:
        """Send explanations, each before its book: from a book whose explanation is lost nobody could go on."""
        self._batches.add(batch)
        delivery = self._open(batch, then=self._forward_results)
        for fixture in batch.fixtures:
            delivery.send(EXPLANATIONS.name, fixture.fixture_id, fixture.explanation)
            if fixture.book:
                delivery.send(BOOKS.name, fixture.fixture_id, fixture.book)
                PUBLISHED.inc()
        delivery.seal()

    def publishing_since_us(self) -> int:
        """Return since when something has been on its way, now if nothing is."""
        return min((batch.started_us for batch in self._batches), default=self._clock.now_us())

    def oldest_us(self, partition: int) -> int | None:
        """Return since when the oldest news of a partition whose book is on its way waits, None if there is none."""
        times = [
            waiting.appended_time_us
            for batch in self._batches
            for waiting in batch.waiting.values()
            if waiting.partition == partition
        ]
        return min(times, default=None)

    def _open(self, batch: Batch, *, then: Callable[[Batch], None]) -> Delivery:
        loop = asyncio.get_running_loop()

        def end(is_delivered: bool) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(then if is_delivered else self._fail, batch)

        return Delivery(self._outlet, end)

    def _forward_results(self, batch: Batch) -> None:
        self._on_published(batch)
        results = [(key, item) for key, waiting in batch.waiting.items() for item in waiting.results]
        if not results:
            self._finish(batch)
            return
        delivery = self._open(batch, then=self._finish)
        for fixture_id, item in results:
            delivery.send(RESULTS.name, fixture_id, item)
        delivery.seal()

    def _finish(self, batch: Batch) -> None:
        self._batches.discard(batch)
        self._on_finished(batch)

    def _fail(self, batch: Batch) -> None:
        FAILED.inc()
        log.warning("pricing.delivery_failed", fixtures=len(batch.waiting))
        asyncio.get_running_loop().call_later(REDELIVERY_S, self._give_back, batch)

    def _give_back(self, batch: Batch) -> None:
        self._batches.discard(batch)
        self._on_failed(batch)


def encode_priced(repricing: Repricing, partition: int) -> EncodedFixture:
    """Return what is news of a fixture that was priced: its explanation, and its book where that is new."""
    state = repricing.state
    book = encode_book(state.book) if repricing.is_book_new and state.book is not None else b""
    return _encoded(state, partition, book, encode_explanation(repricing.explanation))


def encode_read_back(state: FixtureState, pair: EncodedPair) -> EncodedFixture:
    """Return a fixture as it was read back."""
    return _encoded(state, pair.partition, pair.book or b"", pair.explanation or b"")


def encode_own_results(repricing: Repricing) -> list[bytes]:
    """Return what is to be said of the markets that we alone offer, one message or none."""
    settlement, results = repricing.state.own_settlement, repricing.own_results
    if settlement is None or not results:
        return []
    message = build_own_results(repricing.state.fixture_id, sequence=settlement.sequence, results=results)
    return [message.SerializeToString()]


def _encoded(state: FixtureState, partition: int, book: bytes, explanation: bytes) -> EncodedFixture:
    return EncodedFixture(state.fixture_id, partition, state.version, book, explanation, not state.is_over)
