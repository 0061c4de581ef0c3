"""What is told of a price: the record that pricing publishes, and the answer that is read from it."""

from __future__ import annotations

import numpy as np

from odds.fixture import MarketStatus, SuspensionReason
from odds.folding import follow_trader
from odds.updates import TraderCommand, TradingAction
from overround.odds.v1 import book_pb2
from tests.unit.pricing_world import NOW_US, folded, priced, quotes, update
from wire.books import encode_explanation, parse_explanation


def test_an_explanation_says_what_its_book_says_also_of_prices_that_stand_still() -> None:
    first = priced(folded(update(quoted=quotes())))
    suspend = TraderCommand("r1", "match", "1x2", TradingAction.SUSPEND, "ann", NOW_US)
    moved = folded(
        update(quoted=quotes((3_000, 3_400, 2_400, 1_800, 2_050))), state=follow_trader(first.state, suspend)
    )
    repricing = priced(moved, now_us=NOW_US + 5)
    book = repricing.state.book
    assert book is not None
    assert first.state.book is not None
    read = parse_explanation(book_pb2.PriceExplanation.FromString(encode_explanation(repricing.explanation)))
    assert (read.version, read.published_time_us) == (book.version, NOW_US + 5)
    assert read.market_statuses.tolist() == [MarketStatus.SUSPENDED, MarketStatus.OPEN]
    assert read.suspension_reasons.tolist() == [SuspensionReason.TRADER, SuspensionReason.NONE]
    assert read.decimal_odds_milli.tolist() == book.decimal_odds_milli.tolist()
    assert np.array_equal(read.decimal_odds_milli[:3], first.state.book.decimal_odds_milli[:3])
    assert not np.array_equal(read.decimal_odds_milli[3:], first.state.book.decimal_odds_milli[3:])
