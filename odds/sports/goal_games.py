"""Games of goals by periods, every sport that is declared as one: goals of the periods, and who wins what is level.

Markets on goals are on the score of the periods, overtime left out; who wins counts overtime and shoot-out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from markets.catalogue import SPORTS, market_of
from markets.contests import AWAY, HOME, WINNER
from markets.fixture import FixtureStatus, MatchState, Score
from markets.football import market_ids as ids
from markets.goal_games import PERIOD_RESULT, GoalGame, leader_of, score_of
from markets.layout import MarketLayout
from markets.periods import PeriodsState
from markets.results import MarketResult
from odds.fixture.book import NO_FIGURES, Evidence, PriceSource
from odds.fixture.state import EMPTY_LAYOUT, Asked, FixtureState, ModelFit, own_key
from odds.models.builder_legs import JointDistribution
from odds.models.football.score_stakes import settle_by, stakes_at, stakes_whatever_follows
from odds.models.goal_games import (
    GOALS_MAX,
    LINES,
    GoalForecast,
    GoalScores,
    final_scores,
    goal_market_chances,
    goal_markets,
    imply_forecast,
    period_chances,
    result_chances,
    win_after_draw,
)
from odds.models.line_markets import rounded, void, won_by
from odds.models.two_sides import fit_anew, winner_of
from odds.sports.pricer import SportPricer

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PERIODS_MAX: Final = 9
RESULT_WEIGHT: Final = 3.0
"""How much each of the three results counts beside a line: there are many lines, and one main market."""
DRAW_SEEN_MIN: Final = 0.02
"""Of a draw less likely than this nobody's price says who wins it."""
WON_DRAW_MIN, WON_DRAW_MAX = 0.05, 0.95
GAME_CALLED_OFF: Final = "GAME_CALLED_OFF"
STARTING_FIGURES: Final = ("home goals", "away goals", "draw factor")
FIGURES: Final = (*STARTING_FIGURES, "home after a draw", "error")
"""Mean goals of all periods, how much oftener games end level than independent goals make them, the home side's chance
to win what is level, root of the weighted mean squared difference between the providers' prices and the model's."""

_RESULT: Final = (ids.HOME, ids.DRAW, ids.AWAY)
_RESULT_COLUMNS: Final = (0, 1, 2)
_TARGETS: Final = {ids.RESULT: _RESULT, ids.TOTAL: (ids.OVER,), ids.HANDICAP: (ids.HOME,)}


@dataclass(frozen=True, eq=False)
class GoalGames:
    """Sports that are declared as games of goals by periods; see `odds.sports.pricer`.

    Attributes:
        games: By name of the sport, what a game is like.
    """

    games: Mapping[str, GoalGame]
    source: PriceSource = PriceSource.MODEL
    main_market_id: str = ids.RESULT

    @property
    def sports(self) -> tuple[str, ...]:
        """Names of the sports."""
        return tuple(self.games)

    def knows_offer(self, name: str) -> bool:
        """Return whether a name is a market, or a type of them, that the periods settle."""
        return bool(_markets_named(name, PERIODS_MAX))

    def offer(self, state: FixtureState, names: tuple[str, ...]) -> MarketLayout:
        """Return the markets of these names where the result and a total are quoted."""
        game = _game_now(state, self.games)
        return EMPTY_LAYOUT if game is None or not _plan_of(state).has_footing else _offered(names, game.period_count)

    def fit(self, asked: Sequence[Asked], *, error_max: float) -> list[ModelFit | None]:
        """Fit the means of both sides and what draws weigh."""
        rows = [row for place, item in enumerate(asked) if (row := _row(place, item, self.games)) is not None]
        return fit_anew(rows, lambda fresh: _fit(fresh, error_max), count=len(asked))

    def joint(self, state: FixtureState) -> JointDistribution | None:  # noqa: ARG002
        """Return none: legs of one fixture are not combined."""
        return None

    def evidence(self, state: FixtureState) -> Evidence | None:
        """Return the end of the game with how many periods there were to be, if those played tell the score."""
        told, game = state.state, _game_now(state, self.games)
        if told is None or game is None or told.is_score_unknown:
            return None
        sport = told.sport if isinstance(told.sport, PeriodsState) else PeriodsState()
        is_over = told.status is FixtureStatus.CANCELLED or (
            told.status is FixtureStatus.ENDED and len(sport.periods) >= game.period_count
        )
        if not is_over or score_of(sport.periods) != Score(told.home_score, told.away_score):
            return None
        return replace(told, sport=replace(sport, period_count=game.period_count))

    def decide(self, market_id: str, outcome_ids: tuple[str, ...], evidence: Evidence) -> MarketResult | None:
        """Return how a market came out; of a game called off what no further goal could change stands."""
        end = cast("MatchState", evidence)
        sport, market = cast("PeriodsState", end.sport), market_of(market_id)
        is_ended = end.status is FixtureStatus.ENDED
        result = None
        if market.name == PERIOD_RESULT and market.line is not None:
            # Of a game called off the last period told may not have been played to its end.
            is_played = market.line <= len(sport.periods) - (0 if is_ended else 1)
            if is_played:
                result = won_by(market_id, outcome_ids, leader_of(sport.periods[int(market.line) - 1]))
        elif market_id == WINNER:
            winner = leader_of(score_of(sport.periods))
            result = won_by(market_id, outcome_ids, winner) if is_ended and winner != ids.DRAW else None
        else:
            score = score_of(sport.periods[: sport.period_count])
            is_played = is_ended or len(sport.periods) > sport.period_count
            stakes = stakes_at(score, LINES, "") if is_played else stakes_whatever_follows(score, LINES, "")
            result = settle_by(stakes, market_id, outcome_ids)
        return void(market_id, GAME_CALLED_OFF) if result is None and not is_ended else result


