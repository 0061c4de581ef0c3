"""The methods themselves, on columns: what solves for fair values given implied ones, and the other way round.

Each iteration starts where its function is convex or concave from, so that Newton's steps close in from one side.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.margin.newton import find_roots
from odds.margin.rows import ONE, Columns, Solution, sum_outcomes

Floats = NDArray[np.float64]

NOWHERE: Final = 1e300
"""The odds against an outcome that is not there."""
DISTANCE_MIN: Final = 1e-140
"""Keeps what is divided by above 0."""
CURVATURE_SHARE_MAX: Final = 0.05
"""As long as Shin's start goes this little further, it stays where the function falls."""


def scale(columns: Columns) -> Solution:
    """Multiply all by one factor; the parameter is what implied ones are to fair ones."""
    factors = columns.targets / columns.sums
    return Solution(columns.values * factors, 1.0 / factors)


def scale_up(columns: Columns) -> Solution:
    """The same from fair to implied."""
    factors = columns.targets / columns.sums
    return Solution(columns.values * factors, factors)


def take_out_by_shift(columns: Columns) -> Solution:
    """Lower all by the same distance; the parameter is that distance."""
    distances = (columns.sums - columns.targets) / columns.counts
    return Solution(columns.values - distances, distances)


def put_on_by_shift(columns: Columns) -> Solution:
    """Raise all by the same distance."""
    distances = (columns.targets - columns.sums) / columns.counts
    return Solution(columns.values + distances, distances)


def take_out_by_differential(columns: Columns) -> Solution:
    """Lower all by the same distance; the parameter is the whole margin."""
    solution = take_out_by_shift(columns)
    return Solution(solution.values, solution.parameters * columns.counts)


def put_on_by_differential(columns: Columns) -> Solution:
    """Raise all by the same distance."""
    solution = put_on_by_shift(columns)
    return Solution(solution.values, solution.parameters * columns.counts)


def take_out_by_balanced_book(columns: Columns) -> Solution:
    """Take z of every unit out of each outcome."""
    shares = (columns.sums - columns.targets) / (columns.counts - columns.targets)
    return Solution((columns.values - shares) / (1.0 - shares), shares)


def put_on_by_balanced_book(columns: Columns) -> Solution:
    """Put z of every unit onto each outcome."""
    shares = (columns.targets - columns.sums) / (columns.counts - columns.sums)
    return Solution(columns.values * (1.0 - shares) + shares, shares)


def take_out_by_goto(columns: Columns) -> Solution:
    """Move each outcome by equally many of its standard errors."""
    errors = np.sqrt(1.0 - columns.values)
    if columns.is_there is not None:
        errors *= columns.is_there
    steps = (columns.sums - columns.targets) / sum_outcomes(errors)
    return Solution(columns.values - errors * steps, steps)


def put_on_by_goto(columns: Columns) -> Solution:
    """Find the standard errors whose removal leaves these: with x = sqrt(1 - q), x^2 + s x = 1 - p.

    The sum of q is concave in s. The start solves it to the fourth order of s, so that mostly one step is left.
    """
    unlikely = ONE - columns.values
    roots = np.sqrt(unlikely)
    inverses = ONE / roots
    if columns.is_there is not None:
        unlikely = np.where(columns.is_there, unlikely, DISTANCE_MIN)
        roots, inverses = roots * columns.is_there, inverses * columns.is_there
    margins = np.maximum(columns.targets - columns.sums, 0.0)
    counts, errors = columns.counts, sum_outcomes(roots)
    first = 2.0 * margins / (errors + np.sqrt(abs(errors * errors - 2.0 * counts * margins)))
    thirds = 0.125 * first * first * sum_outcomes(inverses)
    start = first * (1.0 - thirds / (errors - counts * first + 3.0 * thirds))

    def step(steps: Floats, unlikely: Floats, margins: Floats) -> Floats:
        halves = 0.5 * steps
        errors = np.sqrt(halves * halves + unlikely) - halves
        squares = errors * errors
        slopes = errors * squares / (unlikely + squares)
        stepped: Floats = steps + 0.5 * (margins - steps * sum_outcomes(errors)) / sum_outcomes(slopes)
        return stepped

    steps, is_unfinished = find_roots(step, start, unlikely, margins, bends=counts / errors)
    halves = 0.5 * steps
    added = steps * unlikely / (halves + np.sqrt(halves * halves + unlikely))
    return Solution(columns.values + added, steps, is_unfinished=is_unfinished)


def raise_to_power(columns: Columns) -> Solution:
    """Raise all to one power; the parameter is that power.

    The logarithm of the sum is convex and falls in the power: every step but the first stays left of the root.
    """
    logs = np.log(columns.values)
    if columns.is_there is not None:
        logs = np.where(columns.is_there, logs, -NOWHERE)

    def step(powers: Floats, logs: Floats, wanted: Floats) -> Floats:
        raised = np.exp(powers * logs)
        sums = sum_outcomes(raised)
        raised *= logs
        following = powers + (wanted - np.log(sums)) * sums / sum_outcomes(raised)
        stepped: Floats = np.maximum(following, 0.01 * powers)
        return stepped

    wanted = np.log(columns.targets)
    first = 1.0 + (wanted - np.log(columns.sums)) * columns.sums / sum_outcomes(columns.values * logs)
    powers, is_unfinished = find_roots(step, np.maximum(first, 0.01), logs, wanted)
    return Solution(np.exp(powers * logs), powers, is_unfinished=is_unfinished)


