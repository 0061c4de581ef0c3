"""A tennis match's whole book from both players' chances on serve, all waiting matches in one batch.

The chances are fitted to what the providers say, blended, of who wins and, where they quote totals of games, of the one
nearest to even: prices of the winner tell who is better, hardly how much the serve counts. Every market on sets and
games is then read from them, so that no two contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.catalogue import market_of
from markets.contests import AWAY, HOME, OVER, UNDER, WINNER
from markets.fixture import FixtureStatus, MatchState
from markets.layout import MarketLayout
from markets.sports.tennis import (
    GAMES_HANDICAP,
    SET_BETTING,
    SET_WINNER,
    SETS_HANDICAP,
    TOTAL_GAMES,
    TOTAL_SETS,
)
from odds.fixture.book import NO_FIGURES, Figures
from odds.fixture.state import Asked, FixtureState, ModelFit, own_key
from odds.model_input import RowFlag, RowFlags
from odds.models.line_markets import CERTAIN, LineMarkets, line_markets, rounded, shares
from odds.models.tennis.live import finished_sets, rules_of, scores_of
from odds.models.tennis.match import MatchOutcomes, price_current_sets, price_matches
from odds.models.tennis.rules import MatchRules, TennisScores
from odds.models.tennis.sets import play_anew
from odds.models.two_sides import fit_anew, winner_of

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

SERVE_SUM: Final = 1.26
"""Both chances on serve together where no total of games tells it: between men's 1.28 and women's 1.13, nearer to what
most bets are on."""
SERVE_SUMS: Final = (0.8, 1.8)
SERVE_MIN: Final = 0.02
PROBE: Final = 1e-4
STEP_MAX: Final = 0.15
STEPS_MAX: Final = 7
LOGIT_ERROR_MAX: Final = 2e-3
"""A twentieth of a per cent at even chances: less than a tick."""
FIGURES: Final = ("home serve", "away serve", "error")
LAYOUTS_CACHED_MAX: Final = 4_096

_UNPLAYED: Final = frozenset({FixtureStatus.UNKNOWN, FixtureStatus.PRE_MATCH})
_SIDES: Final = {
    TOTAL_SETS: (OVER, UNDER),
    TOTAL_GAMES: (OVER, UNDER),
    SETS_HANDICAP: (HOME, AWAY),
    GAMES_HANDICAP: (HOME, AWAY),
}
_FINE: Final = int(RowFlag.FINE)


@dataclass(frozen=True, slots=True, eq=False)
class TennisPlan:
    """What the model does for the matches of one layout.

    Attributes:
        winner: Where both outcomes of the market of who wins stand.
        markets: Where the markets stand that the model knows.
        lined: Markets on lines, by type.
        sets: Numbers of the sets whose winner is asked, and where both outcomes stand.
        scores: Where each final score in sets stands.
    """

    winner: tuple[int, int]
    markets: Integers
    lined: dict[str, LineMarkets]
    sets: tuple[tuple[int, int, int], ...]
    scores: tuple[tuple[int, tuple[int, int]], ...]


@lru_cache(maxsize=LAYOUTS_CACHED_MAX)
def plan_of(layout: MarketLayout, own_markets: bytes) -> TennisPlan | None:
    """Return the plan for a layout, None where nobody quotes who wins; nothing is fitted to our own markets."""
    winner = winner_of(layout, own_markets)
    if winner is None:
        return None
    lined = line_markets(layout, own_markets, _SIDES)
    markets, sets, scores = [layout.market_index(WINNER)], [], []
    for place, market_id in enumerate(layout.market_ids):
        market, outcome_ids = market_of(market_id), layout.outcome_ids_of(place)
        named = [(layout.outcome_index(market_id, item), _score(item)) for item in outcome_ids]
        if market.name == SET_BETTING and all(score is not None for _, score in named):
            scores += [(at, score) for at, score in named if score is not None]
            markets.append(place)
        if market.name == SET_WINNER and market.line is not None and set(outcome_ids) == {HOME, AWAY}:
            sets.append(
                (int(market.line), layout.outcome_index(market_id, HOME), layout.outcome_index(market_id, AWAY))
            )
            markets.append(place)
    return TennisPlan(
        winner=winner,
        markets=np.concatenate([np.array(markets, dtype=np.int64), *(lines.markets for lines in lined.values())]),
        lined=lined,
        sets=tuple(sets),
        scores=tuple(scores),
    )


def fit_tennis(asked: Sequence[Asked], *, error_max: float) -> list[ModelFit | None]:
    """Fit both players' chances on serve to what the providers say of each match; see `odds.sports.pricer`."""
    rows = [row for place, item in enumerate(asked) if (row := _row(place, item)) is not None]
    return fit_anew(rows, lambda fresh: _fit_by_rules(fresh, error_max), count=len(asked))


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """A match that has a model now.

    Attributes:
        targets: Chance of the first-named player to win, and of over the total of games fitted to; NaN for none.
        total_line: Of that; 0.0 for none.
    """

    place: int
    state: FixtureState
    told: MatchState
    plan: TennisPlan
    rules: MatchRules
    targets: Floats
    total_line: float


