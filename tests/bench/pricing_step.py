"""The pricing agent's whole step on one pinned core: `python -m tests.bench.pricing_step`.

Football fixtures of three providers; each round one provider of every fixture sends new prices, goals being thought a
little more or less likely than before, and everything up to the encoded book and its explanation is made of them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from infra.house import read_house
from infra.settings import TEST_HOUSE_DIR
from markets.fixture import FixtureDescription, FixtureStatus, MatchState, Period
from markets.layout import MarketLayout
from odds.fixture.book import PriceSource
from odds.fixture.state import FixtureState, new_state
from odds.fixture.updates import FixtureUpdate, Quotes
from odds.folding.fold import fold
from odds.pricing.modelled import price_by_models
from odds.pricing.policy import PricingPolicy
from odds.pricing.prices import blend_markets, quote_markets
from odds.pricing.repricing import Repricing, price
from odds.pricing.stacking import stack_states
from simulation.contests.contest import MarketTruth
from simulation.markets import price_markets
from wire.books import encode_book, encode_explanation

T = TypeVar("T")
BATCHES = (1, 4, 16, 64, 1_000)
PROVIDERS = ("alpha", "bravo", "charlie")
MARGIN_POWER = 0.96
"""Providers quote fair probabilities to this power, which sums to about 1.05."""
CHANCE_MIN = 0.001
DRIFT = 0.01
"""Standard deviation of what a round moves the logarithms of goal means by."""
NOISE = 0.01
"""The same of each provider's opinion of them."""
NOW_US = 1_800_000_000_000_000
UPDATES_MIN = 64
ROUNDS_MIN, WARM_UP_ROUNDS = 3, 2
STAGES = ("fold", "stack", "blend", "fit and price", "margin and ladder", "diff", "encode")


@dataclass(slots=True)
class Fixtures:
    """Some matches, half of them being played, and what providers say of them."""

    count: int
    random: np.random.Generator
    is_in_play: bool
    log_means: np.ndarray[Any, np.dtype[np.float64]] = field(init=False)
    layouts: dict[tuple[str, ...], MarketLayout] = field(default_factory=dict)
    sequence: int = 0

    def __post_init__(self) -> None:
        self.log_means = np.log(self.random.uniform(0.7, 2.0, (self.count, 2)))

    def updates(self, provider_id: str) -> list[FixtureUpdate]:
        """Return one update of each match."""
        self.sequence += 1
        self.log_means += self.random.normal(0.0, DRIFT, self.log_means.shape)
        opinions = np.exp(self.log_means + self.random.normal(0.0, NOISE, self.log_means.shape))
        return [self._update(number, provider_id, opinions[number]) for number in range(self.count)]

    def _update(self, number: int, provider_id: str, means: Sequence[float]) -> FixtureUpdate:
        at_us = NOW_US + self.sequence
        is_on = self.is_in_play and number % 2 == 0
        state = MatchState(FixtureStatus.PRE_MATCH, Period.NOT_STARTED)
        share = 1.0
        if is_on:
            state = MatchState(FixtureStatus.IN_PLAY, Period.FIRST_HALF, 1, 0, 1_200 + self.sequence)
            share = 0.8
        markets = price_markets((int(is_on), 0), (means[0] * share, means[1] * share))
        return FixtureUpdate(
            provider_id,
            f"match-{number}",
            self.sequence,
            at_us,
            at_us,
            description=FixtureDescription("football", "Premier League", "Home", "Away"),
            state=state,
            quotes=self._quotes(markets),
        )

    def _quotes(self, markets: list[MarketTruth]) -> Quotes:
        markets = [market for market in markets if market.probabilities.max() < 0.98]
        layout = self.layouts.setdefault(
            tuple(market.market_id for market in markets),
            MarketLayout.of_markets([(market.market_id, market.outcome_ids) for market in markets]),
        )
        chances = np.concatenate([market.probabilities for market in markets])
        odds = np.where(chances > CHANCE_MIN, np.maximum(chances, CHANCE_MIN) ** -MARGIN_POWER, 0.0)
        odds_milli = np.floor(odds * 100.0).astype(np.uint32) * 10
        return Quotes(layout, np.ones(layout.market_count, dtype=np.uint8), odds_milli, is_snapshot=True)


