"""Names of football markets and outcomes, here and nowhere else.

A market id is a type, or a type and its specifier: "1x2", "total:2.5". Markets of one half carry its prefix. Handicap
lines are those of the home side.
"""

from __future__ import annotations

from typing import Final

from markets.market_type import Part

HOME: Final = "home"
DRAW: Final = "draw"
AWAY: Final = "away"
OVER: Final = "over"
UNDER: Final = "under"
YES: Final = "yes"
NO: Final = "no"
ODD: Final = "odd"
EVEN: Final = "even"
NONE: Final = "none"
OTHER: Final = "other"
FIRST: Final = "first"
SECOND: Final = "second"
EQUAL: Final = "equal"

RESULT: Final = "1x2"
DOUBLE_CHANCE: Final = "double_chance"
DRAW_NO_BET: Final = "draw_no_bet"
TO_QUALIFY: Final = "to_qualify"
TOTAL: Final = "total"
HOME_TOTAL: Final = "home_total"
AWAY_TOTAL: Final = "away_total"
HANDICAP: Final = "handicap"
EUROPEAN_HANDICAP: Final = "european_handicap"
BOTH_TEAMS_TO_SCORE: Final = "btts"
ODD_EVEN: Final = "odd_even"
CORRECT_SCORE: Final = "correct_score"
WINNING_MARGIN: Final = "winning_margin"
EXACT_GOALS: Final = "exact_goals"
HOME_EXACT_GOALS: Final = "home_exact_goals"
AWAY_EXACT_GOALS: Final = "away_exact_goals"
GOAL_RANGE: Final = "goal_range"
HOME_CLEAN_SHEET: Final = "home_clean_sheet"
AWAY_CLEAN_SHEET: Final = "away_clean_sheet"
HOME_WIN_TO_NIL: Final = "home_win_to_nil"
AWAY_WIN_TO_NIL: Final = "away_win_to_nil"
HALF_TIME_FULL_TIME: Final = "half_time_full_time"
MOST_GOALS_HALF: Final = "most_goals_half"
NEXT_GOAL: Final = "next_goal"
NEXT_GOAL_MINUTE: Final = "next_goal_minute"
RACE_TO: Final = "race_to"
CORNERS_TOTAL: Final = "corners_total"
HOME_CORNERS_TOTAL: Final = "home_corners_total"
AWAY_CORNERS_TOTAL: Final = "away_corners_total"
MOST_CORNERS: Final = "most_corners"
CARDS_TOTAL: Final = "cards_total"
HOME_CARDS_TOTAL: Final = "home_cards_total"
AWAY_CARDS_TOTAL: Final = "away_cards_total"
MOST_CARDS: Final = "most_cards"

FIRST_HALF_PREFIX: Final = Part.FIRST_HALF.value
SECOND_HALF_PREFIX: Final = Part.SECOND_HALF.value


def format_line(line: float) -> str:
    """Return a line as ids spell it: as short as can be, no sign on zero."""
    return f"{line:g}" if line else "0"


def line_market_id(market_type: str, line: float) -> str:
    """Return the id of a market on a line."""
    return f"{market_type}:{format_line(line)}"


def numbered_market_id(market_type: str, number: int) -> str:
    """Return the id of a market about the n-th something, or about n of them."""
    return f"{market_type}:{number}"


def score_outcome_id(home_goals: int, away_goals: int) -> str:
    """Return the outcome id of a score."""
    return f"{home_goals}-{away_goals}"


def half_time_full_time_outcome_id(half_time: str, full_time: str) -> str:
    """Return the outcome id of a pair of results: at half-time, at the end."""
    return f"{half_time}/{full_time}"


def is_quarter_line(line: float) -> bool:
    """Return whether half of a stake stands on each neighbouring line."""
    return round(line * 4) % 2 == 1
