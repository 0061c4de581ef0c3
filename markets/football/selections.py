"""Markets as weights on scores: how much of a stake wins and loses at each.

A weight is 1, 0, or one half where a quarter line splits the stake over its neighbours; what neither wins nor loses is
handed back. Two outcomes on a line mirror each other: what one wins the other loses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.football import market_ids as ids

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """One outcome of one market.

    Attributes:
        win: Part of a stake that wins at each score, of the shape of the scores.
        lose: Part of it that loses.
    """

    market_id: str
    outcome_id: str
    win: Floats
    lose: Floats


@dataclass(frozen=True, slots=True)
class ScoreMarketLines:
    """Which lines and scores the markets on one score have.

    Attributes:
        totals: Lines of total goals.
        home_totals: Lines of either side's goals.
        handicaps: Asian lines of the home side.
        european_handicaps: Goals the home side starts with; draws stand as an outcome.
        correct_score_goals_max: Scores named, up to so many goals a side; the rest is "other".
        margin_max: Winning margins named, the last one open.
        exact_goals_max: Numbers of goals named, the last one open.
        team_exact_goals_max: Numbers of one side's goals named, the last one open.
        goal_ranges: First number of goals of each range, the last one open; none for no such market.
    """

    totals: tuple[float, ...]
    team_totals: tuple[float, ...]
    handicaps: tuple[float, ...]
    european_handicaps: tuple[int, ...]
    correct_score_goals_max: int
    margin_max: int
    exact_goals_max: int
    team_exact_goals_max: int
    goal_ranges: tuple[int, ...]


def quarter_lines(first: float, last: float) -> tuple[float, ...]:
    """Return all lines from one to another, a quarter of a goal apart."""
    return tuple(first + quarter / 4.0 for quarter in range(round((last - first) * 4) + 1))


MATCH_LINES: Final = ScoreMarketLines(
    totals=quarter_lines(0.5, 6.5),
    team_totals=quarter_lines(0.5, 3.5),
    handicaps=quarter_lines(-3.0, 3.0),
    european_handicaps=(-3, -2, -1, 1, 2, 3),
    correct_score_goals_max=3,
    margin_max=4,
    exact_goals_max=6,
    team_exact_goals_max=3,
    goal_ranges=(0, 2, 4, 6),
)
HALF_LINES: Final = ScoreMarketLines(
    totals=quarter_lines(0.5, 2.5),
    team_totals=(0.5, 1.5),
    handicaps=quarter_lines(-1.0, 1.0),
    european_handicaps=(-1, 1),
    correct_score_goals_max=2,
    margin_max=2,
    exact_goals_max=3,
    team_exact_goals_max=2,
    goal_ranges=(),
)


def score_selections(home: Integers, away: Integers, lines: ScoreMarketLines, *, prefix: str) -> Iterator[Selection]:
    """Yield every market on a score, outcome by outcome.

    Args:
        home: Goals of the home side at each score, any shape.
        away: Goals of the away side, same shape.
        lines: Which lines to offer.
        prefix: Put before each market type: what part of the match the score is of.
    """
    for market_id, outcomes in _markets(home, away, lines):
        for outcome_id, win, lose in outcomes:
            yield Selection(prefix + market_id, outcome_id, win, lose)


Outcomes = list[tuple[str, Floats, Floats]]


def _markets(home: Integers, away: Integers, lines: ScoreMarketLines) -> Iterator[tuple[str, Outcomes]]:
    yield from _result_markets(home, away)
    for line in lines.totals:
        yield ids.line_market_id(ids.TOTAL, line), _on_line((ids.OVER, ids.UNDER), home + away, line)
    for market_type, goals in ((ids.HOME_TOTAL, home), (ids.AWAY_TOTAL, away)):
        for line in lines.team_totals:
            yield ids.line_market_id(market_type, line), _on_line((ids.OVER, ids.UNDER), goals, line)
    for line in lines.handicaps:
        yield ids.line_market_id(ids.HANDICAP, line), _on_line((ids.HOME, ids.AWAY), home - away, -line)
    for start in lines.european_handicaps:
        yield ids.numbered_market_id(ids.EUROPEAN_HANDICAP, start), _results(home + start, away)
    yield from _goal_markets(home, away)
    yield ids.CORRECT_SCORE, _correct_scores(home, away, lines.correct_score_goals_max)
    yield ids.WINNING_MARGIN, _margins(home - away, lines.margin_max)
    yield ids.EXACT_GOALS, _counts(home + away, tuple(range(lines.exact_goals_max + 1)))
    yield ids.HOME_EXACT_GOALS, _counts(home, tuple(range(lines.team_exact_goals_max + 1)))
    yield ids.AWAY_EXACT_GOALS, _counts(away, tuple(range(lines.team_exact_goals_max + 1)))
    if lines.goal_ranges:
        yield ids.GOAL_RANGE, _counts(home + away, lines.goal_ranges)


def _result_markets(home: Integers, away: Integers) -> Iterator[tuple[str, Outcomes]]:
    yield ids.RESULT, _results(home, away)
    yield (
        ids.DOUBLE_CHANCE,
        [_outright("1x", home >= away), _outright("12", home != away), _outright("x2", home <= away)],
    )
    yield ids.DRAW_NO_BET, _on_line((ids.HOME, ids.AWAY), home - away, 0.0)


def _goal_markets(home: Integers, away: Integers) -> Iterator[tuple[str, Outcomes]]:
    yield ids.BOTH_TEAMS_TO_SCORE, _yes_no((home > 0) & (away > 0))
    is_odd = (home + away) % 2 == 1
    yield ids.ODD_EVEN, [_outright(ids.ODD, is_odd), _outright(ids.EVEN, ~is_odd)]
    yield ids.HOME_CLEAN_SHEET, _yes_no(away == 0)
    yield ids.AWAY_CLEAN_SHEET, _yes_no(home == 0)
    yield ids.HOME_WIN_TO_NIL, _yes_no((home > 0) & (away == 0))
    yield ids.AWAY_WIN_TO_NIL, _yes_no((away > 0) & (home == 0))


def _results(home: Integers, away: Integers) -> Outcomes:
    return [_outright(ids.HOME, home > away), _outright(ids.DRAW, home == away), _outright(ids.AWAY, home < away)]


def _yes_no(is_so: Flags) -> Outcomes:
    return [_outright(ids.YES, is_so), _outright(ids.NO, ~is_so)]


def _correct_scores(home: Integers, away: Integers, goals_max: int) -> Outcomes:
    named = range(goals_max + 1)
    outcomes = [
        _outright(ids.score_outcome_id(home_goals, away_goals), (home == home_goals) & (away == away_goals))
        for home_goals in named
        for away_goals in named
    ]
    return [*outcomes, _outright(ids.OTHER, (home > goals_max) | (away > goals_max))]


def _margins(leads: Integers, margin_max: int) -> Outcomes:
    outcomes: Outcomes = []
    for side, by in ((ids.HOME, leads), (ids.AWAY, -leads)):
        outcomes += [_outright(f"{side}:{margin}", by == margin) for margin in range(1, margin_max)]
        outcomes.append(_outright(f"{side}:{margin_max}+", by >= margin_max))
    return [*outcomes, _outright(ids.DRAW, leads == 0)]


def _counts(goals: Integers, firsts: tuple[int, ...]) -> Outcomes:
    """Return ranges that each begin at one of `firsts`; the last has no end."""
    outcomes = []
    for first, after in pairwise(firsts):
        name = f"{first}" if after == first + 1 else f"{first}-{after - 1}"
        outcomes.append(_outright(name, (goals >= first) & (goals < after)))
    return [*outcomes, _outright(f"{firsts[-1]}+", goals >= firsts[-1])]


def _on_line(outcome_ids: tuple[str, str], counts: Integers, line: float) -> Outcomes:
    """Return two outcomes by which side of a line a count is."""
    distances = counts.astype(np.float64) - line
    parts = (-0.25, 0.25) if ids.is_quarter_line(line) else (0.0, 0.0)
    above = sum(((distances + part > 0.0).astype(np.float64) for part in parts), np.zeros(distances.shape)) / 2.0
    below = sum(((distances + part < 0.0).astype(np.float64) for part in parts), np.zeros(distances.shape)) / 2.0
    return [(outcome_ids[0], above, below), (outcome_ids[1], below, above)]


def _outright(outcome_id: str, wins: Flags) -> tuple[str, Floats, Floats]:
    return outcome_id, wins.astype(np.float64), (~wins).astype(np.float64)