PRICER: Final[SportPricer] = GoalGames({name: sport.goal_game for name, sport in SPORTS.items() if sport.goal_game})


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What the model does for the fixtures of one layout; places are those of outcomes in it.

    Attributes:
        markets: Where those on the score of the periods stand.
        places: Of their outcomes.
        columns: Of the same among `goal_markets`.
        target_places: Of what is fitted to, the three results first.
        target_columns: Of the same among `goal_markets`.
        is_total: Whether each is a line of total goals; none of them where the result is not quoted.
        winner: Where who wins is quoted, home and away; None for nowhere.
        periods: By number of the period, where its market stands, and its outcomes home, draw and away.
    """

    markets: tuple[int, ...]
    places: Integers
    columns: Integers
    target_places: Integers
    target_columns: Integers
    is_total: NDArray[np.bool_]
    winner: tuple[int, int] | None
    periods: Mapping[int, tuple[int, tuple[int, ...]]]

    @property
    def has_footing(self) -> bool:
        """Whether the result and a total are quoted."""
        return bool(self.is_total.any())


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """A game that has a model now; targets are those of its plan, and the home side's chance to win."""

    place: int
    state: FixtureState
    plan: _Plan
    game: GoalGame
    periods: tuple[Score, ...]
    seconds_left: int
    targets: Floats

    @property
    def share_left(self) -> float:
        """Return the share of the time of all periods that is left."""
        to_come = self.game.period_count - max(len(self.periods), 1)
        if to_come < 0:
            return 0.0
        return to_come / self.game.period_count + self.period_share_left(max(len(self.periods), 1))

    def period_share_left(self, number: int) -> float:
        """Return the same share of one period."""
        if number < max(len(self.periods), 1):
            return 0.0
        whole = self.game.period_seconds
        left = self.seconds_left if number == len(self.periods) else whole
        return min(left, whole) / whole / self.game.period_count


def _game_now(state: FixtureState, games: Mapping[str, GoalGame]) -> GoalGame | None:
    """Return what a game is like, as it is told and else as is usual; None where no sport is declared so."""
    game = games.get(state.description.sport) if state.description is not None else None
    told = None if state.state is None else state.state.sport
    if game is None or not isinstance(told, PeriodsState):
        return game
    count, seconds = told.period_count or game.period_count, told.period_seconds or game.period_seconds
    return replace(game, period_count=min(count, PERIODS_MAX), period_seconds=seconds)


