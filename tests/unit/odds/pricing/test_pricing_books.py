"""Folding, layouts, versions and what is published."""

from __future__ import annotations

from dataclasses import replace
from weakref import ref

import numpy as np
import pytest

from markets.fixture import FixtureDescription, MarketStatus, Period, Score, SuspensionReason
from markets.layout import LayoutMalformed, MarketLayout, MarketUnknown, OutcomeUnknown
from markets.period_scores import PeriodScores
from odds.fixture.book import PriceSource
from odds.fixture.layout_union import project, unite
from odds.fixture.state import new_state, restore_state
from odds.fixture.updates import TraderCommand, TradingAction
from odds.folding.fold import follow_trader
from odds.margin.methods import MarginMethod
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import price
from overround.feed.v1 import feed_pb2
from overround.odds.v1 import book_pb2
from tests.builders.pricing_world import (
    FAIR_ISH,
    FOOTBALL,
    NOW_US,
    folded,
    in_play,
    priced,
    quotes,
    reasons,
    statuses,
    update,
)
from wire.books import encode_book, encode_explanation, parse_book, parse_explanation
from wire.feed import build_quotes, parse_quotes, parse_update
from wire.layouts import expect_layout_hash

FIGURES = {"home goals": 1.5, "away goals": 1.25, "rho": -0.05, "error": 0.001}


def test_the_book_offers_less_than_fair_and_keeps_its_overround() -> None:
    repricing = priced(folded(update(quoted=quotes())))
    assert repricing.state.book is not None
    odds = repricing.state.book.decimal_odds_milli / 1_000
    fair = repricing.explanation.fair_probabilities
    assert np.all(odds < 1 / fair)
    assert fair[:3].sum() == pytest.approx(1.0, abs=1e-12)
    assert np.all(repricing.explanation.overrounds >= 1.05)
    assert (1 / odds[:3]).sum() == pytest.approx(repricing.explanation.overrounds[0])


def test_double_chance_sums_to_two_winners() -> None:
    layout = MarketLayout.of_markets([("double_chance", ("1x", "12", "x2"))])
    repricing = priced(folded(update(quoted=quotes((1_280, 1_300, 1_700), layout=layout))))
    assert statuses(repricing) == [MarketStatus.OPEN]
    assert repricing.explanation.fair_probabilities.sum() == pytest.approx(2.0)
    assert repricing.explanation.overrounds[0] >= 2.1


def test_prices_of_an_exchange_that_sum_to_less_than_one_are_used() -> None:
    layout = MarketLayout.of_markets([("match_odds", ("1", "2"))])
    repricing = priced(folded(update(quoted=quotes((2_100, 2_000), layout=layout))))
    assert statuses(repricing) == [MarketStatus.OPEN]
    assert repricing.explanation.fair_probabilities.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("outcomes", "odds_milli"),
    [
        (("only",), (1_500,)),
        (("a", "b"), (1_500, 0)),
        (("a", "b", "c"), (9_000, 9_000, 9_000)),
        (("a", "b", "c"), (1_100, 1_100, 1_100)),
        (("a", "b"), (1_000, 5_000)),
        ((), ()),
    ],
    ids=["single outcome", "one price", "far under one", "three winners", "odds of one", "no outcome"],
)
def test_a_market_of_an_unknown_shape_has_no_price_and_breaks_nothing(
    outcomes: tuple[str, ...], odds_milli: tuple[int, ...]
) -> None:
    layout = MarketLayout.of_markets([("1x2", ("home", "draw", "away")), ("uof:999", outcomes)])
    repricing = priced(folded(update(quoted=quotes((*FAIR_ISH[:3], *odds_milli), layout=layout))))
    assert reasons(repricing) == [SuspensionReason.NONE, SuspensionReason.NO_PRICE]


def test_nothing_is_new_where_nothing_changed() -> None:
    first = priced(folded(update(quoted=quotes())))
    second = priced(folded(update(quoted=quotes()), state=first.state), now_us=NOW_US + 5)
    assert first.is_book_new
    assert not second.is_book_new
    assert second.state.version == first.state.version


def test_a_forced_fixture_is_published_though_nothing_changed() -> None:
    first = priced(folded(update(quoted=quotes())))
    (second,) = price(
        [first.state],
        up_providers=frozenset({"alpha"}),
        policy=PricingPolicy(),
        now_us=NOW_US,
        forced_fixture_ids={"match"},
    )
    assert second.is_book_new
    assert second.state.version == first.state.version + 1


def test_only_markets_that_changed_get_the_new_version() -> None:
    first = priced(folded(update(quoted=quotes())))
    moved = quotes((*FAIR_ISH[:3], 2_100, 1_750))
    second = priced(folded(update(quoted=moved), state=first.state), now_us=NOW_US + 7)
    assert second.state.book is not None
    assert second.state.book.market_versions.tolist() == [first.state.version, second.state.version]
    assert second.state.version == NOW_US + 7


