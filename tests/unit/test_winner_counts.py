"""Markets with several winners: priced by how many win, and not at all where nobody knows that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from gateway.feeds.betfair import BetfairAdapter
from markets.fixture import MarketStatus, SuspensionReason
from markets.layout import LayoutMalformed, MarketLayout
from odds.fixture.state import FixtureState, new_state, restore_state
from odds.fixture.updates import Quotes
from odds.fixture.winners import UNKNOWN_WINNERS
from odds.folding.fold import fold
from odds.pricing.price_steps import retrace
from odds.pricing.repricing import Repricing
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2
from tests.unit.betfair_lines import definition
from tests.unit.pricing_world import NOW_US, folded, priced, reasons, statuses, update
from wire.books import encode_book, encode_explanation, parse_book, parse_explanation
from wire.feed import parse_quotes, parse_update

OPEN, SUSPENDED = MarketStatus.OPEN, MarketStatus.SUSPENDED
FIVE = MarketLayout.of_markets([("places:2", tuple("abcde"))])
FULL = (1_900, 2_300, 2_500, 2_450, 2_700)
"""Sum to 2.14."""


def exchange(
    backs: Sequence[float], *, winners: Any, market_type: str = "PLACE", removed: Sequence[int] = ()
) -> Repricing:
    """What comes of an image of the exchange; runners without a price are 0."""
    runners = [
        {"id": id_, "sortPriority": id_, "status": "REMOVED" if id_ in removed else "ACTIVE"}
        for id_, _ in enumerate(backs, 1)
    ]
    later = "2027-02-01T12:00:00.000Z"
    named = definition(
        eventId="930",
        eventTypeId="7",
        marketType=market_type,
        marketTime=later,
        numberOfWinners=winners,
        runners=runners,
    )
    changes = [{"id": id_, "batb": [[0, price, 10]]} for id_, price in enumerate(backs, 1) if price]
    market = {"id": "1.30", "img": True, "marketDefinition": named, "rc": changes}
    raw = json.dumps({"op": "mcm", "pt": 1_767_000_000_000, "mc": [market]}).encode()
    (told,) = BetfairAdapter().read(raw).updates
    told.received_time_us = NOW_US
    state = fold(new_state(told.fixture_id), parse_update(told, appended_time_us=NOW_US))
    return priced(state, up=("betfair",))


def quotes(odds_milli: Sequence[int] = FULL, winners: int | None = 2, *, layout: MarketLayout = FIVE) -> Quotes:
    counts = None if winners is None else np.full(layout.market_count, winners, dtype=np.uint8)
    market_statuses = np.full(layout.market_count, OPEN, dtype=np.uint8)
    return Quotes(layout, market_statuses, np.array(odds_milli, dtype=np.uint32), False, counts)


def odds_of(repricing: Repricing) -> list[int]:
    assert repricing.state.book is not None
    return list(repricing.state.book.decimal_odds_milli.tolist())


def has_no_price(repricing: Repricing) -> bool:
    is_empty = np.isnan(repricing.explanation.fair_probabilities).all() and not any(odds_of(repricing))
    return statuses(repricing) == [SUSPENDED] and bool(is_empty)


@pytest.mark.parametrize(
    ("backs", "winners"),
    [
        ((3.0, 3.5, 4.0, 3.8, 4.2), 2),
        ((5.0, 5.5, 6.0, 6.5, 7.0, 8.0, 9.0, 10.0, 12.0, 14.0), 4),
        ((2.4, 3.0, 2.2, 0, 0), 2),
        ((1.5, 1.9, 2.4, 0, 3.0), 2),
        ((1.5, 1.9), 2),
        ((1.3, 1.4, 1.6, 1.9, 2.2), 0),
        ((2.0, 2.9, 4.0, 6.0), 300),
    ],
)
@pytest.mark.parametrize("market_type", ["PLACE", "OTHER_PLACE", "TO_BE_PLACED", "TOP_N_FINISH"])
def test_places_without_enough_behind_them_have_no_price(
    backs: Sequence[float], winners: int, market_type: str
) -> None:
    assert has_no_price(exchange(backs, winners=winners, market_type=market_type))


@pytest.mark.parametrize(
    ("backs", "winners", "removed"),
    [
        ((1.9, 2.3, 2.5, 2.45, 2.7), 2, ()),
        ((1.9, 2.3, 0, 2.5, 2.45, 2.7), 2, (3,)),
        ((1.3, 1.5, 1.9, 2.2, 2.9, 4.0, 7.0, 11.0), 3, ()),
        ((2.0, 3.5, 4.0), 1, ()),
        ((2.0, 3.5, 0, 4.0), 1, (3,)),
    ],
)
def test_a_market_quoted_in_full_is_priced_to_its_winners(
    backs: Sequence[float], winners: int, removed: Sequence[int]
) -> None:
    market_type = "PLACE" if winners > 1 else "WITHOUT_FAV"
    repricing = exchange(backs, winners=winners, market_type=market_type, removed=removed)
    fair = repricing.explanation.fair_probabilities
    odds_milli = np.array(odds_of(repricing))
    assert statuses(repricing) == [OPEN]
    assert np.nansum(fair) == pytest.approx(winners, abs=1e-9)
    is_quoted = odds_milli > 0
    assert is_quoted.sum() == len(backs) - len(removed)
    assert (odds_milli[is_quoted] / 1000 <= 1 / fair[~np.isnan(fair)] + 1e-9).all()
    assert (1000 / odds_milli[is_quoted]).sum() >= winners * 1.05 - 1e-9


def test_unknown_winners_have_no_price_whoever_says_so() -> None:
    assert has_no_price(priced(folded(update(quoted=quotes(winners=UNKNOWN_WINNERS)))))


def test_winners_on_which_providers_differ_have_no_price() -> None:
    agreed = folded(update(quoted=quotes()), update(provider_id="bravo", quoted=quotes()))
    assert statuses(priced(agreed)) == [OPEN]
    for other in (3, 1, None, UNKNOWN_WINNERS):
        disputed = folded(update(quoted=quotes()), update(provider_id="bravo", quoted=quotes(winners=other)))
        assert has_no_price(priced(disputed))
        assert reasons(priced(disputed)) == [SuspensionReason.NO_PRICE]
        again = folded(update(provider_id="bravo", quoted=quotes()), state=disputed)
        assert statuses(priced(again)) == [OPEN]


@pytest.mark.parametrize("winners", [2, None])
def test_a_type_with_several_winners_is_not_priced_in_part(winners: int | None) -> None:
    layout = MarketLayout.of_markets([("double_chance", ("1x", "12", "x2"))])
    whole = folded(update(quoted=quotes((1_300, 1_280, 1_650), winners, layout=layout)))
    assert statuses(priced(whole)) == [OPEN]
    part = folded(update(quoted=quotes((1_070, 0, 1_070), winners, layout=layout)), state=whole)
    repricing = priced(part)
    assert np.isnan(repricing.explanation.fair_probabilities).all()
    assert statuses(repricing) == [SUSPENDED]


def test_a_type_that_says_nothing_to_us_has_no_price_but_where_it_is_an_either_or() -> None:
    scorers = MarketLayout.of_markets([("uof:40", tuple("abcde"))])
    three = (2_500, 3_500, 4_000, 9_000, 12_000)
    assert has_no_price(priced(folded(update(quoted=quotes(three, None, layout=scorers)))))
    assert statuses(priced(folded(update(quoted=quotes(three, 1, layout=scorers))))) == [OPEN]
    either_or = MarketLayout.of_markets([("uof:9999", ("1", "2"))])
    assert statuses(priced(folded(update(quoted=quotes((1_900, 1_900), None, layout=either_or))))) == [OPEN]
    result = MarketLayout.of_markets([("uof:60:x=1", ("1", "2", "3"))])
    assert statuses(priced(folded(update(quoted=quotes((2_800, 2_100, 3_900), None, layout=result))))) == [OPEN]


def test_what_is_told_of_one_market_stays_with_it_when_others_come() -> None:
    total = MarketLayout.of_markets([("total:2.5", ("over", "under"))])
    state = folded(update(quoted=quotes()), update(quoted=quotes((1_900, 1_950), None, layout=total)))
    repricing = priced(state)
    assert statuses(repricing) == [OPEN, OPEN]
    assert np.nansum(repricing.explanation.fair_probabilities) == pytest.approx(3.0)
    assert state.layout.market_ids == ("places:2", "total:2.5")


def restored(repricing: Repricing) -> FixtureState:
    assert repricing.state.book is not None
    book = parse_book(book_pb2.Book.FromString(encode_book(repricing.state.book)))
    encoded = encode_explanation(repricing.explanation)
    return restore_state("match", book, parse_explanation(book_pb2.PriceExplanation.FromString(encoded)))


@pytest.mark.parametrize("winners", [2, UNKNOWN_WINNERS, None])
def test_a_restored_state_knows_how_many_win(winners: int | None) -> None:
    before = priced(folded(update(quoted=quotes(winners=winners))))
    after = priced(restored(before))
    assert (odds_of(after), statuses(after)) == (odds_of(before), statuses(before))
    np.testing.assert_array_equal(after.explanation.fair_probabilities, before.explanation.fair_probabilities)


def test_the_steps_of_a_price_are_taken_with_as_many_winners() -> None:
    repricing = priced(folded(update(quoted=quotes())))
    steps = retrace(repricing.explanation, [0])
    assert steps.provider_probabilities.sum() == pytest.approx(2.0, abs=1e-9)
    unknown = priced(folded(update(quoted=quotes(winners=UNKNOWN_WINNERS))))
    assert np.isnan(retrace(unknown.explanation, [0]).provider_probabilities).all()


def test_winner_counts_are_as_many_as_there_are_markets_or_none() -> None:
    message = feed_pb2.Quotes(
        layout_hash=FIVE.layout_hash,
        market_ids=FIVE.market_ids,
        outcome_counts=FIVE.outcome_counts.tobytes(),
        outcome_ids=FIVE.outcome_ids,
        market_statuses=b"\x01",
        decimal_odds_milli=np.array(FULL, "<u4").tobytes(),
    )
    assert parse_quotes(message).winner_counts is None
    message.winner_counts = b"\x02"
    assert parse_quotes(message).winner_counts == [2]
    message.winner_counts = b"\x02\x02"
    with pytest.raises(LayoutMalformed):
        parse_quotes(message)
    with pytest.raises(LayoutMalformed):
        Quotes(FIVE, np.ones(1, np.uint8), np.array(FULL, np.uint32), False, np.ones(2, np.uint8))
