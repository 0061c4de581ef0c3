"""What holds for conjunctions of legs of any match at every moment."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from odds.models.builder_legs import BuilderLeg, LegsContradictory
from odds.models.football.bet_builder import next_legs, price_legs
from odds.models.football.catalogue import catalogue
from odds.models.football.goal_minutes import ANSWERS, MINUTE_CONDITIONS, goal_minutes
from odds.models.football.goal_paths import CONDITIONS, is_past, path_chances
from odds.models.football.markets import goals_to_come
from odds.models.football.match_scores import MatchScores, match_scores
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects
from odds.models.football.order_of_goals import MINUTE_BANDS, NUMBERED_GOALS, RACES
from tests.builders.football_rows import Row, price, rows, states_of
from tests.tries import tries

quick_rows = rows(mean_max=1.8, goals_max=2)
"""Matches that await few enough goals for a quick test."""
goalless_rows = rows(mean_max=1.8, goals_max=0)
"""Such matches without a goal so far, so that every leg can be combined."""
ORDERS = [f"next_goal:{number}" for number in NUMBERED_GOALS] + [f"race_to:{goals}" for goals in RACES]
MINUTES = [f"next_goal_minute:{number}" for number in NUMBERED_GOALS]


def builder_of(row: Row) -> MatchScores:
    means = [np.array([value]) for value in row[:3]]
    goals = goals_to_come(
        means[0],
        means[1],
        rhos=means[2],
        states=states_of([row]),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )
    return match_scores(goals)


def draw_legs(data: st.DataObject, match: MatchScores, count_max: int) -> list[BuilderLeg]:
    """Draw legs that can all win, none implied by those before it."""
    legs: list[BuilderLeg] = []
    for _ in range(data.draw(st.integers(1, count_max))):
        further = [one.leg for one in next_legs(match, legs)]
        # Legs about order and minutes are few among those about scores, and as likely here.
        timed = [leg for leg in further if leg.market_id in {*ORDERS, *MINUTES}]
        choices = data.draw(st.sampled_from([part for part in (further, timed) if part] or [[]]))
        legs += [data.draw(st.sampled_from(choices))] if choices else []
    return legs


def win_of(match: MatchScores, legs: list[BuilderLeg]) -> float:
    try:
        return price_legs(match, legs).win
    except LegsContradictory:
        return 0.0


def outcomes_of(market_id: str) -> list[BuilderLeg]:
    layout = catalogue().layout
    return [BuilderLeg(market_id, outcome) for outcome in layout.outcome_ids_of(layout.market_index(market_id))]


@given(quick_rows, st.data())
@tries(40)
def test_a_conjunction_is_inside_the_bounds_of_its_legs(row: Row, data: st.DataObject) -> None:
    match = builder_of(row)
    singles = next_legs(match, [])
    first = data.draw(st.sampled_from(singles))
    followers = next_legs(match, [first.leg])
    if followers:
        second = data.draw(st.sampled_from(followers)).leg
        both = price_legs(match, [first.leg, second])
        other = price_legs(match, [second])
        assert both.win <= min(first.win, other.win) + 1e-12
        assert both.win >= first.win + other.win - 1.0 - 1e-12
        assert both.lose >= max(first.lose, other.lose) - 1e-9


@given(quick_rows)
@tries(40)
def test_every_single_leg_is_worth_what_its_market_says(row: Row) -> None:
    match, prices = builder_of(row), price([row])
    for one in next_legs(match, []):
        column = prices.catalogue.column(one.leg.market_id, one.leg.outcome_id)
        expected = prices.win_weights[0, column]
        if one.leg.market_id not in MINUTES:
            np.testing.assert_allclose(one.win, expected, atol=5e-6, err_msg=str(one.leg))
        elif one.leg.market_id == f"next_goal_minute:{sum(row[5]) + 1}":
            np.testing.assert_allclose(one.win, expected, rtol=0.0, atol=2e-7, err_msg=str(one.leg))
        else:
            assert np.isnan(expected)


@given(goalless_rows, st.data())
@tries(40)
def test_the_outcomes_of_an_order_or_of_minutes_share_out_a_conjunction(row: Row, data: st.DataObject) -> None:
    match = builder_of(row)
    base = draw_legs(data, match, 4)
    whole = price_legs(match, base).win
    for market_id in {*ORDERS, *MINUTES} - {leg.market_id for leg in base}:
        shares = [win_of(match, [*base, leg]) for leg in outcomes_of(market_id)]
        np.testing.assert_allclose(sum(shares), whole, atol=1e-12, err_msg=market_id)


@given(goalless_rows, st.data())
@tries(60)
def test_whatever_is_asked_is_answered_where_no_goal_has_fallen(row: Row, data: st.DataObject) -> None:
    match = builder_of(row)
    timed = [leg for market_id in (*ORDERS, *MINUTES) for leg in outcomes_of(market_id)]
    every = [leg for market_id in catalogue().layout.market_ids for leg in outcomes_of(market_id)]
    leg = st.sampled_from(timed) | st.sampled_from(every)
    legs = data.draw(st.lists(leg, min_size=1, max_size=5, unique=True))
    assert 0.0 <= win_of(match, legs) <= 1.0


@given(rows(mean_max=1.8, goals_max=1), st.data())
@tries(30)
def test_no_goal_falls_before_the_one_before_it(row: Row, data: st.DataObject) -> None:
    match, to_come = builder_of(row), st.integers(sum(row[5]) + 1, NUMBERED_GOALS[-1])
    first, later = sorted(data.draw(st.sets(to_come, min_size=2, max_size=2)))
    firsts, laters = outcomes_of(f"next_goal_minute:{first}"), outcomes_of(f"next_goal_minute:{later}")
    for place, leg in enumerate(firsts):
        assert all(win_of(match, [leg, early]) == 0.0 for early in laters[:place])
        if win_of(match, [leg]) > 0.0:
            assert not {one.leg for one in next_legs(match, [leg])} & set(laters[:place])


@given(goalless_rows, st.data())
@tries(30)
def test_legs_that_can_be_added_are_worth_what_the_conjunction_is(row: Row, data: st.DataObject) -> None:
    match = builder_of(row)
    base = draw_legs(data, match, 4)
    further = next_legs(match, base)
    timed = [one for one in further if one.leg.market_id in {*ORDERS, *MINUTES}]
    for one in [*further[:: max(1, len(further) // 8)], *timed[::3]]:
        with_it = price_legs(match, [*base, one.leg])
        np.testing.assert_allclose((one.win, one.lose), (with_it.win, with_it.lose), atol=1e-12, err_msg=str(one.leg))


@given(goalless_rows, st.data())
@tries(40)
def test_without_redundant_legs_the_price_is_the_same(row: Row, data: st.DataObject) -> None:
    match = builder_of(row)
    base = draw_legs(data, match, 3)
    every = [leg for market_id in (*ORDERS, *MINUTES) for leg in outcomes_of(market_id) if leg not in base]
    more = data.draw(st.lists(st.sampled_from(every), max_size=3, unique=True))
    legs = [*base, *more] if win_of(match, [*base, *more]) > 0.0 else base
    whole = price_legs(match, legs)
    kept = [leg for leg in legs if leg not in whole.redundant]
    without = price_legs(match, kept)
    np.testing.assert_allclose((without.win, without.lose), (whole.win, whole.lose), rtol=1e-9, atol=1e-15)
    assert without.redundant == ()


halves = st.lists(st.booleans(), max_size=4)


@given(halves, halves, halves, st.booleans(), st.sets(st.sampled_from(CONDITIONS), min_size=1, max_size=4))
@tries(200)
def test_path_chances_agree_with_all_orders_counted(
    so_far: list[bool], first: list[bool], second: list[bool], is_second_half: bool, conditions: set[int]
) -> None:
    past = [not is_home for is_home in so_far]
    first = [] if is_second_half else first
    score = past.count(False), past.count(True)
    half_time = score[0] + first.count(False), score[1] + first.count(True)
    after = second.count(False), second.count(True)
    if is_second_half:
        split = [min(half_time[0], 1), min(half_time[1], 1), 0, 0]
        split[2:] = [half_time[0] + after[0] - split[0], half_time[1] + after[1] - split[1]]
    else:
        split = [*half_time, *after]
    (found,) = path_chances(score, np.array(split)[:, None], 9, [frozenset(conditions)])[0].tolist()
    if any(is_past(score, condition) for condition in conditions):
        assert np.isnan(found)
        return
    orders = [
        [*past, *before, *later]
        for before in sorted(set(permutations(first)))
        for later in sorted(set(permutations(second)))
    ]
    kept = [order for order in orders if all(is_ordered(order, condition) for condition in conditions)]
    assert abs(found - len(kept) / len(orders)) < 1e-12


def is_ordered(order: list[bool], condition: int) -> bool:
    """Tell whether goals in an order, True for the away side's, are as asked."""
    number, side = divmod(condition, 3)
    if number < len(NUMBERED_GOALS):
        scorer = order[number] if number < len(order) else None
    else:
        goal = RACES[number - len(NUMBERED_GOALS)]
        firsts = [is_away for place, is_away in enumerate(order) if order[: place + 1].count(is_away) == goal]
        scorer = firsts[0] if firsts else None
    return side == (1 if scorer is None else 2 if scorer else 0)


