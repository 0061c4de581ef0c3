"""Basketball: the lead as a random walk, fitted to who wins and to a total; settled by the points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from markets.catalogue import market_of
from markets.contests import AWAY, HOME, OVER, UNDER, WINNER
from markets.fixture import FixtureStatus, MatchState
from markets.football.market_ids import DRAW, RESULT
from markets.layout import MarketLayout
from markets.periods import PeriodsState
from markets.results import MarketResult
from markets.sports.basketball import (
    AWAY_POINTS,
    BASKETBALL,
    HOME_POINTS,
    POINTS_HANDICAP,
    TOTAL_POINTS,
)
from odds.fixture.book import NO_FIGURES, Evidence, PriceSource
from odds.fixture.state import EMPTY_LAYOUT, Asked, FixtureState, ModelFit, own_key
from odds.model_input import RowFlag
from odds.models.basketball import (
    GameForecast,
    GameRules,
    GameScores,
    flag_games,
    home_total,
    result_in_regulation,
    spread,
    swap_sides,
    total,
    win_games,
)
from odds.models.builder_legs import JointDistribution
from odds.models.line_markets import LineMarkets, decide_line, line_markets, rounded, shares, void
from odds.models.line_shares import LineShares
from odds.models.newton import solve_logits
from odds.models.two_sides import fit_anew, winner_of
from odds.sports.pricer import SportPricer

Floats = NDArray[np.float64]

MARGIN_SD: Final = 12.5
TOTAL_SD: Final = 18.0
SD_OF_SECONDS: Final = 2_880.0
"""Both standard deviations are those of a game of so many seconds, and grow with the root of them."""
POINTS_PER_SECOND: Final = 220.0 / 2_880.0
TOTALS_BESIDE: Final = tuple(float(step) for step in range(-8, 9, 2))
HANDICAPS_BESIDE: Final = tuple(float(step) for step in range(-6, 7, 2))
POINTS_UNTOLD: Final = "GAME_NOT_FINISHED"

_SIDES: Final = {
    TOTAL_POINTS: (OVER, UNDER),
    HOME_POINTS: (OVER, UNDER),
    AWAY_POINTS: (OVER, UNDER),
    POINTS_HANDICAP: (HOME, AWAY),
}
_FINE: Final = int(RowFlag.FINE)


@dataclass(frozen=True, slots=True)
class Basketball:
    """Basketball games; see `odds.sports.pricer`."""

    sports: tuple[str, ...] = (BASKETBALL,)
    source: PriceSource = PriceSource.MODEL
    main_market_id: str = WINNER

    def knows_offer(self, name: str) -> bool:
        """Return whether a name is a type of markets on points: which lines there are is for the game to tell."""
        return name in (TOTAL_POINTS, POINTS_HANDICAP)

    def offer(self, state: FixtureState, names: tuple[str, ...]) -> MarketLayout:
        """Return lines beside those that providers quote."""
        if _rules_of(state.state) is None or winner_of(state.layout, own_key(state)) is None:
            return EMPTY_LAYOUT
        return _offered(state.layout, own_key(state), names)

    def fit(self, asked: Sequence[Asked], *, error_max: float) -> list[ModelFit | None]:
        """Fit the expected margin and total."""
        rows = [row for place, item in enumerate(asked) if (row := _row(place, item)) is not None]
        return fit_anew(rows, lambda fresh: _fit_by_rules(fresh, error_max), count=len(asked))

    def joint(self, state: FixtureState) -> JointDistribution | None:  # noqa: ARG002
        """Return none: legs of one fixture are not combined."""
        return None

    def evidence(self, state: FixtureState) -> Evidence | None:
        """Return the end of the game, if its periods tell the points."""
        told = state.state
        if told is None or (rules := _rules_of(told)) is None or not isinstance(told.sport, PeriodsState):
            return None
        periods = told.sport.periods
        points = (sum(played.home for played in periods), sum(played.away for played in periods))
        if points != (told.home_score, told.away_score):
            return None
        is_whole = len(periods) >= rules.period_count and points[0] != points[1]
        is_certain = told.status is FixtureStatus.CANCELLED or (told.status is FixtureStatus.ENDED and is_whole)
        return told if is_certain else None

    def decide(self, market_id: str, outcome_ids: tuple[str, ...], evidence: Evidence) -> MarketResult | None:
        """Return how a market came out by the points; of a game called off a total that was passed stands."""
        end, market = cast("MatchState", evidence), market_of(market_id)
        home, away = end.home_score, end.away_score
        counts = {
            TOTAL_POINTS: home + away,
            HOME_POINTS: home,
            AWAY_POINTS: away,
            POINTS_HANDICAP: home - away,
        }
        if market.name not in counts or market.line is None:
            return None
        is_handicap = market.name == POINTS_HANDICAP
        distance = counts[market.name] + (market.line if is_handicap else -market.line)
        if end.status is not FixtureStatus.ENDED and (is_handicap or distance <= 0):
            return void(market_id, POINTS_UNTOLD)
        return decide_line(market_id, outcome_ids, distance, _SIDES[market.name])


PRICER: Final[SportPricer] = Basketball()


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """A game that has a model now; targets are the home team's chance to win and that of over the line."""

    place: int
    state: FixtureState
    told: MatchState
    rules: GameRules
    winner: tuple[int, int]
    lined: dict[str, LineMarkets]
    targets: Floats
    line: float

    @property
    def is_overtime(self) -> bool:
        """Whether the periods ended level."""
        told = self.told.sport
        return isinstance(told, PeriodsState) and len(told.periods) > self.rules.period_count


