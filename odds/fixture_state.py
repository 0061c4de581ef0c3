"""All that pricing knows about one fixture."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from markets.fixture import FixtureDescription, FixtureStatus, MarketStatus, MatchState
from markets.layout import MarketLayout
from markets.period_scores import NO_SCORES, PeriodScores
from odds.book import (
    NO_FIGURES,
    Book,
    EndClaim,
    Explanation,
    Figures,
    MarketDecided,
    OwnSettlement,
    ProviderColumns,
    ResultWord,
    TraderSuspension,
)
from odds.layout_union import project, unite

_Move = Callable[[NDArray[Any]], NDArray[Any]]

EMPTY_LAYOUT: Final = MarketLayout.of([], [], [])
NOBODY: Final = "overround"
UNRESTORED: Final = "unrestored"
OVER_STATUSES: Final = frozenset({FixtureStatus.ENDED, FixtureStatus.CANCELLED})
TARGET_MOVE_MIN: Final = 1e-9
"""Prices that moved by less are the same prices."""
BELIEF_US_MAX: Final = 20_000_000
"""After so long without a word of a provider about a match, what it said of it does not count any more."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelFit:
    """What the model of a sport was last fitted to, and what came of it: the same again gives the same.

    Attributes:
        layout: Of the fixture.
        state: Where the match stood.
        targets: Blended probabilities it was to reproduce; NaN where there was none.
        basis: What else it depends on; only the sport reads it.
        figures: Found; empty where they could not be.
        markets: Where those stand among the layout's that it can price.
        fair_probabilities: Read from it, one an outcome of the layout: 1.0 for what is certain, 0.0 for what cannot
            be, NaN for what it does not know. None where it is of no use.
    """

    layout: MarketLayout
    state: MatchState | None
    targets: NDArray[np.float64]
    basis: object
    figures: Figures
    markets: NDArray[np.int64]
    fair_probabilities: NDArray[np.float64] | None

    def is_of(self, state: FixtureState, targets: NDArray[np.float64], basis: object) -> bool:
        """Return whether all that it depends on is what it was; prices that moved by next to nothing are the same."""
        if self.layout is not state.layout or self.state != state.state or self.basis != basis:
            return False
        is_still = (np.abs(self.targets - targets) <= TARGET_MOVE_MIN) | (np.isnan(self.targets) & np.isnan(targets))
        return bool(is_still.all())


@dataclass(frozen=True, slots=True, eq=False)
class FixtureState:
    """What providers, traders and results said, folded, and the book last made of it.

    Attributes:
        state_provider_id: Whose word about the state of the match holds; empty for nobody's.
        believed_time_us: When that provider last told it; 0 for never.
        end_claims: Who says that the match is over, and is not believed yet.
        state_time_us: When any provider last told the state of the match; 0 for never.
        incident_time_us: When the last goal, red card or new period became known; prices from before do not count.
        feed_time_us: When the newest update folded in was appended to the log.
        result_statuses: What results say of each market, as MarketStatus, uint8; SUSPENDED where a person has to look
            at one first, 0 for none.
        figures: What the sport's model was last fitted to; empty for never.
        fit: That in full; None also after a restart.
        own_markets: 1 for markets that we alone offer, uint8, one a market; None where there are none.
        own_settlement: What we said of them last; None for nothing yet.
        applied_request_ids: Trader commands followed, newest last, bounded.
        decided_markets: Those outside the layout that have their result, by market, bounded: they never trade again
            unless it is taken back.
        book: The last one, in this state's layout; None before the first.
    """

    fixture_id: str
    layout: MarketLayout
    providers: tuple[ProviderColumns, ...]
    result_statuses: NDArray[np.uint8]
    description: FixtureDescription | None = None
    state: MatchState | None = None
    state_provider_id: str = ""
    believed_time_us: int = 0
    state_time_us: int = 0
    incident_time_us: int = 0
    feed_time_us: int = 0
    trader_suspensions: tuple[TraderSuspension, ...] = ()
    applied_request_ids: tuple[str, ...] = ()
    period_scores: PeriodScores = NO_SCORES
    figures: Figures = field(default_factory=lambda: NO_FIGURES)
    fit: ModelFit | None = None
    own_markets: NDArray[np.uint8] | None = None
    own_settlement: OwnSettlement | None = None
    end_claims: tuple[EndClaim, ...] = ()
    decided_markets: Mapping[str, MarketDecided] = field(default_factory=dict)
    book: Book | None = None

    @property
    def version(self) -> int:
        """Return the version of the last book, 0 before the first."""
        return self.book.version if self.book is not None else 0

    @property
    def is_in_play(self) -> bool:
        """Return whether the match is being played."""
        return self.state is not None and self.state.status is FixtureStatus.IN_PLAY

    @property
    def is_clock_running(self) -> bool:
        """Return whether the match has a clock that must move."""
        return self.state is not None and self.state.is_clock_running

    @property
    def is_play_over(self) -> bool:
        """Return whether no market of the fixture may take bets any more."""
        return self.state is not None and self.state.status in OVER_STATUSES

    @property
    def is_over(self) -> bool:
        """Return whether every market has its result, so that nothing more is expected."""
        book = self.book
        if book is None or book.layout.market_count == 0:
            return False
        return int(book.market_statuses.min()) >= MarketStatus.SETTLED

    def provider(self, provider_id: str) -> ProviderColumns | None:
        """Return what a provider says, None if it never said anything."""
        for item in self.providers:
            if item.provider_id == provider_id:
                return item
        return None