def test_versions_rise_though_the_clock_goes_back() -> None:
    first = priced(folded(update(quoted=quotes())))
    second = priced(folded(update(quoted=quotes(), state=in_play()), state=first.state), now_us=NOW_US - 10**9)
    assert second.state.version == first.state.version + 1


def test_a_duplicate_changes_nothing() -> None:
    once = update(quoted=quotes(), sequence=10**6)
    state = folded(once)
    assert folded(once, update(quoted=quotes((1_500, 4_000, 8_000, 1_900, 1_950)), sequence=3), state=state) is state


def test_sequences_of_different_providers_do_not_meet() -> None:
    state = folded(update(sequence=10**7, quoted=quotes()), update(provider_id="bravo", sequence=5, quoted=quotes()))
    assert [provider.sequence for provider in state.providers] == [10**7, 5]


def test_a_description_stays_until_another_comes() -> None:
    described = update(quoted=quotes(), description=FixtureDescription(sport="football"))
    state = folded(described, update(quoted=quotes()))
    assert state.description == FixtureDescription(sport="football")


def test_layouts_of_providers_unite_with_the_main_market_first() -> None:
    first = MarketLayout.of_markets([("total:2.5", ("over", "under"))])
    second = MarketLayout.of_markets([("1x2", ("home", "draw", "away")), ("total:2.5", ("over", "under", "push"))])
    united = unite(first, second)
    assert united.market_ids == ("1x2", "total:2.5")
    assert united.outcome_ids_of(1) == ("over", "under", "push")
    assert unite(united, first) is united
    assert project(first, united).outcomes.tolist() == [3, 4]


def test_prices_stay_with_their_outcomes_when_the_layout_widens() -> None:
    narrow = MarketLayout.of_markets([("total:2.5", ("over", "under"))])
    state = folded(update(quoted=quotes(FAIR_ISH[3:], layout=narrow)))
    before = priced(state)
    after = priced(folded(update(provider_id="bravo", quoted=quotes()), state=before.state))
    assert after.state.layout.market_ids == ("1x2", "total:2.5")
    assert after.state.providers[0].decimal_odds_milli.tolist() == [0, 0, 0, *FAIR_ISH[3:]]
    assert before.state.book is not None
    assert after.state.book is not None
    assert after.state.book.market_versions[1] == before.state.version


def test_a_layout_with_an_id_twice_is_refused() -> None:
    with pytest.raises(LayoutMalformed):
        MarketLayout.of_markets([("1x2", ("home",)), ("1x2", ("away",))])
    with pytest.raises(LayoutMalformed):
        MarketLayout.of_markets([("1x2", ("home", "home"))])


def test_unknown_markets_and_outcomes_are_told_apart() -> None:
    assert FOOTBALL.outcome_index("total:2.5", "under") == 4
    with pytest.raises(MarketUnknown):
        FOOTBALL.outcome_index("btts", "yes")
    with pytest.raises(OutcomeUnknown):
        FOOTBALL.outcome_index("total:2.5", "home")


def test_a_published_book_and_its_explanation_restore_the_state() -> None:
    suspend = TraderCommand("r1", "match", "1x2", TradingAction.SUSPEND, "ann", NOW_US)
    state = folded(
        update(quoted=quotes(), state=in_play(home=1), description=FixtureDescription("football", home_name="A")),
        update(provider_id="bravo", quoted=quotes()),
        update(provider_id="bravo", bet_stop=("total:2.5",)),
    )
    repricing = priced(follow_trader(state, suspend))
    assert repricing.state.book is not None
    book = parse_book(book_pb2.Book.FromString(encode_book(repricing.state.book)))
    explanation = parse_explanation(book_pb2.PriceExplanation.FromString(encode_explanation(repricing.explanation)))

    restored = restore_state("match", book, explanation)
    again = priced(restored)

    assert not again.is_book_new
    assert reasons(again) == reasons(repricing) == [SuspensionReason.TRADER, SuspensionReason.BET_STOP]
    assert follow_trader(restored, suspend) is restored
    assert restored.state == repricing.state.state
    assert restored.providers[0].sequence == repricing.state.providers[0].sequence


