"""The order of finish from the chances to win: runner after runner, each place won among those left.

The place after the first is won with chances proportional to p^e, e being that place's exponent. Exponents of one are
Harville's model, which overrates favourites for the places; lower ones correct it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.model_input import ModelInputInvalid, require

Floats = NDArray[np.float64]

PLACES_MAX: Final = 4
SUM_TOLERANCE: Final = 1e-9
CELLS_MAX: Final = 4_000_000
"""Numbers held at once by the fourth place; larger batches are cut."""


@dataclass(frozen=True, slots=True)
class PlaceExponents:
    """Exponents of the chances for second, third and fourth place, each above 0."""

    second: float
    third: float
    fourth: float

    def __post_init__(self) -> None:
        if not (self.second > 0.0 and self.third > 0.0 and self.fourth > 0.0):
            raise ModelInputInvalid(f"Exponents above 0.0 were expected, was {self}")


HARVILLE: Final = PlaceExponents(1.0, 1.0, 1.0)
"""Harville (1973)."""
HENERY: Final = PlaceExponents(0.76, 0.62, 0.54)
"""Close to Henery (1981), normal running times: second and third from Lo and Bacon-Shone (1994), the fourth continues
them as simulated fields of 8 to 13 runners do."""


def finish_probabilities(win_probabilities: Floats, exponents: PlaceExponents, *, places: int) -> Floats:
    """Return the chance of each runner to finish in each place.

    Args:
        win_probabilities: Shape (n_races, n_runners), each row summing to 1.0; NaN pads short races.
        exponents: The model.
        places: Places wanted, 1 to 4, at most as many as the shortest race has runners.

    Returns:
        Shape (n_races, n_runners, places); NaN where there is no runner; each place sums to 1.0 within 1e-12.

    Raises:
        ModelInputInvalid: If a race's chances are not above 0 or do not sum to 1.
    """
    chances, is_runner = check_races(win_probabilities, runners_min=places)
    if not 1 <= places <= PLACES_MAX:
        raise ModelInputInvalid(f"Places must be 1 to {PLACES_MAX}, was {places}")
    finish = np.empty((*chances.shape, places))
    batch = max(1, CELLS_MAX // chances.shape[1] ** min(places, 3))
    for first in range(0, len(chances), batch):
        finish[first : first + batch] = _finish(chances[first : first + batch], exponents, places)
    return np.where(is_runner[:, :, None], finish, np.nan)


def place_probabilities(win_probabilities: Floats, exponents: PlaceExponents, *, places: int) -> Floats:
    """Return the chance of each runner to be placed; arguments as for `finish_probabilities`.

    Returns:
        Shape (n_races, n_runners); each race sums to the number of places within 1e-12.
    """
    return np.asarray(finish_probabilities(win_probabilities, exponents, places=places).sum(axis=2))


def forecast_probabilities(win_probabilities: Floats, exponents: PlaceExponents) -> Floats:
    """Return the chance of each first and second.

    Returns:
        Shape (n_races, n_runners, n_runners): the winner, then the second; 0 where that cannot be; sums to 1.0.
    """
    chances, _ = check_races(win_probabilities, runners_min=2)
    return _pairs(chances, exponents)


def tricast_probabilities(win_probabilities: Floats, exponents: PlaceExponents) -> Floats:
    """Return the chance of each first, second and third.

    Returns:
        Shape (n_races, n_runners, n_runners, n_runners); 0 where that cannot be; sums to 1.0.
    """
    chances, _ = check_races(win_probabilities, runners_min=3)
    return _triples(chances, exponents)


def withdraw(win_probabilities: Floats, is_withdrawn: NDArray[np.bool_]) -> Floats:
    """Return the chances after non-runners are out: those left keep their proportions.

    Args:
        win_probabilities: Shape (n_races, n_runners); NaN pads short races.
        is_withdrawn: Same shape.

    Returns:
        Same shape; NaN where there is no runner any more; each race sums to 1.0.

    Raises:
        ModelInputInvalid: If a race has nobody left.
    """
    check_races(win_probabilities, runners_min=1)
    left = np.where(is_withdrawn, np.nan, win_probabilities)
    sums = np.nansum(left, axis=1)
    require(sums > 0.0, expected="Races must have a runner left", found=np.isfinite(left).sum(axis=1))
    return np.asarray(left / sums[:, None])


def check_races(win_probabilities: Floats, *, runners_min: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the chances with 0 for no runner, and where there is one.

    Raises:
        ModelInputInvalid: If a race has too few runners, or chances that are not above 0 or do not sum to 1.
    """
    is_runner = ~np.isnan(win_probabilities)
    counts = is_runner.sum(axis=1)
    require(counts >= runners_min, expected=f"Races must have at least {runners_min} runners", found=counts)
    is_valid = ~is_runner | (win_probabilities > 0.0)
    require(is_valid, expected="Chances to win must be above 0.0", found=win_probabilities)
    sums = np.nansum(win_probabilities, axis=1)
    require(np.abs(sums - 1.0) <= SUM_TOLERANCE, expected="Chances to win must sum to 1.0", found=sums)
    return np.where(is_runner, win_probabilities, 0.0) / sums[:, None], is_runner


def _finish(chances: Floats, exponents: PlaceExponents, places: int) -> Floats:
    finish, apart = [chances], _apart(chances)
    if places >= 2:
        finish.append(_pairs(chances, exponents).sum(axis=1))
    if places >= 3:
        strengths, reach = _shares_of_left(chances, exponents.third, taken=2)
        reached = (_pairs(chances, exponents) * reach) @ apart
        finish.append(strengths * (reached * apart).sum(axis=1))
    if places >= 4:
        strengths, reach = _shares_of_left(chances, exponents.fourth, taken=3)
        reached = (_triples(chances, exponents) * reach) @ apart
        finish.append(strengths * (reached * apart[:, None, :] * apart[None, :, :]).sum(axis=(1, 2)))
    return np.stack(finish, axis=2)


def _pairs(chances: Floats, exponents: PlaceExponents) -> Floats:
    strengths, reach = _shares_of_left(chances, exponents.second, taken=1)
    return np.asarray((chances * reach)[:, :, None] * strengths[:, None, :] * _apart(chances))


def _triples(chances: Floats, exponents: PlaceExponents) -> Floats:
    strengths, reach = _shares_of_left(chances, exponents.third, taken=2)
    apart = _apart(chances)
    triples = (_pairs(chances, exponents) * reach)[:, :, :, None] * strengths[:, None, None, :]
    return np.asarray(triples * apart[:, None, :] * apart[None, :, :])


def _shares_of_left(chances: Floats, exponent: float, *, taken: int) -> tuple[Floats, Floats]:
    """Return the strengths, and one over the sum of them that is left after so many are taken; 0 where nobody is.

    What is left is added up, never what is taken subtracted: a hot favourite leaves next to nothing.
    """
    is_there, apart = chances > 0.0, _apart(chances)
    strengths = np.where(is_there, np.where(is_there, chances, 1.0) ** exponent, 0.0)
    others = strengths[:, None, :] * apart
    if taken == 1:
        left = others.sum(axis=2)
    elif taken == 2:
        left = others @ apart
    else:
        left = (others[:, :, None, :] * apart) @ apart
    return strengths, np.where(left > 0.0, 1.0 / np.where(left > 0.0, left, 1.0), 0.0)


def _apart(chances: Floats) -> Floats:
    return 1.0 - np.eye(chances.shape[1])
