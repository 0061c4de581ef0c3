"""The families of goal models, by name."""

from __future__ import annotations

from enum import StrEnum


class GoalFamily(StrEnum):
    """Which joint distribution the goals of a match follow, given their means."""

    POISSON = "poisson"
    DIXON_COLES = "dixon_coles"
    NEGATIVE_BINOMIAL = "negative_binomial"
    CONWAY_MAXWELL = "conway_maxwell"
    BIVARIATE_POISSON = "bivariate_poisson"