def is_timed(bands: list[int], condition: int) -> bool:
    """Tell whether goals in bands, in their order, are as asked."""
    number, answer = divmod(condition, ANSWERS)
    return answer == (bands[number] if number < len(bands) else len(MINUTE_BANDS))


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.3, 1.0]) | st.floats(0.0, 1.0), min_size=6, max_size=6),
    st.integers(0, 7),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.data(),
)
@tries(150)
def test_minutes_agree_with_all_courses_counted(
    weights: list[float], so_far: int, to_come: tuple[int, int], data: st.DataObject
) -> None:
    # Bands may be gone by; where a half has goals to come, the time it has left is not nothing.
    weights = [*weights[:2], max(weights[2], 0.01), *weights[3:5], max(weights[5], 0.01)]
    shares = np.array(weights) / sum(weights)
    shares_after = np.maximum(1.0 - np.cumsum(shares), 0.0)
    shares_after[-1] = 0.0
    asked = [condition for condition in MINUTE_CONDITIONS if condition >= so_far * ANSWERS]
    conditions = data.draw(st.sets(st.sampled_from(asked), max_size=4)) if asked else set()
    spread = goal_minutes(shares_after, goals_so_far=so_far, goals_to_come_max=16)
    found = spread.chances([frozenset(conditions)])[0][to_come]
    parts = [np.array(weights[:3]) / sum(weights[:3]), np.array(weights[3:]) / sum(weights[3:])]
    expected = 0.0
    for firsts, seconds in product(*(product(range(3), repeat=goals) for goals in to_come)):
        bands = [-1] * so_far + sorted(firsts) + sorted(band + 3 for band in seconds)
        if all(is_timed(bands, condition) for condition in conditions):
            expected += prod(parts[0][list(firsts)]) * prod(parts[1][list(seconds)])
    np.testing.assert_allclose(found, expected, atol=1e-12)