def _rules_of(state: MatchState | None) -> GameRules | None:
    told = None if state is None else state.sport
    if not isinstance(told, PeriodsState) or min(told.period_count, told.period_seconds, told.overtime_seconds) < 1:
        return None
    return GameRules(told.period_count, float(told.period_seconds), float(told.overtime_seconds))


@lru_cache(maxsize=4_096)
def _result_of(layout: MarketLayout) -> tuple[int, ...] | None:
    """Return where home, draw and away after regulation stand in a layout; None where nobody quotes all three."""
    index = layout.index_by_market_id.get(RESULT)
    if index is None or set(layout.outcome_ids_of(index)) != {HOME, DRAW, AWAY}:
        return None
    return tuple(layout.outcome_index(RESULT, outcome_id) for outcome_id in (HOME, DRAW, AWAY))


@lru_cache(maxsize=4_096)
def _lined(layout: MarketLayout, own_markets: bytes) -> dict[str, LineMarkets]:
    return line_markets(layout, own_markets, _SIDES)


@lru_cache(maxsize=4_096)
def _offered(layout: MarketLayout, own_markets: bytes, names: tuple[str, ...]) -> MarketLayout:
    lined = _lined(layout, own_markets)
    markets: dict[str, tuple[str, ...]] = {}
    for name, beside in ((TOTAL_POINTS, TOTALS_BESIDE), (POINTS_HANDICAP, HANDICAPS_BESIDE)):
        quoted = lined[name].lines[lined[name].is_quoted]
        if name in names and len(quoted):
            middle = float(np.floor(np.median(quoted))) + 0.5
            markets |= {f"{name}:{middle + step:g}": _SIDES[name] for step in beside}
    return MarketLayout.of_markets(markets.items()) if markets else EMPTY_LAYOUT


def _row(place: int, item: Asked) -> _Row | None:
    state, told = item.state, item.state.state
    rules, winner = _rules_of(told), winner_of(state.layout, own_key(state))
    if told is None or rules is None or winner is None or told.status >= FixtureStatus.ENDED:
        return None
    lined = _lined(state.layout, own_key(state))
    line, target = lined[TOTAL_POINTS].nearest_to_even(item.blended)
    return _Row(place, state, told, rules, winner, lined, np.array([item.blended[winner[0]], target]), line)


def _scores_of(rows: Sequence[_Row], rules: GameRules) -> GameScores:
    left = []
    for row in rows:
        told = row.told.sport
        is_on = row.told.status is FixtureStatus.IN_PLAY and isinstance(told, PeriodsState) and len(told.periods) > 0
        if not is_on or not isinstance(told, PeriodsState):
            left.append(rules.regulation_s)
            continue
        to_come = max(rules.period_count - len(told.periods), 0) * rules.period_s
        left.append(to_come + float(told.seconds_left))
    home, away = (
        np.array([getattr(row.told, side) for row in rows], dtype=np.int64) for side in ("home_score", "away_score")
    )
    return GameScores(home, away, np.array(left))


