"""What each fixture could still cost us, worked out anew for desks when a bet, the score or the period changed it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from gateway.books import BookCache, BookWatch, CachedBook
from gateway.desk_feed import LIABILITIES_MAX, DeskFeed
from kernel.clock import Clock
from kernel.errors import DomainError
from markets.fixture import FOOTBALL, MatchState, Score
from markets.period_scores import NO_SCORES, PeriodScores, follow_scores
from overround.risk.v1 import risk_pb2
from risk.liability import FixtureLiability
from risk.score_losses import MatchStanding, worst_loss
from wire.fixtures import parse_state
from wire.layouts import layout_of
from wire.risk import build_worst_loss, parse_fixture_liability

log = structlog.get_logger(__name__)

TURN_S: Final = 0.05
UNWATCHED_TURN_S: Final = 0.5
# A fifth of a turn: bets are answered in between.
WORK_S_MAX: Final = 0.01
BOOKS_AT_ONCE_MAX: Final = 50
STANDINGS_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a match stands, as its newest book tells it, and what earlier ones told of its periods."""

    raw: bytes
    layout_hash: int
    state: MatchState
    scores: PeriodScores

    def told(self) -> MatchStanding:
        return MatchStanding(Score(self.state.home_score, self.state.away_score), self.state.period, self.scores)


class DeskLosses:
    """Follows open bets and scores, and tells desks what fixtures could still cost: while there is a desk."""

    def __init__(self, *, books: BookCache, feed: DeskFeed, clock: Clock) -> None:
        self._books = books
        self._feed = feed
        self._clock = clock
        self._liabilities: dict[str, risk_pb2.FixtureLiability] = {}
        self._standings: dict[str, _Standing] = {}
        self._due: dict[str, None] = {}

    async def run(self) -> None:
        """Work out what is due, for ever, and never so much at once that something else waits for it."""
        watch = self._books.watch(frozenset())
        try:
            while True:
                self.take_turn(watch)
                await asyncio.sleep(TURN_S if self._feed.is_watched else UNWATCHED_TURN_S)
        finally:
            self._books.unwatch(watch)

    def take_turn(self, watch: BookWatch) -> None:
        """Look at what changed, then work out what that costs, for at most WORK_S_MAX together.

        Scores are followed without a desk too, or nobody would know what stood at the break; nothing is worked out.
        """
        end_s = self._clock.monotonic_s() + WORK_S_MAX
        self._take_liabilities()
        while watch.has_news and self._clock.monotonic_s() < end_s:
            self._take_books(watch)
        while self._due and self._feed.is_watched and self._clock.monotonic_s() < end_s:
            fixture_id = next(iter(self._due))
            del self._due[fixture_id]
            self._work_out(fixture_id)

    def _take_liabilities(self) -> None:
        for fixture_id, liability in self._feed.take_liability_news().items():
            self._liabilities.pop(fixture_id, None)
            if liability is None:
                self._due.pop(fixture_id, None)
                continue
            self._liabilities[fixture_id] = liability
            if len(self._liabilities) > LIABILITIES_MAX:
                del self._liabilities[next(iter(self._liabilities))]
            self._make_due(fixture_id)

    def _take_books(self, watch: BookWatch) -> None:
        changed, removed = watch.take(BOOKS_AT_ONCE_MAX)
        for fixture_id in (*changed, *removed):
            if (book := self._books.find(fixture_id)) is not None:
                self._follow(book)
            else:
                self._standings.pop(fixture_id, None)

    def _follow(self, book: CachedBook) -> None:
        fixture_id, message = book.fixture_id, book.message
        if message.description.sport != FOOTBALL:
            return
        before, raw = self._standings.get(fixture_id), message.state.SerializeToString()
        if before is not None and (before.raw, before.layout_hash) == (raw, message.layout_hash):
            return
        try:
            state = parse_state(message.state)
        except ValueError as error:
            log.error("desk.state_unreadable", fixture_id=fixture_id, error=str(error))
            return
        known, state_before = (before.scores, before.state) if before else (NO_SCORES, None)
        standing = _Standing(raw, message.layout_hash, state, follow_scores(known, state_before, state))
        is_same_layout = before is not None and before.layout_hash == standing.layout_hash
        if before is None or not is_same_layout or before.told() != standing.told():
            self._make_due(fixture_id)
        self._standings[fixture_id] = standing
        if len(self._standings) > STANDINGS_MAX:
            del self._standings[next(iter(self._standings))]

    def _make_due(self, fixture_id: str) -> None:
        if fixture_id in self._liabilities:
            self._due[fixture_id] = None
            if not self._feed.is_watched:
                self._feed.drop_worst_loss(fixture_id)

    def _work_out(self, fixture_id: str) -> None:
        message = self._liabilities.get(fixture_id)
        if message is None:
            return
        liability, standing = parse_fixture_liability(message), self._standings.get(fixture_id)
        loss = worst_loss(liability, standing.told() if standing else None, self._outcome_ids(liability))
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