def test_an_explanation_tells_each_step_of_a_price_and_travels_whole() -> None:
    state = replace(folded(update(quoted=quotes())), figures=FIGURES)
    told = folded(update(state=in_play(period=Period.HALF_TIME, home=1)), state=state)
    explanation = priced(told, policy=PricingPolicy(overround=1.07, ladder="betfair")).explanation
    read = parse_explanation(book_pb2.PriceExplanation.FromString(encode_explanation(explanation)))
    for item in (explanation, read):
        assert item.blended_probabilities.dtype == np.float32
        assert item.blended_probabilities == pytest.approx(item.fair_probabilities, abs=1e-7)
        assert item.price_sources.tolist() == [PriceSource.MARKET] * 2
        assert item.wanted_overrounds == pytest.approx([1.07, 1.07])
        assert np.all(item.overrounds >= 1.07)
        assert (item.margin_removal, item.margin_application, item.ladder) == ("power", "odds_ratio", "betfair")
        assert item.figures == FIGURES
        assert item.period_scores == PeriodScores(half_time=Score(1, 0))


def test_what_a_provider_said_is_kept_no_longer_because_it_was_encoded() -> None:
    explanation = priced(folded(update(quoted=quotes()))).explanation
    said = ref(explanation.providers[0])
    encoded = encode_explanation(explanation)
    assert encode_explanation(explanation) == encoded
    assert said() is not None
    del explanation
    assert said() is None


def test_a_market_without_a_price_has_no_source_and_no_wanted_overround() -> None:
    unquoted = quotes((2_100, 3_400, 3_600, 0, 0))
    explanation = priced(folded(update(quoted=unquoted))).explanation
    assert explanation.price_sources.tolist() == [PriceSource.MARKET, PriceSource.NONE]
    assert np.isnan(explanation.wanted_overrounds).tolist() == [False, True]


def test_scores_and_means_are_restored() -> None:
    told = folded(update(quoted=quotes(), state=in_play(period=Period.HALF_TIME, home=1)))
    published = priced(replace(told, figures=FIGURES))
    restored = restore_state("match", published.state.book, published.explanation)
    assert restored.period_scores == PeriodScores(half_time=Score(1, 0))
    assert restored.figures == FIGURES
    later = folded(update(state=in_play(period=Period.SECOND_HALF, home=2, clock_seconds=3_000)), state=restored)
    assert later.period_scores.half_time == Score(1, 0)


def test_an_explanation_newer_than_its_book_restores_both() -> None:
    first = priced(folded(update(quoted=quotes(FAIR_ISH[:3], layout=unite(new_state("x").layout, ONE)))))
    second = priced(folded(update(quoted=quotes()), state=first.state), now_us=NOW_US + 1)
    restored = restore_state("match", first.state.book, second.explanation)
    assert restored.layout.market_ids == ("1x2", "total:2.5")
    assert restored.version == first.state.version
    assert restored.providers[0].decimal_odds_milli.tolist() == list(FAIR_ISH)


ONE = MarketLayout.of_markets([("1x2", ("home", "draw", "away"))])


def test_quotes_travel_as_packed_columns() -> None:
    given = quotes(statuses=[MarketStatus.OPEN, MarketStatus.SUSPENDED])
    message = build_quotes(
        FOOTBALL,
        market_statuses=given.market_statuses,
        decimal_odds_milli=given.decimal_odds_milli,
        is_snapshot=True,
    )
    expect_layout_hash(message)
    parsed = parse_quotes(feed_pb2.Quotes.FromString(message.SerializeToString()))
    assert parsed.decimal_odds_milli.tolist() == list(FAIR_ISH)
    assert parsed.market_statuses.tolist() == [1, 2]
    assert parse_quotes(message).layout is parsed.layout


@pytest.mark.parametrize(
    "broken",
    [
        {"decimal_odds_milli": b"\x01"},
        {"market_statuses": b"\x01"},
        {"outcome_counts": b"\x01\x00\x01\x00"},
        {"layout_hash": 7},
        {"outcome_ids": ["home"]},
    ],
)
def test_columns_that_do_not_line_up_are_refused(broken: dict[str, object]) -> None:
    given = quotes()
    message = build_quotes(
        FOOTBALL,
        market_statuses=given.market_statuses,
        decimal_odds_milli=given.decimal_odds_milli,
        is_snapshot=True,
    )
    for name, value in broken.items():
        message.ClearField(name)  # type: ignore[arg-type]
        message.MergeFrom(feed_pb2.Quotes(**{name: value}))  # type: ignore[arg-type]
    with pytest.raises(LayoutMalformed):
        parse_update(feed_pb2.FeedUpdate(quotes=message), appended_time_us=NOW_US)


@pytest.mark.parametrize("removal", MarginMethod)
@pytest.mark.parametrize("application", MarginMethod)
def test_every_way_to_handle_the_margin_keeps_the_overround(removal: MarginMethod, application: MarginMethod) -> None:
    policy = PricingPolicy(removal=removal, application=application)
    assert np.all(priced(folded(update(quoted=quotes())), policy=policy).explanation.overrounds >= 1.05)
