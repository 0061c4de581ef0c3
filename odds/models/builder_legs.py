"""Legs of one fixture that must all win, and what they are worth together; which of them can be is for its sport."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from kernel.errors import Category, DomainError

LEGS_MAX: Final = 12


class LegsContradictory(DomainError):
    """No course of the match lets all legs win."""

    reason = "LEGS_CONTRADICTORY"
    category = Category.MALFORMED


class LegsOutOfRange(DomainError):
    """A bet builder has too few or too many legs, or the same one twice."""

    reason = "LEGS_OUT_OF_RANGE"
    category = Category.MALFORMED


class LegNotCombinable(DomainError):
    """A leg asks for more than the joint distribution holds, or than is known of the goals so far."""

    reason = "LEG_NOT_COMBINABLE"
    category = Category.RULE


@dataclass(frozen=True, slots=True)
class BuilderLeg:
    """One outcome of the match."""

    market_id: str
    outcome_id: str


@dataclass(frozen=True, slots=True)
class BuilderPrice:
    """What a conjunction is worth.

    Attributes:
        win: Expected part of the stake that wins: every leg does.
        lose: Expected part that loses: some leg does. The rest is handed back.
        redundant: Legs that the others imply; without them the price is the same.
    """

    win: float
    lose: float
    redundant: tuple[BuilderLeg, ...]

    @property
    def fair_probability(self) -> float:
        """Return one over the fair odds."""
        return self.win / (self.win + self.lose)

    @property
    def fair_decimal_odds(self) -> float:
        """Return 1 + lose / win."""
        return 1.0 + self.lose / self.win


@dataclass(frozen=True, slots=True)
class NextLeg:
    """A leg that can still be added, and the price with it."""

    leg: BuilderLeg
    win: float
    lose: float


class JointDistribution(Protocol):
    """What can come of a fixture, all of it at once."""

    def price_legs(self, legs: Sequence[BuilderLeg]) -> BuilderPrice:
        """Return what legs are worth that must all win; a stake on which none loses but one is handed back is, too.

        Raises:
            LegsOutOfRange: If there is no leg, too many, or one twice.
            LegsContradictory: If they cannot all win.
            LegNotCombinable: If what is known does not settle a leg about what is past.
            MarketUnknown: If there is no such market.
            OutcomeUnknown: If a market has no such outcome.
        """
        ...

    def next_legs(self, legs: Sequence[BuilderLeg], among: Collection[BuilderLeg]) -> list[NextLeg]:
        """Return which of some legs can be added: it can win with the others, and is not implied by them.

        Raises:
            LegsOutOfRange: If there is no room for another leg.
            LegsContradictory: If those there cannot all win.
            LegNotCombinable: As `price_legs`, and the other refusals likewise.
        """
        ...
