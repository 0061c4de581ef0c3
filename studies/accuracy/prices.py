"""Bookmakers' prices as forecasts: every margin method, and the value of prices taken before the close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.margin.methods import MarginMethod
from odds.margin.removal import remove_margin
from odds.models.football.implied_means import PriceTargets, imply_goal_means
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects
from odds.models.football.score_grids import dixon_coles_grid
from studies.accuracy.comparisons import BlockMean, block_mean
from studies.accuracy.goal_model_walk import SCORE_CELLS, UNDER
from studies.accuracy.metrics import closing_line_values
from studies.accuracy.seasons import MatchTable

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

REFERENCE_METHOD: Final = MarginMethod.POWER
"""What pricing itself takes providers' margins out by, fixed before any of this was measured."""
NAMESAKES: Final = frozenset({MarginMethod.DIFFERENTIAL, MarginMethod.LOGIT})
"""Methods that are additive and odds ratio by another name: the same probabilities."""
PROPER_NAMES: Final = {MarginMethod.SHIN: "Shin", MarginMethod.JENSEN_SHANNON: "Jensen-Shannon"}
EDGE_MIN: Final = 1.05
"""A forecaster takes a price where its probability times the odds is at least this."""
RESULT_COLUMNS: Final = (("1x2", "home"), ("1x2", "draw"), ("1x2", "away"))


@dataclass(frozen=True, slots=True)
class Bets:
    """What came of taking prices before the close.

    Attributes:
        value: Closing line value a bet: by how much the odds beat the closing fair odds.
        profit: Of a unit staked on each.
    """

    value: BlockMean
    profit: BlockMean


def name_of(method: MarginMethod) -> str:
    """Return a method as people call it."""
    return PROPER_NAMES.get(method, method.value.replace("_", " "))


def fair_by(decimal_odds: Floats, method: MarginMethod) -> Floats:
    """Return fair probabilities, same shape; NaN in rows without prices or that the method refuses."""
    fair = np.full(decimal_odds.shape, np.nan)
    rows = ~np.isnan(decimal_odds).any(axis=1)
    fair[rows] = remove_margin(decimal_odds[rows], method=method, is_underround_solved=True).probabilities
    return fair


def fair_by_every_method(decimal_odds: Floats, *, has_namesakes: bool) -> dict[MarginMethod, Floats]:
    """Return fair probabilities by each method, the reference first."""
    methods = [REFERENCE_METHOD, *(method for method in MarginMethod if method is not REFERENCE_METHOD)]
    return {method: fair_by(decimal_odds, method) for method in methods if has_namesakes or method not in NAMESAKES}


def are_known(*forecasts: Floats) -> Flags:
    """Return which matches every forecaster has a forecast of, shape (n_matches,)."""
    return np.asarray(~np.isnan(np.concatenate(forecasts, axis=1)).any(axis=1))


def imply_over(fair_probabilities: Floats, rhos: Floats) -> Floats:
    """Return the probability of more than 2.5 goals that 1x2 prices imply through goal means.

    Args:
        fair_probabilities: Home, draw and away, shape (n_matches, 3).
        rhos: Dixon and Coles's rho to take as given, shape (n_matches,).

    Returns:
        Shape (n_matches,); NaN where no means lead to the prices.
    """
    implied = imply_goal_means(
        PriceTargets(RESULT_COLUMNS, fair_probabilities, np.ones(3)),
        rhos=rhos,
        states=MatchStates.before_kick_off(len(rhos)),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )
    over = np.full(len(rhos), np.nan)
    rows = implied.flags == 0
    grids = dixon_coles_grid(implied.home_means[rows], implied.away_means[rows], rhos[rows], size=SCORE_CELLS)
    over[rows] = 1.0 - grids[:, UNDER].sum(axis=1)
    return over


def take_bets(table: MatchTable, decimal_odds: Floats, closing_fair: Floats, chances: Floats | None) -> Bets | None:
    """Stake a unit on every price that the forecaster holds too long, and see what it was worth at the close.

    Args:
        table: All matches.
        decimal_odds: Prices taken, shape (n_matches, 3); NaN where there are none.
        closing_fair: Fair probabilities at the close, same shape; NaN where unknown.
        chances: What the forecaster holds likely, same shape; none to take every price.

    Returns:
        None where there is nothing to take.
    """
    is_taken = ~np.isnan(decimal_odds) & ~np.isnan(closing_fair)
    if chances is not None:
        with np.errstate(invalid="ignore"):
            is_taken &= chances * decimal_odds >= EDGE_MIN
    if not is_taken.any():
        return None
    rows, outcomes = np.nonzero(is_taken)
    taken = decimal_odds[is_taken]
    blocks = table.half_weeks[rows]
    return Bets(
        block_mean(closing_line_values(taken, 1.0 / closing_fair[is_taken]), blocks),
        block_mean(taken * (table.results[rows] == outcomes) - 1.0, blocks),
    )
