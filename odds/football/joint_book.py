"""A football fixture's whole book from one joint distribution of its goals, all waiting fixtures in one batch.

The distribution is fitted to what the providers say, blended, of the result, the totals and the handicaps; every market
that the catalogue knows is then read from it, so that no two of them contradict each other. M markets and O outcomes in
all fixtures of a stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.fixture import FOOTBALL, FixtureStatus, Period
from odds.blending import to_logits
from odds.book import GoalMeans
from odds.fixture_state import FixtureState, GoalFit, own_key
from odds.football.book_plans import BookPlan, columns_in, plan_of, targets_of
from odds.football.catalogue import part_of_catalogue
from odds.football.implied_means import ImpliedMeans, PriceTargets, follow_goal_means
from odds.football.markets import price_columns
from odds.football.match_states import GoalTiming, MatchStates, RedCardEffects, ScoringLeft
from odds.model_input import RowFlag
from odds.policy import PricingPolicy
from odds.stacking import Stack

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

TIMING: Final = GoalTiming()
RED_CARDS: Final = RedCardEffects()
STEP_TOLERANCE: Final = 0.02
"""After a step of a fiftieth the next would be of a few ten-thousandths: less than a tick by far."""
STEPS_MAX: Final = 25
TARGET_MOVE_MIN: Final = 1e-9
"""Prices that moved by less are the same prices."""
UNQUOTED_MAX: Final = 0.02
"""A market whose outcomes that nobody quotes are together more likely is not all there."""

_FINE: Final = int(RowFlag.FINE)
_PLAYED: Final = frozenset({Period.FIRST_HALF, Period.HALF_TIME, Period.SECOND_HALF})
_UNPLAYED: Final = frozenset({FixtureStatus.UNKNOWN, FixtureStatus.PRE_MATCH})

Position = tuple[float, ...]
"""Where a match stands: the columns of `MatchStates`, in their order."""
_BEFORE: Final[Position] = (float(Period.NOT_STARTED), 0.0, np.nan, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class JointPrices:
    """What the joint distributions of a stack's football fixtures say.

    Attributes:
        fair_probabilities: Shape (O,); NaN for what is no longer open, and where nothing is priced from one.
        is_priced: Markets that are priced from one, shape (M,).
        is_decided: Markets that it knows to be decided, so that they have no price, shape (M,).
        fits: By place of the fixture in the stack; one that is the same as before is the same object.
    """

    fair_probabilities: Floats
    is_priced: Flags
    is_decided: Flags
    fits: dict[int, GoalFit]


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """A fixture that may have a joint distribution.

    Attributes:
        place: In the stack.
        targets: What its distribution is to reproduce, in the plan's order; NaN where there is no price.
    """

    place: int
    state: FixtureState
    plan: BookPlan
    position: Position
    targets: Floats

    @property
    def known_markets(self) -> Integers:
        """Where the markets stand that the distribution can price."""
        scores = self.state.period_scores
        is_half_time_known = self.position[0] != Period.SECOND_HALF or scores.half_time is not None
        return self.plan.markets if is_half_time_known else self.plan.markets[~self.plan.is_about_halves]


def price_jointly(
    states: Sequence[FixtureState], stack: Stack, blended: Floats, policy: PricingPolicy
) -> JointPrices | None:
    """Price the markets of football fixtures from joint distributions fitted to the providers' prices.

    Args:
        states: The fixtures of the stack.
        stack: Their columns.
        blended: What the providers say, shape (O,); NaN where they say nothing that counts.
        policy: How far a distribution, and each market read from it, may be from that.

    Returns:
        None if no fixture may have such a distribution. A market is not priced from one if an outcome is too far from
        its blended price, or if too much of what may happen has none.
    """
    rows = _rows(states, stack, blended) if policy.goals_error_max > 0.0 else []
    if not rows:
        return None
    fits = {row.place: row.state.goal_fit for row in rows if row.state.goal_fit is not None and _is_as_before(row)}
    fresh = [row for row in rows if row.place not in fits]
    if fresh:
        fits.update(_fit(fresh, policy))
    model, is_known = np.full(stack.shape.outcome_count, np.nan), np.zeros(stack.shape.market_count, dtype=bool)
    for row in rows:
        fair = fits[row.place].fair_probabilities
        if fair is not None:
            begin = stack.shape.fixture_outcome_offsets[row.place]
            model[begin : begin + len(fair)] = fair
            is_known[stack.shape.market_offsets[row.place] + row.known_markets] = True
    # What nobody quotes is not offered, be it ever so possible: nobody would settle it either. We settle our own.
    is_offered = ~np.isnan(blended)
    if stack.own is not None:
        is_offered |= stack.shape.to_outcomes(stack.own.is_own)
    is_read = (model > 0.0) & (model < 1.0) & is_offered
    with np.errstate(invalid="ignore"):
        is_far = is_read & (np.abs(to_logits(model) - to_logits(blended)) > policy.goals_logit_distance_max)
    covered = stack.shape.sum_in_markets(np.where(is_read, model, 0.0))
    is_decided = is_known & stack.shape.any_in_markets(np.isnan(model) | (model == 1.0))
    is_priced = is_known & ~is_decided & ~stack.shape.any_in_markets(is_far)
    is_priced &= covered >= stack.winner_counts - UNQUOTED_MAX
    is_read &= stack.shape.to_outcomes(is_priced)
    return JointPrices(np.where(is_read, model, np.nan), is_priced, is_decided, fits)


def _rows(states: Sequence[FixtureState], stack: Stack, blended: Floats) -> list[_Row]:
    """Return the football fixtures that have the markets which a distribution is fitted to, and can have one now."""
    rows = []
    for place, state in enumerate(states):
        if state.description is None or state.description.sport != FOOTBALL:
            continue
        plan, position = plan_of(state.layout, own_key(state)), _position_of(state)
        if plan is None or position is None:
            continue
        targets = blended[stack.shape.fixture_outcome_offsets[place] + plan.target_places]
        goals = position[3] + position[4]
        if goals:
            targets[plan.total_lines <= goals] = np.nan
        rows.append(_Row(place, state, plan, position, targets))
    return rows


def _position_of(state: FixtureState) -> Position | None:
    """Return where a match stands; None if that is nowhere in normal time."""
    told = state.state
    if told is None or told.status in _UNPLAYED:
        return _BEFORE
    if told.status is not FixtureStatus.IN_PLAY or told.period not in _PLAYED:
        return None
    if told.clock_seconds is None and told.period is not Period.HALF_TIME:
        return None
    score = (told.home_score, told.away_score)
    half_time = state.period_scores.half_time
    half_time_score = score if half_time is None else (half_time.home, half_time.away)
    return (
        float(told.period),
        (told.clock_seconds or 0) / 60.0,
        told.stoppage_seconds / 60.0 if told.stoppage_seconds else np.nan,
        *score,
        *half_time_score,
        told.home_red_cards,
        told.away_red_cards,
    )


def _is_as_before(row: _Row) -> bool:
    """Return whether all that a fit depends on is what it was."""
    before, state = row.state.goal_fit, row.state
    if before is None or before.layout is not state.layout or before.state != state.state:
        return False
    if before.half_time_score != state.period_scores.half_time:
        return False
    is_still = (np.abs(before.targets - row.targets) <= TARGET_MOVE_MIN) | (
        np.isnan(before.targets) & np.isnan(row.targets)
    )
    return bool(is_still.all())


def _fit(rows: Sequence[_Row], policy: PricingPolicy) -> dict[int, GoalFit]:
    """Fit a distribution to each fixture and read its markets from it."""
    columns = targets_of(frozenset(row.plan.target_columns for row in rows))
    targets = np.full((len(rows), len(columns.names)), np.nan)
    for index, row in enumerate(rows):
        targets[index, np.searchsorted(columns.columns, row.plan.target_columns)] = row.targets
    # Without all three results and a total there may be enough equations, but not enough said.
    is_there = ~np.isnan(targets)
    is_enough = is_there[:, :3].all(axis=1) & (is_there & columns.is_total).any(axis=1)
    if not np.count_nonzero(is_enough):
        return {row.place: _goal_fit(row, None, None) for row in rows}
    targets[~is_enough] = np.nan
    left = ScoringLeft.of(_match_states(rows), TIMING, RED_CARDS)
    found = follow_goal_means(
        PriceTargets(columns.names, targets, columns.weights * _certainty(targets)),
        rhos=None,
        left=left,
        start=_start(rows),
        step_tolerance=STEP_TOLERANCE,
        steps_max=STEPS_MAX,
    )
    with np.errstate(invalid="ignore"):
        good = np.flatnonzero((found.flags == _FINE) & (found.errors <= policy.goals_error_max))
    fair = _read([rows[index] for index in good.tolist()], found, left, good) if len(good) else {}
    means = [_means_at(found, index) for index in range(len(rows))]
    return {row.place: _goal_fit(row, means[index], fair.get(row.place)) for index, row in enumerate(rows)}


def _certainty(targets: Floats) -> Floats:
    """Return how much each price says: the longer one of its two sides, the less is known about its margin."""
    return np.asarray(4.0 * targets * (1.0 - targets))


def _means_at(found: ImpliedMeans, index: int) -> GoalMeans | None:
    if found.flags[index] != _FINE:
        return None
    columns = (found.home_means, found.away_means, found.rhos, found.errors)
    return GoalMeans(*(float(column[index]) for column in columns))


def _goal_fit(row: _Row, means: GoalMeans | None, fair: Floats | None) -> GoalFit:
    state = row.state
    return GoalFit(state.layout, row.targets, state.state, state.period_scores.half_time, means, fair)


def _read(rows: Sequence[_Row], found: ImpliedMeans, left: ScoringLeft, good: Integers) -> dict[int, Floats]:
    """Return the fair probabilities of each fixture's outcomes, by its place, from the distributions that are good."""
    part = part_of_catalogue(frozenset().union(*{row.plan.market_ids for row in rows}))
    is_whole = len(good) == len(left.flags)
    prices = price_columns(
        found.home_means[good],
        found.away_means[good],
        rhos=found.rhos[good],
        left=left if is_whole else left.rows(good),
        columns=part,
    )
    fair, is_closed = prices.fair_probabilities(), ~prices.is_open()
    # Handed back for certain is as certain as won: there is nothing to bet on.
    fair[is_closed] = np.floor(fair[is_closed] + 0.5)
    by_place = {}
    for index, row in enumerate(rows):
        columns = columns_in(row.plan, part)
        by_place[row.place] = np.full(row.state.layout.outcome_count, np.nan)
        by_place[row.place][columns.places] = fair[index, columns.columns]
    return by_place


def _match_states(rows: Sequence[_Row]) -> MatchStates:
    columns = np.array([row.position for row in rows], dtype=np.float64).T
    periods, *counts = columns[[0, 3, 4, 5, 6, 7, 8]].astype(np.int64)
    return MatchStates(periods, columns[1], columns[2], *counts)


def _start(rows: Sequence[_Row]) -> Floats:
    nothing = (np.nan, np.nan, np.nan)
    means = [row.state.goal_means for row in rows]
    return np.array([nothing if item is None else (item.home, item.away, item.rho) for item in means])