def _row(place: int, item: Asked, games: Mapping[str, GoalGame]) -> _Row | None:
    state, told = item.state, item.state.state
    game, plan = _game_now(state, games), _plan_of(state)
    if game is None or (told is not None and told.status >= FixtureStatus.ENDED):
        return None
    periods: tuple[Score, ...] = ()
    seconds_left = game.period_seconds
    if told is not None and told.status is FixtureStatus.IN_PLAY:
        sport = told.sport
        if not isinstance(sport, PeriodsState) or not sport.periods or told.is_score_unknown:
            return None
        periods, seconds_left = sport.periods, sport.seconds_left
        score = score_of(periods)
        if score != Score(told.home_score, told.away_score) or max(score.home, score.away) > GOALS_MAX:
            return None
    is_overtime = len(periods) > game.period_count
    if not (plan.winner is not None if is_overtime else plan.has_footing):
        return None
    win = np.nan if plan.winner is None else item.blended[plan.winner[0]]
    return _Row(place, state, plan, game, periods, seconds_left, np.append(item.blended[plan.target_places], win))


def _plan_of(state: FixtureState) -> _Plan:
    return _plan(state.layout, own_key(state))


@lru_cache(maxsize=4_096)
def _plan(layout: MarketLayout, own_markets: bytes) -> _Plan:
    known = goal_markets()
    markets, places, columns, targets = [], [], [], []
    periods: dict[int, tuple[int, tuple[int, ...]]] = {}
    for market, market_id in enumerate(layout.market_ids):
        outcome_ids, asked = layout.outcome_ids_of(market), market_of(market_id)
        if asked.name == PERIOD_RESULT and asked.line in range(1, PERIODS_MAX + 1) and set(outcome_ids) == set(_RESULT):
            periods[int(asked.line or 0)] = (market, tuple(layout.outcome_index(market_id, item) for item in _RESULT))
        if market_id not in known.index_by_market_id:
            continue
        columns_here = known.outcome_ids_of(known.market_index(market_id))
        if not set(outcome_ids) <= set(columns_here):
            continue
        markets.append(market)
        for outcome_id in outcome_ids:
            place = layout.outcome_index(market_id, outcome_id)
            column = known.outcome_index(market_id, outcome_id)
            places.append(place)
            columns.append(column)
            is_ours = bool(own_markets and own_markets[market])
            if not is_ours and outcome_id in _TARGETS.get(asked.name, ()):
                targets.append((column, place, asked.name == ids.TOTAL))
    targets.sort()
    target_columns, target_places, is_total = zip(*targets, strict=True) if targets else ((), (), ())
    has_result = target_columns[:3] == _RESULT_COLUMNS
    return _Plan(
        tuple(markets),
        np.array(places, dtype=np.int64),
        np.array(columns, dtype=np.int64),
        np.array(target_places, dtype=np.int64),
        np.array(target_columns, dtype=np.int64),
        np.array(is_total, dtype=np.bool_) & has_result,
        winner_of(layout, own_markets),
        periods,
    )


def _fit(rows: Sequence[_Row], error_max: float) -> dict[int, ModelFit]:
    """Fit a forecast to each game and read its markets from it."""
    scores, start = _scores_of(rows), _start(rows)
    columns = np.unique(np.concatenate([row.plan.target_columns for row in rows]))
    targets = np.full((len(rows), len(columns)), np.nan)
    is_enough = np.zeros(len(rows), dtype=np.bool_)
    for index, row in enumerate(rows):
        if len(row.periods) > row.game.period_count:
            is_enough[index] = not np.isnan(row.targets[-1])
            continue
        told = ~np.isnan(row.targets[:-1])
        is_enough[index] = told[: len(_RESULT)].all() and (told & row.plan.is_total).any()
        targets[index, np.searchsorted(columns, row.plan.target_columns)] = row.targets[:-1]
    weights = np.where(columns < len(_RESULT), RESULT_WEIGHT, 1.0)
    found = imply_forecast(targets, columns, weights, scores=scores, start=start)
    forecast = found.forecast
    chances = np.full((len(rows), goal_markets().outcome_count), np.nan)
    wanted = np.unique(np.concatenate([row.plan.columns for row in rows]))
    chances[:, wanted] = goal_market_chances(final_scores(forecast, scores), wanted)
    results = result_chances(forecast, scores)
    after_draw = _won_draws(rows, forecast, results)
    fits = {}
    for index, row in enumerate(rows):
        is_found = bool(is_enough[index]) and found.errors[index] <= error_max
        columns_found = (forecast.home_means, forecast.away_means, forecast.draw_factors, after_draw, found.errors)
        figures = {name: float(column[index]) for name, column in zip(FIGURES, columns_found, strict=True)}
        fair = _read(row, chances[index], results[index], after_draw[index]) if is_found else None
        if fair is not None:
            _read_periods(row, forecast, index, fair)
        fits[row.place] = ModelFit(
            row.state.layout,
            row.state.state,
            row.targets,
            None,
            figures if is_enough[index] else NO_FIGURES,
            _known_markets(row),
            fair,
        )
    return fits


