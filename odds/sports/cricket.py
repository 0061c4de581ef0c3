"""Cricket of limited overs: runs to come from balls and wickets, fitted to who wins and to the runs of an innings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from markets.catalogue import market_of
from markets.contests import MATCH_ODDS, OVER, UNDER, WINNER
from markets.fixture import FixtureStatus, MatchState
from markets.layout import MarketLayout
from markets.results import MarketResult
from markets.sports.cricket import (
    CRICKET,
    FIRST_INNINGS_RUNS,
    SECOND_INNINGS_RUNS,
    CricketState,
    Innings,
)
from odds.fixture.book import NO_FIGURES, Evidence, PriceSource
from odds.fixture.state import EMPTY_LAYOUT, Asked, FixtureState, ModelFit, own_key
from odds.model_input import RowFlag
from odds.models.builder_legs import JointDistribution
from odds.models.cricket import (
    FIRST,
    SECOND,
    WICKETS,
    InningsScores,
    MatchForecast,
    flag_matches,
    pass_runs,
    runs_to_come,
    win_matches,
)
from odds.models.line_markets import LineMarkets, decide_line, line_markets, shares, void
from odds.models.newton import solve_logits
from odds.models.two_sides import fit_anew, winner_of
from odds.sports.pricer import SportPricer

Floats = NDArray[np.float64]

DISPERSION: Final = 9.0
"""Between 7 in 20 overs and 12 in 50."""
RUNS_PER_BALL: Final = 1.3
"""Of a full innings where no total tells it."""
RUNS_BESIDE: Final = tuple(float(step) for step in range(-20, 21, 10))
INNINGS_NOT_FINISHED: Final = "INNINGS_NOT_FINISHED"
BALLS_MAX: Final = 600

_SIDES: Final = {FIRST_INNINGS_RUNS: (OVER, UNDER), SECOND_INNINGS_RUNS: (OVER, UNDER)}
_FINE: Final = int(RowFlag.FINE)


@dataclass(frozen=True, slots=True)
class Cricket:
    """Matches of limited overs; see `odds.sports.pricer`. Who wins is priced for two sides, a tie handed back.

    An exchange asks who wins by its runners: those whose names are the sides' are the sides.
    """

    sports: tuple[str, ...] = (CRICKET,)
    source: PriceSource = PriceSource.MODEL
    main_market_id: str = WINNER

    def knows_offer(self, name: str) -> bool:
        """Return whether a name is the type of markets on the first innings: which lines, the match tells."""
        return name == FIRST_INNINGS_RUNS

    def offer(self, state: FixtureState, names: tuple[str, ...]) -> MarketLayout:
        """Return lines beside those that providers quote."""
        if not names or _balls_of(state.state) == 0 or _winner_of(state) is None:
            return EMPTY_LAYOUT
        return _offered(state.layout, own_key(state))

    def fit(self, asked: Sequence[Asked], *, error_max: float) -> list[ModelFit | None]:
        """Fit the runs expected of both sides."""
        rows = [row for place, item in enumerate(asked) if (row := _row(place, item)) is not None]
        return fit_anew(rows, lambda fresh: _fit(fresh, error_max), count=len(asked))

    def joint(self, state: FixtureState) -> JointDistribution | None:  # noqa: ARG002
        """Return none: legs of one fixture are not combined."""
        return None

    def evidence(self, state: FixtureState) -> Evidence | None:
        """Return the end of the match, if the innings tell the runs of the sides."""
        told = state.state
        if told is None or _balls_of(told) == 0 or not isinstance(told.sport, CricketState):
            return None
        innings = told.sport.innings
        home, away = (sum(item.runs for item in innings if item.is_home_batting is side) for side in (True, False))
        is_over = told.status in (FixtureStatus.ENDED, FixtureStatus.CANCELLED)
        return told if is_over and (home, away) == (told.home_score, told.away_score) else None

    def decide(self, market_id: str, outcome_ids: tuple[str, ...], evidence: Evidence) -> MarketResult | None:
        """Return how a market came out by the runs of an innings that was played to its end.

        Of one that was not, a total that was passed stands; else stakes are given back.
        """
        end, market = cast("MatchState", evidence), market_of(market_id)
        if not isinstance(end.sport, CricketState) or market.name not in _SIDES or market.line is None:
            return None
        number = list(_SIDES).index(market.name)
        if number >= len(end.sport.innings):
            return void(market_id, INNINGS_NOT_FINISHED)
        played = end.sport.innings[number]
        if not _is_over(end.sport, number) and played.runs <= market.line:
            return void(market_id, INNINGS_NOT_FINISHED)
        return decide_line(market_id, outcome_ids, played.runs - market.line, (OVER, UNDER))


PRICER: Final[SportPricer] = Cricket()


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """A match that has a model now; targets are the home side's chance to win and that of over the line."""

    place: int
    state: FixtureState
    told: MatchState
    sport: CricketState
    winner_market: int
    winner: tuple[int, int]
    lined: dict[str, LineMarkets]
    targets: Floats
    line: float

    @property
    def innings(self) -> tuple[Innings, ...]:
        """The innings begun, none before the match."""
        return self.sport.innings if self.told.status is FixtureStatus.IN_PLAY else ()

    @property
    def is_home_first(self) -> bool:
        """Whether the home side bats first; before the toss it is taken to."""
        return self.innings[0].is_home_batting if self.innings else True


