"""Price any conjunction of legs of one match from the joint distributions of what they are about.

Goals, their order and their minutes have one joint distribution; corners and cards have one each. These processes know
nothing of each other, so that a conjunction is worth the product of what it is worth in each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import ClassVar, Final

import numpy as np

from kernel.errors import DomainError
from odds.football.catalogue import catalogue
from odds.football.count_markets import MatchCounts
from odds.football.goal_paths import is_told
from odds.football.match_scores import LegNotCombinable, MatchScores
from odds.football.order_of_goals import MINUTE_BANDS, NUMBERED_GOALS
from odds.football.score_grids import Floats
from odds.layout import MarketLayout

LEGS_MAX: Final = 12
NEXT_LEG_PROBABILITY_MIN: Final = 1e-6
"""Further legs that leave less than this are not proposed."""
ROUNDING_MAX: Final = 1e-12
"""What is left of a probability that should be 0.0."""


class LegsContradictory(DomainError):
    """No course of the match lets all legs win."""

    reason: ClassVar[str] = "LEGS_CONTRADICTORY"


class LegsOutOfRange(DomainError):
    """A bet builder has too few or too many legs, or the same one twice."""

    reason: ClassVar[str] = "LEGS_OUT_OF_RANGE"


@dataclass(frozen=True, slots=True, eq=False)
class BuilderMatch:
    """What the legs of a match are about.

    Attributes:
        goals: The joint distribution of goals.
        counts: Those of corners and of cards, as far as they are known.
    """

    goals: MatchScores
    counts: tuple[MatchCounts, ...] = ()


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


def price_legs(match: BuilderMatch, legs: Sequence[BuilderLeg]) -> BuilderPrice:
    """Price legs that must all win; a stake on which none loses but one is handed back is handed back.

    A quarter line counts as half a stake on each of its neighbours, so that a single leg has the price it has alone.

    Raises:
        LegsOutOfRange: If there is no leg, too many, or one twice.
        LegsContradictory: If they cannot all win.
        LegNotCombinable: If a leg is about a goal that has fallen already and the score does not tell whose it was, or
            about the minutes of another goal than the next.
        MarketUnknown: If there is no such market, or no distribution of what it counts.
        OutcomeUnknown: If a market has no such outcome.
    """
    if not 1 <= len(legs) <= LEGS_MAX or len(set(legs)) != len(legs):
        raise LegsOutOfRange(f"A bet builder has from 1 to {LEGS_MAX} different legs, was given {_names(legs)}")
    conjunctions = _conjunctions(match, legs)
    win, stay = _worth(conjunctions, legs)
    return BuilderPrice(win, max(0.0, 1.0 - stay), tuple(_redundant(conjunctions, len(legs))))


def next_legs(match: BuilderMatch, legs: Sequence[BuilderLeg]) -> list[NextLeg]:
    """Return every leg that can be added: it can win with the others, and is not implied by them.

    Raises:
        LegsOutOfRange: If there is no room for another leg.
        LegsContradictory: If those there cannot all win.
        LegNotCombinable: As `price_legs`, and the other refusals likewise.
    """
    if len(legs) >= LEGS_MAX:
        raise LegsOutOfRange(f"A bet builder has at most {LEGS_MAX} legs, there are {len(legs)} already")
    conjunctions = _conjunctions(match, legs)
    win, stay = _worth(conjunctions, legs)
    return [
        further
        for conjunction in conjunctions
        for further in _further(conjunction, win / conjunction.win, stay / conjunction.stay, frozenset(legs))
    ]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a leg asks of its process.

    Attributes:
        leg: Of which.
        weights: Which part of a stake wins, and loses, at each state; None for legs about order or minutes.
        condition: One of `goal_paths.CONDITIONS`; None for other legs.
        band: Of minutes, in which the next goal falls, or behind them all none; None for other legs.
    """

    leg: BuilderLeg
    weights: tuple[Floats, Floats] | None = None
    condition: int | None = None
    band: int | None = None


class _Conjunction:
    """The legs of one process, and the measures under which all win and under which none loses."""

    def __init__(self, process: MatchScores | MatchCounts, asked: Sequence[_Asked]) -> None:
        self.process = process
        self.asked = tuple(asked)
        self.conditions = frozenset(one.condition for one in asked if one.condition is not None)
        self.bands = frozenset(one.band for one in asked if one.band is not None)
        self.unordered = self._measures()
        wins, stays = self.unordered
        if isinstance(process, MatchScores) and self.conditions:
            chances = process.order_chances(self.conditions)
            wins, stays = wins * chances, stays * chances
        self.wins, self.stays = wins, stays
        self.win, self.stay = float(wins.sum()), float(stays.sum())

    def _measures(self) -> tuple[Floats, Floats]:
        """Return the measures but for the order of goals."""
        wins = stays = self.process.probabilities
        for one in self.asked:
            if one.weights is not None:
                wins, stays = wins * one.weights[0], stays * (1.0 - one.weights[1])
        if isinstance(self.process, MatchScores) and self.bands:
            chances = self.process.minute_chances()
            # The next goal falls once: two bands leave nothing.
            chance = chances[min(self.bands)] if len(self.bands) == 1 else np.zeros_like(wins)
            wins, stays = wins * chance, stays * chance
        return wins, stays

    def without(self, asked: _Asked) -> _Conjunction:
        return _Conjunction(self.process, [other for other in self.asked if other is not asked])


