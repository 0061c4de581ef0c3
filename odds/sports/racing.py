"""Races: who is placed from who wins, runner after runner; settled by the official positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from markets.fixture import FixtureStatus, MatchState
from markets.layout import MarketLayout
from markets.odds import FACTOR_ONE_MICRO
from markets.results import CONFIRMED, MarketResult, OutcomeResult, Reduction, ResultKind
from markets.sports.racing import PLACES, RACING, WIN, RaceState
from odds.fixture.book import Evidence, PriceSource
from odds.fixture.state import EMPTY_LAYOUT, Asked, FixtureState, ModelFit, own_key
from odds.models.builder_legs import JointDistribution
from odds.models.line_markets import void
from odds.models.racing.each_way import dead_heat_factor, deduction_percent
from odds.models.racing.ordering import HENERY, PLACES_MAX, place_probabilities
from odds.sports.pricer import SportPricer

Floats = NDArray[np.float64]

RACE_CALLED_OFF: Final = "RACE_CALLED_OFF"
UNQUOTED_MAX: Final = 0.02
PERCENT_MICRO: Final = FACTOR_ONE_MICRO // 100
RUNNERS_MAX: Final = 40
"""More make the fourth place dear, and nobody is paid for it."""


@dataclass(frozen=True, slots=True)
class Racing:
    """Races of horses and greyhounds; see `odds.sports.pricer`."""

    sports: tuple[str, ...] = RACING
    source: PriceSource = PriceSource.MODEL
    main_market_id: str = WIN

    def knows_offer(self, name: str) -> bool:
        """Return whether a name is a market on places."""
        return name in PLACES

    def offer(self, state: FixtureState, names: tuple[str, ...]) -> MarketLayout:
        """Return markets on places where more run than are paid, before the start: places are not told in running."""
        if _runners_of(state.layout, own_key(state)) is None or state.is_in_play or not _is_told(state.state):
            return EMPTY_LAYOUT
        return _offered(state.layout, names)

    def fit(self, asked: Sequence[Asked], *, error_max: float) -> list[ModelFit | None]:  # noqa: ARG002
        """Read places from the providers' chances to win, which the model keeps as they are."""
        return [_fit(item) for item in asked]

    def joint(self, state: FixtureState) -> JointDistribution | None:  # noqa: ARG002
        """Return none: legs of one fixture are not combined."""
        return None

    def evidence(self, state: FixtureState) -> Evidence | None:
        """Return the official result, or that there is none."""
        told = state.state
        if told is None or not isinstance(told.sport, RaceState):
            return None
        is_official = told.status is FixtureStatus.ENDED and told.sport.is_official and _is_whole(told.sport)
        return told if is_official or told.status is FixtureStatus.CANCELLED else None

    def decide(self, market_id: str, outcome_ids: tuple[str, ...], evidence: Evidence) -> MarketResult | None:
        """Return who is placed: dead heats share, one that did not start is void, and others' winnings are reduced.

        Where nobody knows the odds of a withdrawn runner, a person has to say what is taken off.
        """
        end = cast("MatchState", evidence)
        if market_id not in PLACES or not isinstance(end.sport, RaceState):
            return None
        if end.status is not FixtureStatus.ENDED:
            return void(market_id, RACE_CALLED_OFF)
        runners = {runner.runner_id: runner for runner in end.sport.runners}
        withdrawn = [runner for runner in end.sport.runners if runner.is_withdrawn]
        if any(runner.withdrawn_time_ms == 0 or runner.withdrawn_odds_milli <= 1_000 for runner in withdrawn):
            return None
        if not set(outcome_ids) <= runners.keys():
            return None
        reductions = tuple(
            Reduction(runner.withdrawn_time_ms, percent * PERCENT_MICRO, is_off_winnings_only=True)
            for runner in withdrawn
            if (percent := deduction_percent(runner.withdrawn_odds_milli, is_smallest_waived=False))
        )
        outcomes = tuple(_outcome(item, end.sport, PLACES[market_id]) for item in outcome_ids)
        return MarketResult(ResultKind.SETTLEMENT, market_id, outcomes, certainty=CONFIRMED, reductions=reductions)