EVEN_PACE = GoalTiming(rise=0.0, first_half_added_minutes=0.0, second_half_added_minutes=0.0)


def fresh_match() -> MatchScores:
    goals = goals_to_come(
        np.array([1.5]),
        np.array([1.2]),
        rhos=np.zeros(1),
        states=MatchStates.before_kick_off(1),
        timing=EVEN_PACE,
        red_cards=RedCardEffects(),
    )
    return match_scores(goals)


FRESH = fresh_match()
sides = st.lists(st.booleans(), max_size=3)


@given(
    sides,
    sides,
    st.sets(st.sampled_from(CONDITIONS), max_size=2),
    st.sets(st.sampled_from(MINUTE_CONDITIONS), min_size=1, max_size=2),
)
@tries(100)
def test_orders_and_minutes_together_agree_with_all_courses_counted(
    first: list[bool], second: list[bool], orders: set[int], minutes: set[int]
) -> None:
    split = first.count(False), first.count(True), second.count(False), second.count(True)
    place = np.ravel_multi_index(split, (FRESH.sizes.half,) * 4)
    order_chances, minute_chances = FRESH.order_chances(frozenset(orders)), FRESH.minute_chances(frozenset(minutes))
    expected = 0.0
    for (before, early), (after, late) in product(courses(first, 0), courses(second, 3)):
        order, bands = [list(part) for part in zip(*before, *after, strict=True)] or ([], [])
        if all(is_ordered(order, one) for one in orders) and all(is_timed(bands, one) for one in minutes):
            expected += early * late
    np.testing.assert_allclose(order_chances[place] * minute_chances[place], expected, atol=1e-12)


def courses(scorers: list[bool], band: int) -> Iterator[tuple[list[tuple[bool, int]], float]]:
    """Yield every order in which goals of a half can fall, with their bands, and its chance at an even pace.

    Each goal falls in one of three bands, whoever scores it; those of the same band fall in any order.
    """
    orders = list(permutations(range(len(scorers))))
    for bands in product(range(band, band + 3), repeat=len(scorers)):
        kept = [order for order in orders if [bands[goal] for goal in order] == sorted(bands)]
        for order in kept:
            yield [(scorers[goal], bands[goal]) for goal in order], 3.0 ** -len(scorers) / len(kept)
