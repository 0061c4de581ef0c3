"""What holds for every market of every match at every moment."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odds.fixture import Period
from odds.football.bet_builder import BuilderLeg, BuilderMatch, LegsContradictory, next_legs, price_legs
from odds.football.catalogue import catalogue
from odds.football.goal_paths import CONDITIONS, is_told, path_chances
from odds.football.markets import MatchPrices, goals_to_come, price_matches
from odds.football.match_scores import LegNotCombinable, match_scores
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


def name_line(line: float) -> str:
    return f"{line:g}" if line else "0"


QUARTERED = (
    ("handicap", -3.0, 3.0),
    ("total", 0.5, 6.5),
    ("home_total", 0.5, 3.5),
    ("away_total", 0.5, 3.5),
    *((f"{half}_half_handicap", -1.0, 1.0) for half in ("first", "second")),
    *((f"{half}_half_total", 0.5, 2.5) for half in ("first", "second")),
)


@given(st.lists(rows(), min_size=1, max_size=4))
@settings(deadline=None, max_examples=40)
def test_a_quarter_line_is_half_a_stake_on_each_neighbour_and_lines_are_monotone(drawn: list[Row]) -> None:
    prices = price(drawn)
    both = (prices.win_weights, 1.0), (prices.lose_weights(), -1.0)
    for kind, first, last in QUARTERED:
        lines = [first + quarter / 4.0 for quarter in range(round((last - first) * 4) + 1)]
        for outcome_id in ("home", "away") if "handicap" in kind else ("over", "under"):
            columns = [prices.catalogue.column(f"{kind}:{name_line(line)}", outcome_id) for line in lines]
            for weights, gain in both:
                by_line = weights[:, columns]
                rise = gain if outcome_id in {"home", "under"} else -gain
                assert (np.diff(by_line, axis=1) * rise >= -1e-12).all()
                neighbours = (by_line[:, :-2:2] + by_line[:, 2::2]) / 2.0
                np.testing.assert_allclose(by_line[:, 1::2], neighbours, atol=1e-12, err_msg=kind)


def test_every_market_on_quarter_lines_is_looked_at() -> None:
    names = catalogue().layout.market_ids
    assert {kind for kind, *_ in QUARTERED} == {
        name.partition(":")[0] for name in names if name.endswith((".25", ".75"))
    }


COMPLEMENTS = (
    ("away_clean_sheet", "no", "home_total:0.5", "over"),
    ("home_clean_sheet", "yes", "away_total:0.5", "under"),
    ("draw_no_bet", "home", "handicap:0", "home"),
    ("draw_no_bet", "away", "handicap:0", "away"),
    ("double_chance", "1x", "handicap:0.5", "home"),
    ("double_chance", "x2", "handicap:-0.5", "away"),
    ("european_handicap:1", "draw", "winning_margin", "away:1"),
    ("exact_goals", "0", "total:0.5", "under"),
    ("home_exact_goals", "3+", "home_total:2.5", "over"),
    ("away_exact_goals", "0", "home_clean_sheet", "yes"),
    ("goal_range", "0-1", "total:1.5", "under"),
    ("goal_range", "6+", "total:5.5", "over"),
    ("first_half_draw_no_bet", "home", "first_half_handicap:0", "home"),
    ("first_half_exact_goals", "0", "first_half_total:0.5", "under"),
    ("second_half_exact_goals", "0", "second_half_total:0.5", "under"),
)
"""Outcomes that say the same."""

SUMS = (
    ("double_chance", "12", ("1x2", ("home", "away"))),
    ("european_handicap:-1", "home", ("winning_margin", ("home:2", "home:3", "home:4+"))),
    ("odd_even", "odd", ("exact_goals", ("1", "3", "5"))),
    ("1x2", "home", ("winning_margin", ("home:1", "home:2", "home:3", "home:4+"))),
    ("exact_goals", "0", ("correct_score", ("0-0",))),
    ("exact_goals", "2", ("correct_score", ("2-0", "1-1", "0-2"))),
    ("first_half_1x2", "draw", ("half_time_full_time", ("draw/home", "draw/draw", "draw/away"))),
)
"""An outcome and others that are all of it; of `odd`, all but numbers beyond those named."""


@given(st.lists(rows(), min_size=1, max_size=6))
@settings(deadline=None, max_examples=40)
def test_complementary_markets_agree(drawn: list[Row]) -> None:
    prices = price(drawn)
    for one, one_outcome, other, other_outcome in COMPLEMENTS:
        np.testing.assert_allclose(
            wins(prices, one, one_outcome), wins(prices, other, other_outcome), atol=1e-9, err_msg=f"{one} {other}"
        )
    for market_id, outcome_id, (parts_id, parts) in SUMS:
        whole, found = wins(prices, market_id, outcome_id), sum(wins(prices, parts_id, part) for part in parts)
        if market_id == "odd_even":
            beyond = wins(prices, "exact_goals", "6+")
            assert ((found <= whole + 1e-9) & (whole <= found + beyond + 1e-9)).all()
        else:
            np.testing.assert_allclose(found, whole, atol=1e-9, err_msg=market_id)
    loses = prices.lose_weights()
    for column, mirror in zip(prices.catalogue.mirrored, prices.catalogue.mirrors, strict=True):
        np.testing.assert_allclose(prices.win_weights[:, column], loses[:, mirror], atol=1e-12)


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


def builder_of(row: Row) -> BuilderMatch | None:
    """Return the joint distribution of a match, None where it awaits too many goals for a quick test."""
    means = [np.array([value]) for value in row[:3]]
    goals = goals_to_come(
        means[0],
        means[1],
        rhos=means[2],
        states=states_of([row]),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )
    return None if int(goals.sizes()[0]) > 0 else BuilderMatch(match_scores(goals))


@given(rows(), st.data())
@settings(deadline=None, max_examples=40)
def test_a_conjunction_is_inside_the_bounds_of_its_legs(row: Row, data: st.DataObject) -> None:
    match = builder_of(row)
    if match is None:
        return
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


@given(rows())
@settings(deadline=None, max_examples=40)
def test_every_single_leg_is_worth_what_its_market_says(row: Row) -> None:
    match = builder_of(row)
    if match is None:
        return
    prices = price([row])
    for one in next_legs(match, []):
        column = prices.catalogue.column(one.leg.market_id, one.leg.outcome_id)
        np.testing.assert_allclose(one.win, prices.win_weights[0, column], atol=5e-6, err_msg=str(one.leg))


ORDERS = [f"next_goal:{number}" for number in range(1, 7)] + ["race_to:2", "race_to:3"]


@given(rows(), st.data())
@settings(deadline=None, max_examples=40)
def test_the_outcomes_of_an_order_share_out_a_conjunction(row: Row, data: st.DataObject) -> None:
    match = builder_of(row)
    if match is None:
        return
    base: list[BuilderLeg] = []
    for _ in range(data.draw(st.integers(1, 4))):
        further = [one.leg for one in next_legs(match, base)]
        base += [data.draw(st.sampled_from(further))] if further else []
    if not base:
        return
    whole = price_legs(match, base)
    taken = {leg.market_id for leg in base}
    minutes = f"next_goal_minute:{sum(row[5]) + 1}"
    for market_id in {*ORDERS, *({minutes} if sum(row[5]) < 6 else {})} - taken:
        shares = []
        for outcome_id in catalogue().layout.outcome_ids_of(catalogue().layout.market_index(market_id)):
            try:
                shares.append(price_legs(match, [*base, BuilderLeg(market_id, outcome_id)]).win)
            except LegsContradictory:
                continue
            except LegNotCombinable:
                assert max(row[5]) >= 1
                break
        else:
            np.testing.assert_allclose(sum(shares), whole.win, atol=1e-12)


halves = st.lists(st.booleans(), max_size=4)


@given(halves, halves, halves, st.booleans(), st.sets(st.sampled_from(CONDITIONS), min_size=1, max_size=4))
@settings(deadline=None, max_examples=200)
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
    if not all(is_told(score, condition) for condition in conditions):
        assert np.isnan(found)
        return
    known = sorted(past, key=lambda _: 0)
    orders = [
        [*known, *before, *later]
        for before in sorted(set(permutations(first)))
        for later in sorted(set(permutations(second)))
    ]
    kept = [order for order in orders if all(holds(order, score, condition) for condition in conditions)]
    assert abs(found - len(kept) / len(orders)) < 1e-12


def holds(order: list[bool], score: tuple[int, int], condition: int) -> bool:
    """Tell whether goals in an order, True for the away side's, are as asked; past ones by the score alone."""
    number, side = divmod(condition, 3)
    goal = number + 1 if number < 6 else number - 4
    if number < 6:
        past = sum(score) >= goal
        scorer = (order[goal - 1] if not past else score[0] == 0) if len(order) >= goal else None
    else:
        firsts = [is_away for place, is_away in enumerate(order) if order[: place + 1].count(is_away) == goal]
        scorer = firsts[0] if firsts else None
        if max(score) >= goal:
            scorer = score[1] >= goal
    return side == (1 if scorer is None else 2 if scorer else 0)
