"""The margin taken out of prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from odds.margin import solvers
from odds.margin.divergence import take_out_by_jensen_shannon
from odds.margin.methods import MarginMethod
from odds.margin.rows import Floats, MarginRows, Solver, solve_rows

SOLVERS: Final[Mapping[MarginMethod, Solver]] = {
    MarginMethod.MULTIPLICATIVE: solvers.scale,
    MarginMethod.ADDITIVE: solvers.take_out_by_shift,
    MarginMethod.DIFFERENTIAL: solvers.take_out_by_differential,
    MarginMethod.POWER: solvers.raise_to_power,
    MarginMethod.ODDS_RATIO: solvers.take_out_by_odds_ratio,
    MarginMethod.LOGIT: solvers.take_out_by_logit,
    MarginMethod.SHIN: solvers.take_out_by_shin,
    MarginMethod.BALANCED_BOOK: solvers.take_out_by_balanced_book,
    MarginMethod.GOTO: solvers.take_out_by_goto,
    MarginMethod.JENSEN_SHANNON: take_out_by_jensen_shannon,
}

SOLVE_BELOW_TARGET: Final = frozenset(
    {
        MarginMethod.MULTIPLICATIVE,
        MarginMethod.ADDITIVE,
        MarginMethod.POWER,
        MarginMethod.ODDS_RATIO,
        MarginMethod.LOGIT,
    }
)
"""Methods that have a meaning when the implied probabilities sum to less than the fair ones."""


def remove_margin(
    decimal_odds: Floats,
    *,
    method: MarginMethod,
    winner_counts: Floats | float = 1.0,
    is_underround_solved: bool = False,
) -> MarginRows:
    """Find the fair probabilities behind a batch of books.

    Args:
        decimal_odds: Shape (n_books, n_outcomes), each above 1.0; NaN pads short books.
        method: How the margin is taken to have been put on.
        winner_counts: What each book's fair probabilities sum to: 1.0, or k where k outcomes win; shape (n_books,) or
            one for all.
        is_underround_solved: Whether books that sum to less than that (an exchange's best prices) are solved as well,
            by the methods of `SOLVE_BELOW_TARGET`; otherwise they are flagged.

    Returns:
        Fair probabilities, each solved row summing to its winners within 1e-12; parameters as `MarginMethod` says.
    """
    return solve_rows(
        decimal_odds,
        winner_counts,
        SOLVERS[method],
        are_odds=True,
        sum_may_be_below=is_underround_solved and method in SOLVE_BELOW_TARGET,
        outcomes_min=2,
    )