def main() -> None:
    """Print the table."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    write = sys.stdout.write
    write("| the whole step, us a fixture | " + " | ".join(STAGES) + " | all | to reach |\n")
    write("|---" * (len(STAGES) + 3) + "|\n")
    for count in BATCHES:
        stages_us, prices = measure(count)
        goal = "<= 250 us" if count == max(BATCHES) else ""
        figures = " | ".join(f"{stage_us:,.0f}" for stage_us in stages_us)
        write(f"| batch of {count}, {prices:.0f} prices each | {figures} | {sum(stages_us):,.0f} | {goal} |\n")


def measure(count: int) -> tuple[list[float], float]:
    """Return what each stage takes, microseconds a fixture, the quickest of some rounds, and prices a fixture."""
    fixtures, policy = Fixtures(count, np.random.default_rng(7), is_in_play=True), read_house(TEST_HOUSE_DIR).pricing
    states = [new_state(f"match-{number}") for number in range(count)]
    for provider_id in PROVIDERS:
        states = fold_all(states, fixtures.updates(provider_id))
    rounds = max(ROUNDS_MIN, UPDATES_MIN // count) + WARM_UP_ROUNDS
    figures = []
    for number in range(rounds):
        stages_s, repricings = step(states, fixtures.updates(PROVIDERS[number % len(PROVIDERS)]), policy)
        states = [repricing.state for repricing in repricings]
        if number >= WARM_UP_ROUNDS:
            figures.append(stages_s)
    expect_joint(repricings)
    best = min(figures, key=sum)
    return [stage_s / count * 1e6 for stage_s in best], np.mean([state.layout.outcome_count for state in states]).item()


def step(
    states: list[FixtureState], updates: list[FixtureUpdate], policy: PricingPolicy
) -> tuple[list[float], list[Repricing]]:
    """Fold, price and encode; the stages inside pricing are measured beside it, and the rest of it is called diff."""
    up, now_us = frozenset(PROVIDERS), NOW_US + updates[0].sequence
    fold_s, folded = timed(lambda: fold_all(states, updates))
    stack_s, stack = timed(lambda: stack_states(folded, up, policy, now_us))
    blend_s, (blended, _) = timed(lambda: blend_markets(stack, policy))
    joint_s, joint = timed(lambda: price_by_models(folded, stack, blended, policy))
    assert joint is not None
    quote_s, _ = timed(lambda: quote_markets(stack, joint.fair_probabilities, policy))
    price_s, repricings = timed(lambda: price(folded, up_providers=up, policy=policy, now_us=now_us))
    encode_s, _ = timed(lambda: [encode(repricing) for repricing in repricings])
    inside = [stack_s, blend_s, joint_s, quote_s]
    return [fold_s, *inside, max(price_s - sum(inside), 0.0), encode_s], repricings


def fold_all(states: list[FixtureState], updates: list[FixtureUpdate]) -> list[FixtureState]:
    """Fold an update into each state."""
    return [fold(state, update) for state, update in zip(states, updates, strict=True)]


def encode(repricing: Repricing) -> int:
    """Encode what is published of a fixture; return its size."""
    book = repricing.state.book
    return len(encode_book(book) if book is not None else b"") + len(encode_explanation(repricing.explanation))


def expect_joint(repricings: list[Repricing]) -> None:
    """Check that what is measured is what is meant: most markets from joint distributions, and books that are new."""
    sources = np.concatenate([repricing.explanation.price_sources for repricing in repricings])
    assert np.mean(sources == PriceSource.GOALS) > 0.8, np.bincount(sources)
    assert np.mean([repricing.is_book_new for repricing in repricings]) > 0.9


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return how long some work took, and what came of it."""
    begun_s = time.perf_counter()
    result = work()
    return time.perf_counter() - begun_s, result


if __name__ == "__main__":
    main()
