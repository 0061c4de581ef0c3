"""However providers quote a market with several winners, its prices hold them, or there are none."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from markets.fixture import MarketStatus
from markets.layout import MarketLayout
from odds.fixture.updates import Quotes
from odds.fixture.winners import UNKNOWN_WINNERS
from tests.builders.pricing_world import folded, priced, update

FIVE = MarketLayout.of_markets([("places", tuple("abcde"))])
odds_columns = st.lists(st.just(0) | st.integers(1_050, 8_000), min_size=5, max_size=5)
counts_told = st.sampled_from([None, 0, 1, 2, 3, 5, 7, UNKNOWN_WINNERS])


@given(st.lists(st.tuples(odds_columns, counts_told), min_size=1, max_size=3))
def test_a_price_holds_the_winners_that_all_tell(told: list[tuple[list[int], int | None]]) -> None:
    quotes = [
        Quotes(
            FIVE,
            np.array([MarketStatus.OPEN], np.uint8),
            np.array(odds, np.uint32),
            False,
            None if count is None else np.array([count], np.uint8),
        )
        for odds, count in told
    ]
    names = ("alpha", "bravo", "charlie")
    repricing = priced(
        folded(*(update(provider_id=name, quoted=item) for name, item in zip(names, quotes, strict=False)))
    )
    assert repricing.state.book is not None
    odds_milli = repricing.state.book.decimal_odds_milli
    counts = {count or 1 for _, count in told}
    is_whole = all(all(odds) for odds, _ in told)
    if len(counts) > 1 or UNKNOWN_WINNERS in counts or (max(counts) > 1 and not is_whole):
        assert not odds_milli.any()
    if repricing.state.book.market_statuses[0] == MarketStatus.OPEN:
        (count,) = counts
        assert np.isclose(np.nansum(repricing.explanation.fair_probabilities), count)
        assert (1_000 / odds_milli[odds_milli > 0]).sum() > count