def _fit_by_rules(rows: Sequence[_Row], error_max: float) -> dict[int, ModelFit]:
    by_rules: dict[GameRules, list[_Row]] = {}
    for row in rows:
        by_rules.setdefault(row.rules, []).append(row)
    return {place: fit for rules, some in by_rules.items() for place, fit in _fit(some, rules, error_max).items()}


def _fit(rows: Sequence[_Row], rules: GameRules, error_max: float) -> dict[int, ModelFit]:
    scores, count = _scores_of(rows, rules), len(rows)
    targets = np.array([row.targets for row in rows])
    lines = np.nan_to_num(np.array([row.line for row in rows]))
    scale = np.sqrt(rules.regulation_s / SD_OF_SECONDS)
    usual = {"margin": 0.0, "total": POINTS_PER_SECOND * rules.regulation_s}
    margins, totals = (np.array([row.state.figures.get(name, start) for row in rows]) for name, start in usual.items())

    def forecast(margin: Floats, points: Floats) -> GameForecast:
        return GameForecast(margin, np.full(count, MARGIN_SD * scale), points, np.full(count, TOTAL_SD * scale))

    def over(points: Floats) -> Floats:
        found = total(forecast(margins, points), scores, rules, lines=lines, has_overtime=True)
        return np.asarray(shares(found.over, found.under)[0])

    def win(margin: Floats) -> Floats:
        return win_games(forecast(margin, totals), scores, rules)

    margins = solve_logits(win, targets[:, 0], margins, probe=0.01, step_max=15.0)
    totals = solve_logits(over, targets[:, 1], totals, probe=0.01, step_max=40.0)
    games = forecast(margins, totals)
    wins, overs = win_games(games, scores, rules), over(totals)
    misses = np.nan_to_num(np.stack([wins, overs], axis=1) - targets)
    errors = np.sqrt((misses**2).mean(axis=1))
    flags = flag_games(games, scores, rules)
    fits = {}
    for index, row in enumerate(rows):
        is_found = flags[index] == _FINE and not np.isnan(targets[index, 0])
        figures = {"margin": float(margins[index]), "total": float(totals[index]), "error": float(errors[index])}
        fair = _read(row, index, games, scores, wins[index]) if is_found and errors[index] <= error_max else None
        layout, has_result = row.state.layout, _result_of(row.state.layout) is not None
        leading = [layout.market_index(market_id) for market_id in (WINNER, *([RESULT] if has_result else []))]
        known = np.concatenate([leading, *(item.markets for item in row.lined.values())])
        fits[row.place] = ModelFit(
            row.state.layout,
            row.told,
            row.targets,
            None,
            figures if is_found else NO_FIGURES,
            known.astype(np.int64),
            fair,
        )
    return fits


def _read(row: _Row, index: int, games: GameForecast, scores: GameScores, win: float) -> Floats:
    """Return the fair probabilities of a game's outcomes."""
    fair = np.full(row.state.layout.outcome_count, np.nan)
    fair[list(row.winner)] = win, 1.0 - win
    if (places := _result_of(row.state.layout)) is not None:
        at = np.array([index])
        fair[list(places)] = (
            (0.0, 1.0, 0.0)
            if row.is_overtime
            else rounded(result_in_regulation(games.rows(at), scores.rows(at), row.rules)[0])
        )
    of = {
        TOTAL_POINTS: total,
        HOME_POINTS: home_total,
        AWAY_POINTS: _away_total,
        POINTS_HANDICAP: _handicap,
    }
    for name, lines in row.lined.items():
        if len(lines.lines):
            at = np.full(len(lines.lines), index)
            price = cast("Callable[..., LineShares]", of[name])
            found = price(games.rows(at), scores.rows(at), row.rules, lines=lines.lines, has_overtime=True)
            fair[lines.upper], fair[lines.lower] = shares(found.over, found.under)
    return fair


def _away_total(
    games: GameForecast, scores: GameScores, rules: GameRules, *, lines: Floats, has_overtime: bool
) -> LineShares:
    return home_total(*swap_sides(games, scores), rules, lines=lines, has_overtime=has_overtime)


def _handicap(
    games: GameForecast, scores: GameScores, rules: GameRules, *, lines: Floats, has_overtime: bool
) -> LineShares:
    return spread(games, scores, rules, handicaps=lines, has_overtime=has_overtime)
