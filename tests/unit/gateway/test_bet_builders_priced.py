"""Bet builders as the public method prices them: from a football book and the distribution that it was read from."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, cast

import numpy as np
import pytest

from gateway.bet_builders import QUOTED_AT_ONCE_MAX, READS_MAX, BetBuilders
from gateway.books import BookCache, FixtureUnknown
from gateway.odds_service import OddsService
from kernel.errors import DomainError, Unavailable
from markets.fixture import MarketStatus, Period
from markets.layout import MarketUnknown, OutcomeUnknown
from odds.ladder.steps import FINE_LADDER, round_down
from odds.models.builder_legs import LegNotCombinable, LegsContradictory, LegsOutOfRange
from odds.models.football.bet_builder import price_legs
from odds.models.football.joint_book import joint_scores
from odds.pricing.bet_builders import LegNotOffered
from odds.pricing.repricing import Repricing
from overround.odds.v1 import book_pb2
from overround.odds.v1.odds_service_pb2 import BetBuilderLeg, PriceBetBuilderRequest, PriceBetBuilderResponse
from tests.builders.football_legs import legs
from tests.builders.football_world import MARKET_IDS, fair, match_update, odds_milli, playing, quoted
from tests.builders.pricing_world import folded, priced
from tests.builders.tennis_world import BEFORE, fair_quotes, said
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_gateway import call_by
from wire.books import encode_book, encode_explanation

HALVES = (*MARKET_IDS, "first_half_1x2")


@dataclass
class Standing:
    message: book_pb2.Book
    is_withheld: bool = False


class World:
    """The method over one fixture's book and its explanation."""

    def __init__(self, repricing: Repricing) -> None:
        assert repricing.state.book is not None
        self.repricing = repricing
        self.book: Standing | None = Standing(book_pb2.Book.FromString(encode_book(repricing.state.book)))
        self.explanations = [encode_explanation(repricing.explanation)]
        self.reads = 0
        self.is_live = True
        builders = BetBuilders(books=self, explanations=self, ladder=FINE_LADDER)
        self.odds = OddsService(
            books=cast("BookCache", None), builders=builders, clock=FakeClock(), in_play_delay_ms=1_000
        )

    def is_pricing_live(self, _fixture_id: str) -> bool:
        return self.is_live

    def find(self, _fixture_id: str) -> Standing | None:
        return self.book

    async def read_explanation(self, _fixture_id: str) -> bytes:
        raw = self.explanations[min(self.reads, len(self.explanations) - 1)]
        self.reads += 1
        return raw

    async def price(self, *names: str) -> PriceBetBuilderResponse:
        asked = [BetBuilderLeg(market_id=leg.market_id, outcome_id=leg.outcome_id) for leg in legs(*names)]
        return await self.odds.price_bet_builder(PriceBetBuilderRequest(fixture_id="match", legs=asked), call_by())


@pytest.fixture(scope="module")
def before_play() -> Repricing:
    return priced(folded(match_update(quoted(market_ids=HALVES))))


@pytest.fixture
def world(before_play: Repricing) -> World:
    return World(before_play)


def named(told: BetBuilderLeg) -> str:
    return f"{told.market_id} {told.outcome_id}"


@pytest.mark.parametrize("name", ["1x2 draw", "total:2.5 over", "handicap:0.25 away", "correct_score 1-0"])
async def test_one_leg_has_the_price_of_the_book(world: World, name: str) -> None:
    answer = await world.price(name)
    assert answer.decimal_odds_milli == odds_milli(world.repricing, *name.split())
    assert answer.book_version == world.repricing.explanation.version


async def test_legs_are_priced_from_the_joint_chance_with_the_margin_of_each(world: World) -> None:
    answer = await world.price("1x2 home", "total:2.5 over", "first_half_1x2 draw")
    scores = joint_scores(world.repricing.state)
    assert scores is not None
    together = price_legs(scores, legs("1x2 home", "total:2.5 over", "first_half_1x2 draw")).win
    for name in ("1x2 home", "total:2.5 over", "first_half_1x2 draw"):
        (chance,) = fair(world.repricing, *name.split())
        together *= 1_000 / odds_milli(world.repricing, *name.split()) / chance
    assert answer.decimal_odds_milli == round_down(np.array([1.0 / together]), FINE_LADDER)[0]


async def test_legs_that_go_together_are_shorter_than_their_product(world: World) -> None:
    answer = await world.price("1x2 home", "total:2.5 over")
    product = odds_milli(world.repricing, "1x2", "home") * odds_milli(world.repricing, "total:2.5", "over") / 1_000
    assert answer.decimal_odds_milli < 0.9 * product


async def test_a_leg_more_never_makes_the_odds_shorter(world: World) -> None:
    names = ("1x2 home", "double_chance 1x", "total:1.5 over", "total:2.5 over", "draw_no_bet home", "btts yes")
    found = {
        chosen: (await world.price(*chosen)).decimal_odds_milli
        for count in (1, 2, 3)
        for chosen in combinations(names, count)
    }
    for chosen, odds in found.items():
        for fewer in combinations(chosen, len(chosen) - 1):
            if fewer:
                assert odds >= found[fewer], (chosen, fewer)