def _row(place: int, item: Asked) -> _Row | None:
    state, told = item.state, item.state.state
    rules = rules_of(told)
    plan = plan_of(state.layout, own_key(state))
    if told is None or rules is None or plan is None or told.status not in {*_UNPLAYED, FixtureStatus.IN_PLAY}:
        return None
    line, target = plan.lined[TOTAL_GAMES].nearest_to_even(item.blended)
    return _Row(place, state, told, plan, rules, np.array([item.blended[plan.winner[0]], target]), np.nan_to_num(line))


def _fit_by_rules(rows: Sequence[_Row], error_max: float) -> dict[int, ModelFit]:
    by_rules: dict[MatchRules, list[_Row]] = {}
    for row in rows:
        by_rules.setdefault(row.rules, []).append(row)
    return {place: fit for rules, some in by_rules.items() for place, fit in _fit(some, rules, error_max).items()}


def _fit(rows: Sequence[_Row], rules: MatchRules, error_max: float) -> dict[int, ModelFit]:
    scores = scores_of([row.told for row in rows])
    fitted = _fit_serves(rows, rules, scores)
    reader = _Reader.of(rows, fitted, scores, rules)
    fits = {}
    for index, row in enumerate(rows):
        is_found = bool(fitted.flags[index] == _FINE) and not np.isnan(row.targets[0])
        figures = _figures(fitted.serves[index], fitted.errors[index]) if is_found else NO_FIGURES
        is_good = is_found and fitted.errors[index] <= error_max
        fits[row.place] = _model_fit(row, figures, reader.read(index) if is_good else None)
    return fits


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """What was found: chances on serve, shape (n, 2), how the matches may end, why some cannot, and what is left."""

    serves: Floats
    outcomes: MatchOutcomes
    flags: RowFlags
    errors: Floats


def _fit_serves(rows: Sequence[_Row], rules: MatchRules, scores: TennisScores) -> _Fitted:
    """Take Newton's steps in the difference of the chances and their sum; prices are compared as logits.

    One call of the model gives the outcomes of all matches and, beside them, of the same a little further in each
    direction.
    """
    count = len(rows)
    targets = np.array([row.targets for row in rows])
    lines = np.tile([row.total_line for row in rows], 3)
    beside = scores.rows(np.tile(np.arange(count), 3))
    points = np.array([_start(row.state.figures) for row in rows])
    moves = np.repeat(np.array([[0.0, 0.0], [PROBE, 0.0], [0.0, PROBE]]), count, axis=0)
    for step in range(STEPS_MAX + 1):
        serves = _serves(np.tile(points, (3, 1)) + moves)
        outcomes = price_matches(serves, beside, rules)
        found = _chances(outcomes, lines)
        misses = _logits(found[:count]) - _logits(targets)
        is_near = ~(np.abs(misses) > LOGIT_ERROR_MAX).any(axis=1)
        if step == STEPS_MAX or is_near.all():
            break
        points = _step(points, _logits(found).reshape(3, count, 2), misses)
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(np.nanmean(np.append((found[:count] - targets) ** 2, np.zeros((count, 1)), axis=1), axis=1))
    return _Fitted(serves[:count], outcomes, outcomes.flags[:count], errors)


def _step(points: Floats, logits: Floats, misses: Floats) -> Floats:
    """Return better points; the sum stays where no total is quoted, and both where nothing can be said."""
    by_difference, by_sum = (logits[1] - logits[0]) / PROBE, (logits[2] - logits[0]) / PROBE
    has_total = ~np.isnan(misses[:, 1])
    with np.errstate(invalid="ignore", divide="ignore"):
        determinant = by_difference[:, 0] * by_sum[:, 1] - by_difference[:, 1] * by_sum[:, 0]
        both = np.stack(
            [
                (by_sum[:, 1] * misses[:, 0] - by_sum[:, 0] * misses[:, 1]) / determinant,
                (by_difference[:, 0] * misses[:, 1] - by_difference[:, 1] * misses[:, 0]) / determinant,
            ],
            axis=1,
        )
        alone = np.stack([misses[:, 0] / by_difference[:, 0], np.zeros(len(points))], axis=1)
    steps = np.where(has_total[:, None], both, alone)
    steps = np.where(np.isfinite(steps), np.clip(steps, -STEP_MAX, STEP_MAX), 0.0)
    return np.stack([points[:, 0] - steps[:, 0], np.clip(points[:, 1] - steps[:, 1], *SERVE_SUMS)], axis=1)


def _serves(points: Floats) -> Floats:
    """Return both chances of differences and sums, kept within what can be."""
    halves = np.stack([points[:, 1] + points[:, 0], points[:, 1] - points[:, 0]], axis=1) / 2.0
    return np.clip(halves, SERVE_MIN, 1.0 - SERVE_MIN)


