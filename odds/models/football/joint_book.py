"""A football fixture's whole book from one joint distribution of its goals, all waiting fixtures in one batch.

The distribution is fitted to what the providers say, blended, of the result, the totals and the handicaps; every market
that the catalogue knows is then read from it, so that no two of them contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.fixture import FixtureStatus, Period
from markets.football.state import football_of
from odds.fixture.book import NO_FIGURES, Figures
from odds.fixture.state import Asked, FixtureState, ModelFit, own_key
from odds.model_input import RowFlag
from odds.models.football.book_plans import BookPlan, columns_in, plan_of, targets_of
from odds.models.football.catalogue import part_of_catalogue
from odds.models.football.implied_means import ImpliedMeans, PriceTargets, follow_goal_means
from odds.models.football.markets import goals_to_come, price_columns
from odds.models.football.match_scores import MatchScores, match_scores
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects, ScoringLeft
from odds.models.two_sides import fit_anew

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

TIMING: Final = GoalTiming()
RED_CARDS: Final = RedCardEffects()
STEP_TOLERANCE: Final = 0.02
"""After a step of a fiftieth the next would be of a few ten-thousandths: less than a tick by far."""
STEPS_MAX: Final = 25
STARTING_FIGURES: Final = ("home goals", "away goals", "rho")
FIGURES: Final = (*STARTING_FIGURES, "error")
"""Mean goals of the whole match with full sides, before it began, as the providers' prices imply them; rho of Dixon and
Coles, 0.0 for none; root of the weighted mean squared difference between the providers' prices and the model's."""

_FINE: Final = int(RowFlag.FINE)
_PLAYED: Final = frozenset({Period.FIRST_HALF, Period.HALF_TIME, Period.SECOND_HALF})
_UNPLAYED: Final = frozenset({FixtureStatus.UNKNOWN, FixtureStatus.PRE_MATCH})

Position = tuple[float, ...]
"""Where a match stands: the columns of `MatchStates`, in their order."""
_BEFORE: Final[Position] = (float(Period.NOT_STARTED), 0.0, np.nan, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """A fixture that may have a joint distribution.

    Attributes:
        place: Among those asked.
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


def fit_jointly(asked: Sequence[Asked], *, error_max: float) -> list[ModelFit | None]:
    """Fit a joint distribution to what the providers say of each football match; see `odds.sports.pricer`."""
    return fit_anew(
        _rows(asked),
        lambda fresh: _fit(fresh, error_max),
        count=len(asked),
        basis_of=lambda row: row.state.period_scores.half_time,
    )


def joint_scores(state: FixtureState) -> MatchScores | None:
    """Return the distribution that a fixture's book was read from last, where the match stands now; None for none.

    Raises:
        LegNotCombinable: If a half has, or awaits, too many goals for its splits to be held.
    """
    figures = [state.figures.get(name) for name in STARTING_FIGURES]
    position = _position_of(state)
    if position is None or None in figures:
        return None
    home, away, rho = (np.array([figure], dtype=np.float64) for figure in figures)
    goals = goals_to_come(home, away, rhos=rho, states=_match_states([position]), timing=TIMING, red_cards=RED_CARDS)
    return match_scores(goals)


def _rows(asked: Sequence[Asked]) -> list[_Row]:
    """Return the fixtures that have the markets which a distribution is fitted to, and can have one now."""
    rows = []
    for place, item in enumerate(asked):
        state = item.state
        plan, position = plan_of(state.layout, own_key(state)), _position_of(state)
        if plan is None or position is None:
            continue
        targets = item.blended[plan.target_places]
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
    football, half_time = football_of(told), state.period_scores.half_time
    half_time_score = score if half_time is None else (half_time.home, half_time.away)
    return (
        float(told.period),
        (told.clock_seconds or 0) / 60.0,
        football.stoppage_seconds / 60.0 if football.stoppage_seconds else np.nan,
        *score,
        *half_time_score,
        *football.red_cards,
    )


def _fit(rows: Sequence[_Row], error_max: float) -> dict[int, ModelFit]:
    """Fit a distribution to each fixture and read its markets from it."""
    columns = targets_of(frozenset(row.plan.target_columns for row in rows))
    targets = np.full((len(rows), len(columns.names)), np.nan)
    for index, row in enumerate(rows):
        targets[index, np.searchsorted(columns.columns, row.plan.target_columns)] = row.targets
    # Without all three results and a total there may be enough equations, but not enough said.
    is_there = ~np.isnan(targets)
    is_enough = is_there[:, :3].all(axis=1) & (is_there & columns.is_total).any(axis=1)
    if not np.count_nonzero(is_enough):
        return {row.place: _model_fit(row, NO_FIGURES, None) for row in rows}
    targets[~is_enough] = np.nan
    left = ScoringLeft.of(_match_states([row.position for row in rows]), TIMING, RED_CARDS)
    found = follow_goal_means(
        PriceTargets(columns.names, targets, columns.weights * _certainty(targets)),
        rhos=None,
        left=left,
        start=_start(rows),
        step_tolerance=STEP_TOLERANCE,
        steps_max=STEPS_MAX,
    )
    with np.errstate(invalid="ignore"):
        good = np.flatnonzero((found.flags == _FINE) & (found.errors <= error_max))
    fair = _read([rows[index] for index in good.tolist()], found, left, good) if len(good) else {}
    return {
        row.place: _model_fit(row, _figures_at(found, index), fair.get(row.place)) for index, row in enumerate(rows)
    }


def _certainty(targets: Floats) -> Floats:
    """Return how much each price says: the longer one of its two sides, the less is known about its margin."""
    return np.asarray(4.0 * targets * (1.0 - targets))


def _figures_at(found: ImpliedMeans, index: int) -> Figures:
    if found.flags[index] != _FINE:
        return NO_FIGURES
    columns = (found.home_means, found.away_means, found.rhos, found.errors)
    return dict(zip(FIGURES, (float(column[index]) for column in columns), strict=True))


def _model_fit(row: _Row, figures: Figures, fair: Floats | None) -> ModelFit:
    state = row.state
    half_time = state.period_scores.half_time
    return ModelFit(state.layout, state.state, row.targets, half_time, figures, row.known_markets, fair)


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


def _match_states(positions: Sequence[Position]) -> MatchStates:
    columns = np.array(positions, dtype=np.float64).T
    periods, *counts = columns[[0, 3, 4, 5, 6, 7, 8]].astype(np.int64)
    return MatchStates(periods, columns[1], columns[2], *counts)


def _start(rows: Sequence[_Row]) -> Floats:
    return np.array([[row.state.figures.get(name, np.nan) for name in STARTING_FIGURES] for row in rows])