def _balls_of(state: MatchState | None) -> int:
    """Return the balls of an innings; 0 where they are not told, or nothing is of limited overs."""
    told = None if state is None else state.sport
    if not isinstance(told, CricketState) or not 0 < told.innings_balls <= BALLS_MAX or len(told.innings) > 2:
        return 0
    return told.innings_balls


def _target(told: CricketState) -> int:
    return told.target or told.innings[0].runs + 1


def _is_over(told: CricketState, number: int) -> bool:
    """Return whether an innings was played to its end: all balls, all wickets, or the target reached."""
    played = told.innings[number]
    is_won = number == 1 and played.runs >= _target(told)
    return played.balls >= told.innings_balls or played.wickets >= WICKETS or is_won


@lru_cache(maxsize=4_096)
def _lined(layout: MarketLayout, own_markets: bytes) -> dict[str, LineMarkets]:
    return line_markets(layout, own_markets, _SIDES)


@lru_cache(maxsize=4_096)
def _offered(layout: MarketLayout, own_markets: bytes) -> MarketLayout:
    lined = _lined(layout, own_markets)[FIRST_INNINGS_RUNS]
    quoted = lined.lines[lined.is_quoted]
    if not len(quoted):
        return EMPTY_LAYOUT
    middle = float(np.floor(np.median(quoted))) + 0.5
    return MarketLayout.of_markets((f"{FIRST_INNINGS_RUNS}:{middle + step:g}", (OVER, UNDER)) for step in RUNS_BESIDE)


def _winner_of(state: FixtureState) -> tuple[int, tuple[int, int]] | None:
    """Return where the market of who wins stands, and the outcomes of the home side and of the other."""
    layout, own_markets = state.layout, own_key(state)
    found = winner_of(layout, own_markets)
    if found is not None:
        return layout.market_index(WINNER), found
    index, told = layout.index_by_market_id.get(MATCH_ODDS), state.description
    if index is None or told is None or (own_markets and own_markets[index]):
        return None
    outcome_by_name = {item.name: item.id for item in told.participants}
    sides = [outcome_by_name.get(name, "") for name in (told.home_name, told.away_name)]
    if sorted(sides) != sorted(layout.outcome_ids_of(index)):
        return None
    home, away = (layout.outcome_index(MATCH_ODDS, side) for side in sides)
    return index, (home, away)


def _row(place: int, item: Asked) -> _Row | None:
    state, told = item.state, item.state.state
    found = _winner_of(state)
    if told is None or found is None or _balls_of(told) == 0 or told.status >= FixtureStatus.ENDED:
        return None
    sport = cast("CricketState", told.sport)
    if told.status is FixtureStatus.IN_PLAY and not sport.innings:
        return None
    lined = _lined(state.layout, own_key(state))
    is_first = told.status is not FixtureStatus.IN_PLAY or len(sport.innings) < 2
    line, target = lined[FIRST_INNINGS_RUNS].nearest_to_even(item.blended) if is_first else (np.nan, np.nan)
    return _Row(place, state, told, sport, *found, lined, np.array([item.blended[found[1][0]], target]), line)


