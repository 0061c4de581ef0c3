"""Every market of a match at any moment; exact figures of them are among the reference values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from markets.fixture import Period
from odds.model_input import EXPECTED_BY_FLAG, ModelInputInvalid, RowFlag
from odds.models.football.catalogue import part_of_catalogue
from odds.models.football.markets import MatchPrices, price_columns, price_matches
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects, ScoringLeft

EVEN_PACE = GoalTiming(rise=0.0, first_half_added_minutes=0.0, second_half_added_minutes=0.0)


def price(home: float, away: float, rho: float = 0.0, state: MatchStates | None = None) -> MatchPrices:
    return price_matches(
        np.array([home]),
        np.array([away]),
        rhos=np.array([rho]),
        states=MatchStates.before_kick_off(1) if state is None else state,
        timing=EVEN_PACE,
        red_cards=RedCardEffects(),
    )


def state_of(
    period: Period,
    minute: float,
    score: tuple[int, int] = (0, 0),
    half_time: tuple[int, int] = (0, 0),
    cards: tuple[int, int] = (0, 0),
) -> MatchStates:
    whole = [np.array([number]) for number in (*score, *half_time, *cards)]
    return MatchStates(np.array([int(period)]), np.array([minute]), np.array([np.nan]), *whole)


def fair(prices: MatchPrices, market_id: str, *outcome_ids: str) -> list[float]:
    row = prices.fair_probabilities()[0]
    return [float(row[prices.catalogue.column(market_id, outcome_id)]) for outcome_id in outcome_ids]


def odds(prices: MatchPrices, market_id: str, outcome_id: str) -> float:
    return float(prices.fair_decimal_odds()[0, prices.catalogue.column(market_id, outcome_id)])


@pytest.mark.parametrize("market_type", ["handicap", "total", "home_total", "first_half_handicap"])
def test_what_one_side_of_a_line_wins_the_other_loses(market_type: str) -> None:
    prices = price(1.6, 1.2, -0.08)
    names = ("home", "away") if "handicap" in market_type else ("over", "under")
    for line in ("0.5", "0.75", "1"):
        one, other = (prices.stake_parts(f"{market_type}:{line}", name) for name in names)
        assert float(one.win[0]) == pytest.approx(float(other.lose[0]), abs=1e-12)
        assert float(one.half_win[0]) == pytest.approx(float(other.half_lose[0]), abs=1e-12)
        assert float(one.push[0]) == pytest.approx(float(other.push[0]), abs=1e-12)
        assert float(one.win[0] + one.half_win[0] + one.push[0] + one.half_lose[0] + one.lose[0]) == pytest.approx(1.0)


def test_a_match_has_hundreds_of_outcomes_each_id_once() -> None:
    layout = price(1.5, 1.2).catalogue.layout
    assert layout.outcome_count >= 140
    assert {"1x2", "total:2.5", "handicap:-0.25", "handicap:0", "btts", "next_goal:1"} <= set(layout.market_ids)


def test_at_the_end_every_market_is_its_result() -> None:
    prices = price(1.4, 1.3, -0.1, state_of(Period.FINISHED, 0.0, (2, 1), (0, 1)))
    assert fair(prices, "1x2", "home", "draw", "away") == [1.0, 0.0, 0.0]
    assert fair(prices, "correct_score", "2-1")[0] == 1.0
    assert fair(prices, "half_time_full_time", "away/home")[0] == 1.0
    assert fair(prices, "first_half_1x2", "away")[0] == 1.0
    assert fair(prices, "second_half_correct_score", "2-0")[0] == 1.0
    assert fair(prices, "most_goals_half", "second")[0] == 1.0
    assert fair(prices, "next_goal:4", "home", "none", "away") == [0.0, 1.0, 0.0]
    assert fair(prices, "race_to:2", "home")[0] == 1.0
    assert fair(prices, "total:3", "over")[0] == 1.0
    assert odds(prices, "total:2.5", "under") == np.inf
    known = prices.win_weights[~np.isnan(prices.win_weights)]
    assert set(np.unique(known).tolist()) <= {0.0, 0.5, 1.0}
    assert not prices.is_open().any()


def test_the_start_of_play_is_priced_as_before_it() -> None:
    before = price(1.4, 1.3, -0.1)
    at_start = price(1.4, 1.3, -0.1, state_of(Period.FIRST_HALF, 0.0))
    np.testing.assert_allclose(at_start.win_weights, before.win_weights, atol=1e-13)


def test_half_time_is_priced_as_the_start_of_the_second_half() -> None:
    score = {"score": (1, 2), "half_time": (1, 2)}
    half_time = price(1.4, 1.3, -0.1, state_of(Period.HALF_TIME, 45.0, **score))
    restart = price(1.4, 1.3, -0.1, state_of(Period.SECOND_HALF, 45.0, **score))
    np.testing.assert_allclose(restart.win_weights, half_time.win_weights, atol=1e-13)


def test_rho_moves_what_is_left_of_low_scores_in_play() -> None:
    level = state_of(Period.SECOND_HALF, 80.0, (0, 0))
    late = state_of(Period.SECOND_HALF, 80.0, (2, 1), (1, 0))
    assert fair(price(1.4, 1.3, -0.1, level), "1x2", "draw")[0] > fair(price(1.4, 1.3, 0.0, level), "1x2", "draw")[0]
    assert fair(price(1.4, 1.3, -0.1, late), "1x2", "draw") == pytest.approx(
        fair(price(1.4, 1.3, 0.0, late), "1x2", "draw"), abs=1e-12
    )


def test_a_sending_off_helps_the_other_side() -> None:
    full = price(1.4, 1.3, 0.0, state_of(Period.FIRST_HALF, 20.0))
    sent_off = price(1.4, 1.3, 0.0, state_of(Period.FIRST_HALF, 20.0, cards=(1, 0)))
    assert fair(sent_off, "1x2", "home")[0] < fair(full, "1x2", "home")[0]
    assert fair(sent_off, "1x2", "away")[0] > fair(full, "1x2", "away")[0]


def test_announced_stoppage_time_brings_goals() -> None:
    late = state_of(Period.SECOND_HALF, 90.0)
    short, long = (price(1.4, 1.3, 0.0, replace(late, added_minutes=np.array([added]))) for added in (1.0, 8.0))
    assert fair(long, "total:0.5", "over")[0] > fair(short, "total:0.5", "over")[0]


def test_a_half_that_is_on_is_never_over() -> None:
    overdue = price(1.4, 1.3, 0.0, replace(state_of(Period.SECOND_HALF, 97.0), added_minutes=np.array([3.0])))
    assert 0.0 < fair(overdue, "total:0.5", "over")[0] < 0.05


def test_the_default_pace_puts_44_percent_of_goals_before_half_time() -> None:
    first, second = GoalTiming().shares_left(MatchStates.before_kick_off(1))
    assert float(first[0] + second[0]) == pytest.approx(1.0)
    assert float(first[0]) == pytest.approx(0.4415, abs=0.002)


def test_only_the_next_goal_has_minutes_and_bands_gone_by_have_none() -> None:
    prices = price(1.4, 1.3, 0.0, state_of(Period.SECOND_HALF, 65.0, (1, 0)))
    bands = ("1-15", "16-30", "31-45", "46-60", "61-75", "76-90", "none")
    second = fair(prices, "next_goal_minute:2", *bands)
    assert second[:4] == [0.0] * 4
    assert min(second[4:]) > 0.0
    assert sum(second) == pytest.approx(1.0)
    assert np.isnan(fair(prices, "next_goal_minute:1", *bands)).all()
    assert np.isnan(fair(prices, "next_goal_minute:3", *bands)).all()


def test_minutes_of_the_next_goal_follow_the_exponential_law() -> None:
    prices = price(1.4, 1.3)
    bands = fair(prices, "next_goal_minute:1", "1-15", "16-30", "none")
    assert bands == pytest.approx([1 - np.exp(-2.7 / 6), np.exp(-2.7 / 6) - np.exp(-2.7 / 3), np.exp(-2.7)], abs=1e-7)


def test_who_scored_a_goal_past_is_told_only_where_the_score_tells() -> None:
    one_sided = price(1.4, 1.3, 0.0, state_of(Period.SECOND_HALF, 65.0, (2, 0)))
    assert fair(one_sided, "next_goal:1", "home", "none", "away") == pytest.approx([1.0, 0.0, 0.0])
    mixed = price(1.4, 1.3, 0.0, state_of(Period.SECOND_HALF, 65.0, (1, 1)))
    assert np.isnan(fair(mixed, "next_goal:1", "home", "none", "away")).all()
    assert not np.isnan(fair(mixed, "next_goal:3", "home", "none", "away")).any()
    assert not one_sided.is_open()[0, one_sided.catalogue.column("next_goal:1", "home")]


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"home": np.nan}, RowFlag.GOAL_MEANS_OUT_OF_RANGE),
        ({"home": -0.1}, RowFlag.GOAL_MEANS_OUT_OF_RANGE),
        ({"home": 12.5}, RowFlag.GOAL_MEANS_OUT_OF_RANGE),
        ({"rho": 0.9}, RowFlag.RHO_OUT_OF_RANGE),
        ({"rho": np.nan}, RowFlag.RHO_OUT_OF_RANGE),
        ({"state": state_of(Period.FIRST_HALF, np.nan)}, RowFlag.CLOCK_IMPOSSIBLE),
        ({"state": state_of(Period.SECOND_HALF, 20.0)}, RowFlag.CLOCK_IMPOSSIBLE),
        ({"state": state_of(Period.PENALTIES, 120.0)}, RowFlag.CLOCK_IMPOSSIBLE),
        ({"state": state_of(Period.FIRST_HALF, 10.0, (-1, 0))}, RowFlag.SCORE_IMPOSSIBLE),
        ({"state": state_of(Period.SECOND_HALF, 60.0, (0, 0), (1, 0))}, RowFlag.SCORE_IMPOSSIBLE),
        ({"state": state_of(Period.NOT_STARTED, 0.0, (1, 0))}, RowFlag.SCORE_IMPOSSIBLE),
        ({"state": state_of(Period.FIRST_HALF, 10.0, cards=(9, 0))}, RowFlag.RED_CARDS_IMPOSSIBLE),
    ],
)
def test_a_row_that_cannot_be_priced_says_why(change: dict[str, Any], flag: RowFlag) -> None:
    prices = price(**{"home": 1.5, "away": 1.5, **change})
    assert RowFlag(int(prices.flags[0])) is flag
    assert np.isnan(prices.win_weights).all()
    assert flag in EXPECTED_BY_FLAG


def test_a_bad_row_leaves_the_others_alone() -> None:
    states = MatchStates.before_kick_off(3)
    prices = price_matches(
        np.array([1.5, np.inf, 1.5]),
        np.ones(3),
        rhos=np.zeros(3),
        states=states,
        timing=EVEN_PACE,
        red_cards=RedCardEffects(),
    )
    assert prices.flags.tolist() == [0, int(RowFlag.GOAL_MEANS_OUT_OF_RANGE), 0]
    np.testing.assert_allclose(prices.win_weights[0], price(1.5, 1.0).win_weights[0], atol=1e-14)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ModelInputInvalid):
        price_matches(
            np.ones(2),
            np.ones(1),
            rhos=np.zeros(2),
            states=MatchStates.before_kick_off(2),
            timing=EVEN_PACE,
            red_cards=RedCardEffects(),
        )


@pytest.mark.parametrize(
    "market_ids",
    [
        {"1x2"},
        {"total:2.25", "handicap:-1", "draw_no_bet", "no such market"},
        {"1x2", "first_half_1x2"},
        {"half_time_full_time"},
        {"next_goal:2", "total:2.5"},
        {"next_goal_minute:1"},
        {"correct_score", "second_half_total:1.5", "race_to:2", "next_goal_minute:3"},
    ],
    ids=lambda market_ids: "+".join(sorted(market_ids)),
)
def test_a_part_of_the_catalogue_is_priced_as_the_whole(market_ids: set[str]) -> None:
    state = state_of(Period.SECOND_HALF, 60.0, (1, 1), (1, 0))
    whole, part = price(1.6, 1.1, -0.05, state), part_of_catalogue(frozenset(market_ids))
    prices = price_columns(
        np.array([1.6]),
        np.array([1.1]),
        rhos=np.array([-0.05]),
        left=ScoringLeft.of(state, EVEN_PACE, RedCardEffects()),
        columns=part,
    )
    assert market_ids - {"no such market"} <= set(part.layout.market_ids)
    assert prices.win_weights.shape[1] == part.layout.outcome_count < whole.win_weights.shape[1]
    for index, market_id in enumerate(part.layout.market_ids):
        names = part.layout.outcome_ids_of(index)
        assert fair(prices, market_id, *names) == pytest.approx(fair(whole, market_id, *names), abs=1e-14, nan_ok=True)


def test_a_part_of_the_catalogue_leaves_out_markets_and_views_nobody_asks_for() -> None:
    part = part_of_catalogue(frozenset({"1x2", "next_goal:2"}))
    assert part.layout.market_ids[0] == "1x2"
    assert {"total:2.5", "first_half_1x2", "next_goal_minute:1"}.isdisjoint(part.layout.market_ids)
    assert (part.wanted.halves, part.wanted.orders, part.wanted.minutes) == (False, True, False)
