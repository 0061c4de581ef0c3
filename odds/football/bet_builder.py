"""Price any conjunction of legs of one match from the joint distribution of its goals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernel.errors import DomainError
from odds.football.catalogue import catalogue
from odds.football.match_scores import LegNotCombinable, MatchScores
from odds.football.score_grids import Floats

LEGS_MAX = 12
NEXT_LEG_PROBABILITY_MIN = 1e-6
"""Further legs that leave less than this are not proposed."""


class LegsContradictory(DomainError):
    """No score lets all legs win."""

    reason: ClassVar[str] = "LEGS_CONTRADICTORY"


class LegsOutOfRange(DomainError):
    """A bet builder has too few or too many legs, or the same one twice."""

    reason: ClassVar[str] = "LEGS_OUT_OF_RANGE"


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


def price_legs(scores: MatchScores, legs: Sequence[BuilderLeg]) -> BuilderPrice:
    """Price legs that must all win; a stake on which none loses but one is handed back is handed back.

    A quarter line counts as half a stake on each of its neighbours, so that a single leg has the price it has alone.

    Raises:
        LegsOutOfRange: If there is no leg, too many, or one twice.
        LegsContradictory: If they cannot all win.
        LegNotCombinable: If a leg is about more than goals, or two are about their order.
        MarketUnknown: If there is no such market.
        OutcomeUnknown: If a market has no such outcome.
    """
    weights = _leg_weights(scores, legs)
    wins, stays = _combined(scores, weights)
    win = float(wins.sum())
    if win <= 0.0:
        raise LegsContradictory(f"A score must let all legs win, none does for {_names(legs)}")
    redundant = _redundant(scores, legs, weights)
    return BuilderPrice(win, max(0.0, 1.0 - float(stays.sum())), redundant)


def next_legs(scores: MatchScores, legs: Sequence[BuilderLeg]) -> list[NextLeg]:
    """Return every leg that can be added: it can win with the others, and is not implied by them.

    Raises:
        LegsOutOfRange: If there is no room for another leg, or a leg is there twice.
        LegsContradictory: If those there cannot all win.
    """
    if len(legs) >= LEGS_MAX:
        raise LegsOutOfRange(f"A bet builder has at most {LEGS_MAX} legs, there are {len(legs)} already")
    weights = _leg_weights(scores, legs) if legs else []
    wins, stays = _combined(scores, weights)
    if wins.sum() <= 0.0:
        raise LegsContradictory(f"A score must let all legs win, none does for {_names(legs)}")
    win, spoilt = scores.read(wins)[0], scores.read(stays)[1]
    missed = wins.sum() - win
    layout = catalogue().layout
    market_of_column = np.repeat(np.arange(layout.market_count), layout.outcome_counts)
    has_order = any(scores.is_about_order(_column(leg)) for leg in legs)
    found = []
    for column in np.flatnonzero((win > NEXT_LEG_PROBABILITY_MIN) & ((missed > 1e-12) | (spoilt > 1e-12))).tolist():
        leg = BuilderLeg(layout.market_ids[market_of_column[column]], layout.outcome_ids[column])
        if leg not in legs and not (has_order and scores.is_about_order(column)):
            found.append(NextLeg(leg, float(win[column]), float(1.0 - stays.sum() + spoilt[column])))
    return found


LegWeights = tuple[Floats, Floats]


def _leg_weights(scores: MatchScores, legs: Sequence[BuilderLeg]) -> list[LegWeights]:
    if not 1 <= len(legs) <= LEGS_MAX or len(set(legs)) != len(legs):
        raise LegsOutOfRange(f"A bet builder has from 1 to {LEGS_MAX} different legs, was given {_names(legs)}")
    columns = [_column(leg) for leg in legs]
    if sum(scores.is_about_order(column) for column in columns) > 1:
        raise LegNotCombinable("At most one leg may be about the order of the goals")
    weights = [scores.stake_weights(column) for column in columns]
    if any(np.isnan(win).any() for win, _ in weights):
        raise LegNotCombinable("A leg must be about what is to come, one is about a goal scored")
    return weights


def _combined(scores: MatchScores, weights: Sequence[LegWeights]) -> tuple[Floats, Floats]:
    """Return the measure under which all legs win, and the one under which none loses."""
    wins, stays = scores.probabilities, scores.probabilities
    for win, lose in weights:
        wins = wins * win
        stays = stays * (1.0 - lose)
    return wins, stays


def _redundant(
    scores: MatchScores, legs: Sequence[BuilderLeg], weights: Sequence[LegWeights]
) -> tuple[BuilderLeg, ...]:
    """Return the legs that those kept imply, found one at a time so that of two equal legs one stays."""
    kept = list(range(len(legs)))
    redundant = []
    for index in range(len(legs)):
        others = [weights[other] for other in kept if other != index]
        if not others:
            break
        wins, stays = _combined(scores, others)
        win, lose = weights[index]
        if (wins * (1.0 - win)).sum() == 0.0 and (stays * lose).sum() == 0.0:
            kept.remove(index)
            redundant.append(legs[index])
    return tuple(redundant)


def _column(leg: BuilderLeg) -> int:
    return catalogue().column(leg.market_id, leg.outcome_id)


def _names(legs: Sequence[BuilderLeg]) -> str:
    return ", ".join(f"{leg.market_id[:64]} {leg.outcome_id[:64]}" for leg in legs[: LEGS_MAX + 1])
