"""Prices neither flicker between two steps of the ladder nor stay behind, and none is kept that the house would rue."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from markets.layout import MarketLayout
from odds.fixture.book import Book
from odds.fixture.state import FixtureState
from odds.ladder.steps import FINE_LADDER
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import Repricing, price
from odds.pricing.stacking import Stack, stack_states
from odds.pricing.steady_prices import hold_prices
from tests.builders.pricing_world import NOW_US, folded, quotes, update

RESULT = MarketLayout.of_markets([("1x2", ("home", "draw", "away"))])
TWO_WAY = MarketLayout.of_markets([("winner", ("home", "away"))])
UP = frozenset({"alpha"})
POLICY = PricingPolicy()


def followed(chances: list[float], policy: PricingPolicy = POLICY) -> list[Repricing]:
    """Price a market whose fair probability takes some values in turn."""
    state, repricings = folded(), []
    for number, chance in enumerate(chances):
        odds = np.round([1_000.0 / chance, 1_000.0 / (1.0 - chance)]).astype(int).tolist()
        state = folded(update(quoted=quotes(odds, layout=TWO_WAY), at_us=NOW_US + number), state=state)
        (repricing,) = price([state], up_providers=UP, policy=policy, now_us=NOW_US + number)
        state = repricing.state
        repricings.append(repricing)
    return repricings


def home_odds(repricings: list[Repricing]) -> list[int]:
    books = [repricing.state.book for repricing in repricings]
    return [int(book.decimal_odds_milli[0]) for book in books if book is not None]


def made(chance: float) -> int:
    """Return what a market never priced before is priced at."""
    return home_odds(followed([chance]))[0]


def border() -> float:
    """Return a chance at which the price of home is about to fall to the next step."""
    low, high = 0.40, 0.42
    at_low = made(low)
    for _ in range(20):
        middle = (low + high) / 2.0
        low, high = (middle, high) if made(middle) == at_low else (low, middle)
    return low


def test_a_price_that_stands_near_a_step_does_not_flicker() -> None:
    edge = border()
    below, above = edge - 0.0005, edge + 0.0005
    assert made(below) > made(above)
    repricings = followed([below, above, below, above, below, above])
    assert len(set(home_odds(repricings))) == 1
    assert [repricing.is_book_new for repricing in repricings] == [True, *[False] * 5]
    versions = [book.market_versions.tolist() for repricing in repricings if (book := repricing.state.book) is not None]
    assert versions == [versions[0]] * 6


def test_a_price_is_raised_when_it_rounds_to_the_next_step_and_then_stays_there() -> None:
    edge = border()
    prices = home_odds(followed([edge + 0.0005, edge - 0.0005, edge + 0.0005, edge - 0.0005]))
    assert prices == [made(edge + 0.0005), *[made(edge - 0.0005)] * 3]


def test_a_slow_drift_is_published() -> None:
    chances = np.linspace(0.40, 0.48, 161).tolist()
    prices = home_odds(followed(chances))
    assert prices[-1] in (made(chances[-1]), FINE_LADDER[np.searchsorted(FINE_LADDER, made(chances[-1])) + 1])
    steps = np.searchsorted(FINE_LADDER, prices)
    behind = steps - np.searchsorted(FINE_LADDER, [made(chance) for chance in chances])
    assert behind.min() >= 0
    assert behind.max() == 1
    assert np.all(np.diff(steps) <= 0)
    back = home_odds(followed(chances[::-1]))
    assert back == [made(chance) for chance in chances[::-1]]


def test_a_jump_is_published_whole() -> None:
    repricings = followed([0.40, 0.50])
    assert home_odds(repricings)[1] == made(0.50)


def test_a_held_price_leaves_the_book_within_its_tolerance_of_the_overround_and_says_so() -> None:
    edge = border()
    held = followed([edge - 0.0005, edge + 0.0005])[1]
    assert held.state.book is not None
    total = float((1_000 / held.state.book.decimal_odds_milli).sum())
    assert held.explanation.overrounds[0] == pytest.approx(total, abs=1e-12)
    assert total >= 1.05 - POLICY.kept_overround_tolerance


def result_stack() -> Stack:
    state: FixtureState = folded(update(quoted=quotes((2_000, 3_000, 6_000), layout=RESULT)))
    return stack_states([state], UP, POLICY, NOW_US)


def held(
    new: list[int], published: list[int], fair: list[float], *, wanted: float, policy: PricingPolicy = POLICY
) -> tuple[list[int], float]:
    odds = np.array(new, dtype=np.uint32)
    overrounds = np.array([(1_000.0 / odds).sum()])
    prices, sums = hold_prices(
        odds,
        np.array(published, dtype=np.uint32),
        fair=np.array(fair),
        overrounds=overrounds,
        wanted_overrounds=np.array([wanted]),
        stack=result_stack(),
        policy=policy,
    )
    return prices.tolist(), float(sums[0])


FAIR = [0.476, 0.286, 0.238]
NEW, PUBLISHED = [2_000, 3_300, 4_000], [2_010, 3_300, 4_000]
SUM = sum(1_000 / odds for odds in NEW)


def test_one_step_lower_is_kept_and_two_are_not() -> None:
    prices, total = held(NEW, PUBLISHED, FAIR, wanted=SUM)
    assert prices == PUBLISHED
    assert total == pytest.approx(sum(1_000 / odds for odds in PUBLISHED))
    prices, total = held(NEW, [2_020, 3_300, 4_000], FAIR, wanted=SUM)
    assert prices == NEW
    assert total == pytest.approx(SUM)


def test_a_higher_price_is_published() -> None:
    assert held(NEW, [1_990, 3_290, 3_990], FAIR, wanted=SUM)[0] == NEW


def test_a_market_is_kept_down_to_its_tolerance_and_not_below() -> None:
    given = 1_000 / 2_000 - 1_000 / 2_010
    at_edge = PricingPolicy(kept_overround_tolerance=given + 1e-9)
    beyond = PricingPolicy(kept_overround_tolerance=given - 1e-9)
    assert held(NEW, PUBLISHED, FAIR, wanted=SUM, policy=at_edge)[0] == PUBLISHED
    assert held(NEW, PUBLISHED, FAIR, wanted=SUM, policy=beyond)[0] == NEW
    # What rounding left above the overround may be given away as well.
    assert held(NEW, PUBLISHED, FAIR, wanted=SUM - given, policy=beyond)[0] == PUBLISHED


def test_all_prices_of_a_market_that_would_sum_to_too_little_are_the_new_ones() -> None:
    published = [2_010, 3_310, 4_010]
    given = sum(1_000 / new - 1_000 / old for new, old in zip(NEW, published, strict=True))
    policy = PricingPolicy(kept_overround_tolerance=given - 1e-9)
    prices, total = held(NEW, published, FAIR, wanted=SUM, policy=policy)
    assert prices == NEW
    assert total == pytest.approx(SUM)


def test_a_price_that_would_return_too_much_is_not_kept() -> None:
    at_edge = PricingPolicy(kept_return_max=0.95)
    assert held(NEW, PUBLISHED, [0.95 / 2.01, *FAIR[1:]], wanted=SUM, policy=at_edge)[0] == PUBLISHED
    assert held(NEW, PUBLISHED, [0.9501 / 2.01, *FAIR[1:]], wanted=SUM, policy=at_edge)[0] == NEW


def test_a_price_off_the_ladder_is_not_kept() -> None:
    assert held(NEW, [2_005, 3_300, 4_000], FAIR, wanted=SUM)[0] == NEW


def test_what_was_not_offered_has_nothing_to_keep() -> None:
    assert held(NEW, [0, 0, 0], FAIR, wanted=SUM)[0] == NEW


def drawn_books(count: int) -> tuple[NDArray[np.float64], list[Book]]:
    """Return fair probabilities of a random walk and the books published on the way."""
    generator = np.random.default_rng(3)
    logits = np.cumsum(generator.normal(0.0, 0.004, count)) - 0.4
    chances = 1.0 / (1.0 + np.exp(-logits))
    books = [repricing.state.book for repricing in followed(chances.tolist())]
    return chances, [book for book in books if book is not None]


def test_fewer_books_are_published_and_none_is_longer_than_fair() -> None:
    chances, books = drawn_books(300)
    published = len({book.version for book in books})
    plain = [made(chance) for chance in chances.tolist()]
    assert published < 1 + np.count_nonzero(np.diff(plain))
    odds = np.array([book.decimal_odds_milli for book in books]) / 1_000
    fair = np.stack([chances, 1.0 - chances], axis=1)
    assert np.all(odds * fair < POLICY.kept_return_max + 1e-6)
    assert np.all((1.0 / odds).sum(axis=1) >= 1.05 - POLICY.kept_overround_tolerance - 1e-9)
