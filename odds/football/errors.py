"""Refusals of the football models."""

from __future__ import annotations

from typing import ClassVar

from kernel.errors import DomainError
from odds.model_input import EXPECTED_BY_FLAG, RowFlag
from odds.model_input import ModelInputInvalid as ModelInputMalformed

__all__ = ["EXPECTED_BY_FLAG", "ModelInputMalformed", "RowFlag"]


class ResultsMalformed(DomainError):
    """Past results do not line up, or hold what cannot be."""

    reason: ClassVar[str] = "RESULTS_MALFORMED"


class GoalModelMalformed(DomainError):
    """A stored goal model cannot be read, or a goal model is asked for what it does not know."""

    reason: ClassVar[str] = "GOAL_MODEL_MALFORMED"


class FitNotConverged(DomainError):
    """The steps allowed did not reach the maximum of the likelihood."""

    reason: ClassVar[str] = "FIT_NOT_CONVERGED"


class LegsOutOfRange(DomainError):
    """A bet builder has too few or too many legs, or the same one twice."""

    reason: ClassVar[str] = "LEGS_OUT_OF_RANGE"


class LegsContradictory(DomainError):
    """No score lets all legs win."""

    reason: ClassVar[str] = "LEGS_CONTRADICTORY"


class LegNotCombinable(DomainError):
    """A leg asks for more than the joint distribution holds, such as the order of the goals."""

    reason: ClassVar[str] = "LEG_NOT_COMBINABLE"
