"""Providers' prices for football fixtures, as a goal model would have them, shared by the tests of joint books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from markets.fixture import FOOTBALL as FOOTBALL_SPORT
from markets.fixture import FixtureDescription, FixtureStatus, MarketStatus, MatchState, Period
from markets.football.state import FootballState, football_of
from markets.layout import MarketLayout
from odds.fixture.state import FixtureState
from odds.fixture.updates import FixtureUpdate, Quotes
from odds.models.football.catalogue import catalogue
from odds.models.football.markets import price_matches
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects
from odds.pricing.repricing import Repricing
from tests.builders.pricing_world import update

MATCH = FixtureDescription(FOOTBALL_SPORT, "Northern League", "Home", "Away")
MARKET_IDS = (
    *("1x2", "total:1.5", "total:2.5", "total:3.5", "handicap:-0.5", "handicap:0", "handicap:0.25"),
    *("double_chance", "draw_no_bet", "btts", "correct_score", "next_goal:1"),
)
MARGIN_POWER = 0.96
"""Quotes are fair probabilities to this power: about 5 % of margin, which its removal by power takes out again."""


def layout_of(market_ids: Sequence[str]) -> MarketLayout:
    """Return a layout of markets of the catalogue."""
    known = catalogue().layout
    return MarketLayout.of_markets(
        [(market_id, known.outcome_ids_of(known.market_index(market_id))) for market_id in market_ids]
    )


def chances(
    layout: MarketLayout, means: tuple[float, float], state: MatchState | None, half_time: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the fair probabilities of a layout's outcomes; those that the score has decided are 0.0 or 1.0."""
    prices = price_matches(
        np.array(means[:1]),
        np.array(means[1:]),
        rhos=np.array([-0.04]),
        states=MatchStates.before_kick_off(1) if state is None else _match_states(state, half_time),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )
    assert not prices.flags.any()
    columns = [
        catalogue().column(market_id, outcome_id)
        for index, market_id in enumerate(layout.market_ids)
        for outcome_id in layout.outcome_ids_of(index)
    ]
    return np.asarray(prices.fair_probabilities()[0, columns])


def quoted(
    means: tuple[float, float] = (1.6, 1.1),
    *,
    market_ids: Sequence[str] = MARKET_IDS,
    state: MatchState | None = None,
    half_time: tuple[int, int] = (0, 0),
    moved: Mapping[tuple[str, str], float] | None = None,
) -> Quotes:
    """Return a provider's prices: nothing that is decided, outcomes in `moved` at so many times their odds."""
    layout = layout_of(market_ids)
    fair = chances(layout, means, state, half_time)
    is_open = (fair > 1e-6) & (fair < 1.0 - 1e-6)
    odds = np.where(is_open, np.where(is_open, fair, 0.5) ** -MARGIN_POWER, 0.0)
    for (market_id, outcome_id), factor in (moved or {}).items():
        odds[layout.outcome_index(market_id, outcome_id)] *= factor
    statuses = np.full(layout.market_count, MarketStatus.OPEN, dtype=np.uint8)
    return Quotes(layout, statuses, np.round(odds * 1_000).astype(np.uint32), is_snapshot=True)


def match_update(quotes: Quotes | None, *, state: MatchState | None = None, **others: object) -> FixtureUpdate:
    """Return an update of a football match."""
    return update(quoted=quotes, state=state, description=MATCH, **others)  # type: ignore[arg-type]


def playing(
    period: Period, minute: float, score: tuple[int, int] = (0, 0), cards: tuple[int, int] = (0, 0)
) -> MatchState:
    """Return the state of a match that is on."""
    return MatchState(FixtureStatus.IN_PLAY, period, *score, round(minute * 60), sport=FootballState(0, *cards))


def fair(repricing: Repricing, market_id: str, *outcome_ids: str) -> list[float]:
    """Return the fair probabilities that some outcomes of a market are priced at."""
    explanation = repricing.explanation
    places = [explanation.layout.outcome_index(market_id, outcome_id) for outcome_id in outcome_ids]
    return [float(explanation.fair_probabilities[place]) for place in places]


def sources(repricing: Repricing) -> dict[str, int]:
    """Return where the price of each market is from."""
    explanation = repricing.explanation
    return dict(zip(explanation.layout.market_ids, explanation.price_sources.tolist(), strict=True))


def odds_milli(repricing: Repricing, market_id: str, outcome_id: str) -> int:
    """Return the price of an outcome in the book."""
    book = repricing.state.book
    assert book is not None
    return int(book.decimal_odds_milli[book.layout.outcome_index(market_id, outcome_id)])


def market_status(state: FixtureState, market_id: str) -> int:
    """Return the status of a market in the book of a state."""
    assert state.book is not None
    return int(state.book.market_statuses[state.layout.market_index(market_id)])


def _match_states(state: MatchState, half_time: tuple[int, int]) -> MatchStates:
    counts = (state.home_score, state.away_score, *half_time, *football_of(state).red_cards)
    return MatchStates(
        np.array([int(state.period)]),
        np.array([(state.clock_seconds or 0) / 60.0]),
        np.array([np.nan]),
        *(np.array([count]) for count in counts),
    )
