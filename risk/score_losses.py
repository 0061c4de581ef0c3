"""What a football match could still cost us: the worst of the final scores that are still possible.

Markets of one match depend on each other: no score lets a draw, under 2.5 goals and over 4.5 goals win together. So
every market that a score decides is settled at every score, and what they cost together is compared. A market that no
score decides, or whose outcomes are not the ones known here, counts with its own worst, which makes the whole a bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.fixture import Period, Score
from markets.football import market_ids as ids
from markets.football.selections import HALF_LINES, MATCH_LINES, ScoreMarketLines, quarter_lines, score_selections
from markets.period_scores import PeriodScores
from risk.liability import FixtureLiability, MarketLiability

HALF_GOALS_MAX: Final = 12
"""Goals of one side in one half that are looked at: past every line known here, so that more change nothing."""
FULL_GOALS_MAX: Final = 2 * HALF_GOALS_MAX

_FULL: Final = replace(
    MATCH_LINES,
    totals=quarter_lines(0.5, 10.5),
    team_totals=quarter_lines(0.5, 6.5),
    handicaps=quarter_lines(-6.0, 6.0),
    european_handicaps=tuple(start for start in range(-6, 7) if start),
)
_HALF: Final = replace(
    HALF_LINES,
    totals=quarter_lines(0.5, 5.5),
    team_totals=quarter_lines(0.5, 3.5),
    handicaps=quarter_lines(-3.0, 3.0),
    european_handicaps=tuple(start for start in range(-3, 4) if start),
)
_SIDES: Final = (ids.HOME, ids.DRAW, ids.AWAY)
_HALVES: Final = (ids.FIRST, ids.EQUAL, ids.SECOND)
_BEFORE_THE_BREAK: Final = frozenset({Period.NOT_STARTED, Period.FIRST_HALF})
_NORMAL_TIME: Final = frozenset(
    {Period.UNKNOWN, Period.NOT_STARTED, Period.FIRST_HALF, Period.HALF_TIME, Period.SECOND_HALF}
)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MatchStanding:
    """Where a match stands: the score now, and those of its parts that are over."""

    score: Score
    period: Period
    period_scores: PeriodScores


@dataclass(frozen=True, slots=True)
class WorstLoss:
    """The most that bets on a fixture could still cost us together, minor units, zero or above.

    Attributes:
        score: The final score that costs it; None where no score decides anything or none costs.
        undecided_minor: Part of it from markets that no score decides, each at its own worst.
    """

    amount_minor: int
    score: Score | None
    undecided_minor: int


@dataclass(frozen=True, slots=True, eq=False)
class _Stakes:
    """What becomes of stakes on an outcome, by score: the part that wins and the part handed back."""

    win: Floats
    back: Floats


_Market = Mapping[str, _Stakes]


def worst_loss(
    liability: FixtureLiability, standing: MatchStanding | None, outcome_ids_by_market: Mapping[str, Sequence[str]]
) -> WorstLoss:
    """Return what a fixture could still cost us.

    Args:
        liability: Its open bets.
        standing: Where its match stands; None where no score decides its markets.
        outcome_ids_by_market: All outcomes of each market: an "other" is what the market does not name.
    """
    if standing is None:
        return _undecided(liability.markets.values())
    decided: list[MarketLiability] = []
    undecided: list[MarketLiability] = []
    for market in liability.markets.values():
        is_decided = _is_decided(market.market_id, outcome_ids_by_market.get(market.market_id, ()))
        (decided if is_decided else undecided).append(market)
    losses, possible = _losses(decided, standing)
    if not decided or not possible.any():
        return _undecided(liability.markets.values())
    rest = _undecided(undecided)
    worst = np.unravel_index(int(np.argmax(np.where(possible, losses, -np.inf))), losses.shape)
    amount_minor = max(0, math.ceil(losses[worst]) + rest.amount_minor)
    # The first half's goals and the second's, or the final score at once.
    goals = np.array([int(place) for place in worst]).reshape(-1, 2).sum(axis=0).tolist()
    score = Score(*goals) if amount_minor > 0 else None
    return WorstLoss(amount_minor, score, rest.amount_minor if amount_minor > 0 else 0)


def _undecided(markets: Iterable[MarketLiability]) -> WorstLoss:
    amount_minor = sum(market.worst_loss_minor() for market in markets)
    return WorstLoss(amount_minor, None, amount_minor)


def _is_decided(market_id: str, outcome_ids: Sequence[str]) -> bool:
    known = _full_markets().get(market_id) or _half_markets().get(market_id) or _joint_outcomes().get(market_id)
    return known is not None and set(outcome_ids) == set(known)


def _losses(markets: Sequence[MarketLiability], standing: MatchStanding) -> tuple[Floats, Flags]:
    """Return what all markets cost at each score, and which scores are possible.

    The axes are the home and the away side's goals; where a market asks about a half, those of the first half and then
    those of the second.
    """
    full = _costs([market for market in markets if market.market_id in _full_markets()], _full_markets())
    of_halves = [market for market in markets if market.market_id not in _full_markets()]
    if not of_halves:
        return full, _possible_scores(standing)
    home, away, later_home, later_away = np.indices((HALF_GOALS_MAX + 1,) * 4)
    losses = full[home + later_home, away + later_away]
    for prefix, first, second in (
        (ids.FIRST_HALF_PREFIX, home, away),
        (ids.SECOND_HALF_PREFIX, later_home, later_away),
    ):
        own = [market for market in of_halves if market.market_id.startswith(prefix)]
        losses += _costs(own, _half_markets())[first, second]
    half = 1 - np.sign(home - away)
    final = 1 - np.sign(home + later_home - away - later_away)
    most = 1 - np.sign(home + away - later_home - later_away)
    for market in of_halves:
        if market.market_id == ids.HALF_TIME_FULL_TIME:
            pairs = [[ids.half_time_full_time_outcome_id(*pair) for pair in row] for row in _pairs()]
            losses += _outright_costs(market, np.array(pairs))[half, final]
        elif market.market_id == ids.MOST_GOALS_HALF:
            losses += _outright_costs(market, np.array(_HALVES))[most]
    return losses, _possible_halves(standing)


def _costs(markets: Sequence[MarketLiability], known: Mapping[str, _Market]) -> Floats:
    """Return what markets cost together at each score of a grid, stakes taken off."""
    size = FULL_GOALS_MAX + 1 if known is _full_markets() else HALF_GOALS_MAX + 1
    costs = np.zeros((size, size))
    for market in markets:
        costs -= market.stake_minor
        for outcome_id, position in market.outcomes.items():
            stakes = known[market.market_id][outcome_id]
            costs += position.payout_minor * stakes.win + position.stake_minor * stakes.back
    return costs


def _outright_costs(market: MarketLiability, outcome_ids: NDArray[np.str_]) -> Floats:
    """Return what a market costs under each outcome, of which one wins."""
    payouts = [
        market.outcomes[outcome_id].payout_minor if outcome_id in market.outcomes else 0
        for outcome_id in outcome_ids.ravel().tolist()
    ]
    return np.array(payouts, dtype=np.float64).reshape(outcome_ids.shape) - market.stake_minor


def _possible_scores(standing: MatchStanding) -> Flags:
    home, away = np.indices((FULL_GOALS_MAX + 1,) * 2)
    return _possible_finals(home, away, standing)


def _possible_finals(home: NDArray[np.int_], away: NDArray[np.int_], standing: MatchStanding) -> Flags:
    full_time, now = standing.period_scores.full_time, standing.score
    if full_time is not None:
        return np.asarray((home == full_time.home) & (away == full_time.away))
    if standing.period in _NORMAL_TIME:
        return np.asarray((home >= now.home) & (away >= now.away))
    # Normal time is over and its score is not known: goals since are in the score of now.
    return np.asarray((home <= now.home) & (away <= now.away))


def _possible_halves(standing: MatchStanding) -> Flags:
    home, away, later_home, later_away = np.indices((HALF_GOALS_MAX + 1,) * 4)
    possible = _possible_finals(home + later_home, away + later_away, standing)
    half_time, now = standing.period_scores.half_time, standing.score
    if half_time is not None:
        return np.asarray(possible & (home == half_time.home) & (away == half_time.away))
    if standing.period in _BEFORE_THE_BREAK:
        return np.asarray(possible & (home >= now.home) & (away >= now.away))
    if standing.period is Period.UNKNOWN:
        return possible
    return np.asarray(possible & (home <= now.home) & (away <= now.away))


@cache
def _full_markets() -> Mapping[str, _Market]:
    return _settled_on_grid(FULL_GOALS_MAX, _FULL, prefixes=("",))


@cache
def _half_markets() -> Mapping[str, _Market]:
    prefixes = (ids.FIRST_HALF_PREFIX, ids.SECOND_HALF_PREFIX)
    return _settled_on_grid(HALF_GOALS_MAX, _HALF, prefixes=prefixes)


@cache
def _joint_outcomes() -> Mapping[str, frozenset[str]]:
    """Return the outcomes of markets on both halves."""
    pairs = frozenset(ids.half_time_full_time_outcome_id(*pair) for row in _pairs() for pair in row)
    return {ids.HALF_TIME_FULL_TIME: pairs, ids.MOST_GOALS_HALF: frozenset(_HALVES)}


def _pairs() -> list[list[tuple[str, str]]]:
    return [[(half, final) for final in _SIDES] for half in _SIDES]


def _settled_on_grid(goals_max: int, lines: ScoreMarketLines, *, prefixes: Sequence[str]) -> Mapping[str, _Market]:
    home, away = np.indices((goals_max + 1,) * 2)
    markets: dict[str, dict[str, _Stakes]] = {}
    for prefix in prefixes:
        for selection in score_selections(home, away, lines, prefix=prefix):
            stakes = _Stakes(selection.win, 1.0 - selection.win - selection.lose)
            markets.setdefault(selection.market_id, {})[selection.outcome_id] = stakes
    return markets
