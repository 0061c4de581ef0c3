"""Joint distributions of goals on a square grid of scores, batched: shape (n_fixtures, size, size), home goals first.

The last two rows and columns mean "that many, or more by an even number", so that a grid always sums to one and totals,
results, lines below its edge and odd or even are exact; only outcomes that tell such scores apart lose accuracy, by the
mass out there.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from odds.models.football.conway_maxwell import ConwayMaxwellCounts

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

RHO_BOUND_ROUNDING = 1e-12
SHIFTS_CACHED_MAX = 128


def poisson_masses(means: Floats, *, size: int) -> Floats:
    """Return the Poisson distribution of each mean, its tail gathered in the last two cells.

    Args:
        means: Shape (n,), 0.0 or above and below 700.
        size: Cells, two or more.

    Returns:
        Shape (n, size), each row summing to 1.0 within 1e-15.
    """
    ratios = np.empty((size, len(means)))
    np.exp(-means, out=ratios[0])
    np.divide(means, np.arange(1.0, size)[:, None], out=ratios[1:])
    by_row = np.ascontiguousarray(np.multiply.accumulate(ratios, axis=0).T)
    _gather_tail(by_row, 0.5 * np.exp(-2.0 * means))
    return by_row


def negative_binomial_masses(means: Floats, dispersion: float, *, size: int) -> Floats:
    """Return the negative binomial distribution of each mean, its tail gathered in the last two cells.

    Args:
        means: Shape (n,), above 0.0.
        dispersion: a in variance = mean + a mean^2, above 0.0.
        size: Cells, two or more.

    Returns:
        Shape (n, size).
    """
    goals = np.arange(size, dtype=np.float64)
    inverse = 1.0 / dispersion
    coefficients = gammaln(goals + inverse) - gammaln(inverse) - gammaln(goals + 1.0)
    scaled = means[:, None] * dispersion
    masses = np.exp(coefficients + goals * np.log(scaled / (1.0 + scaled)) - inverse * np.log1p(scaled))
    _gather_tail(masses, 0.5 * np.exp(-inverse * np.log1p(2.0 * scaled[:, 0])))
    return np.asarray(masses)


def conway_maxwell_masses(means: Floats, upsilon: float, *, size: int) -> Floats:
    """Return the Conway-Maxwell-Poisson distribution of each mean, its tail gathered in the last two cells.

    Args:
        means: Shape (n,), above 0.0, at most 30.0.
        upsilon: 0.3 to 5.0; 1.0 is Poisson, above it goals vary less.
        size: Cells, two or more.

    Returns:
        Shape (n, size).

    Raises:
        ModelInputInvalid: If a mean or upsilon is out of range.
    """
    whole = ConwayMaxwellCounts.of_means(means, upsilon, cells=size).masses
    masses = whole[:, :size].copy()
    _gather_tail(masses, 0.5 * (whole[:, ::2].sum(axis=1) - whole[:, 1::2].sum(axis=1)))
    return masses


def shift_masses(masses: Floats, offsets: Integers) -> Floats:
    """Move each row's distribution up by its offset, gathering what leaves the grid in the last two cells.

    Args:
        masses: Shape (n, size).
        offsets: Shape (n,), 0 or above and below size.

    Returns:
        Shape (n, size): cell j holds what cell j - offset held.
    """
    size = masses.shape[1]
    first = int(offsets[0]) if len(offsets) else 0
    if np.count_nonzero(offsets == first) == len(offsets):
        return masses @ _shift_matrix(size, first) if first else masses
    shifted = masses.copy()
    for offset in set(offsets.tolist()) - {0}:
        rows = np.flatnonzero(offsets == offset)
        shifted[rows] = masses[rows] @ _shift_matrix(size, offset)
    return shifted


@lru_cache(maxsize=SHIFTS_CACHED_MAX)
def _shift_matrix(size: int, offset: int) -> Floats:
    cells = np.arange(size) + offset
    beyond = np.maximum(cells - (size - 1), 0)
    matrix = np.zeros((size, size))
    matrix[np.arange(size), cells - beyond - beyond % 2] = 1.0
    return matrix


def _gather_tail(masses: Floats, parity_halves: Floats) -> None:
    """Put what is beyond the grid into its last two cells, odd to odd and even to even.

    `parity_halves` is half the expectation of (-1)^count: even counts have a half plus it, odd ones a half less it.
    """
    size = masses.shape[1]
    for cell in (size - 2, size - 1):
        alike = 0.5 + (parity_halves if cell % 2 == 0 else -parity_halves)
        tail = alike - masses[:, cell % 2 : cell : 2].sum(axis=1)
        np.maximum(masses[:, cell], tail, out=masses[:, cell])


def independent_grid(home_masses: Floats, away_masses: Floats) -> Floats:
    """Return the joint distribution of two independent counts, shape (n, size, size)."""
    return np.asarray(home_masses[:, :, None] * away_masses[:, None, :])


def dixon_coles_factors(home_means: Floats, away_means: Floats, rhos: Floats) -> Floats:
    """Return tau on the four low scores, shape (n, 2, 2), home goals first; never below zero.

    Source:
        Dixon and Coles (1997), Applied Statistics 46:265.
    """
    return np.asarray(np.maximum(1.0 + rhos[:, None, None] * dixon_coles_slopes(home_means, away_means), 0.0))


def dixon_coles_slopes(home_means: Floats, away_means: Floats) -> Floats:
    """Return how tau on the four low scores changes with rho, shape (n, 2, 2), home goals first."""
    slopes = np.empty((len(home_means), 2, 2))
    slopes[:, 0, 0] = -home_means * away_means
    slopes[:, 0, 1] = home_means
    slopes[:, 1, 0] = away_means
    slopes[:, 1, 1] = -1.0
    return slopes


def dixon_coles_grid(home_means: Floats, away_means: Floats, rhos: Floats, *, size: int) -> Floats:
    """Return the joint distribution of goals before the match.

    Args:
        home_means: Shape (n,).
        away_means: Shape (n,).
        rhos: Shape (n,); 0.0 makes the sides independent.
        size: Cells a side; what is beyond is in the last.

    Returns:
        Shape (n, size, size), each summing to 1.0.
    """
    grid = independent_grid(poisson_masses(home_means, size=size), poisson_masses(away_means, size=size))
    grid[:, :2, :2] *= dixon_coles_factors(home_means, away_means, rhos)
    return grid


def bivariate_poisson_grid(home_means: Floats, away_means: Floats, shared_means: Floats, *, size: int) -> Floats:
    """Return the joint distribution of X + Z and Y + Z for independent Poisson X, Y and Z.

    Args:
        home_means: Means of the home side's goals, Z included, shape (n,).
        away_means: Means of the away side's goals, Z included, shape (n,).
        shared_means: Means of Z, below both, shape (n,).
        size: Cells a side; what is beyond is in the last.

    Returns:
        Shape (n, size, size).

    Source:
        Karlis and Ntzoufras (2003), The Statistician 52:381.
    """
    home, away, shared = (
        poisson_masses(means, size=size)
        for means in (home_means - shared_means, away_means - shared_means, shared_means)
    )
    grid = np.zeros((len(shared_means), size, size))
    for goals in range(size):
        offsets = np.full(len(shared_means), goals)
        grid += shared[:, goals, None, None] * independent_grid(
            shift_masses(home, offsets), shift_masses(away, offsets)
        )
    return grid


def inflate_diagonal(grid: Floats, *, share: float, draw_masses: Floats) -> Floats:
    """Mix a grid with a distribution of draws alone.

    Args:
        grid: Shape (n, size, size).
        share: Weight of the draws, from 0.0 to 1.0.
        draw_masses: Distribution of the goals a side of such draws, shape (d,), d at most size, summing to 1.0.

    Returns:
        Shape (n, size, size).
    """
    mixed = grid * (1.0 - share)
    diagonal = np.arange(len(draw_masses))
    mixed[:, diagonal, diagonal] += share * draw_masses
    return mixed


def rho_bounds(home_means: Floats, away_means: Floats) -> tuple[Floats, Floats]:
    """Return the least and the most rho may be with these means: max(-1/l, -1/m) and min(1/(l m), 1).

    Source:
        Dixon and Coles (1997), Applied Statistics 46:265.
    """
    with np.errstate(divide="ignore"):
        least = np.maximum(-1.0 / home_means, -1.0 / away_means)
        most = np.minimum(1.0 / (home_means * away_means), 1.0)
    return least, most


def rho_is_possible(home_means: Floats, away_means: Floats, rhos: Floats) -> Flags:
    """Return which rows' rho leaves no low score with a negative probability, rounding of a bound apart."""
    factors = 1.0 + rhos[:, None, None] * dixon_coles_slopes(home_means, away_means)
    return np.asarray((factors >= -RHO_BOUND_ROUNDING).all(axis=(1, 2)))