PRICER: Final[SportPricer] = Racing()


def _is_told(state: MatchState | None) -> bool:
    return state is not None and isinstance(state.sport, RaceState)


def _is_whole(race: RaceState) -> bool:
    """Return whether the first four positions are there, as far as so many started; equal ones share theirs."""
    started = sum(not runner.is_withdrawn for runner in race.runners)
    positions = sorted(runner.position for runner in race.runners if runner.position and not runner.is_withdrawn)
    if len(positions) < min(started, PLACES_MAX):
        return False
    return all(position == positions.index(position) + 1 for position in positions)


def _outcome(runner_id: str, race: RaceState, places: int) -> OutcomeResult:
    runner = next(item for item in race.runners if item.runner_id == runner_id)
    if runner.is_withdrawn:
        return OutcomeResult(runner_id, 0, FACTOR_ONE_MICRO, FACTOR_ONE_MICRO)
    if not 0 < runner.position <= places:
        return OutcomeResult(runner_id, 0, 0, FACTOR_ONE_MICRO)
    tied = sum(item.position == runner.position and not item.is_withdrawn for item in race.runners)
    factor = dead_heat_factor(runner.position, tied=tied, places=places)
    return OutcomeResult(runner_id, FACTOR_ONE_MICRO, 0, round(factor * FACTOR_ONE_MICRO))


@lru_cache(maxsize=4_096)
def _runners_of(layout: MarketLayout, own_markets: bytes) -> tuple[int, int] | None:
    """Return where the runners of the market of who wins begin and end among the layout's outcomes."""
    index = layout.index_by_market_id.get(WIN)
    if index is None or (own_markets and own_markets[index]):
        return None
    return int(layout.offsets[index]), int(layout.offsets[index + 1])


@lru_cache(maxsize=4_096)
def _offered(layout: MarketLayout, names: tuple[str, ...]) -> MarketLayout:
    runners = layout.outcome_ids_of(layout.market_index(WIN))
    return MarketLayout.of_markets(
        (type_id, runners) for type_id, places in PLACES.items() if type_id in names and len(runners) > places + 1
    )


@lru_cache(maxsize=4_096)
def _places_in(layout: MarketLayout) -> tuple[tuple[int, int, NDArray[np.int64]], ...]:
    """Return market, places paid, and for each of its outcomes where the runner stands among those of who wins."""
    runners = {runner: at for at, runner in enumerate(layout.outcome_ids_of(layout.market_index(WIN)))}
    return tuple(
        (place, PLACES[market_id], np.array([runners[item] for item in layout.outcome_ids_of(place)], dtype=np.int64))
        for place, market_id in enumerate(layout.market_ids)
        if market_id in PLACES and set(layout.outcome_ids_of(place)) <= runners.keys()
    )


def _fit(item: Asked) -> ModelFit | None:
    state = item.state
    layout, bounds = state.layout, _runners_of(state.layout, own_key(state))
    if bounds is None or state.is_play_over or not _is_told(state.state):
        return None
    win = item.blended[slice(*bounds)].copy()
    before = state.fit
    if before is not None and before.is_of(state, win, None):
        return before
    markets = np.array([layout.market_index(WIN), *(place for place, _, _ in _places_in(layout))], dtype=np.int64)
    total = np.nansum(win)
    if abs(total - 1.0) > UNQUOTED_MAX or not 2 <= np.count_nonzero(~np.isnan(win)) <= RUNNERS_MAX:
        return ModelFit(layout, state.state, win, None, {}, markets, None)
    fair = np.full(layout.outcome_count, np.nan)
    fair[slice(*bounds)] = np.nan_to_num(win)
    running = int(np.count_nonzero(~np.isnan(win)))
    for place, places, runners in _places_in(layout):
        begin = int(layout.offsets[place])
        if state.is_in_play or running <= places:
            continue
        placed = place_probabilities((win / total)[None, :], HENERY, places=places)[0]
        fair[begin : begin + len(runners)] = np.nan_to_num(placed[runners])
    figures = {"runners": float(running), "favourite": float(np.nanmax(win))}
    return ModelFit(layout, state.state, win, None, figures, markets, fair)