async def test_a_leg_that_is_nearly_implied_does_not_cost_its_margin_again(world: World) -> None:
    alone = odds_milli(world.repricing, "correct_score", "other")
    assert (await world.price("correct_score other", "double_chance 12")).decimal_odds_milli == alone


async def test_an_implied_leg_is_named_and_carries_no_margin(world: World) -> None:
    answer = await world.price("1x2 home", "double_chance 1x", "total:2.5 over")
    assert [named(leg) for leg in answer.redundant_legs] == ["double_chance 1x"]
    assert answer.decimal_odds_milli == (await world.price("1x2 home", "total:2.5 over")).decimal_odds_milli


async def test_further_legs_are_on_offer_and_can_win_with_those_there(world: World) -> None:
    answer = await world.price("correct_score 1-0")
    further = {named(leg) for leg in answer.further_legs}
    assert further == {"first_half_1x2 home", "first_half_1x2 draw"}
    for name in further:
        assert (await world.price("correct_score 1-0", name)).decimal_odds_milli > answer.decimal_odds_milli


async def test_what_the_score_says_counts_in_play() -> None:
    state = playing(Period.SECOND_HALF, 70.0, (1, 0))
    offer = ("1x2", "total:1.5", "total:2.5", "double_chance", "btts")
    world = World(priced(folded(match_update(quoted(market_ids=offer, state=state), state=state))))
    answer = await world.price("1x2 home", "btts yes")
    assert answer.decimal_odds_milli > odds_milli(world.repricing, "btts", "yes")
    assert [named(leg) for leg in (await world.price("btts yes", "total:1.5 over")).redundant_legs] == [
        "total:1.5 over"
    ]


@pytest.mark.parametrize(
    ("names", "refusal"),
    [
        (("1x2 home", "1x2 away"), LegsContradictory),
        ((), LegsOutOfRange),
        (("1x2 home", "1x2 home"), LegsOutOfRange),
        (tuple(f"correct_score {home}-{away}" for home in range(4) for away in range(4)), LegsOutOfRange),
        (("1x2 nobody",), OutcomeUnknown),
        (("total:9.25 over",), MarketUnknown),
        (("total:4.5 over",), MarketUnknown),
    ],
)
async def test_legs_that_cannot_be_are_refused(
    world: World, names: tuple[str, ...], refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal):
        await world.price(*names)


async def test_a_market_that_takes_no_bets_is_no_leg() -> None:
    stopped = replace(quoted(), market_statuses=quoted().market_statuses.copy())
    stopped.market_statuses[stopped.layout.market_index("btts")] = MarketStatus.SUSPENDED
    world = World(priced(folded(match_update(stopped))))
    with pytest.raises(LegNotOffered, match="btts yes"):
        await world.price("1x2 home", "btts yes")
    assert "btts no" not in {named(leg) for leg in (await world.price("1x2 home")).further_legs}


async def test_a_market_priced_by_itself_is_no_leg() -> None:
    far = quoted(moved={("btts", "yes"): 2.0, ("btts", "no"): 0.6})
    world = World(priced(folded(match_update(far))))
    with pytest.raises(LegNotCombinable, match="btts is priced by itself"):
        await world.price("1x2 home", "btts yes")


async def test_a_fixture_that_takes_no_bets_has_no_legs(world: World) -> None:
    assert world.book is not None
    world.book.is_withheld = True
    with pytest.raises(LegNotOffered):
        await world.price("1x2 home")
    world.book.is_withheld, world.is_live = False, False
    with pytest.raises(LegNotOffered):
        await world.price("1x2 home")
    world.book = None
    with pytest.raises(FixtureUnknown):
        await world.price("1x2 home")


async def test_a_sport_without_a_joint_distribution_has_none() -> None:
    world = World(priced(folded(said(BEFORE, fair_quotes(BEFORE, (0.65, 0.6))))))
    with pytest.raises(LegNotCombinable, match="has none"):
        await world.price("winner home")


async def test_prices_and_their_reasons_are_of_one_version(world: World) -> None:
    older = world.repricing.explanation._replace(version=world.repricing.explanation.version - 1)
    world.explanations.insert(0, encode_explanation(older))
    assert (await world.price("1x2 home")).decimal_odds_milli
    assert world.reads == 2
    world.explanations = [encode_explanation(older)]
    with pytest.raises(Unavailable, match="ask again"):
        await world.price("1x2 home")
    assert world.reads == 2 + READS_MAX


async def test_callers_that_go_leave_no_more_at_work_than_may_be(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    may_end = threading.Event()

    def wait(*_legs: Any, **_ladder: Any) -> None:
        begun.append(threading.current_thread().name)
        may_end.wait(5.0)

    with monkeypatch.context() as slow:
        slow.setattr("gateway.bet_builders.quote_legs", wait)
        for _ in range(4 * QUOTED_AT_ONCE_MAX):
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await world.price("1x2 home")
        assert len(begun) == QUOTED_AT_ONCE_MAX
    may_end.set()
    assert (await world.price("1x2 home")).decimal_odds_milli
    assert len(begun) == QUOTED_AT_ONCE_MAX
