"""Whatever is told, in whatever order, with however little room: an open market is what its provider said last."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from markets.fixture import MarketStatus
from markets.layout import MarketLayout
from markets.results import ResultKind
from odds.fixture.state import FixtureState, new_state
from odds.fixture.updates import FixtureUpdate, Quotes, ResultMark
from odds.folding.fold import fold, suspend_for
from tests.builders.pricing_world import NOW_US, in_play, priced
from tests.tries import tries

MARKETS_MAX = 5
MARKETS = [f"m{number}" for number in range(9)]
OPEN, SUSPENDED, CLOSED = MarketStatus.OPEN, MarketStatus.SUSPENDED, MarketStatus.CLOSED


@dataclass
class Told:
    """What the provider last said, market by market, and what of it must not be open."""

    odds_milli: dict[str, int] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    is_state_refused: bool = False

    def take(self, update: FixtureUpdate, *, is_refused: bool) -> None:
        if update.state is not None:
            self.is_state_refused = False
        for mark in update.result_marks:
            (self.settled.add if mark.kind is ResultKind.SETTLEMENT else self.settled.discard)(mark.market_id)
        quotes = None if is_refused else update.quotes
        for index, market_id in enumerate(quotes.layout.market_ids if quotes is not None else ()):
            assert quotes is not None
            self.odds_milli[market_id] = int(quotes.decimal_odds_milli[quotes.layout.offsets[index]])
            (self.held.discard if quotes.market_statuses[index] == OPEN else self.held.add)(market_id)
        if is_refused and update.state is not None:
            self.is_state_refused = True
        self.is_state_refused |= update.is_state_refused
        if self.is_state_refused or is_refused or update.bet_stop_market_ids == ():
            self.held.update(MARKETS)
        self.held.update(update.bet_stop_market_ids or ())

    def may_be_open(self, market_id: str) -> bool:
        return market_id in self.odds_milli and market_id not in self.held | self.settled


@st.composite
def updates(draw: st.DrawFn) -> FixtureUpdate:
    market_ids = draw(st.lists(st.sampled_from(MARKETS), unique=True, max_size=4))
    layout = MarketLayout.of_markets([(market_id, ("yes", "no")) for market_id in market_ids])
    statuses = draw(
        st.lists(st.sampled_from([OPEN, SUSPENDED, CLOSED]), min_size=len(market_ids), max_size=len(market_ids))
    )
    odds = [draw(st.integers(1_850, 1_950)) for _ in market_ids for _ in range(2)]
    quotes = Quotes(layout, np.array(statuses, dtype=np.uint8), np.array(odds, dtype=np.uint32), is_snapshot=False)
    kinds = st.sampled_from([ResultKind.SETTLEMENT, ResultKind.SETTLEMENT_ROLLBACK])
    marks = draw(st.lists(st.builds(ResultMark, kinds, st.sampled_from(MARKETS), st.just(False)), max_size=2))
    return FixtureUpdate(
        "alpha",
        "match",
        0,
        NOW_US,
        NOW_US,
        state=draw(st.sampled_from([None, None, in_play()])),
        quotes=quotes if market_ids else None,
        bet_stop_market_ids=draw(st.sampled_from([None, None, None, (), ("m1", "m2")])),
        result_marks=tuple(marks),
        is_state_refused=draw(st.sampled_from([False, False, False, True])),
    )


@given(st.lists(st.tuples(updates(), st.sampled_from([False, False, False, True])), max_size=12))
@tries(150)
def test_nothing_is_open_that_the_provider_does_not_offer_now(told: list[tuple[FixtureUpdate, bool]]) -> None:
    with patch("markets.layout.MARKETS_MAX", MARKETS_MAX):
        state, model = new_state("match"), Told()
        for sequence, (told_next, is_refused) in enumerate(told, 1):
            update = replace(told_next, sequence=sequence)
            state = suspend_for(state, update) if is_refused else fold(state, update)
            model.take(update, is_refused=is_refused)
            state = _expect_only_offered(state, model)


def _expect_only_offered(state: FixtureState, model: Told) -> FixtureState:
    following = priced(state).state
    book = following.book
    if book is None:
        return following
    for index, market_id in enumerate(book.layout.market_ids):
        if book.market_statuses[index] == OPEN:
            assert model.may_be_open(market_id), market_id
            provider = following.providers[0]
            assert provider.decimal_odds_milli[book.layout.offsets[index]] == model.odds_milli[market_id]
    return following
