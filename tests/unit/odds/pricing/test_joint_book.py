"""A football fixture's book from one joint distribution: when it is, when it is not, and that it agrees with itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from markets.fixture import FixtureDescription, FixtureStatus, MarketStatus, MatchState, Period, SuspensionReason
from markets.football.state import FootballState
from markets.layout import MarketLayout
from odds.fixture.book import PriceSource
from odds.fixture.state import restore_state
from odds.fixture.updates import Quotes
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import price
from overround.odds.v1 import book_pb2
from tests.builders.football_world import (
    MARKET_IDS,
    fair,
    layout_of,
    market_status,
    match_update,
    odds_milli,
    playing,
    quoted,
    sources,
)
from tests.builders.pricing_world import NOW_US, folded, priced, reasons, update
from wire.books import encode_book, encode_explanation, parse_book, parse_explanation

GOALS, MARKET, NONE = PriceSource.GOALS, PriceSource.MARKET, PriceSource.NONE
SCRATCHED = {("1x2", "home"): 1.01, ("total:2.5", "over"): 0.99, ("btts", "yes"): 1.02, ("handicap:0", "home"): 0.99}
"""Prices of several markets that contradict each other a little."""
HALVES = (*MARKET_IDS, "first_half_1x2", "second_half_total:0.5", "half_time_full_time")


def with_market(quotes: Quotes, market_id: str, outcomes: tuple[str, ...], odds: tuple[int, ...]) -> Quotes:
    """Return quotes with one more market."""
    layout = quotes.layout
    pairs = [(name, layout.outcome_ids_of(index)) for index, name in enumerate(layout.market_ids)]
    return Quotes(
        MarketLayout.of_markets([*pairs, (market_id, outcomes)]),
        np.append(quotes.market_statuses, MarketStatus.OPEN).astype(np.uint8),
        np.append(quotes.decimal_odds_milli, odds).astype(np.uint32),
        is_snapshot=True,
    )


def test_markets_of_a_fixture_agree_with_each_other() -> None:
    repricing = priced(folded(match_update(quoted(moved=SCRATCHED))))
    assert set(sources(repricing).values()) == {GOALS}
    home, draw, away = fair(repricing, "1x2", "home", "draw", "away")
    assert home + draw + away == pytest.approx(1.0, abs=1e-9)
    assert fair(repricing, "double_chance", "1x", "12", "x2") == pytest.approx(
        [home + draw, home + away, draw + away], abs=1e-12
    )
    assert fair(repricing, "draw_no_bet", "home") == pytest.approx([home / (home + away)], abs=1e-12)
    assert fair(repricing, "handicap:0", "home", "away") == fair(repricing, "draw_no_bet", "home", "away")
    assert fair(repricing, "handicap:-0.5", "home") == pytest.approx([home], abs=1e-12)
    for line in ("total:1.5", "total:2.5", "total:3.5"):
        assert sum(fair(repricing, line, "over", "under")) == pytest.approx(1.0, abs=1e-12)
    scores = fair(repricing, "correct_score", "0-0", "1-0", "0-1")
    assert sum(scores) == pytest.approx(fair(repricing, "total:1.5", "under")[0], abs=1e-12)


def test_the_shift_of_a_price_is_what_the_distribution_adds_to_the_providers_word() -> None:
    explanation = priced(folded(match_update(quoted(moved=SCRATCHED)))).explanation
    shifts = explanation.fair_probabilities - explanation.blended_probabilities
    assert 0.001 < np.nanmax(np.abs(shifts)) < 0.02
    figures = explanation.figures
    assert (figures["home goals"], figures["away goals"]) == pytest.approx((1.6, 1.1), abs=0.05)
    assert 0.0 < figures["error"] < 0.01


def test_every_open_market_keeps_its_overround() -> None:
    repricing = priced(folded(match_update(quoted(moved=SCRATCHED))))
    assert repricing.state.book is not None
    assert np.all(repricing.explanation.overrounds >= repricing.explanation.wanted_overrounds - 1e-6)
    assert repricing.explanation.wanted_overrounds[MARKET_IDS.index("double_chance")] == pytest.approx(2.1)


def by_itself(quotes: Quotes, **others: object) -> None:
    """Expect every market to be priced as the providers say, by itself."""
    repricing = priced(folded(match_update(quotes, **others)))  # type: ignore[arg-type]
    assert set(sources(repricing).values()) == {MARKET}
    explanation = repricing.explanation
    np.testing.assert_allclose(explanation.fair_probabilities, explanation.blended_probabilities, atol=1e-7)


def test_markets_are_priced_by_themselves_without_a_total() -> None:
    by_itself(quoted(market_ids=("1x2", "double_chance", "btts")))


def test_markets_are_priced_by_themselves_without_a_result() -> None:
    by_itself(quoted(market_ids=("total:2.5", "btts", "handicap:0")))


@pytest.mark.parametrize(
    "state",
    [
        MatchState(FixtureStatus.IN_PLAY, Period.EXTRA_TIME, clock_seconds=5_500),
        MatchState(FixtureStatus.IN_PLAY, Period.UNKNOWN, clock_seconds=600),
        MatchState(FixtureStatus.IN_PLAY, Period.FIRST_HALF),
        MatchState(FixtureStatus.IN_PLAY, Period.SECOND_HALF, clock_seconds=600),
        MatchState(FixtureStatus.IN_PLAY, Period.FIRST_HALF, 25, 0, 600),
        MatchState(FixtureStatus.IN_PLAY, Period.FIRST_HALF, 0, 0, 600, sport=FootballState(home_red_cards=6)),
    ],
    ids=["extra time", "unknown period", "no clock", "clock of the other half", "score", "red cards"],
)
def test_markets_are_priced_by_themselves_where_the_match_is_not_one_of_normal_time(state: MatchState) -> None:
    by_itself(quoted(), state=state)


def test_markets_of_other_sports_are_priced_by_themselves() -> None:
    other = update(quoted=quoted(), description=FixtureDescription("curling"))
    assert set(sources(priced(folded(other))).values()) == {MARKET}
    assert set(sources(priced(folded(update(quoted=quoted())))).values()) == {MARKET}


def test_a_distribution_too_far_from_the_providers_is_not_used() -> None:
    state = folded(match_update(quoted(moved=SCRATCHED)))
    error = priced(state).explanation.figures["error"]
    below, above = (PricingPolicy(model_error_max=error * factor) for factor in (0.99, 1.01))
    assert set(sources(priced(state, policy=below)).values()) == {MARKET}
    assert set(sources(priced(state, policy=above)).values()) == {GOALS}
    assert set(sources(priced(state, policy=PricingPolicy(model_error_max=0.0))).values()) == {MARKET}


def test_markets_the_catalogue_does_not_know_are_priced_by_themselves_beside_those_it_does() -> None:
    quotes = with_market(quoted(), "uof:9999", ("1", "2"), (1_900, 1_900))
    quotes = with_market(quotes, "first_half_1x2", ("home", "draw", "nobody"), (2_700, 2_100, 4_000))
    found = sources(priced(folded(match_update(quotes))))
    assert (found.pop("uof:9999"), found.pop("first_half_1x2")) == (MARKET, MARKET)
    assert set(found.values()) == {GOALS}


def test_a_market_far_from_what_the_others_imply_is_priced_by_itself() -> None:
    quotes = quoted(moved={("btts", "yes"): 1.6, ("btts", "no"): 0.65})
    repricing = priced(folded(match_update(quotes)))
    found = sources(repricing)
    assert found.pop("btts") == MARKET
    assert set(found.values()) == {GOALS}
    near = priced(folded(match_update(quotes)), policy=PricingPolicy(model_logit_distance_max=3.0))
    assert sources(near)["btts"] == GOALS


def test_a_market_without_all_that_may_happen_is_priced_by_itself() -> None:
    full = quoted()
    odds = full.decimal_odds_milli.copy()
    odds[full.layout.outcome_index("correct_score", "other")] = 0
    found = sources(priced(folded(match_update(replace(full, decimal_odds_milli=odds)))))
    assert (found["correct_score"], found["1x2"]) == (MARKET, GOALS)


def test_an_unlikely_outcome_that_nobody_quotes_is_not_offered() -> None:
    full = quoted()
    odds = full.decimal_odds_milli.copy()
    odds[full.layout.outcome_index("correct_score", "3-3")] = 0
    repricing = priced(folded(match_update(replace(full, decimal_odds_milli=odds))))
    assert sources(repricing)["correct_score"] == GOALS
    assert odds_milli(repricing, "correct_score", "3-3") == 0
    assert odds_milli(repricing, "correct_score", "3-2") > 0


def test_in_play_the_score_and_the_clock_count() -> None:
    state = playing(Period.SECOND_HALF, 70.0, (1, 0), (0, 1))
    at_break = playing(Period.HALF_TIME, 45.0, (1, 0))
    ids = tuple(market_id for market_id in MARKET_IDS if market_id != "next_goal:1")
    quotes = quoted((1.6, 1.1), market_ids=(*ids, "next_goal:2"), state=state, half_time=(1, 0))
    repricing = priced(folded(match_update(None, state=at_break), match_update(quotes, state=state)))
    assert set(sources(repricing).values()) == {GOALS}
    figures = repricing.explanation.figures
    # A means of the whole match with full sides comes back, though little of it is left.
    assert (figures["home goals"], figures["away goals"]) == pytest.approx((1.6, 1.1), rel=0.05)


def test_what_is_decided_has_no_price_though_a_provider_still_quotes_it() -> None:
    state = playing(Period.FIRST_HALF, 30.0, (2, 0))
    quotes = with_market(quoted(state=state), "total:0.5", ("over", "under"), (1_500, 2_500))
    repricing = priced(folded(match_update(quotes, state=state)))
    assert market_status(repricing.state, "total:0.5") == MarketStatus.SUSPENDED
    assert reasons(repricing)[quotes.layout.market_index("total:0.5")] == SuspensionReason.NO_PRICE
    assert np.isnan(fair(repricing, "total:0.5", "over", "under")).all()
    assert [odds_milli(repricing, "correct_score", score) > 0 for score in ("0-0", "1-1", "2-0", "2-1")] == [
        *(False, False),
        *(True, True),
    ]
    assert sources(repricing)["correct_score"] == GOALS
    assert odds_milli(repricing, "next_goal:1", "home") == 0


def test_markets_on_halves_need_the_half_time_score_in_the_second_half() -> None:
    state = playing(Period.SECOND_HALF, 50.0, (1, 0))
    quotes = quoted(market_ids=HALVES, state=state, half_time=(1, 0))
    unknown = sources(priced(folded(match_update(quotes, state=state))))
    assert (unknown["second_half_total:0.5"], unknown["half_time_full_time"], unknown["1x2"]) == (MARKET, MARKET, GOALS)
    known = folded(match_update(None, state=playing(Period.HALF_TIME, 45.0, (1, 0))), match_update(quotes, state=state))
    repricing = priced(known)
    found = sources(repricing)
    assert (found["second_half_total:0.5"], found["half_time_full_time"], found["1x2"]) == (GOALS, GOALS, GOALS)
    assert odds_milli(repricing, "half_time_full_time", "draw/home") == 0
    assert found["first_half_1x2"] == NONE


def test_the_same_prices_at_the_same_moment_are_not_fitted_again() -> None:
    first = priced(folded(match_update(quoted())))
    assert first.state.fit is not None
    again = priced(folded(match_update(quoted()), state=first.state), now_us=NOW_US + 1)
    assert again.state.fit is first.state.fit
    assert not again.is_book_new
    moved = priced(folded(match_update(quoted((1.7, 1.1))), state=again.state), now_us=NOW_US + 2)
    assert moved.state.fit is not first.state.fit
    goal = playing(Period.FIRST_HALF, 0.0)
    begun = priced(folded(match_update(None, state=goal), state=first.state), now_us=NOW_US + 3)
    assert begun.state.fit is not first.state.fit


def test_pricing_goes_on_from_the_same_means_after_a_restart() -> None:
    at_break = playing(Period.HALF_TIME, 45.0, (1, 0))
    state = playing(Period.SECOND_HALF, 50.0, (1, 0))
    quotes = quoted(market_ids=HALVES, state=state, half_time=(1, 0), moved={("1x2", "home"): 1.01})
    published = priced(folded(match_update(None, state=at_break), match_update(quotes, state=state)))
    assert published.state.book is not None
    restored = restore_state(
        "match",
        parse_book(book_pb2.Book.FromString(encode_book(published.state.book))),
        parse_explanation(book_pb2.PriceExplanation.FromString(encode_explanation(published.explanation))),
    )
    again = priced(restored)
    assert not again.is_book_new
    before, after = published.explanation.figures, again.explanation.figures
    assert before
    names = ("home goals", "away goals", "rho")
    assert [after[name] for name in names] == pytest.approx([before[name] for name in names], abs=2e-4)
    np.testing.assert_array_equal(again.explanation.price_sources, published.explanation.price_sources)


def test_fixtures_of_a_batch_are_priced_as_each_would_be_alone() -> None:
    live = playing(Period.FIRST_HALF, 20.0, (0, 1))
    states = [
        replace(folded(match_update(quoted((1.2, 1.4)))), fixture_id="a"),
        replace(folded(match_update(quoted((1.9, 0.7), state=live), state=live)), fixture_id="b"),
        replace(folded(update(quoted=quoted())), fixture_id="c"),
        replace(folded(match_update(quoted(market_ids=("1x2", "total:2.5")))), fixture_id="d"),
        replace(folded(match_update(quoted(moved={("1x2", "home"): 2.0}))), fixture_id="e"),
    ]
    up = frozenset({"alpha"})
    together = price(states, up_providers=up, policy=PricingPolicy(), now_us=NOW_US)
    for state, one in zip(states, together, strict=True):
        alone = price([state], up_providers=up, policy=PricingPolicy(), now_us=NOW_US)[0]
        np.testing.assert_allclose(
            one.explanation.fair_probabilities, alone.explanation.fair_probabilities, atol=1e-12, equal_nan=True
        )
        np.testing.assert_array_equal(one.explanation.price_sources, alone.explanation.price_sources)


def test_a_layout_that_grows_keeps_prices_with_their_outcomes() -> None:
    few = priced(folded(match_update(quoted(market_ids=("1x2", "total:2.5")))))
    more = folded(update(provider_id="bravo", quoted=quoted(), at_us=NOW_US), state=few.state)
    repricing = priced(more, now_us=NOW_US + 1)
    assert repricing.explanation.layout.market_ids[:2] == layout_of(("1x2", "total:2.5")).market_ids
    assert set(sources(repricing).values()) == {GOALS}
    assert sum(fair(repricing, "1x2", "home", "draw")) == pytest.approx(fair(repricing, "double_chance", "1x")[0])