@lru_cache(maxsize=4_096)
def zeros(length: int, dtype: str) -> NDArray[Any]:
    """Return a shared read-only column of zeros."""
    column = np.zeros(length, dtype=dtype)
    column.flags.writeable = False
    return column


def new_state(fixture_id: str) -> FixtureState:
    """Return the state of a fixture nobody said anything about."""
    return FixtureState(fixture_id, EMPTY_LAYOUT, (), np.zeros(0, dtype=np.uint8))


def ending(state: MatchState) -> tuple[int, int, int]:
    """Return what providers that say that a match is over have to agree on."""
    return (int(state.status), state.home_score, state.away_score)


def own_key(state: FixtureState) -> bytes:
    """Return which markets we offer ourselves, as a key to what is worked out for a layout."""
    return b"" if state.own_markets is None else state.own_markets.tobytes()


def own_markets_of(state: FixtureState) -> NDArray[np.bool_]:
    """Return which markets are ours alone: offered by us, and never named by a provider since, one a market."""
    is_own = np.zeros(state.layout.market_count, dtype=bool)
    if state.own_markets is not None:
        is_own |= state.own_markets > 0
        for provider in state.providers:
            is_own &= provider.market_statuses == 0
    return is_own


def widen(state: FixtureState, layout: MarketLayout) -> FixtureState:
    """Return the state with all its columns in a layout that holds its own."""
    if layout is state.layout:
        return state
    places = project(state.layout, layout)

    def spread(column: NDArray[Any], places: NDArray[np.int64], length: int) -> NDArray[Any]:
        wider = np.zeros(length, dtype=column.dtype)
        wider[places] = column
        return wider

    return _in_layout(
        state,
        layout,
        lambda column: spread(column, places.markets, layout.market_count),
        lambda column: spread(column, places.outcomes, layout.outcome_count),
    )


def narrow(state: FixtureState, layout: MarketLayout) -> FixtureState:
    """Return the state with all its columns in a layout that its own holds; what that lacks is forgotten."""
    places = project(layout, state.layout)
    return _in_layout(
        state, layout, lambda column: column[places.markets].copy(), lambda column: column[places.outcomes].copy()
    )


def _in_layout(state: FixtureState, layout: MarketLayout, by_market: _Move, by_outcome: _Move) -> FixtureState:
    providers = tuple(
        replace(
            provider,
            market_statuses=by_market(provider.market_statuses),
            decimal_odds_milli=by_outcome(provider.decimal_odds_milli),
            bet_stops=by_market(provider.bet_stops),
            winner_counts=None if provider.winner_counts is None else by_market(provider.winner_counts),
            result_words=None if provider.result_words is None else by_market(provider.result_words),
            brought=None if provider.brought is None else by_market(provider.brought),
        )
        for provider in state.providers
    )
    book = state.book and replace(
        state.book,
        layout=layout,
        market_statuses=by_market(state.book.market_statuses),
        suspension_reasons=by_market(state.book.suspension_reasons),
        market_versions=by_market(state.book.market_versions),
        decimal_odds_milli=by_outcome(state.book.decimal_odds_milli),
    )
    return replace(
        state,
        layout=layout,
        providers=providers,
        result_statuses=by_market(state.result_statuses),
        own_markets=None if state.own_markets is None else by_market(state.own_markets),
        book=book,
    )


