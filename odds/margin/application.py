"""The margin put onto chances: the inverse of every way to take it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from odds.margin import solvers
from odds.margin.divergence import put_on_by_jensen_shannon
from odds.margin.methods import MarginMethod
from odds.margin.rows import Floats, MarginRows, Solver, solve_rows

SOLVERS: Final[Mapping[MarginMethod, Solver]] = {
    MarginMethod.MULTIPLICATIVE: solvers.scale_up,
    MarginMethod.ADDITIVE: solvers.put_on_by_shift,
    MarginMethod.DIFFERENTIAL: solvers.put_on_by_differential,
    MarginMethod.POWER: solvers.put_on_by_power,
    MarginMethod.ODDS_RATIO: solvers.put_on_by_odds_ratio,
    MarginMethod.LOGIT: solvers.put_on_by_logit,
    MarginMethod.SHIN: solvers.put_on_by_shin,
    MarginMethod.BALANCED_BOOK: solvers.put_on_by_balanced_book,
    MarginMethod.GOTO: solvers.put_on_by_goto,
    MarginMethod.JENSEN_SHANNON: put_on_by_jensen_shannon,
}


def apply_margin(
    fair_probabilities: Floats, *, overrounds: Floats | float, method: MarginMethod = MarginMethod.ODDS_RATIO
) -> MarginRows:
    """Find the implied probabilities that sum to the overround wanted.

    Args:
        fair_probabilities: Shape (n_books, n_outcomes), each above 0.0 and below 1.0; NaN pads short books.
        overrounds: What each book is to sum to, at or above its present sum and below its number of outcomes; shape
            (n_books,) or one for all.
        method: How the margin is spread.

    Returns:
        Implied probabilities, each solved row summing to its overround within 1e-12; parameters are what
        `remove_margin` by the same method finds.
    """
    return solve_rows(
        fair_probabilities, overrounds, SOLVERS[method], are_odds=False, sum_may_be_below=False, outcomes_min=2
    )
