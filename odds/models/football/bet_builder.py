"""Price any conjunction of legs of one match from the joint distribution of goals, their order and their minutes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from odds.models.builder_legs import (
    LEGS_MAX,
    BuilderLeg,
    BuilderPrice,
    LegNotCombinable,
    LegsContradictory,
    LegsOutOfRange,
    NextLeg,
)
from odds.models.football.catalogue import catalogue
from odds.models.football.goal_minutes import ANSWERS
from odds.models.football.goal_paths import SIDES_ASKED, is_past
from odds.models.football.match_scores import MatchScores
from odds.models.football.score_grids import Floats

NEXT_LEG_PROBABILITY_MIN: Final = 1e-6
"""Further legs that leave less than this are not proposed."""
ROUNDING_MAX: Final = 1e-12
"""What is left of a probability that should be 0.0."""


def price_legs(match: MatchScores, legs: Sequence[BuilderLeg]) -> BuilderPrice:
    """Price legs that must all win; a stake on which none loses but one is handed back is handed back.

    A quarter line counts as half a stake on each of its neighbours, so that a single leg has the price it has alone.

    Raises:
        LegsOutOfRange: If there is no leg, too many, or one twice.
        LegsContradictory: If they cannot all win.
        LegNotCombinable: If a leg is about a goal that has fallen already and what is known of the goals so far does
            not settle it.
        MarketUnknown: If there is no such market.
        OutcomeUnknown: If a market has no such outcome.
    """
    if not 1 <= len(legs) <= LEGS_MAX or len(set(legs)) != len(legs):
        raise LegsOutOfRange(f"A bet builder has from 1 to {LEGS_MAX} different legs, was given {_names(legs)}")
    conjunction = _conjunction(match, legs)
    return BuilderPrice(min(1.0, conjunction.win), max(0.0, 1.0 - conjunction.stay), tuple(_redundant(conjunction)))


def next_legs(
    match: MatchScores, legs: Sequence[BuilderLeg], among: Collection[BuilderLeg] | None = None
) -> list[NextLeg]:
    """Return every leg that can be added: it can win with the others, and is not implied by them.

    Args:
        match: The joint distribution.
        legs: Those there.
        among: Which legs may be proposed; None for every outcome of the catalogue.

    Raises:
        LegsOutOfRange: If there is no room for another leg.
        LegsContradictory: If those there cannot all win.
        LegNotCombinable: As `price_legs`, and the other refusals likewise.
    """
    if len(legs) >= LEGS_MAX:
        raise LegsOutOfRange(f"A bet builder has at most {LEGS_MAX} legs, there are {len(legs)} already")
    return list(_further(_conjunction(match, legs), set(_goal_legs() if among is None else among) - set(legs)))


@dataclass(frozen=True, slots=True, eq=False)
class GoalsTogether:
    """The joint distribution of a match; see `odds.models.builder_legs`."""

    match: MatchScores

    def price_legs(self, legs: Sequence[BuilderLeg]) -> BuilderPrice:
        """Return what legs are worth together."""
        return price_legs(self.match, legs)

    def next_legs(self, legs: Sequence[BuilderLeg], among: Collection[BuilderLeg]) -> list[NextLeg]:
        """Return which legs can be added."""
        return next_legs(self.match, legs, among)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a leg asks of the goals.

    Attributes:
        leg: Of which.
        weights: Which part of a stake wins, and loses, at each score; None for legs about order or minutes to come.
        order: One of `goal_paths.CONDITIONS`; None for other legs.
        minute: One of `goal_minutes.MINUTE_CONDITIONS`; None for other legs.
    """

    leg: BuilderLeg
    weights: tuple[Floats, Floats] | None = None
    order: int | None = None
    minute: int | None = None


