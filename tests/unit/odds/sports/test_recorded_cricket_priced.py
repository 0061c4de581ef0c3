"""The recorded cricket match goes through the pricer of cricket: the exchange's prices, and every ball beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from gateway.feeds.betfair import BetfairAdapter
from infra.replay_source import find_recordings, in_order_of_time
from markets.fixture import FixtureStatus, MarketStatus, MatchState
from markets.sports.cricket import CricketState, Innings
from odds.fixture.book import PriceSource
from odds.fixture.state import FixtureState, new_state
from odds.folding.fold import fold
from odds.models.cricket import FIRST, SECOND, InningsScores, MatchForecast, win_matches
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import Repricing, price
from odds.sports.cricket import DISPERSION
from overround.feed.v1.feed_pb2 import FeedUpdate
from tests.unit.gateway.feeds.test_betfair_stream import BETFAIR, needs_recordings
from wire.feed import parse_update

PRICES, BALLS = BETFAIR / "1.200806927", BETFAIR / "sportsdata_1.200806927"
POLICY = PricingPolicy(age_pre_match_us_max=10**15)
HOME, AWAY = "228749", "2857977"


@dataclass(frozen=True)
class Story:
    """The match from its first price to its last word, priced at every update."""

    updates: list[FeedUpdate]
    priced: list[Repricing]

    @property
    def moments(self) -> list[tuple[CricketState, float, Repricing]]:
        """Moments in play with a price of the exchange: where the match stood, and the home side's chance by it."""
        found = []
        for repricing in self.priced:
            sport, market = cricket_of(repricing), float(repricing.explanation.blended_probabilities[0])
            if sport is not None and not np.isnan(market):
                found.append((sport, market, repricing))
        return found


def cricket_of(repricing: Repricing) -> CricketState | None:
    told = repricing.state.state
    if told is None or told.status is not FixtureStatus.IN_PLAY or not isinstance(told.sport, CricketState):
        return None
    return told.sport


def updates_of(*paths: Path) -> Iterator[FeedUpdate]:
    adapter = BetfairAdapter()
    for _, raw in in_order_of_time(find_recordings(paths)):
        reading = adapter.read(raw)
        assert not reading.refusals
        yield from reading.updates


@cache
def story() -> Story:
    state: FixtureState | None = None
    updates, priced = [], []
    for number, update in enumerate(updates_of(PRICES, BALLS), 1):
        now_us = update.provider_time_ms * 1_000
        update.sequence, update.received_time_us = number, now_us
        state = fold(state or new_state(update.fixture_id), parse_update(update, appended_time_us=now_us))
        (repricing,) = price([state], up_providers=frozenset({"betfair"}), policy=POLICY, now_us=now_us)
        state = repricing.state
        updates.append(update)
        priced.append(repricing)
    return Story(updates, priced)


def end() -> MatchState:
    told = story().priced[-1].state.state
    assert told is not None
    return told


@needs_recordings
def test_every_ball_of_both_innings_is_told() -> None:
    told = end()
    assert (told.status, told.home_score, told.away_score) == (FixtureStatus.ENDED, 163, 111)
    assert told.sport == CricketState(120, (Innings(True, 163, 7, 120), Innings(False, 111, 10, 118)))
    description = story().priced[-1].state.description
    assert description is not None
    assert (description.home_name, description.away_name) == ("Netherlands", "Papua New Guinea")
    played = [sport.innings for repricing in story().priced if (sport := cricket_of(repricing)) is not None]
    balls = {(len(innings), innings[-1].balls) for innings in played}
    assert len(balls & {(number, ball) for number in (1, 2) for ball in range(121)}) >= 230


@needs_recordings
def test_who_wins_is_priced_by_the_model_of_cricket_at_the_market_s_price() -> None:
    assert len(story().moments) > 1_000
    for _, market, repricing in story().moments:
        explained = repricing.explanation
        assert explained.price_sources.tolist() == [PriceSource.MODEL]
        assert explained.fair_probabilities[0] == pytest.approx(market, abs=1e-3)
        assert explained.figures["second innings runs"] > 0.0


@needs_recordings
def test_balls_runs_and_wickets_alone_follow_the_market() -> None:
    """With what the market expected of both sides at the first ball, and nothing of it from then on."""
    moments = story().moments
    figures, opened = moments[0][2].explanation.figures, moments[0][1]
    count = len(moments)
    forecast = MatchForecast(
        np.full(count, figures["first innings runs"]),
        np.full(count, figures["second innings runs"]),
        np.full(count, DISPERSION),
        np.full(count, 120),
    )
    columns = [
        (len(sport.innings) > 1, now.runs, now.wickets, 120 - now.balls, sport.innings[0].runs + 1)
        for sport, _, _ in moments
        for now in sport.innings[-1:]
    ]
    is_second, *counts = np.array(columns, dtype=np.int64).T
    chances = win_matches(forecast, InningsScores(is_second.astype(bool), *counts))
    home, market = chances[:, FIRST] / (chances[:, FIRST] + chances[:, SECOND]), np.array([item[1] for item in moments])
    assert np.abs(home - market).mean() < 0.04
    assert np.abs(opened - market).mean() > 0.1, "the market moved a long way"


@needs_recordings
def test_the_winner_is_settled_and_nothing_is_open_at_the_end() -> None:
    (result,) = [result for update in story().updates for result in update.results]
    assert {item.outcome_id: item.win_factor_micro for item in result.outcomes} == {HOME: 1_000_000, AWAY: 0}
    book = story().priced[-1].state.book
    assert book is not None
    assert book.market_statuses.tolist() == [MarketStatus.SETTLED]
