"""What one fixture of sixty prices costs to fold, price and serialise, in batches. Figures, not pass or fail."""

from __future__ import annotations

import time

import numpy as np
import pytest

from markets.fixture import FixtureStatus, MatchState, Period
from markets.layout import MarketLayout
from odds.fixture.state import FixtureState, new_state
from odds.fixture.updates import FixtureUpdate, Quotes
from odds.folding.fold import fold
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import price
from wire.books import encode_book, encode_explanation

MARKETS = [
    ("1x2", ("home", "draw", "away")),
    *((f"total:{line}.5", ("over", "under")) for line in range(10)),
    *((f"handicap:{line}", ("home", "away")) for line in range(6)),
    ("correct_score", tuple(f"{home}-{away}" for home in range(5) for away in range(5))),
]
LAYOUT = MarketLayout.of_markets(MARKETS)
ROUNDS = 12
WARM_UP_ROUNDS = 2
NOW_US = 1_800_000_000_000_000


def draw_quotes(rng: np.random.Generator) -> Quotes:
    chances = np.concatenate([rng.dirichlet(np.full(len(outcomes), 8.0)) for _, outcomes in MARKETS])
    odds_milli = np.maximum(1_010, 1_000 / (chances * 1.06)).astype(np.uint32)
    return Quotes(LAYOUT, np.ones(LAYOUT.market_count, dtype=np.uint8), odds_milli, True)


def draw_update(rng: np.random.Generator, fixture_id: str, provider_id: str, sequence: int) -> FixtureUpdate:
    state = MatchState(FixtureStatus.IN_PLAY, Period.FIRST_HALF, clock_seconds=sequence)
    at_us = NOW_US + sequence
    return FixtureUpdate(provider_id, fixture_id, sequence, at_us, at_us, state=state, quotes=draw_quotes(rng))


@pytest.mark.parametrize(("fixtures", "providers"), [(1, 1), (4, 1), (4, 3), (100, 1), (100, 3)])
def test_microseconds_a_fixture(fixtures: int, providers: int, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(7)
    names = [f"p{number}" for number in range(providers)]
    states: list[FixtureState] = [new_state(f"f{number}") for number in range(fixtures)]
    spent_s = np.zeros(3)
    for number in range(ROUNDS + WARM_UP_ROUNDS):
        updates = [
            [draw_update(rng, state.fixture_id, name, number * providers + rank + 1) for rank, name in enumerate(names)]
            for state in states
        ]
        marks_s = [time.perf_counter()]
        states = [fold(state, item) for state, items in zip(states, updates, strict=True) for item in items[:1]]
        marks_s.append(time.perf_counter())
        repricings = price(states, up_providers=frozenset(names), policy=PricingPolicy(), now_us=NOW_US + number)
        marks_s.append(time.perf_counter())
        for repricing in repricings:
            assert repricing.state.book is not None
            encode_book(repricing.state.book)
            encode_explanation(repricing.explanation)
        marks_s.append(time.perf_counter())
        states = [repricing.state for repricing in repricings]
        for items in zip(*updates, strict=True):
            states = [fold(state, item) for state, item in zip(states, items, strict=True)]
        if number >= WARM_UP_ROUNDS:
            spent_s += np.diff(marks_s)
    fold_us, price_us, encode_us = spent_s / (ROUNDS * fixtures) * 1e6
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{fixtures} fixtures of {LAYOUT.outcome_count} prices, {providers} providers: "
            f"fold {fold_us:.0f}, price {price_us:.0f}, serialise {encode_us:.0f} us a fixture"
        )
    assert all(repricing.is_book_new for repricing in repricings)
