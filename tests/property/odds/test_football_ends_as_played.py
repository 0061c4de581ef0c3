"""At the end every market is what the score says, told here from the ids alone; at the start it is as before play."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from markets.fixture import Period
from odds.models.football.markets import MatchPrices, price_matches
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects
from tests.tries import tries

Score = tuple[int, int]
Settled = tuple[float, float] | None
"""Which part of a stake wins, and which loses; None where the score does not tell."""

goals = st.integers(0, 3) | st.integers(0, 10)
scores = st.tuples(goals, goals)
means = st.floats(0.0, 6.0)


def settle(market_id: str, outcome_id: str, named: list[str], half_time: Score, full_time: Score) -> Settled:
    """Settle a stake; `named` are the market's outcomes."""
    second_half = full_time[0] - half_time[0], full_time[1] - half_time[1]
    kind, _, specifier = market_id.partition(":")
    if kind == "half_time_full_time":
        return wins(f"{winner(half_time)}/{winner(full_time)}" == outcome_id)
    if kind == "most_goals_half":
        return wins(("first", "equal", "second")[1 - sign(sum(half_time) - sum(second_half))] == outcome_id)
    if kind in {"next_goal", "race_to", "next_goal_minute"}:
        return settle_order(kind, int(specifier), outcome_id, full_time)
    for prefix, score in (("first_half_", half_time), ("second_half_", second_half)):
        if kind.startswith(prefix):
            return settle_score(kind.removeprefix(prefix), specifier, outcome_id, named, score)
    return settle_score(kind, specifier, outcome_id, named, full_time)


def settle_score(kind: str, specifier: str, outcome_id: str, named: list[str], score: Score) -> Settled:
    home, away = score
    counts = {"total": home + away, "home_total": home, "away_total": away}
    leads = dict.fromkeys(("handicap", "draw_no_bet"), home - away)
    if kind in counts or kind in leads:
        distance = counts[kind] - float(specifier) if kind in counts else leads[kind] + float(specifier or 0)
        return on_line(distance if outcome_id in {"over", "home"} else -distance)
    return wins(is_won(kind, specifier, outcome_id, named, score))


def is_won(kind: str, specifier: str, outcome_id: str, named: list[str], score: Score) -> bool:
    home, away = score
    goal_counts = {"exact_goals": home + away, "goal_range": home + away}
    goal_counts |= {"home_exact_goals": home, "away_exact_goals": away}
    if kind in goal_counts:
        return is_in(goal_counts[kind], outcome_id)
    side, _, margin = outcome_id.partition(":")
    facts = {
        "btts": home > 0 < away,
        "home_clean_sheet": away == 0,
        "away_clean_sheet": home == 0,
        "home_win_to_nil": home > away == 0,
        "away_win_to_nil": away > home == 0,
    }
    score_id = f"{home}-{away}"
    won = {
        "1x2": winner(score) == outcome_id,
        "double_chance": {"home": "1", "draw": "x", "away": "2"}[winner(score)] in outcome_id,
        "european_handicap": winner((home + int(specifier or 0), away)) == outcome_id,
        "correct_score": outcome_id == (score_id if score_id in named else "other"),
        "winning_margin": side == winner(score) and (side == "draw" or is_in(abs(home - away), margin or "0")),
        "odd_even": outcome_id == ("odd" if (home + away) % 2 else "even"),
    } | {fact: outcome_id == ("yes" if is_so else "no") for fact, is_so in facts.items()}
    return won[kind]


def settle_order(kind: str, number: int, outcome_id: str, score: Score) -> Settled:
    needed = 1 if kind == "next_goal" else number
    is_there = sum(score) >= number if kind != "race_to" else max(score) >= number
    if kind == "next_goal_minute":
        return wins(outcome_id == "none") if number == sum(score) + 1 else None
    if not is_there:
        return wins(outcome_id == "none")
    if min(score) >= needed:
        return None
    return wins(outcome_id == winner(score))


def on_line(distance: float) -> Settled:
    parts = (distance - 0.25, distance + 0.25) if distance * 2 % 1 else (distance, distance)
    return sum(part > 0 for part in parts) / 2, sum(part < 0 for part in parts) / 2


def wins(is_won: bool) -> Settled:
    return float(is_won), float(not is_won)


def is_in(count: int, named: str) -> bool:
    if named.endswith("+"):
        return count >= int(named[:-1])
    first, _, last = named.partition("-")
    return int(first) <= count <= int(last or first)


def winner(score: Score) -> str:
    return ("home", "draw", "away")[1 - sign(score[0] - score[1])]


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


def price(home: float, away: float, states: MatchStates) -> MatchPrices:
    return price_matches(
        np.array([home]),
        np.array([away]),
        rhos=np.array([-0.05 if max(home, away) < 3.0 else 0.0]),
        states=states,
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )


def state_of(period: Period, full_time: Score, half_time: Score) -> MatchStates:
    counts = (np.array([number]) for number in (*full_time, *half_time, 0, 0))
    return MatchStates(np.array([int(period)]), np.zeros(1), np.full(1, np.nan), *counts)


@given(home=means, away=means, half_time=scores, after=scores)
@example(home=0.0, away=0.0, half_time=(0, 8), after=(7, 0))
@tries(15)
def test_at_the_end_every_market_is_exactly_what_the_score_says(
    home: float, away: float, half_time: Score, after: Score
) -> None:
    full_time = half_time[0] + after[0], half_time[1] + after[1]
    prices = price(home, away, state_of(Period.FINISHED, full_time, half_time))
    layout, lose_weights = prices.catalogue.layout, prices.lose_weights()[0]
    column, unknown = 0, 0
    for index, market_id in enumerate(layout.market_ids):
        named = list(layout.outcome_ids_of(index))
        for outcome_id in named:
            settled = settle(market_id, outcome_id, named, half_time, full_time)
            won, lost = prices.win_weights[0, column], lose_weights[column]
            if settled is None:
                assert np.isnan(won), f"{market_id} {outcome_id}"
                unknown += 1
            else:
                np.testing.assert_allclose((won, lost), settled, atol=1e-9, err_msg=f"{market_id} {outcome_id}")
            column += 1
    assert column == layout.outcome_count
    assert unknown <= 3 * 8 + 6 * 7
    assert not prices.is_open().any()


@given(home=means, away=means)
@tries(15)
def test_at_the_start_every_market_is_priced_as_before_play(home: float, away: float) -> None:
    before, at_start = (
        price(home, away, state_of(period, (0, 0), (0, 0))) for period in (Period.NOT_STARTED, Period.FIRST_HALF)
    )
    np.testing.assert_allclose(at_start.win_weights, before.win_weights, atol=1e-12)
    np.testing.assert_allclose(at_start.fair_probabilities(), before.fair_probabilities(), atol=1e-12)
