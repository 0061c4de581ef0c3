"""After any input, in whatever order, with little room and across restarts: what has its result takes no bets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markets.fixture import MarketStatus
from markets.layout import MarketLayout
from markets.results import ResultKind
from odds.fixture.state import FixtureState, new_state, restore_state
from odds.fixture.updates import FixtureUpdate, Quotes, ResultMark
from odds.folding.fold import fold
from odds.folding.provider_rights import EVERYBODYS_RIGHTS, ProviderRights, RightsTable, judge_update
from odds.pricing.policy import PricingPolicy
from overround.odds.v1 import book_pb2
from tests.builders.pricing_world import NOW_US, in_play, priced
from wire.books import encode_book, encode_explanation, parse_book, parse_explanation

MARKETS_MAX = 4
DECIDED_MAX = 3
REFERRED_MAX = 2
MARKETS = [f"m{number}" for number in range(9)]
OPEN, SUSPENDED = MarketStatus.OPEN, MarketStatus.SUSPENDED
OFFICIAL = RightsTable((ProviderRights("alpha", is_official=True), ProviderRights("bravo", may_decide_shared=True)))
KINDS = tuple(ResultKind)


@dataclass
class Standing:
    """What results that count say of each market, as the ledger has it."""

    settled: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)

    def take(self, mark: ResultMark) -> None:
        said = self.settled if mark.kind in (ResultKind.SETTLEMENT, ResultKind.SETTLEMENT_ROLLBACK) else self.cancelled
        if not mark.is_windowed:
            is_said = mark.kind in (ResultKind.SETTLEMENT, ResultKind.CANCEL)
            (said.add if is_said else said.discard)(mark.market_id)


@st.composite
def updates(draw: st.DrawFn) -> FixtureUpdate:
    market_ids = draw(st.lists(st.sampled_from(MARKETS), unique=True, max_size=4))
    layout = MarketLayout.of_markets([(market_id, ("yes", "no")) for market_id in market_ids])
    statuses = draw(st.lists(st.sampled_from([OPEN, OPEN, SUSPENDED]), min_size=len(layout.market_ids), max_size=4))
    quotes = Quotes(
        layout,
        np.array(statuses[: layout.market_count], dtype=np.uint8),
        np.full(layout.outcome_count, 1_900, dtype=np.uint32),
        is_snapshot=draw(st.booleans()),
    )
    marks = st.builds(
        ResultMark, st.sampled_from(KINDS), st.sampled_from(MARKETS), st.sampled_from([False, False, True])
    )
    return FixtureUpdate(
        draw(st.sampled_from(["alpha", "alpha", "bravo"])),
        "match",
        0,
        NOW_US,
        NOW_US,
        state=draw(st.sampled_from([None, in_play()])),
        quotes=quotes if market_ids else None,
        result_marks=tuple(draw(st.lists(marks, max_size=3))),
    )


@given(st.lists(st.tuples(updates(), st.booleans()), max_size=12), st.sampled_from([EVERYBODYS_RIGHTS, OFFICIAL]))
@settings(max_examples=200, deadline=None)
def test_what_has_its_result_is_never_open(told: list[tuple[FixtureUpdate, bool]], rights: RightsTable) -> None:
    policy = PricingPolicy(rights=rights)
    with (
        patch("markets.layout.MARKETS_MAX", MARKETS_MAX),
        patch("odds.fixture.layout_room.DECIDED_MARKETS_MAX", DECIDED_MAX),
        patch("odds.folding.fold.DECIDED_MARKETS_MAX", DECIDED_MAX),
        patch("odds.folding.fold.REFERRED_MARKETS_MAX", REFERRED_MAX),
    ):
        state, standing = new_state("match"), Standing()
        for sequence, (told_next, is_restarted) in enumerate(told, 1):
            update = replace(told_next, sequence=sequence)
            reasons = judge_update(state, update, rights).referral_reasons
            for mark, reason in zip(update.result_marks, reasons, strict=True):
                if not reason:
                    standing.take(mark)
            state = priced(fold(state, update, rights), policy=policy).state
            state = restarted(state, policy) if is_restarted else state
            assert not open_markets(state) & (standing.settled | standing.cancelled)
            assert len(state.decided_markets) <= DECIDED_MAX + REFERRED_MAX + 1


def open_markets(state: FixtureState) -> set[str]:
    book = state.book
    ids = () if book is None else book.layout.market_ids
    return {
        market_id for index, market_id in enumerate(ids) if book is not None and book.market_statuses[index] == OPEN
    }


def restarted(state: FixtureState, policy: PricingPolicy) -> FixtureState:
    """Return what a successor of the process reads back, and prices before anybody says anything."""
    repricing = priced(state, policy=policy)
    if repricing.state.book is None:
        return state
    explanation = parse_explanation(book_pb2.PriceExplanation.FromString(encode_explanation(repricing.explanation)))
    book = parse_book(book_pb2.Book.FromString(encode_book(repricing.state.book)))
    return priced(restore_state("match", book, explanation), policy=policy).state


def quoting(*market_ids: str, sequence: int) -> FixtureUpdate:
    layout = MarketLayout.of_markets([(market_id, ("yes", "no")) for market_id in market_ids])
    ones, odds = np.ones(len(market_ids), dtype=np.uint8), np.full(2 * len(market_ids), 1_900, dtype=np.uint32)
    return FixtureUpdate("alpha", "match", sequence, NOW_US, NOW_US, quotes=Quotes(layout, ones, odds, False))


def saying(*kinds: ResultKind, market_id: str = "m0", sequence: int) -> FixtureUpdate:
    marks = tuple(ResultMark(kind, market_id, False) for kind in kinds)
    return FixtureUpdate("alpha", "match", sequence, NOW_US, NOW_US, result_marks=marks)


def test_a_market_that_left_a_full_layout_with_its_result_stays_away_until_that_is_taken_back() -> None:
    with patch("markets.layout.MARKETS_MAX", 2):
        state = fold(new_state("match"), quoting("m0", "m1", sequence=1))
        state = fold(state, saying(ResultKind.SETTLEMENT, sequence=2))
        state = fold(state, quoting("m2", sequence=3))
        assert state.layout.market_ids == ("m1", "m2")
        state = fold(state, saying(ResultKind.CANCEL, market_id="m1", sequence=4))
        state = restarted(fold(state, quoting("m0", sequence=5)), PricingPolicy())
        assert open_markets(state) == {"m2"}
        stranger = replace(saying(ResultKind.SETTLEMENT_ROLLBACK, sequence=6), provider_id="bravo")
        assert judge_update(state, stranger, OFFICIAL).referral_reasons == ("FIXTURE_NOT_QUOTED",)
        state = fold(state, saying(ResultKind.SETTLEMENT_ROLLBACK, sequence=6))
        state = priced(fold(state, quoting("m0", sequence=7))).state
        assert open_markets(state) == {"m0", "m2"}


@pytest.mark.parametrize("is_book_newer", [False, True])
def test_what_was_decided_between_a_book_and_an_explanation_is_not_open_after_a_restart(is_book_newer: bool) -> None:
    with patch("markets.layout.MARKETS_MAX", 2):
        before = priced(fold(new_state("match"), quoting("m0", "m1", sequence=1)))
        settled = fold(before.state, saying(ResultKind.SETTLEMENT, sequence=2))
        after = priced(fold(settled, quoting("m2", sequence=3)), now_us=NOW_US + 1)
        book, explanation = (
            (after.state.book, before.explanation) if is_book_newer else (before.state.book, after.explanation)
        )
        state = restore_state("match", book, explanation)
        assert "m0" not in open_markets(priced(state).state)
        assert "m0" not in open_markets(priced(fold(state, replace(quoting("m0", sequence=4), epoch=1))).state)


@pytest.mark.parametrize("kinds", [kinds for length in range(1, 5) for kinds in product(KINDS, repeat=length)])
def test_a_market_stands_where_the_ledger_has_it_whatever_came_last(kinds: tuple[ResultKind, ...]) -> None:
    state, standing = fold(new_state("match"), quoting("m0", "m1", sequence=1)), Standing()
    for sequence, kind in enumerate(kinds, 2):
        state = fold(state, saying(kind, sequence=sequence))
        standing.take(ResultMark(kind, "m0", False))
    at_once = fold(fold(new_state("match"), quoting("m0", "m1", sequence=1)), saying(*kinds, sequence=2))
    standing_status = (
        MarketStatus.CANCELLED
        if standing.cancelled
        else MarketStatus.SETTLED
        if standing.settled
        else MarketStatus.CLOSED
    )
    for said in (state, at_once, restarted(state, PricingPolicy())):
        assert priced(said).state.book.market_statuses.tolist() == [standing_status, OPEN]  # type: ignore[union-attr]
        assert open_markets(priced(fold(said, quoting("m0", sequence=9))).state) == (
            {"m1"} if standing.settled | standing.cancelled else {"m0", "m1"}
        )
