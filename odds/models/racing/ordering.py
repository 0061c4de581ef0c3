"""The order of finish from the chances to win: runner after runner, each place won among those left.

The place after the first is won with chances proportional to p^e, e being that place's exponent. Exponents of one are
Harville's model, which overrates favourites for the places; lower ones correct it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from odds.model_input import ModelInputInvalid, RowFlag, RowFlags, find_fine, flag_rows, spread_rows

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


HENERY: Final = PlaceExponents(0.76, 0.62, 0.54)
"""Close to Henery (1981), normal running times: second and third from Lo and Bacon-Shone (1994), the fourth continues
them as simulated fields of 8 to 13 runners do."""


def flag_races(win_probabilities: Floats, *, runners_min: int) -> RowFlags:
    """Return a `RowFlag` a race: why every function here leaves it NaN, FINE where none does.

    Args:
        win_probabilities: Shape (n_races, n_runners), each above 0, a race's summing to 1.0; NaN pads short races.
        runners_min: How many runners it must have: the places asked for.

    Raises:
        ModelInputInvalid: If the races have not an axis of runners.
    """
    if win_probabilities.ndim != 2:
        raise ModelInputInvalid(f"Rows of runners were expected, was of shape {win_probabilities.shape}")
    is_runner = ~np.isnan(win_probabilities)
    is_chance = (win_probabilities > 0.0) & (win_probabilities <= 1.0)
    sums = np.where(is_chance, win_probabilities, 0.0).sum(axis=1)
    return flag_rows(
        len(sums),
        [
            (RowFlag.RUNNERS_TOO_FEW, is_runner.sum(axis=1) >= runners_min),
            (RowFlag.CHANCES_OUT_OF_RANGE, is_chance | ~is_runner),
            (RowFlag.CHANCES_SUM_WRONG, np.abs(sums - 1.0) <= SUM_TOLERANCE),
        ],
    )


def finish_probabilities(win_probabilities: Floats, exponents: PlaceExponents, *, places: int) -> Floats:
    """Return the chance of each runner to finish in each place.

    Args:
        win_probabilities: Shape (n_races, n_runners), each row summing to 1.0; NaN pads short races.
        exponents: The model.
        places: Places wanted, 1 to 4.

    Returns:
        Shape (n_races, n_runners, places); NaN where there is no runner, and as `flag_races` says with so many
        runners at least; each place sums to 1.0 within 1e-12.

    Raises:
        ModelInputInvalid: If there are no such places.
    """
    if not 1 <= places <= PLACES_MAX:
        raise ModelInputInvalid(f"Places must be 1 to {PLACES_MAX}, was {places}")
    chances, flags = _sound_races(win_probabilities, runners_min=places)
    finish = np.empty((*chances.shape, places))
    batch = max(1, CELLS_MAX // max(chances.shape[1], 1) ** min(places, 3))
    for first in range(0, len(chances), batch):
        finish[first : first + batch] = _finish(chances[first : first + batch], exponents, places)
    return spread_rows(np.where(chances[:, :, None] > 0.0, finish, np.nan), flags)


def place_probabilities(win_probabilities: Floats, exponents: PlaceExponents, *, places: int) -> Floats:
    """Return the chance of each runner to be placed; arguments as for `finish_probabilities`.

    Returns:
        Shape (n_races, n_runners); each race sums to the number of places within 1e-12.
    """
    return np.asarray(finish_probabilities(win_probabilities, exponents, places=places).sum(axis=2))


def _sound_races(win_probabilities: Floats, *, runners_min: int) -> tuple[Floats, RowFlags]:
    """Return the chances of the races not flagged, 0 for no runner, and the flags of all."""
    flags = flag_races(win_probabilities, runners_min=runners_min)
    chances = np.nan_to_num(win_probabilities[find_fine(flags)], nan=0.0)
    return chances / chances.sum(axis=1, keepdims=True), flags


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
