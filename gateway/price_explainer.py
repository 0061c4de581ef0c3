"""Why a price is, or was, what it is: by fixture and version."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from gateway.books import BookCache
from gateway.ports import ExplanationLog, Explanations, LoggedExplanation
from gateway.rpc.bounds import AnswerOversized, expect_answer_bounded
from kernel.clock import Clock
from kernel.errors import Category, DomainError, Part, Unavailable
from overround.odds.v1 import book_pb2
from overround.trading.v1 import trading_service_pb2
from wire.books import parse_explanation
from wire.price_explanations import build_explained

CELLS_MAX: Final = 50_000
"""Prices of providers in one answer: building more would keep others waiting."""


class ExplanationUnknown(DomainError):
    """The fixture's book never had that version."""

    reason = "EXPLANATION_UNKNOWN"
    category = Category.UNKNOWN


class ExplanationExpired(DomainError):
    """The version is older than what is kept."""

    reason = "EXPLANATION_EXPIRED"
    category = Category.UNKNOWN


class PriceExplainer:
    """Finds the newest explanation in the serving copy, and that of a version in the log.

    Of one version the log has the explanation that was published with the book, and after it those of later inputs that
    changed no price. By its version a price is always explained by the first.
    """

    def __init__(
        self, *, explanations: Explanations, log: ExplanationLog, books: BookCache, clock: Clock, kept_ms: int
    ) -> None:
        """Prepare to explain.

        Args:
            explanations: The newest of each fixture.
            log: Those of every version.
            books: What is on offer now.
            clock: Tells which versions are still kept.
            kept_ms: How long the log keeps every version; beyond, it has few.
        """
        self._explanations = explanations
        self._log = log
        self._books = books
        self._clock = clock
        self._kept_us = kept_ms * 1_000

    async def explain(
        self, *, fixture_id: str, version: int, market_id: str
    ) -> trading_service_pb2.ExplainPriceResponse:
        """Return the explanation of a version, 0 for the newest, of one market or, if it is empty, of all.

        Raises:
            FixtureUnknown: If nothing is known of the fixture.
            MarketUnknown: If the version has no such market.
            ExplanationUnknown: If there never was such a version.
            ExplanationExpired: If it is no longer kept.
            Unavailable: If store or log did not answer in time.
        """
        raw = await self._find(fixture_id, version) if version else await self._find_newest(fixture_id)
        explanation = parse_explanation(book_pb2.PriceExplanation.FromString(raw))
        layout = explanation.layout
        if not market_id and (cells := layout.outcome_count * max(len(explanation.providers), 1)) > CELLS_MAX:
            raise AnswerOversized(
                f"An explanation must be of at most {CELLS_MAX} prices of providers, all markets have {cells}: name one"
            )
        answer = build_explained(
            explanation, [layout.market_index(market_id)] if market_id else range(layout.market_count)
        )
        expect_answer_bounded(answer.ByteSize(), instead="name one market")
        return answer

    async def _find_newest(self, fixture_id: str) -> bytes:
        raw = await self._explanations.read_explanation(fixture_id)
        if not raw:
            book = self._books.get(fixture_id)
            message = f"Redis must have the newest explanation, has lost it; the log has that of version {book.version}"
            raise Unavailable(Part.EXPLANATION, message, figures={"newest_version": str(book.version)})
        return raw

    async def _find(self, fixture_id: str, version: int) -> bytes:
        found = await self._log.find_explanation(fixture_id, version)
        return found.value or await self._refuse(fixture_id, version, found)

    async def _refuse(self, fixture_id: str, version: int, found: LoggedExplanation) -> bytes:
        newest = await self._newest_version(fixture_id)
        kept_since_us = self._clock.now_us() - self._kept_us
        figures = {"newest_version": str(newest), "kept_since_us": str(kept_since_us)}
        if version < kept_since_us:
            since = datetime.fromtimestamp(kept_since_us // 1_000_000, UTC).isoformat()
            message = f"Version must be of {since} or later, was {version}; its newest is {newest}"
            raise ExplanationExpired(message, figures=figures)
        if found.version_after:
            figures["version_after"] = str(found.version_after)
        message = f"Version must be that of one of the fixture's books, was {version}; its newest is {newest}"
        raise ExplanationUnknown(message, figures=figures)

    async def _newest_version(self, fixture_id: str) -> int:
        """Return the newest version of a fixture.

        Raises:
            FixtureUnknown: If neither a book nor an explanation of it is held.
        """
        if (book := self._books.find(fixture_id)) is not None:
            return book.version
        raw = await self._explanations.read_explanation(fixture_id)
        return book_pb2.PriceExplanation.FromString(raw).version if raw else self._books.get(fixture_id).version
