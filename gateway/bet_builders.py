"""What legs of one fixture are quoted at together, from the book of the moment and why it is what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from gateway.books import FixtureUnknown
from gateway.ports import Explanations
from kernel.errors import Part, Unavailable
from odds.fixture.state import restore_state
from odds.models.builder_legs import LEGS_MAX, BuilderLeg, LegNotCombinable, LegsOutOfRange
from odds.pricing.bet_builders import LegNotOffered, QuotedLegs, quote_legs
from odds.sports.registry import pricer_of
from overround.odds.v1 import book_pb2
from wire.books import parse_book, parse_explanation

QUOTED_AT_ONCE_MAX: Final = 2
"""Each takes a thread for milliseconds, for tenths of a second where legs ask for the order of goals; others wait."""
READS_MAX: Final = 5
READ_AGAIN_S: Final = 0.02
"""The serving copy is a little before, or behind, the log that the book came by."""


class StandingBook(Protocol):
    """A book as bets see it now."""

    @property
    def message(self) -> book_pb2.Book:
        """Return it as it came."""

    @property
    def is_withheld(self) -> bool:
        """Return whether no market of it takes bets, whatever the book says."""


class StandingBooks(Protocol):
    """The newest books as bets see them."""

    def is_pricing_live(self, fixture_id: str) -> bool:
        """Return whether pricing has lately said that it works on this fixture."""

    def find(self, fixture_id: str) -> StandingBook | None:
        """Return the newest book of a fixture as it is now, None if there is none."""


class BetBuilders:
    """Quotes bet builders."""

    def __init__(self, *, books: StandingBooks, explanations: Explanations, ladder: NDArray[np.uint32]) -> None:
        """Prepare to quote.

        Args:
            books: What is on offer now.
            explanations: The newest of each fixture: what its model was fitted to.
            ladder: Rising decimal odds times 1000.
        """
        self._books = books
        self._explanations = explanations
        self._ladder = ladder
        # A caller that goes takes its work out of the queue, and leaves what is being worked on in its place.
        self._threads = ThreadPoolExecutor(QUOTED_AT_ONCE_MAX, thread_name_prefix="bet-builders")

    async def quote(self, fixture_id: str, legs: Sequence[BuilderLeg]) -> tuple[int, QuotedLegs]:
        """Return the version of the book, and what legs are quoted at together by it.

        Raises:
            FixtureUnknown: If the fixture has no book.
            LegNotOffered: If a leg takes no bets now.
            LegsOutOfRange: If there is no leg, too many, or one twice.
            LegsContradictory: If they cannot all win.
            LegNotCombinable: If the fixture has no joint distribution now, or a leg is not priced from it.
            MarketUnknown: If the book has no such market.
            OutcomeUnknown: If a market has no such outcome.
            Unavailable: If what the book was made from is not there in time.
        """
        if not 1 <= len(legs) <= LEGS_MAX:
            raise LegsOutOfRange(f"A bet builder has from 1 to {LEGS_MAX} legs, was given {len(legs)}")
        book, explanation = await self._read(fixture_id)
        quoted = asyncio.get_running_loop().run_in_executor(
            self._threads, _quote, book, explanation, legs, self._ladder
        )
        return book.version, await quoted

    async def _read(self, fixture_id: str) -> tuple[book_pb2.Book, book_pb2.PriceExplanation]:
        """Return the newest book that takes bets, and its own explanation."""
        for _ in range(READS_MAX):
            standing = self._standing(fixture_id)
            raw = await self._explanations.read_explanation(fixture_id)
            message = book_pb2.PriceExplanation.FromString(raw)
            if message.version == standing.message.version:
                return standing.message, message
            await asyncio.sleep(READ_AGAIN_S)
        found = f"the book has version {standing.message.version}, its explanation {message.version}"
        raise Unavailable(Part.EXPLANATION, f"Prices of {fixture_id[:64]!r} must be explained, {found}; ask again")

    def _standing(self, fixture_id: str) -> StandingBook:
        standing = self._books.find(fixture_id)
        if standing is None:
            raise FixtureUnknown(f"Fixture must have a book, {fixture_id[:64]!r} has none")
        if standing.is_withheld or not self._books.is_pricing_live(fixture_id):
            raise LegNotOffered(f"A leg must be on offer, {fixture_id[:64]!r} takes no bets now")
        return standing


def _quote(
    book_message: book_pb2.Book,
    explanation_message: book_pb2.PriceExplanation,
    legs: Sequence[BuilderLeg],
    ladder: NDArray[np.uint32],
) -> QuotedLegs:
    book, explanation = parse_book(book_message), parse_explanation(explanation_message)
    state = restore_state(book.fixture_id, book, explanation)
    pricer = pricer_of(state)
    joint = None if pricer is None else pricer.joint(state)
    if joint is None:
        raise LegNotCombinable(f"Legs must be of a match that has a joint distribution now, {book.fixture_id} has none")
    return quote_legs(joint, explanation, legs, ladder=ladder)
