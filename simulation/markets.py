"""The markets of a simulated football match: their true probabilities at any moment, and their results."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from markets.football import market_ids as ids
from simulation.contests.contest import MarketTruth
from simulation.football import MatchTimeline

GOALS_MAX = 12
TOTAL_LINES = (0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5)
HANDICAP_LINES = (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)
CORRECT_SCORE_GOALS_MAX = 3

Grid = NDArray[np.float64]
Goals = NDArray[np.int64]
Win = Callable[[Goals, Goals], NDArray[np.bool_]]


def goal_grid(remaining_means: tuple[float, float]) -> Grid:
    """Return the joint distribution of the goals to come, shape (GOALS_MAX + 1, GOALS_MAX + 1), home down."""
    counts = np.arange(GOALS_MAX + 1)
    log_factorials = np.cumsum(np.log(np.maximum(counts, 1)))
    sides = [np.exp(counts * np.log(max(mean, 1e-12)) - mean - log_factorials) for mean in remaining_means]
    grid = np.outer(sides[0], sides[1])
    return np.asarray(grid / grid.sum())


def price_markets(score: tuple[int, int], remaining_means: tuple[float, float]) -> list[MarketTruth]:
    """Return every market with its true probabilities, given the score and the means of the goals to come."""
    grid = goal_grid(remaining_means)
    home = score[0] + np.arange(GOALS_MAX + 1)[:, None] + np.zeros_like(grid, dtype=np.int64)
    away = score[1] + np.arange(GOALS_MAX + 1)[None, :] + np.zeros_like(grid, dtype=np.int64)
    markets = [
        MarketTruth(market_id, tuple(wins), np.array([float(grid[win(home, away)].sum()) for win in wins.values()]))
        for market_id, wins in MARKETS.items()
    ]
    draw_no_bet = markets[0].probabilities[[0, 2]]
    if draw_no_bet.sum() > 0:
        markets.append(MarketTruth(ids.DRAW_NO_BET, (ids.HOME, ids.AWAY), draw_no_bet / draw_no_bet.sum()))
    markets.append(next_goal_market(score, remaining_means))
    return markets


def next_goal_market(score: tuple[int, int], remaining_means: tuple[float, float]) -> MarketTruth:
    """Return the market of who scores the next goal: two competing Poisson processes."""
    total = sum(remaining_means)
    none = float(np.exp(-total))
    home = (1.0 - none) * (remaining_means[0] / total if total > 0 else 0.5)
    probabilities = np.array([home, none, 1.0 - none - home])
    market_id = ids.numbered_market_id(ids.NEXT_GOAL, sum(score) + 1)
    return MarketTruth(market_id, (ids.HOME, ids.NONE, ids.AWAY), probabilities)


def settle_match(timeline: MatchTimeline) -> dict[str, dict[str, str]]:
    """Return "won", "lost" or "void" by outcome for every market that lasts to the end of the match."""
    score = timeline.at(timeline.duration_s).score
    home, away = np.array([[score[0]]]), np.array([[score[1]]])
    results = {
        market_id: {outcome_id: "won" if bool(win(home, away)[0, 0]) else "lost" for outcome_id, win in wins.items()}
        for market_id, wins in MARKETS.items()
    }
    drawn = {ids.HOME: "void", ids.AWAY: "void"}
    winner = {ids.HOME: "won", ids.AWAY: "lost"} if score[0] > score[1] else {ids.HOME: "lost", ids.AWAY: "won"}
    results[ids.DRAW_NO_BET] = drawn if score[0] == score[1] else winner
    results[ids.numbered_market_id(ids.NEXT_GOAL, sum(score) + 1)] = settle_next_goal(None)
    return results


def settle_next_goal(side: int | None) -> dict[str, str]:
    """Return the results of a next-goal market by the side that scored; None where nobody did."""
    winner = {0: ids.HOME, 1: ids.AWAY, None: ids.NONE}[side]
    return {outcome_id: "won" if outcome_id == winner else "lost" for outcome_id in (ids.HOME, ids.NONE, ids.AWAY)}


def total_wins(line: float) -> dict[str, Win]:
    """Return the conditions of over and under a line of total goals."""
    return {ids.OVER: lambda home, away: home + away > line, ids.UNDER: lambda home, away: home + away < line}


def handicap_wins(line: float) -> dict[str, Win]:
    """Return the conditions of a handicap on the home side, half lines only."""
    return {ids.HOME: lambda home, away: home + line > away, ids.AWAY: lambda home, away: home + line < away}


def correct_score_wins() -> dict[str, Win]:
    """Return the conditions of every score up to three goals a side, and of any other."""

    def exactly(home_goals: int, away_goals: int) -> Win:
        return lambda home, away: (home == home_goals) & (away == away_goals)

    span = range(CORRECT_SCORE_GOALS_MAX + 1)
    wins = {ids.score_outcome_id(home, away): exactly(home, away) for home in span for away in span}
    wins[ids.OTHER] = lambda home, away: (home > CORRECT_SCORE_GOALS_MAX) | (away > CORRECT_SCORE_GOALS_MAX)
    return wins


MARKETS: dict[str, dict[str, Win]] = {
    ids.RESULT: {
        ids.HOME: lambda home, away: home > away,
        ids.DRAW: lambda home, away: home == away,
        ids.AWAY: lambda home, away: home < away,
    },
    **{ids.line_market_id(ids.TOTAL, line): total_wins(line) for line in TOTAL_LINES},
    **{ids.line_market_id(ids.HANDICAP, line): handicap_wins(line) for line in HANDICAP_LINES},
    ids.BOTH_TEAMS_TO_SCORE: {
        ids.YES: lambda home, away: (home > 0) & (away > 0),
        ids.NO: lambda home, away: (home == 0) | (away == 0),
    },
    ids.DOUBLE_CHANCE: {
        "1x": lambda home, away: home >= away,
        "12": lambda home, away: home != away,
        "x2": lambda home, away: home <= away,
    },
    ids.CORRECT_SCORE: correct_score_wins(),
}