class _Conjunction:
    """Legs, and the measures under which all win and under which none loses: two rows.

    At each score, order and minutes of goals are independent of each other.

    Attributes:
        measures: Shape (2, n_scores).
        unordered: The same but for what is asked of the order of goals.
        untimed: The same but for what is asked of their minutes.
    """

    def __init__(self, goals: MatchScores, asked: Sequence[_Asked]) -> None:
        self.goals = goals
        self.asked = tuple(asked)
        self.orders = frozenset(one.order for one in asked if one.order is not None)
        self.minutes = frozenset(one.minute for one in asked if one.minute is not None)
        weighed = self._weighed()
        self.measures = self.unordered = self.untimed = weighed
        if self.orders:
            self.measures = self.untimed = weighed * goals.order_chances(self.orders)
        if self.minutes:
            chances = goals.minute_chances(self.minutes)
            self.measures, self.unordered = self.untimed * chances, weighed * chances
        self.win, self.stay = self.measures.sum(axis=1).tolist()

    def _weighed(self) -> Floats:
        """Return the measures but for the order and the minutes of goals."""
        measures = np.stack([self.goals.probabilities] * 2)
        for one in self.asked:
            if one.weights is not None:
                measures[0] *= one.weights[0]
                measures[1] *= 1.0 - one.weights[1]
        return measures

    def without(self, asked: _Asked) -> _Conjunction:
        return _Conjunction(self.goals, [other for other in self.asked if other is not asked])


def _conjunction(match: MatchScores, legs: Sequence[BuilderLeg]) -> _Conjunction:
    conjunction = _Conjunction(match, [_ask_goals(match, leg) for leg in legs])
    if conjunction.win <= 0.0:
        raise LegsContradictory(f"A course of the match must let all legs win, none does for {_names(legs)}")
    return conjunction


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
            "A leg about a goal that has fallen must be one that the score decides, "
            f"{_names([leg])} may have won or lost"
        )
    wins = np.full(len(goals.probabilities), float(answer in possible))
    return _Asked(leg, weights=(wins, 1.0 - wins))


def _redundant(kept: _Conjunction) -> Iterator[BuilderLeg]:
    """Yield the legs that those kept imply, found one at a time so that of two equal legs one stays."""
    for asked in kept.asked:
        if len(kept.asked) == 1:
            return
        others = kept.without(asked)
        if kept.win >= (1.0 - ROUNDING_MAX) * others.win and kept.stay >= (1.0 - ROUNDING_MAX) * others.stay:
            kept = others
            yield asked.leg


def _further(conjunction: _Conjunction, among: Collection[BuilderLeg]) -> Iterator[NextLeg]:
    """Yield the legs that can be added."""
    named, columns = _goal_legs(), catalogue()
    orders = range(columns.orders_begin, columns.minutes_begin)
    win, stay = _with_each_goal_leg(conjunction, [column for column in orders if named[column] in among])
    is_possible = win > NEXT_LEG_PROBABILITY_MIN
    is_new = (conjunction.win - win > ROUNDING_MAX) | (conjunction.stay - stay > ROUNDING_MAX)
    for column in np.flatnonzero(is_possible & is_new).tolist():
        if named[column] in among:
            yield NextLeg(named[column], float(win[column]), float(1.0 - stay[column]))


def _with_each_goal_leg(conjunction: _Conjunction, orders: list[int]) -> tuple[Floats, Floats]:
    """Return what the conjunction is worth with each outcome of the catalogue added; NaN where that has no meaning.

    Of those about the order of goals, which are dear, with these columns alone; the others are NaN.
    """
    goals, columns = conjunction.goals, catalogue()
    (wins, stays), chances = conjunction.measures, np.full((2, columns.layout.outcome_count), np.nan)
    win, stay = chances
    win[: columns.orders_begin] = goals.read(wins)[0]
    stay[: columns.orders_begin] = conjunction.stay - goals.read(stays)[1]
    if orders:
        further = goals.further_order_chances(conjunction.orders, tuple(at - columns.orders_begin for at in orders))
        chances[:, orders] = conjunction.unordered @ further.T
    chances[:, columns.minutes_begin :] = goals.read_minutes(conjunction.untimed, conjunction.minutes)
    return win, stay


@lru_cache(maxsize=1)
def _goal_legs() -> list[BuilderLeg]:
    layout = catalogue().layout
    return [
        BuilderLeg(market_id, outcome_id)
        for place, market_id in enumerate(layout.market_ids)
        for outcome_id in layout.outcome_ids_of(place)
    ]


def _names(legs: Sequence[BuilderLeg]) -> str:
    return ", ".join(f"{leg.market_id[:64]} {leg.outcome_id[:64]}" for leg in legs[: LEGS_MAX + 1])
