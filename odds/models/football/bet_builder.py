"""Price any conjunction of legs of one match from the joint distributions of what they are about.

Goals, their order and their minutes have one joint distribution; corners and cards have one each. These processes know
nothing of each other, so that a conjunction is worth the product of what it is worth in each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Final

import numpy as np

from kernel.errors import Category, DomainError
from markets.layout import MarketLayout
from odds.models.football.catalogue import catalogue
from odds.models.football.count_markets import MatchCounts
from odds.models.football.goal_minutes import ANSWERS
from odds.models.football.goal_paths import SIDES_ASKED, is_past
from odds.models.football.match_scores import LegNotCombinable, MatchScores
from odds.models.football.score_grids import Floats

LEGS_MAX: Final = 12
NEXT_LEG_PROBABILITY_MIN: Final = 1e-6
"""Further legs that leave less than this are not proposed."""
ROUNDING_MAX: Final = 1e-12
"""What is left of a probability that should be 0.0."""


class LegsContradictory(DomainError):
    """No course of the match lets all legs win."""

    reason = "LEGS_CONTRADICTORY"
    category = Category.MALFORMED


class LegsOutOfRange(DomainError):
    """A bet builder has too few or too many legs, or the same one twice."""

    reason = "LEGS_OUT_OF_RANGE"
    category = Category.MALFORMED


@dataclass(frozen=True, slots=True, eq=False)
class BuilderMatch:
    """What the legs of a match are about.

    Attributes:
        goals: The joint distribution of goals, and what is known of those so far.
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
        LegNotCombinable: If a leg is about a goal that has fallen already and what is known of the goals so far does
            not settle it.
        MarketUnknown: If there is no such market, or no distribution of what it counts.
        OutcomeUnknown: If a market has no such outcome.
    """
    if not 1 <= len(legs) <= LEGS_MAX or len(set(legs)) != len(legs):
        raise LegsOutOfRange(f"A bet builder has from 1 to {LEGS_MAX} different legs, was given {_names(legs)}")
    conjunctions = _conjunctions(match, legs)
    win, stay = _worth(conjunctions, legs)
    return BuilderPrice(min(1.0, win), max(0.0, 1.0 - stay), tuple(_redundant(conjunctions, len(legs))))


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
        weights: Which part of a stake wins, and loses, at each state; None for legs about order or minutes to come.
        order: One of `goal_paths.CONDITIONS`; None for other legs.
        minute: One of `goal_minutes.MINUTE_CONDITIONS`; None for other legs.
    """

    leg: BuilderLeg
    weights: tuple[Floats, Floats] | None = None
    order: int | None = None
    minute: int | None = None


class _Conjunction:
    """The legs of one process, and the measures under which all win and under which none loses: two rows.

    At each state of the process, order and minutes of goals are independent of each other.

    Attributes:
        measures: Shape (2, n_states).
        unordered: The same but for what is asked of the order of goals.
        untimed: The same but for what is asked of their minutes.
    """

    def __init__(self, process: MatchScores | MatchCounts, asked: Sequence[_Asked]) -> None:
        self.process = process
        self.asked = tuple(asked)
        self.orders = frozenset(one.order for one in asked if one.order is not None)
        self.minutes = frozenset(one.minute for one in asked if one.minute is not None)
        weighed = self._weighed()
        self.measures = self.unordered = self.untimed = weighed
        if isinstance(process, MatchScores) and self.orders:
            self.measures = self.untimed = weighed * process.order_chances(self.orders)
        if isinstance(process, MatchScores) and self.minutes:
            chances = process.minute_chances(self.minutes)
            self.measures, self.unordered = self.untimed * chances, weighed * chances
        self.win, self.stay = self.measures.sum(axis=1).tolist()

    def _weighed(self) -> Floats:
        """Return the measures but for the order and the minutes of goals."""
        measures = np.stack([self.process.probabilities] * 2)
        for one in self.asked:
            if one.weights is not None:
                measures[0] *= one.weights[0]
                measures[1] *= 1.0 - one.weights[1]
        return measures

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
        number, answer = divmod(condition, SIDES_ASKED)
        if is_past(goals.score, condition):
            return _ask_past(goals, leg, answer, goals.past.answers_to_order(number))
        return _Asked(leg, order=condition)
    condition = column - columns.minutes_begin
    number, answer = divmod(condition, ANSWERS)
    if number < sum(goals.score):
        return _ask_past(goals, leg, answer, goals.past.answers_to_minute(number))
    return _Asked(leg, minute=condition)


def _ask_past(goals: MatchScores, leg: BuilderLeg, answer: int, possible: frozenset[int]) -> _Asked:
    if answer in possible and len(possible) > 1:
        raise LegNotCombinable(
            f"The goals so far must be given for a leg about one that has fallen, without them {_names([leg])} may "
            "have won or lost"
        )
    wins = np.full(len(goals.probabilities), float(answer in possible))
    return _Asked(leg, weights=(wins, 1.0 - wins))


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
    (wins, stays), chances = conjunction.measures, np.full((2, columns.layout.outcome_count), np.nan)
    win, stay = chances
    win[: columns.orders_begin] = goals.read(wins)[0]
    stay[: columns.orders_begin] = conjunction.stay - goals.read(stays)[1]
    further = goals.further_order_chances(conjunction.orders)
    chances[:, columns.orders_begin : columns.minutes_begin] = conjunction.unordered @ further.T
    chances[:, columns.minutes_begin :] = goals.read_minutes(conjunction.untimed, conjunction.minutes)
    return win, stay


def _with_each_count_leg(counts: MatchCounts, conjunction: _Conjunction) -> tuple[Floats, Floats]:
    wins, stays = conjunction.measures @ counts.wins
    return wins, stays


@lru_cache(maxsize=1)
def _goal_legs() -> list[BuilderLeg]:
    return list(_legs_of(catalogue().layout))


def _legs_of(layout: MarketLayout) -> Iterator[BuilderLeg]:
    for place, market_id in enumerate(layout.market_ids):
        for outcome_id in layout.outcome_ids_of(place):
            yield BuilderLeg(market_id, outcome_id)


def _names(legs: Sequence[BuilderLeg]) -> str:
    return ", ".join(f"{leg.market_id[:64]} {leg.outcome_id[:64]}" for leg in legs[: LEGS_MAX + 1])
