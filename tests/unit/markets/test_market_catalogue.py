"""What a market's id says: its type, line, part of the match and role, and which outcomes can win together."""

from __future__ import annotations

import numpy as np
import pytest

from markets.catalogue import TYPES, market_of, winners_of
from markets.football.selections import HALF_LINES, MATCH_LINES, Selection, score_selections
from markets.layout import MarketLayout
from markets.market_type import Family, Part, Role
from markets.winners import ALL_MAY_WIN
from odds.fixture.winners import winner_counts_of
from odds.models.football.catalogue import catalogue as football_catalogue


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
        ("betfair:TO_QUALIFY:1.105", 1),
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
    assert winners_of(market_id).count_max == winners_max


def test_no_score_makes_other_outcomes_win_together_than_the_catalogue_says() -> None:
    home, away = (goals.ravel() for goals in np.mgrid[0:9, 0:9])
    selections = [
        *score_selections(home, away, MATCH_LINES, prefix=""),
        *score_selections(home, away, HALF_LINES, prefix="first_half_"),
    ]
    by_market: dict[str, list[Selection]] = {}
    for selection in selections:
        by_market.setdefault(selection.market_id, []).append(selection)
    for market_id, of_market in by_market.items():
        winners = winners_of(market_id)
        parts = np.stack([selection.win for selection in of_market])
        assert parts.sum(axis=0).max() <= winners.count_max < ALL_MAY_WIN, market_id
        together = {
            frozenset(selection.outcome_id for selection, part in zip(of_market, score, strict=True) if part > 0.0)
            for score in parts.T
        }
        assert not winners.sets or together == set(winners.sets), market_id


def test_outcomes_of_the_catalogue_are_those_that_football_is_priced_by() -> None:
    layout = football_catalogue().layout
    for index, market_id in enumerate(layout.market_ids):
        outcomes = market_of(market_id).type.outcomes
        assert isinstance(outcomes, Family) or outcomes == layout.outcome_ids_of(index), market_id


def test_types_and_the_names_that_feeds_give_them_are_declared_once() -> None:
    names = [known.type_id for known in TYPES]
    names += [f"betfair:{name}" for known in TYPES for name in known.exchange]
    names += [f"uof:{name.number}" for known in TYPES for name in known.uof]
    assert len(set(names)) == len(names)


def test_sets_of_winners_are_of_outcomes_that_the_type_has() -> None:
    for known in TYPES:
        named = frozenset[str]().union(*known.winners.sets)
        assert not named or (not isinstance(known.outcomes, Family) and set(known.outcomes) == named), known.type_id


@pytest.mark.parametrize(
    ("market_id", "type_id", "part", "line", "role", "is_leading"),
    [
        ("1x2", "1x2", Part.MATCH, None, Role.LEADING, True),
        ("winner", "winner", Part.MATCH, None, Role.LEADING, True),
        ("match_odds:2", "match_odds", Part.MATCH, None, Role.LEADING, False),
        ("total:2.25", "total", Part.MATCH, 2.25, Role.MAIN, False),
        ("handicap:-0.5", "handicap", Part.MATCH, -0.5, Role.MAIN, False),
        ("handicap:0:1", "handicap", Part.MATCH, None, Role.MAIN, False),
        ("first_half_1x2", "1x2", Part.FIRST_HALF, None, Role.SIDE, False),
        ("second_half_total:0.5", "total", Part.SECOND_HALF, 0.5, Role.SIDE, False),
        ("next_goal:3", "next_goal", Part.MATCH, 3.0, Role.SIDE, False),
        ("betfair:MATCH_ODDS:1.1", "match_odds", Part.MATCH, None, Role.SIDE, False),
        ("betfair:OVER_UNDER_25:1.1", "total", Part.MATCH, None, Role.SIDE, False),
        ("uof:63", "double_chance", Part.MATCH, None, Role.SIDE, False),
        ("nobody_knows:1", "", Part.MATCH, None, Role.SIDE, False),
    ],
)
def test_an_id_says_what_is_asked(
    market_id: str, *, type_id: str, part: Part, line: float | None, role: Role, is_leading: bool
) -> None:
    market = market_of(market_id)
    assert (market.type.type_id, market.part, market.line) == (type_id, part, line)
    assert (market.role, market.is_leading) == (role, is_leading)


def test_probabilities_sum_to_the_winners_and_to_one_where_nobody_knows() -> None:
    markets = ("1x2", "betfair:DOUBLE_CHANCE:1.1", "betfair:PLACE", "second_half_double_chance")
    layout = MarketLayout.of_markets([(market_id, ["1", "2", "3"]) for market_id in markets])
    assert winner_counts_of(layout).tolist() == [1, 2, 1, 2]
