"""The margin put onto chances: the inverse of every way to take it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

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


def reachable_overrounds(fair_probabilities: Floats, *, wanted: Floats, odds_ratio_max: float) -> Floats:
    """Return what books are to sum to, so that no odds against are divided by more than so much by odds ratio.

    The nearer a favourite is to certain, the less margin it can carry. Held to its overround, such a book would put all
    of it on the others: 19 to 1 against would become 12 to 1, and 49 to 1 hardly more. Other methods share the same sum
    out otherwise, and may divide single odds by somewhat more.

    Args:
        fair_probabilities: Shape (n_books, n_outcomes); NaN pads short books.
        wanted: Overrounds, shape (n_books,).
        odds_ratio_max: Of the odds against an outcome before the margin to those after it, at least 1.0.

    Returns:
        What is wanted, or where it is less, what the outcomes sum to with their odds against divided by that ratio.
    """
    implied = odds_ratio_max * fair_probabilities / (1.0 + (odds_ratio_max - 1.0) * fair_probabilities)
    return np.asarray(np.fmin(wanted, np.add.reduce(implied, 1, where=~np.isnan(implied))))


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