def _scores_of(rows: Sequence[_Row]) -> GoalScores:
    of_periods = [score_of(row.periods[: row.game.period_count]) for row in rows]
    return GoalScores(
        np.array([score.home for score in of_periods], dtype=np.int64),
        np.array([score.away for score in of_periods], dtype=np.int64),
        np.array([row.share_left for row in rows]),
    )


def _start(rows: Sequence[_Row]) -> GoalForecast:
    usual = [(row.game.goals / 2.0, row.game.goals / 2.0, 1.0) for row in rows]
    return GoalForecast(
        *(
            np.array([row.state.figures.get(name, start[at]) for row, start in zip(rows, usual, strict=True)])
            for at, name in enumerate(STARTING_FIGURES)
        )
    )


def _won_draws(rows: Sequence[_Row], forecast: GoalForecast, results: Floats) -> Floats:
    """Return the home side's chance to win what is level after the periods, by the price of who wins if it is told."""
    wins = np.array([row.targets[-1] for row in rows])
    home, draw, _ = results.T
    with np.errstate(invalid="ignore", divide="ignore"):
        told = np.clip((wins - home) / draw, WON_DRAW_MIN, WON_DRAW_MAX)
    return np.where(np.isnan(wins) | (draw < DRAW_SEEN_MIN), win_after_draw(forecast), told)


def _known_markets(row: _Row) -> Integers:
    markets = [*row.plan.markets, *(market for market, _ in row.plan.periods.values())]
    if row.plan.winner is not None:
        markets.append(row.state.layout.market_index(WINNER))
    return np.array(sorted(markets), dtype=np.int64)


def _read(row: _Row, chances: Floats, results: Floats, after_draw: float) -> Floats:
    """Return the fair probabilities of a game's outcomes, those of single periods left out."""
    fair = np.full(row.state.layout.outcome_count, np.nan)
    fair[row.plan.places] = rounded(chances[row.plan.columns])
    if row.plan.winner is not None:
        home = rounded(results[0] + results[1] * after_draw)
        fair[list(row.plan.winner)] = home, 1.0 - home
    return fair


def _read_periods(row: _Row, forecast: GoalForecast, index: int, fair: Floats) -> None:
    """Put the chances of the results of single periods where they belong."""
    numbers = [number for number in row.plan.periods if number <= row.game.period_count]
    if not numbers:
        return
    played = [row.periods[number - 1] if number <= len(row.periods) else Score(0, 0) for number in numbers]
    at = np.full(len(numbers), index)
    scores = GoalScores(
        np.array([score.home for score in played], dtype=np.int64),
        np.array([score.away for score in played], dtype=np.int64),
        np.array([row.period_share_left(number) for number in numbers]),
    )
    of_periods = period_chances(forecast.rows(at), scores)
    for number, chances in zip(numbers, of_periods, strict=True):
        fair[list(row.plan.periods[number][1])] = rounded(chances)


@lru_cache(maxsize=64)
def _offered(names: tuple[str, ...], period_count: int) -> MarketLayout:
    markets: dict[str, tuple[str, ...]] = {}
    for name in names:
        markets |= _markets_named(name, period_count)
    return MarketLayout.of_markets(markets.items())


def _markets_named(name: str, period_count: int) -> dict[str, tuple[str, ...]]:
    """Return the markets with an id, or of a type, with their outcomes."""
    known = goal_markets()
    markets = {market_id: known.outcome_ids_of(at) for at, market_id in enumerate(known.market_ids)}
    markets |= {f"{PERIOD_RESULT}:{number}": _RESULT for number in range(1, period_count + 1)}
    markets[WINNER] = (HOME, AWAY)
    return {item: outcomes for item, outcomes in markets.items() if name in (item, market_of(item).name)}