def put_on_by_power(columns: Columns) -> Solution:
    """The same from fair to implied: the parameter is the power that takes it out again."""
    solution = raise_to_power(columns)
    return Solution(solution.values, 1.0 / solution.parameters, is_unfinished=solution.is_unfinished)


def take_out_by_odds_ratio(columns: Columns) -> Solution:
    """Divide the odds q/(1-q) of all outcomes by one factor.

    One over the sum is concave in the factor and nearly straight: steps from the left stay left, others go there.
    """
    against = 1.0 / columns.values - 1.0
    if columns.is_there is not None:
        against = np.where(columns.is_there, against, NOWHERE)

    def step(factors: Floats, against: Floats, targets: Floats) -> Floats:
        shares = 1.0 / (1.0 + factors * against)
        sums = sum_outcomes(shares)
        shares *= shares
        shares *= against
        following = factors + sums * (sums / targets - 1.0) / sum_outcomes(shares)
        stepped: Floats = np.maximum(following, 0.01 * factors)
        return stepped

    sums = columns.sums
    first = 1.0 + sums * (sums / columns.targets - 1.0) / (sums - sum_outcomes(columns.values * columns.values))
    factors, is_unfinished = find_roots(step, np.maximum(first, 0.01), against, columns.targets)
    return Solution(1.0 / (1.0 + factors * against), factors, is_unfinished=is_unfinished)


def put_on_by_odds_ratio(columns: Columns) -> Solution:
    """Multiply the odds p/(1-p) of all outcomes by one factor."""
    solution = take_out_by_odds_ratio(columns)
    return Solution(solution.values, 1.0 / solution.parameters, is_unfinished=solution.is_unfinished)


def take_out_by_logit(columns: Columns) -> Solution:
    """The same as a shift of the logits."""
    solution = take_out_by_odds_ratio(columns)
    return Solution(solution.values, np.log(solution.parameters), is_unfinished=solution.is_unfinished)


def put_on_by_logit(columns: Columns) -> Solution:
    """The same as a shift of the logits."""
    solution = put_on_by_odds_ratio(columns)
    return Solution(solution.values, np.log(solution.parameters), is_unfinished=solution.is_unfinished)


def take_out_by_shin(columns: Columns) -> Solution:
    """Find z with F(z) = sum sqrt(z^2 + 4(1-z)a) - 2 - (n-2) z = 0, a = q^2/B.

    F is convex, above 0 at z = 0 and falling, and has its other root at 1: no step from 0 goes past the first. An
    outcome that is not there adds z on both sides.
    """
    targets = columns.targets
    halves = columns.values * columns.values
    halves *= 2.0 / (columns.sums * targets)
    squares = halves + halves
    roots = np.sqrt(columns.sums / targets)
    others = len(squares) - 2.0

    def step(shares: Floats, squares: Floats, halves: Floats) -> Floats:
        lengths = squares * (1.0 - shares)
        lengths += shares * shares
        np.sqrt(lengths, lengths)
        sums = sum_outcomes(lengths) - (2.0 + others * shares)
        slopes = sum_outcomes((shares - halves) / lengths) - others
        stepped: Floats = shares - sums / slopes
        return stepped

    start = _first_insiders(columns, roots)
    shares, is_unfinished = find_roots(step, start, squares, halves)
    lengths = squares * (1.0 - shares)
    lengths += shares * shares
    np.sqrt(lengths, lengths)
    lengths += shares
    return Solution(halves * targets / lengths, shares, is_unfinished=is_unfinished)


def _first_insiders(columns: Columns, roots: Floats) -> Floats:
    """Return Newton's first step from 0 and a little of what the curvature there adds to it."""
    odds = 1.0 / columns.values
    if columns.is_there is not None:
        odds = np.where(columns.is_there, odds, 0.0)
    slopes = roots + columns.counts - 2.0
    first = np.maximum(2.0 * (roots - 1.0) / slopes, DISTANCE_MIN)
    curvatures = 0.5 * (roots * columns.targets * sum_outcomes(odds) - roots)
    stepped: Floats = first * (1.0 + np.minimum(0.5 * curvatures * first / slopes, CURVATURE_SHARE_MAX))
    return stepped


def put_on_by_shin(columns: Columns) -> Solution:
    """Find z with sum sqrt(p^2 + z p(1-p)) = sqrt(B): concave in z, so that from 0 no step goes past the root."""
    fair = columns.values / columns.sums
    spread = fair * (1.0 - fair)
    squares = fair * fair + DISTANCE_MIN
    roots = np.sqrt(columns.targets / columns.sums)

    def step(shares: Floats, squares: Floats, spread: Floats, roots: Floats) -> Floats:
        lengths = np.sqrt(squares + shares * spread)
        slopes = 0.5 * sum_outcomes(spread / lengths)
        stepped: Floats = shares + (roots - sum_outcomes(lengths)) / slopes
        return stepped

    shares, is_unfinished = find_roots(step, 2.0 * (roots - 1.0) / (columns.counts - 1.0), squares, spread, roots)
    values = np.sqrt(squares + shares * spread)
    values *= roots * columns.sums
    is_out_of_reach = sum_outcomes(np.sqrt(fair)) <= roots
    return Solution(values, shares, is_out_of_reach if np.count_nonzero(is_out_of_reach) else None, is_unfinished)
