"""What each fixture could still cost us, worked out anew when a bet, the score or the period has changed it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog
from google.protobuf.message import DecodeError

from gateway.books import BookCache, BookWatch, CachedBook
from gateway.desk_feed import LIABILITIES_MAX, DeskFeed
from kernel.clock import Clock
from kernel.errors import DomainError
from kernel.log import Record
from markets.fixture import FOOTBALL, MatchState, Score
from markets.period_scores import NO_SCORES, PeriodScores, follow_scores
from overround.risk.v1 import risk_pb2
from risk.liability import FixtureLiability
from risk.score_losses import MatchStanding, worst_loss
from wire.fixtures import parse_state
from wire.layouts import layout_of
from wire.risk import build_worst_loss, parse_fixture_liability
from wire.topics import LIABILITIES

log = structlog.get_logger(__name__)

TURN_S: Final = 0.05
# A fifth of a turn: bets are answered in between.
WORK_S_MAX: Final = 0.01
BOOKS_PER_TURN_MAX: Final = 1_000
STANDINGS_MAX: Final = 20_000

_Standing = tuple[MatchState, PeriodScores]


class DeskLosses:
    """Follows open bets and scores, and tells the desk what fixtures could still cost."""

    def __init__(self, *, books: BookCache, feed: DeskFeed, clock: Clock) -> None:
        self._books = books
        self._feed = feed
        self._clock = clock
        self._liabilities: dict[str, FixtureLiability] = {}
        self._standings: dict[str, _Standing] = {}
        self._layout_hashes: dict[str, int] = {}
        self._due: dict[str, None] = {}

    def apply_liabilities(self, records: Iterable[Record]) -> None:
        """Take in liabilities of fixtures; records of other topics are passed over."""
        for record in records:
            if record.topic != LIABILITIES.name:
                continue
            if record.value is None:
                self._liabilities.pop(record.key, None)
                continue
            try:
                liability = parse_fixture_liability(risk_pb2.FixtureLiability.FromString(record.value))
            except DecodeError as error:
                log.error("desk.liability_unreadable", key=record.key, error=str(error))
                continue
            held = self._liabilities.pop(liability.fixture_id, liability)
            self._liabilities[liability.fixture_id] = max(held, liability, key=lambda one: one.version)
            if len(self._liabilities) > LIABILITIES_MAX:
                del self._liabilities[next(iter(self._liabilities))]
            self._due[liability.fixture_id] = None

    async def run(self) -> None:
        """Work out what is due, for ever, and never so much at once that something else waits for it."""
        watch = self._books.watch(frozenset())
        try:
            while True:
                self.take_turn(watch)
                await asyncio.sleep(TURN_S)
        finally:
            self._books.unwatch(watch)

    def take_turn(self, watch: BookWatch) -> None:
        """Look at books that changed, then work for at most WORK_S_MAX."""
        changed, removed = watch.take(BOOKS_PER_TURN_MAX)
        for fixture_id in (*changed, *removed):
            if (book := self._books.find(fixture_id)) is not None:
                self._follow(book)
            else:
                self._standings.pop(fixture_id, None)
                self._layout_hashes.pop(fixture_id, None)
        end_s = self._clock.monotonic_s() + WORK_S_MAX
        while self._due and self._clock.monotonic_s() < end_s:
            fixture_id = next(iter(self._due))
            del self._due[fixture_id]
            self._work_out(fixture_id)

    def _follow(self, book: CachedBook) -> None:
        fixture_id, message = book.fixture_id, book.message
        if message.description.sport != FOOTBALL:
            return
        before = self._standings.get(fixture_id)
        try:
            told = parse_state(message.state)
        except ValueError as error:
            log.error("desk.state_unreadable", fixture_id=fixture_id, error=str(error))
            return
        known, state = (before[1], before[0]) if before else (NO_SCORES, None)
        standing = (told, follow_scores(known, state, told))
        is_same_layout = self._layout_hashes.get(fixture_id) == message.layout_hash
        if before is None or not is_same_layout or _of(before) != _of(standing):
            self._due[fixture_id] = None
        self._standings[fixture_id] = standing
        self._layout_hashes[fixture_id] = message.layout_hash
        if len(self._standings) > STANDINGS_MAX:
            oldest = next(iter(self._standings))
            del self._standings[oldest], self._layout_hashes[oldest]

    def _work_out(self, fixture_id: str) -> None:
        liability = self._liabilities.get(fixture_id)
        if liability is None:
            return
        standing = self._standings.get(fixture_id)
        loss = worst_loss(liability, standing and _of(standing), self._outcome_ids(liability))
        self._feed.put_worst_loss(build_worst_loss(fixture_id, loss))

    def _outcome_ids(self, liability: FixtureLiability) -> dict[str, tuple[str, ...]]:
        """Return all outcomes of the markets that bets are on; a market that the book does not tell is left out."""
        book = self._books.find(liability.fixture_id)
        if book is None:
            return {}
        try:
            layout = layout_of(book.message)
        except DomainError as error:
            log.error("desk.layout_unreadable", fixture_id=liability.fixture_id, reason=error.reason)
            return {}
        places = layout.index_by_market_id
        return {name: layout.outcome_ids_of(places[name]) for name in liability.markets if name in places}


def _of(standing: _Standing) -> MatchStanding:
    state, scores = standing
    return MatchStanding(Score(state.home_score, state.away_score), state.period, scores)