def restore_state(fixture_id: str, book: Book | None, explanation: Explanation | None) -> FixtureState:
    """Return the state that a book and its explanation were published from; either may be missing or older.

    Of an explanation without its book, the other half of what was told by then is lost: who told it is told again, and
    must not be taken for having been heard.
    """
    told = new_state(fixture_id) if explanation is None else _told_state(explanation)
    if explanation is not None and explanation.version > (book.version if book is not None else 0):
        unheard = tuple(replace(provider, epoch=0, sequence=0) for provider in told.providers)
        told = replace(told, providers=unheard, applied_request_ids=())
    if book is None:
        return told
    published = _published_state(book)
    if explanation is None:
        return published
    if explanation.version < book.version:
        told = _without_retired(told, book.layout)
    published = _leave_out(published, told.decided_markets)
    layout = unite(published.layout, told.layout)
    published, told = widen(published, layout), widen(told, layout)
    is_decided_since = (explanation.version < book.version) & (published.result_statuses > 0)
    return replace(
        told,
        result_statuses=np.where(is_decided_since, published.result_statuses, told.result_statuses).astype(np.uint8),
        description=book.description,
        state=book.state,
        feed_time_us=book.feed_time_us,
        trader_suspensions=book.trader_suspensions,
        book=published.book,
    )


def _without_retired(told: FixtureState, layout: MarketLayout) -> FixtureState:
    """Return what an older explanation tells without the markets that left the layout since, as decided ones do."""
    gone = told.layout.index_by_market_id.keys() - layout.index_by_market_id.keys()
    decided = {**told.decided_markets, **dict.fromkeys(gone, MarketDecided("", ResultWord.SETTLED))}
    return replace(_leave_out(told, gone), decided_markets=decided)


def _leave_out(state: FixtureState, market_ids: Collection[str]) -> FixtureState:
    layout = state.layout
    kept = [index for index, market_id in enumerate(layout.market_ids) if market_id not in market_ids]
    if len(kept) == layout.market_count:
        return state
    return narrow(
        state, MarketLayout.of_markets((layout.market_ids[index], layout.outcome_ids_of(index)) for index in kept)
    )


def unrestored_state(fixture_id: str, explanation: Explanation | None, now_us: int) -> FixtureState:
    """Return what is left of a fixture whose book cannot be read: nothing that takes bets.

    Its markets wait for their providers; what the desk had suspended is not known any more, so that everything is.
    """
    suspension = TraderSuspension("", NOBODY, now_us, UNRESTORED)
    if explanation is None:
        return replace(new_state(fixture_id), trader_suspensions=(suspension,))
    book = Book(
        fixture_id,
        explanation.version,
        explanation.published_time_us,
        explanation.published_time_us,
        None,
        None,
        explanation.layout,
        explanation.market_statuses,
        explanation.suspension_reasons,
        np.full(explanation.layout.market_count, explanation.version, dtype=np.uint64),
        explanation.decimal_odds_milli,
        (suspension,),
    )
    return _published_state(book)


def _published_state(book: Book) -> FixtureState:
    return FixtureState(
        book.fixture_id,
        book.layout,
        (),
        np.where(book.market_statuses >= MarketStatus.SETTLED, book.market_statuses, 0).astype(np.uint8),
        description=book.description,
        state=book.state,
        feed_time_us=book.feed_time_us,
        trader_suspensions=book.trader_suspensions,
        applied_request_ids=tuple(suspension.request_id for suspension in book.trader_suspensions),
        book=book,
    )


def _told_state(explanation: Explanation) -> FixtureState:
    return FixtureState(
        explanation.fixture_id,
        explanation.layout,
        explanation.providers,
        explanation.result_statuses,
        state_provider_id=explanation.state_provider_id,
        believed_time_us=explanation.believed_time_us or explanation.state_time_us,
        state_time_us=explanation.state_time_us,
        incident_time_us=explanation.incident_time_us,
        applied_request_ids=explanation.applied_request_ids,
        period_scores=explanation.period_scores,
        figures=explanation.figures,
        own_markets=explanation.own_markets,
        own_settlement=explanation.own_settlement,
        end_claims=explanation.end_claims,
        decided_markets=explanation.decided_markets,
    )
