"""How many outcomes of a market can win: by its type, however its id is spelled."""

from __future__ import annotations

import numpy as np
import pytest

from markets.football.selections import HALF_LINES, MATCH_LINES, Selection, score_selections
from markets.layout import MarketLayout
from odds.market_types import ALL_MAY_WIN, winner_counts_of, winners_max_of


@pytest.mark.parametrize(
    ("market_id", "winners_max"),
    [
        ("1x2", 1),
        ("total:2.25", 1),
        ("handicap:-0.5", 1),
        ("next_goal:3", 1),
        ("first_half_1x2", 1),
        ("second_half_total:0.5", 1),
        ("match_odds", 1),
        ("win", 1),
        ("double_chance", 2),
        ("double_chance:from=1", 2),
        ("first_half_double_chance", 2),
        ("second_half_double_chance", 2),
        ("betfair:DOUBLE_CHANCE", 2),
        ("betfair:DOUBLE_CHANCE:1.101", 2),
        ("betfair:SET_WINNER:1.102", 1),
        ("betfair:OVER_UNDER_25:1.103", 1),
        ("uof:10:variant=x", 2),
        ("uof:63", 2),
        ("uof:85:x=1", 2),
        ("uof:60", 1),
        ("betfair:PLACE", ALL_MAY_WIN),
        ("betfair:OTHER_PLACE:1.104", ALL_MAY_WIN),
        ("betfair:TO_BE_PLACED", ALL_MAY_WIN),
        ("betfair:TOP_5_FINISH", ALL_MAY_WIN),
        ("betfair:1x2", ALL_MAY_WIN),
        ("place", ALL_MAY_WIN),
        ("top_4", ALL_MAY_WIN),
        ("uof:100", ALL_MAY_WIN),
        ("uof:", ALL_MAY_WIN),
        ("uof", ALL_MAY_WIN),
        ("betfair", ALL_MAY_WIN),
        ("nobody_knows:1", ALL_MAY_WIN),
        ("", ALL_MAY_WIN),
    ],
)
def test_a_market_has_so_many_winners_at_most(market_id: str, winners_max: int) -> None:
    assert winners_max_of(market_id) == winners_max


def test_no_score_makes_more_winners_than_a_market_of_football_can_have() -> None:
    home, away = (goals.ravel() for goals in np.mgrid[0:9, 0:9])
    selections = [
        *score_selections(home, away, MATCH_LINES, prefix=""),
        *score_selections(home, away, HALF_LINES, prefix="first_half_"),
    ]
    by_market: dict[str, list[Selection]] = {}
    for selection in selections:
        by_market.setdefault(selection.market_id, []).append(selection)
    for market_id, of_market in by_market.items():
        wins = np.sum([selection.win for selection in of_market], axis=0)
        assert wins.max() <= winners_max_of(market_id) < ALL_MAY_WIN, market_id


def test_probabilities_sum_to_the_winners_and_to_one_where_nobody_knows() -> None:
    markets = ("1x2", "betfair:DOUBLE_CHANCE:1.1", "betfair:PLACE", "second_half_double_chance")
    layout = MarketLayout.of_markets([(market_id, ["1", "2", "3"]) for market_id in markets])
    assert winner_counts_of(layout).tolist() == [1, 2, 1, 2]
