"""Types of markets on football matches, in the order in which a match page shows those of a group."""

from __future__ import annotations

from typing import Final

from markets.football import market_ids as ids
from markets.market_type import Family, Group, Line, MarketType, Part, Role, UofName
from markets.winners import Winners

_HOME_DRAW_AWAY: Final = (ids.HOME, ids.DRAW, ids.AWAY)
_HOME_AWAY: Final = (ids.HOME, ids.AWAY)
_HOME_NONE_AWAY: Final = (ids.HOME, ids.NONE, ids.AWAY)
_OVER_UNDER: Final = (ids.OVER, ids.UNDER)
_YES_NO: Final = (ids.YES, ids.NO)

_POPULAR: Final = (
    MarketType(
        ids.RESULT,
        "Match result",
        _HOME_DRAW_AWAY,
        Group.POPULAR,
        role=Role.LEADING,
        uof=(
            UofName("1", outcomes={"1": ids.HOME, "2": ids.DRAW, "3": ids.AWAY}),
            UofName("60", Part.FIRST_HALF),
            UofName("83", Part.SECOND_HALF),
        ),
        exchange=("HALF_TIME",),
    ),
    MarketType(
        ids.DOUBLE_CHANCE,
        "Double chance",
        ("1x", "12", "x2"),
        Group.POPULAR,
        winners=Winners.together(("1x", "12"), ("1x", "x2"), ("12", "x2")),
        uof=(
            UofName("10", outcomes={"9": "1x", "10": "12", "11": "x2"}),
            UofName("63", Part.FIRST_HALF),
            UofName("85", Part.SECOND_HALF),
        ),
        exchange=("DOUBLE_CHANCE",),
    ),
    MarketType(
        ids.DRAW_NO_BET,
        "Draw no bet",
        _HOME_AWAY,
        Group.POPULAR,
        uof=(UofName("11", outcomes={"4": ids.HOME, "5": ids.AWAY}),),
        exchange=("DRAW_NO_BET",),
    ),
)
_PROGRESS: Final = (
    MarketType(ids.TO_QUALIFY, "To qualify", _HOME_AWAY, Group.POPULAR, exchange=("TO_QUALIFY",)),
    MarketType(
        ids.NEXT_GOAL,
        "{nth} goal",
        _HOME_NONE_AWAY,
        Group.POPULAR,
        Line.ORDINAL,
        uof=(UofName("8", specifier="goalnr", outcomes={"6": ids.HOME, "7": ids.NONE, "8": ids.AWAY}),),
        exchange=("NEXT_GOAL",),
    ),
)
_GOALS: Final = (
    MarketType(
        ids.TOTAL,
        "Total goals {line}",
        _OVER_UNDER,
        Group.GOALS,
        Line.TOTAL,
        Role.MAIN,
        uof=(
            UofName("18", specifier="total", outcomes={"12": ids.OVER, "13": ids.UNDER}),
            UofName("68", Part.FIRST_HALF),
            UofName("90", Part.SECOND_HALF),
        ),
        exchange=("OVER_UNDER_#", "FIRST_HALF_GOALS_#"),
    ),
    MarketType(
        ids.BOTH_TEAMS_TO_SCORE,
        "Both teams to score",
        _YES_NO,
        Group.GOALS,
        uof=(UofName("29", outcomes={"74": ids.YES, "76": ids.NO}),),
        exchange=("BOTH_TEAMS_TO_SCORE",),
    ),
    MarketType(ids.HOME_TOTAL, "Home goals {line}", _OVER_UNDER, Group.GOALS, Line.TOTAL, uof=(UofName("19"),)),
    MarketType(ids.AWAY_TOTAL, "Away goals {line}", _OVER_UNDER, Group.GOALS, Line.TOTAL, uof=(UofName("20"),)),
    MarketType(
        ids.ODD_EVEN,
        "Odd or even goals",
        (ids.ODD, ids.EVEN),
        Group.GOALS,
        uof=(UofName("26"),),
        exchange=("ODD_OR_EVEN",),
    ),
    MarketType(ids.EXACT_GOALS, "Exact goals", Family.COUNTS, Group.GOALS),
    MarketType(ids.HOME_EXACT_GOALS, "Home exact goals", Family.COUNTS, Group.GOALS),
    MarketType(ids.AWAY_EXACT_GOALS, "Away exact goals", Family.COUNTS, Group.GOALS),
    MarketType(ids.GOAL_RANGE, "Goals between", Family.RANGES, Group.GOALS),
    MarketType(ids.HOME_CLEAN_SHEET, "Home clean sheet", _YES_NO, Group.GOALS),
    MarketType(ids.AWAY_CLEAN_SHEET, "Away clean sheet", _YES_NO, Group.GOALS),
)
_ORDERS: Final = (
    MarketType(ids.RACE_TO, "Race to {line} goals", _HOME_NONE_AWAY, Group.GOALS, Line.COUNT),
    MarketType(ids.NEXT_GOAL_MINUTE, "Minute of the {nth} goal", Family.BANDS, Group.GOALS, Line.ORDINAL),
)
_HANDICAPS: Final = (
    MarketType(
        ids.HANDICAP,
        "Handicap {signed}",
        _HOME_AWAY,
        Group.HANDICAP,
        Line.HANDICAP,
        Role.MAIN,
        uof=(UofName("16", specifier="hcp", outcomes={"1714": ids.HOME, "1715": ids.AWAY}),),
    ),
    MarketType(ids.EUROPEAN_HANDICAP, "European handicap {signed}", _HOME_DRAW_AWAY, Group.HANDICAP, Line.START),
)
_SCORES: Final = (
    MarketType(
        ids.CORRECT_SCORE,
        "Correct score",
        Family.SCORES,
        Group.SCORE,
        exchange=("CORRECT_SCORE", "CORRECT_SCORE2", "HALF_TIME_SCORE"),
    ),
    MarketType(ids.WINNING_MARGIN, "Winning margin", Family.MARGINS, Group.SCORE, exchange=("WINNING_MARGIN",)),
    MarketType(ids.HOME_WIN_TO_NIL, "Home win to nil", _YES_NO, Group.SCORE),
    MarketType(ids.AWAY_WIN_TO_NIL, "Away win to nil", _YES_NO, Group.SCORE),
)
_HALVES: Final = (
    MarketType(
        ids.HALF_TIME_FULL_TIME,
        "Half-time / full-time",
        tuple(ids.half_time_full_time_outcome_id(half, full) for half in _HOME_DRAW_AWAY for full in _HOME_DRAW_AWAY),
        Group.HALVES,
        exchange=("HALF_TIME_FULL_TIME",),
    ),
    MarketType(ids.MOST_GOALS_HALF, "Half with most goals", (ids.FIRST, ids.EQUAL, ids.SECOND), Group.HALVES),
)
_COUNTS: Final = (
    MarketType(ids.CORNERS_TOTAL, "Total corners {line}", _OVER_UNDER, line=Line.TOTAL),
    MarketType(ids.HOME_CORNERS_TOTAL, "Home corners {line}", _OVER_UNDER, line=Line.TOTAL),
    MarketType(ids.AWAY_CORNERS_TOTAL, "Away corners {line}", _OVER_UNDER, line=Line.TOTAL),
    MarketType(ids.MOST_CORNERS, "Most corners", _HOME_DRAW_AWAY),
    MarketType(ids.CARDS_TOTAL, "Total cards {line}", _OVER_UNDER, line=Line.TOTAL),
    MarketType(ids.HOME_CARDS_TOTAL, "Home cards {line}", _OVER_UNDER, line=Line.TOTAL),
    MarketType(ids.AWAY_CARDS_TOTAL, "Away cards {line}", _OVER_UNDER, line=Line.TOTAL),
    MarketType(ids.MOST_CARDS, "Most cards", _HOME_DRAW_AWAY),
)

ON_THE_SCORE: Final = (*_POPULAR, *_GOALS, *_HANDICAPS, *_SCORES)
"""What one score decides, in whatever game goals are scored: see `markets/football/selections.py`."""

TYPES: Final = (*_POPULAR, *_PROGRESS, *_GOALS, *_ORDERS, *_HANDICAPS, *_SCORES, *_HALVES, *_COUNTS)