def _scores_of(rows: Sequence[_Row]) -> InningsScores:
    columns = []
    for row in rows:
        played, balls = row.innings, row.sport.innings_balls
        if not played:
            columns.append((0, 0, 0, balls, 0))
        else:
            now = played[-1]
            target = _target(row.sport) if len(played) > 1 else 0
            columns.append((int(len(played) > 1), now.runs, now.wickets, max(balls - now.balls, 0), target))
    is_second, runs, wickets, left, target = np.array(columns, dtype=np.int64).T
    return InningsScores(is_second.astype(np.bool_), runs, wickets, left, target)


def _fit(rows: Sequence[_Row], error_max: float) -> dict[int, ModelFit]:
    scores, count = _scores_of(rows), len(rows)
    targets = np.array([row.targets for row in rows])
    lines = np.nan_to_num(np.array([row.line for row in rows]))
    balls = np.array([row.sport.innings_balls for row in rows], dtype=np.int64)
    is_home_first = np.array([row.is_home_first for row in rows])
    usual = RUNS_PER_BALL * balls
    first, second = (
        np.array([row.state.figures.get(name, start) for row, start in zip(rows, usual, strict=True)])
        for name in ("first innings runs", "second innings runs")
    )
    dispersion = np.full(count, DISPERSION)

    def forecast(log_first: Floats, log_second: Floats) -> MatchForecast:
        return MatchForecast(np.exp(log_first), np.exp(log_second), dispersion, balls)

    def win(log_first: Floats, log_second: Floats) -> Floats:
        chances = win_matches(forecast(log_first, log_second), scores)
        return chances[:, SECOND] / (chances[:, FIRST] + chances[:, SECOND])

    def over(log_first: Floats) -> Floats:
        return _passes(np.exp(log_first), balls, scores, dispersion, lines)

    log_first = solve_logits(over, targets[:, 1], np.log(first), probe=1e-4, step_max=0.3)
    wanted = np.where(is_home_first, 1.0 - targets[:, 0], targets[:, 0])
    log_second = solve_logits(lambda at: win(log_first, at), wanted, np.log(second), probe=1e-4, step_max=0.3)
    found, matches = win(log_first, log_second), forecast(log_first, log_second)
    misses = np.nan_to_num(np.stack([found - wanted, over(log_first) - targets[:, 1]], axis=1))
    errors, flags = np.sqrt((misses**2).mean(axis=1)), flag_matches(matches, scores)
    fits = {}
    for index, row in enumerate(rows):
        is_found = flags[index] == _FINE and not np.isnan(targets[index, 0])
        figures = {
            "first innings runs": float(matches.first_mean[index]),
            "second innings runs": float(matches.second_mean[index]),
            "error": float(errors[index]),
        }
        home = 1.0 - found[index] if row.is_home_first else found[index]
        fair = _read(row, index, matches, scores, home) if is_found and errors[index] <= error_max else None
        lined = [item.markets for item in row.lined.values()]
        known = np.concatenate([[row.winner_market], *lined])
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


def _passes(
    means: Floats, balls: NDArray[np.int64], scores: InningsScores, dispersion: Floats, lines: Floats
) -> Floats:
    """Return the chances that the innings being played comes to more runs than a half line."""
    to_come = runs_to_come(means, balls, scores.balls_left, scores.wickets)
    needed = np.floor(lines).astype(np.int64) + 1 - scores.runs
    return pass_runs(needed, to_come, dispersion, scores.balls_left)


def _read(row: _Row, index: int, matches: MatchForecast, scores: InningsScores, home: float) -> Floats:
    """Return the fair probabilities of a match's outcomes."""
    fair = np.full(row.state.layout.outcome_count, np.nan)
    fair[list(row.winner)] = home, 1.0 - home
    played = row.innings
    for number, lines in enumerate(row.lined.values()):
        at = np.full(len(lines.lines), index)
        if not len(at):
            continue
        if number < len(played) - 1 or (number < len(played) and _is_over(row.sport, number)):
            above = np.sign(played[number].runs - lines.lines)
            fair[lines.upper], fair[lines.lower] = shares(np.maximum(above, 0.0), np.maximum(-above, 0.0))
        elif number == max(len(played) - 1, 0):
            means = (matches.first_mean, matches.second_mean)[number][at]
            over = _passes(means, matches.innings_balls[at], scores.rows(at), matches.dispersion[at], lines.lines)
            fair[lines.upper], fair[lines.lower] = shares(over, 1.0 - over)
    return fair