def _chances(outcomes: MatchOutcomes, lines: Floats) -> Floats:
    """Return the chances to win and of over the lines, shape (n, 2)."""
    games = outcomes.total_games(lines)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([outcomes.win_probability(), games.over / (games.over + games.under)], axis=1)


def _logits(chances: Floats) -> Floats:
    inside = np.clip(chances, CERTAIN, 1.0 - CERTAIN)
    return np.asarray(np.log(inside / (1.0 - inside)))


def _start(figures: Figures) -> tuple[float, float]:
    """Return the difference and the sum of the chances on serve that were found last."""
    home, away = figures.get("home serve", SERVE_SUM / 2.0), figures.get("away serve", SERVE_SUM / 2.0)
    return home - away, home + away


def _figures(serves: Floats, error: float) -> Figures:
    return dict(zip(FIGURES, (*serves.tolist(), float(error)), strict=True))


def _model_fit(row: _Row, figures: Figures, fair: Floats | None) -> ModelFit:
    return ModelFit(row.state.layout, row.told, row.targets, None, figures, row.plan.markets, fair)


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """Reads the markets of the matches of a batch.

    Attributes:
        current: Chance of the first-named player to win the set being played, shape (n,).
        anew: The same of a set not begun, an ordinary one and the last, shape (2, n).
    """

    rows: Sequence[_Row]
    rules: MatchRules
    outcomes: MatchOutcomes
    current: Floats
    anew: Floats

    @classmethod
    def of(cls, rows: Sequence[_Row], fitted: _Fitted, scores: TennisScores, rules: MatchRules) -> _Reader:
        is_last = (scores.sets == rules.sets_to_win - 1).all(axis=1)
        current = np.full(len(rows), np.nan)
        for is_final in (False, True):
            at = np.flatnonzero(is_last == is_final)
            if len(at):
                sets, _ = price_current_sets(fitted.serves[at], scores.rows(at), rules, is_final=is_final)
                current[at] = sets.win_probability()
        is_serving = np.ones(len(rows), dtype=bool)
        anew = [
            play_anew(fitted.serves, is_serving, rules, rules.set_rules(is_final=is_final)).win_probability()
            for is_final in (False, True)
        ]
        return cls(rows, rules, fitted.outcomes, current, np.array(anew))

    def read(self, index: int) -> Floats:
        """Return the fair probabilities of a match's outcomes."""
        row = self.rows[index]
        plan, fair = row.plan, np.full(row.state.layout.outcome_count, np.nan)
        by_score = self.outcomes.by_total[index].sum(axis=1)
        final = self.outcomes.set_scores
        won = float(by_score[final[:, 0] > final[:, 1]].sum())
        fair[list(plan.winner)] = won, 1.0 - won
        chances = {(int(home), int(away)): float(chance) for (home, away), chance in zip(final, by_score, strict=True)}
        for place, score in plan.scores:
            fair[place] = rounded(chances.get(score, 0.0))
        for number, home, away in plan.sets:
            chance = self._set_winner(index, number)
            fair[home], fair[away] = chance, 1.0 - chance
        for name, lines in plan.lined.items():
            fair[lines.upper], fair[lines.lower] = self._split(index, name, lines.lines, by_score)
        return fair

    def _set_winner(self, index: int, number: int) -> float:
        """Return the chance to win a set, if it is played; NaN for one that never is."""
        row = self.rows[index]
        if not 1 <= number <= 2 * self.rules.sets_to_win - 1:
            return np.nan
        played = finished_sets(row.told) if row.told.status is FixtureStatus.IN_PLAY else ()
        if number <= len(played):
            return float(played[number - 1].home > played[number - 1].away)
        if number == len(played) + 1:
            return float(self.current[index])
        return float(self.anew[int(number == 2 * self.rules.sets_to_win - 1), index])

    def _split(self, index: int, name: str, lines: Floats, by_score: Floats) -> tuple[Floats, Floats]:
        """Return what is above and what below each line, of what is not handed back."""
        outcomes, final = self.outcomes, self.outcomes.set_scores
        if name == TOTAL_GAMES:
            values, chances = (
                outcomes.least_total[index] + np.arange(outcomes.by_total.shape[2]),
                outcomes.by_total[index],
            )
        elif name == GAMES_HANDICAP:
            values = outcomes.least_margin[index] + np.arange(outcomes.by_margin.shape[2])
            chances = outcomes.by_margin[index]
        else:
            values = final.sum(axis=1) if name == TOTAL_SETS else final[:, 0] - final[:, 1]
            chances = by_score[None, :]
        distances = values[None, :] + (-lines if name in (TOTAL_GAMES, TOTAL_SETS) else lines)[:, None]
        of_value = chances.sum(axis=0)
        return shares((distances > 0.0) @ of_value, (distances < 0.0) @ of_value)


def _score(outcome_id: str) -> tuple[int, int] | None:
    home, _, away = outcome_id.partition("-")
    return (int(home), int(away)) if home.isdecimal() and away.isdecimal() else None
