"""What holds for every market of every match at every moment."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odds.fixture import Period
from odds.football.bet_builder import next_legs, price_legs
from odds.football.markets import MatchPrices, goals_to_come, price_matches
from odds.football.match_scores import match_scores
from odds.football.match_states import GoalTiming, MatchStates, RedCardEffects
from odds.football.score_grids import Floats

SPLIT_MARKETS = (
    "1x2",
    "btts",
    "odd_even",
    "correct_score",
    "winning_margin",
    "exact_goals",
    "goal_range",
    "european_handicap:-1",
    "first_half_1x2",
    "first_half_correct_score",
    "second_half_1x2",
    "half_time_full_time",
    "most_goals_half",
    "home_clean_sheet",
)

Row = tuple[float, float, float, int, float, tuple[int, int], tuple[int, int], tuple[int, int]]


@st.composite
def rows(draw: st.DrawFn) -> Row:
    home, away = draw(st.floats(0.05, 5.0)), draw(st.floats(0.05, 5.0))
    lowest, highest = max(-1 / home, -1 / away, -0.3), min(1 / (home * away), 1.0, 0.3)
    rho = lowest + draw(st.floats(0.0, 1.0)) * (highest - lowest)
    period = draw(st.sampled_from([Period.NOT_STARTED, Period.FIRST_HALF, Period.HALF_TIME, Period.SECOND_HALF]))
    goals = st.tuples(st.integers(0, 4), st.integers(0, 4))
    before = (0, 0) if period is Period.NOT_STARTED else draw(goals)
    after = draw(goals) if period is Period.SECOND_HALF else (0, 0)
    minute = draw(st.floats(0.0, 48.0)) + 45.0 * (period is Period.SECOND_HALF)
    score = (before[0] + after[0], before[1] + after[1])
    return home, away, rho, int(period), minute, score, before, draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))


def states_of(drawn: list[Row]) -> MatchStates:
    pairs = [[(*row[5], *row[6], *row[7])[place] for row in drawn] for place in range(6)]
    return MatchStates(
        np.array([row[3] for row in drawn]),
        np.array([row[4] for row in drawn]),
        np.full(len(drawn), np.nan),
        *(np.array(column) for column in pairs),
    )


def price(drawn: list[Row]) -> MatchPrices:
    means = np.array([row[:3] for row in drawn])
    return price_matches(
        means[:, 0].copy(),
        means[:, 1].copy(),
        rhos=means[:, 2].copy(),
        states=states_of(drawn),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )


def columns_of(prices: MatchPrices, market_id: str) -> slice:
    layout = prices.catalogue.layout
    index = layout.market_index(market_id)
    return slice(int(layout.offsets[index]), int(layout.offsets[index + 1]))


def wins(prices: MatchPrices, market_id: str, outcome_id: str) -> Floats:
    return np.asarray(prices.win_weights[:, prices.catalogue.column(market_id, outcome_id)])


@given(st.lists(rows(), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_probabilities_are_probabilities_and_markets_add_up(drawn: list[Row]) -> None:
    prices = price(drawn)
    assert not prices.flags.any()
    known = prices.win_weights[~np.isnan(prices.win_weights)]
    assert known.min() >= -1e-12
    assert known.max() <= 1.0 + 1e-9
    for market_id in SPLIT_MARKETS:
        sums = prices.win_weights[:, columns_of(prices, market_id)].sum(axis=1)
        np.testing.assert_allclose(sums, 1.0, atol=1e-9, err_msg=market_id)
    np.testing.assert_allclose(prices.win_weights[:, columns_of(prices, "double_chance")].sum(axis=1), 2.0, atol=1e-9)
    total = prices.win_weights + prices.lose_weights()
    assert np.nanmax(total) <= 1.0 + 1e-9


@given(st.lists(rows(), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_markets_never_contradict_each_other(drawn: list[Row]) -> None:
    prices = price(drawn)
    home, draw, away = (wins(prices, "1x2", outcome) for outcome in ("home", "draw", "away"))
    np.testing.assert_allclose(wins(prices, "handicap:-0.5", "home"), home, atol=1e-12)
    np.testing.assert_allclose(wins(prices, "handicap:0.5", "away"), away, atol=1e-12)
    np.testing.assert_allclose(
        wins(prices, "european_handicap:-1", "draw"), wins(prices, "winning_margin", "home:1"), atol=1e-12
    )
    named = [f"{goals}-{goals}" for goals in range(4)]
    assert (sum(wins(prices, "correct_score", score) for score in named) <= draw + 1e-12).all()
    np.testing.assert_allclose(wins(prices, "total:0.5", "under"), wins(prices, "correct_score", "0-0"), atol=1e-12)
    assert (wins(prices, "total:6.5", "over") <= wins(prices, "exact_goals", "6+") + 1e-12).all()
    both = wins(prices, "home_total:0.5", "over") + wins(prices, "away_total:0.5", "over") - 1.0
    np.testing.assert_allclose(wins(prices, "btts", "yes"), both + wins(prices, "correct_score", "0-0"), atol=1e-10)
    for result in ("home", "draw", "away"):
        pairs = sum(wins(prices, "half_time_full_time", f"{half}/{result}") for half in ("home", "draw", "away"))
        np.testing.assert_allclose(pairs, wins(prices, "1x2", result), atol=1e-6)
        pairs = sum(wins(prices, "half_time_full_time", f"{result}/{end}") for end in ("home", "draw", "away"))
        np.testing.assert_allclose(pairs, wins(prices, "first_half_1x2", result), atol=1e-9)


@given(st.lists(rows(), min_size=1, max_size=4))
@settings(deadline=None, max_examples=40)
def test_a_quarter_line_is_the_mean_of_its_neighbours_and_lines_are_monotone(drawn: list[Row]) -> None:
    prices = price(drawn)
    lines = [f"handicap:{quarter / 4:g}" for quarter in range(-12, 13)]
    weights = np.stack([wins(prices, line, "home") for line in lines])
    assert (np.diff(weights, axis=0) >= -1e-12).all()
    np.testing.assert_allclose(weights[1::2], (weights[:-1:2] + weights[2::2]) / 2.0, atol=1e-12)
    totals = np.stack([wins(prices, f"total:{quarter / 4:g}", "over") for quarter in range(2, 27)])
    assert (np.diff(totals, axis=0) <= 1e-12).all()
    np.testing.assert_allclose(totals[1::2], (totals[:-1:2] + totals[2::2]) / 2.0, atol=1e-12)


@given(st.lists(rows(), min_size=2, max_size=8))
@settings(deadline=None, max_examples=40)
def test_a_batch_prices_as_its_rows_do_alone(drawn: list[Row]) -> None:
    together = price(drawn).win_weights
    for index, row in enumerate(drawn):
        np.testing.assert_allclose(together[index], price([row]).win_weights[0], atol=1e-12)


@given(rows(), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
@settings(deadline=None, max_examples=40)
def test_more_goals_to_come_never_make_fewer_likely(row: Row, first: float, second: float) -> None:
    fewer, more = sorted((0.05 + 4.0 * first, 0.05 + 4.0 * second))
    prices = price([(fewer, row[1], 0.0, *row[3:]), (more, row[1], 0.0, *row[3:])])
    for market_id, outcome_id in (("total:2.5", "over"), ("1x2", "home"), ("handicap:-1", "home"), ("btts", "yes")):
        low, high = wins(prices, market_id, outcome_id)
        assert high >= low - 1e-9


@given(rows(), st.data())
@settings(deadline=None, max_examples=40)
def test_a_conjunction_is_inside_the_bounds_of_its_legs(row: Row, data: st.DataObject) -> None:
    means = [np.array([value]) for value in row[:3]]
    goals = goals_to_come(
        means[0],
        means[1],
        rhos=means[2],
        states=states_of([row]),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )
    if int(goals.sizes()[0]) > 0:
        return
    scores = match_scores(goals)
    singles = next_legs(scores, [])
    first = data.draw(st.sampled_from(singles))
    followers = next_legs(scores, [first.leg])
    if followers:
        second = data.draw(st.sampled_from(followers)).leg
        both = price_legs(scores, [first.leg, second])
        other = price_legs(scores, [second])
        assert both.win <= min(first.win, other.win) + 1e-12
        assert both.win >= first.win + other.win - 1.0 - 1e-12
        assert both.lose >= max(first.lose, other.lose) - 1e-9
