"""Refusals of the football models, and the flags of rows that a batch could not use."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from kernel.errors import DomainError


class ResultsMalformed(DomainError):
    """Past results do not line up, or hold what cannot be."""

    reason: ClassVar[str] = "RESULTS_MALFORMED"


class GoalModelMalformed(DomainError):
    """A stored goal model cannot be read, or a goal model is asked for what it does not know."""

    reason: ClassVar[str] = "GOAL_MODEL_MALFORMED"


class FitNotConverged(DomainError):
    """The steps allowed did not reach the maximum of the likelihood."""

    reason: ClassVar[str] = "FIT_NOT_CONVERGED"


class ModelInputMalformed(DomainError):
    """Columns given to a model do not line up, or name what it cannot price."""

    reason: ClassVar[str] = "MODEL_INPUT_MALFORMED"


class LegsOutOfRange(DomainError):
    """A bet builder has too few or too many legs, or the same one twice."""

    reason: ClassVar[str] = "LEGS_OUT_OF_RANGE"


class LegsContradictory(DomainError):
    """No score lets all legs win."""

    reason: ClassVar[str] = "LEGS_CONTRADICTORY"


class LegNotCombinable(DomainError):
    """A leg asks for more than the joint distribution holds, such as the order of the goals."""

    reason: ClassVar[str] = "LEG_NOT_COMBINABLE"


class RowFlag(IntEnum):
    """Why a row of a batch has no prices; they are NaN throughout it."""

    FINE = 0
    GOAL_MEANS_OUT_OF_RANGE = 1
    RHO_OUT_OF_RANGE = 2
    SCORE_IMPOSSIBLE = 3
    CLOCK_IMPOSSIBLE = 4
    RED_CARDS_IMPOSSIBLE = 5
    TOO_FEW_PRICES = 6
    PRICES_OUT_OF_RANGE = 7
    NOT_CONVERGED = 8


EXPECTED_BY_FLAG = {
    RowFlag.GOAL_MEANS_OUT_OF_RANGE: "Goal means must be finite, from 0.0 to 12.0; means of counts to 20.0",
    RowFlag.RHO_OUT_OF_RANGE: "Rho must lie between max(-1/l, -1/m) and min(1/(l m), 1)",
    RowFlag.SCORE_IMPOSSIBLE: "Goals must be whole, from 0 to 20 a side, before half-time no more than now",
    RowFlag.CLOCK_IMPOSSIBLE: "The period must be one of normal time, its minutes finite and not before it began",
    RowFlag.RED_CARDS_IMPOSSIBLE: "Red cards must be whole, from 0 to 5 a side",
    RowFlag.TOO_FEW_PRICES: "As many prices as unknowns are needed",
    RowFlag.PRICES_OUT_OF_RANGE: "Fair probabilities must lie between 0.0 and 1.0",
    RowFlag.NOT_CONVERGED: "The steps allowed did not reach a minimum",
}