def _conjunctions(match: BuilderMatch, legs: Sequence[BuilderLeg]) -> list[_Conjunction]:
    """Return one for each process, legs or none."""
    processes: tuple[MatchScores | MatchCounts, ...] = (match.goals, *match.counts)
    asked: list[list[_Asked]] = [[] for _ in processes]
    for leg in legs:
        place = next(
            (
                place
                for place, counts in enumerate(match.counts, 1)
                if leg.market_id in counts.layout.index_by_market_id
            ),
            0,
        )
        asked[place].append(_ask_counts(match.counts[place - 1], leg) if place else _ask_goals(match.goals, leg))
    return [_Conjunction(process, ones) for process, ones in zip(processes, asked, strict=True)]


def _ask_counts(counts: MatchCounts, leg: BuilderLeg) -> _Asked:
    wins = counts.wins[:, counts.layout.outcome_index(leg.market_id, leg.outcome_id)]
    return _Asked(leg, weights=(wins, 1.0 - wins))


def _ask_goals(goals: MatchScores, leg: BuilderLeg) -> _Asked:
    columns = catalogue()
    column = columns.column(leg.market_id, leg.outcome_id)
    if column < columns.orders_begin:
        return _Asked(leg, weights=goals.stake_weights(column))
    if column < columns.minutes_begin:
        condition = column - columns.orders_begin
        if not is_told(goals.score, condition):
            raise LegNotCombinable(f"Legs must be about goals to come, {_names([leg])} is about one that has fallen")
        return _Asked(leg, condition=condition)
    goal, band = divmod(column - columns.minutes_begin, len(MINUTE_BANDS) + 1)
    if goal != sum(goals.score):
        raise LegNotCombinable(f"Of minutes, legs must be about those of the next goal, {_names([leg])} is not")
    return _Asked(leg, band=band)


def _worth(conjunctions: Sequence[_Conjunction], legs: Sequence[BuilderLeg]) -> tuple[float, float]:
    """Return the chance that all legs win, and that none loses."""
    win = prod(conjunction.win for conjunction in conjunctions)
    if win <= 0.0:
        raise LegsContradictory(f"A course of the match must let all legs win, none does for {_names(legs)}")
    return win, prod(conjunction.stay for conjunction in conjunctions)


def _redundant(conjunctions: Sequence[_Conjunction], leg_count: int) -> Iterator[BuilderLeg]:
    """Yield the legs that those kept imply, found one at a time so that of two equal legs one stays."""
    for conjunction in conjunctions:
        kept = conjunction
        for asked in conjunction.asked:
            if leg_count == 1:
                return
            others = kept.without(asked)
            if kept.win >= (1.0 - ROUNDING_MAX) * others.win and kept.stay >= (1.0 - ROUNDING_MAX) * others.stay:
                kept, leg_count = others, leg_count - 1
                yield asked.leg


def _further(
    conjunction: _Conjunction, other_win: float, other_stay: float, legs: frozenset[BuilderLeg]
) -> Iterator[NextLeg]:
    """Yield the legs of one process that can be added, given what the legs of the others are worth."""
    process = conjunction.process
    if isinstance(process, MatchScores):
        named, (win, stay) = _goal_legs(), _with_each_goal_leg(process, conjunction)
    else:
        named, (win, stay) = list(_legs_of(process.layout)), _with_each_count_leg(process, conjunction)
    win, stay = win * other_win, stay * other_stay
    is_possible = win > NEXT_LEG_PROBABILITY_MIN
    is_new = (conjunction.win * other_win - win > ROUNDING_MAX) | (conjunction.stay * other_stay - stay > ROUNDING_MAX)
    for column in np.flatnonzero(is_possible & is_new).tolist():
        if named[column] not in legs:
            yield NextLeg(named[column], float(win[column]), float(1.0 - stay[column]))


def _with_each_goal_leg(goals: MatchScores, conjunction: _Conjunction) -> tuple[Floats, Floats]:
    """Return what the conjunction is worth with each outcome of the catalogue added; NaN where that has no meaning."""
    columns = catalogue()
    win, stay = (np.full(columns.layout.outcome_count, np.nan) for _ in range(2))
    win[: columns.orders_begin] = goals.read(conjunction.wins)[0]
    stay[: columns.orders_begin] = conjunction.stay - goals.read(conjunction.stays)[1]
    orders = slice(columns.orders_begin, columns.minutes_begin)
    further = goals.further_order_chances(conjunction.conditions)
    win[orders], stay[orders] = (further @ measure for measure in conjunction.unordered)
    if sum(goals.score) < len(NUMBERED_GOALS) and not conjunction.bands:
        chances = goals.minute_chances()
        begin = columns.minutes_begin + sum(goals.score) * len(chances)
        bands = slice(begin, begin + len(chances))
        win[bands], stay[bands] = chances @ conjunction.wins, chances @ conjunction.stays
    return win, stay


def _with_each_count_leg(counts: MatchCounts, conjunction: _Conjunction) -> tuple[Floats, Floats]:
    return conjunction.wins @ counts.wins, conjunction.stays @ counts.wins


@lru_cache(maxsize=1)
def _goal_legs() -> list[BuilderLeg]:
    return list(_legs_of(catalogue().layout))


def _legs_of(layout: MarketLayout) -> Iterator[BuilderLeg]:
    for place, market_id in enumerate(layout.market_ids):
        for outcome_id in layout.outcome_ids_of(place):
            yield BuilderLeg(market_id, outcome_id)


def _names(legs: Sequence[BuilderLeg]) -> str:
    return ", ".join(f"{leg.market_id[:64]} {leg.outcome_id[:64]}" for leg in legs[: LEGS_MAX + 1])
