"""The recorded race goes through the pricer of races: places beside the exchange's prices to win."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from gateway.feeds.betfair import BetfairAdapter
from markets.fixture import FixtureStatus, MarketStatus
from markets.sports.racing import RaceState
from odds.fixture.book import PriceSource
from odds.fixture.state import new_state
from odds.folding.fold import fold
from odds.pricing.own_markets import own_results
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import Repricing, price
from tests.unit.gateway.feeds.test_betfair_stream import HORSES, needs_recordings
from wire.feed import parse_update

POLICY = PricingPolicy(own_offers={"horse-racing": ("place_2", "place_3")}, age_pre_match_us_max=10**15)
PRICED_EVERY = 25
US = 1_000


def books() -> Iterator[Repricing]:
    """Yield the book now and then, and whenever the state of the race changes."""
    adapter, state, told = BetfairAdapter(), None, None
    number = 0
    for raw in HORSES.read_bytes().splitlines():
        for update in adapter.read(raw).updates:
            number += 1
            update.sequence, update.received_time_us = number, update.provider_time_ms * US
            state = fold(
                state or new_state(update.fixture_id),
                parse_update(update, appended_time_us=update.provider_time_ms * US),
            )
            if number % PRICED_EVERY and state.state == told:
                continue
            told = state.state
            now_us = update.provider_time_ms * US
            repricing = price([state], up_providers=frozenset({"betfair"}), policy=POLICY, now_us=now_us)[0]
            state = repricing.state
            yield repricing


def status(repricing: Repricing, market_id: str) -> int:
    book = repricing.state.book
    assert book is not None
    return int(book.market_statuses[book.layout.market_index(market_id)])


def chances(repricing: Repricing, market_id: str) -> np.ndarray:
    layout = repricing.explanation.layout
    index = layout.market_index(market_id)
    return repricing.explanation.fair_probabilities[layout.offsets[index] : layout.offsets[index + 1]]


@needs_recordings
def test_places_are_priced_beside_the_winner_until_the_off_and_left_to_a_person_without_positions() -> None:
    priced, in_play = 0, 0
    last = None
    for last in books():
        told = last.state.state
        if told is None or "place_3" not in last.state.layout.market_ids:
            continue
        assert isinstance(told.sport, RaceState)
        if told.status is FixtureStatus.PRE_MATCH and status(last, "place_3") == MarketStatus.OPEN:
            priced += 1
            win, placed = chances(last, "win"), chances(last, "place_3")
            assert np.nansum(win) == pytest.approx(1.0, abs=0.02)
            assert np.nansum(placed) == pytest.approx(3.0, abs=0.05)
            assert (placed[~np.isnan(win)] > win[~np.isnan(win)]).all()
            assert set(last.explanation.price_sources.tolist()) <= {PriceSource.MODEL, PriceSource.NONE}
        if told.status is FixtureStatus.IN_PLAY:
            in_play += 1
            assert status(last, "place_3") != MarketStatus.OPEN, "nobody tells positions in running"
    assert priced > 5
    assert in_play > 0
    assert last is not None
    end = last.state.state
    assert end is not None
    assert end.status is FixtureStatus.ENDED
    assert isinstance(end.sport, RaceState)
    assert [runner.runner_id for runner in end.sport.runners if runner.position == 1] == ["12115648"]
    assert own_results(last.state) == (), "the exchange tells the winner alone"
