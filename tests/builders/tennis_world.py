"""Small builders for tennis matches, shared by the tests of their prices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from markets.fixture import FixtureDescription, FixtureStatus, MatchState, Score
from markets.layout import MarketLayout
from markets.sports.tennis import FinalSet, TennisState
from odds.fixture.state import FixtureState
from odds.fixture.updates import FixtureUpdate, Quotes
from odds.models.tennis.live import scores_of
from odds.models.tennis.match import price_matches
from odds.models.tennis.rules import MatchRules
from odds.pricing.policy import PricingPolicy
from tests.builders.pricing_world import folded, quotes, update

WINNER = MarketLayout.of_markets([("winner", ("home", "away"))])
WITH_TOTAL = MarketLayout.of_markets([("winner", ("home", "away")), ("total_games:22.5", ("over", "under"))])
OWN_TYPES = ("set_winner", "set_betting", "total_sets", "sets_handicap", "total_games", "games_handicap")
POLICY = PricingPolicy(own_offers={"tennis": OWN_TYPES})
DESCRIPTION = FixtureDescription("tennis", "Coastal Open", "Ana", "Bo")


def standing(
    *sets: tuple[int, int],
    points: tuple[int, int] = (0, 0),
    won: tuple[int, int] = (0, 0),
    status: FixtureStatus = FixtureStatus.IN_PLAY,
    sets_to_win: int = 2,
    is_home_serving: bool = True,
) -> MatchState:
    """Return where a match stands: games of the sets begun, points, sets won."""
    told = TennisState(
        sets_to_win,
        FinalSet.LIKE_THE_OTHERS,
        False,
        tuple(Score(*games) for games in sets),
        points[0],
        points[1],
        is_home_serving,
    )
    return MatchState(status, home_score=won[0], away_score=won[1], sport=told)


BEFORE = standing(status=FixtureStatus.PRE_MATCH)


def said(state: MatchState | None = BEFORE, quoted: Quotes | None = None, **others: object) -> FixtureUpdate:
    """Return an update of a tennis match."""
    return update(quoted=quoted, state=state, description=DESCRIPTION, **others)  # type: ignore[arg-type]


def fair_quotes(state: MatchState, serves: Sequence[float], *, layout: MarketLayout = WITH_TOTAL) -> Quotes:
    """Return what a provider without a margin quotes that knows the chances on serve."""
    sport = state.sport
    assert isinstance(sport, TennisState)
    rules = MatchRules(sport.sets_to_win, sport.final_set)
    outcomes = price_matches(np.array([serves]), scores_of([state]), rules)
    over = float(outcomes.total_games(np.array([22.5])).over[0])
    win = float(outcomes.win_probability()[0])
    prices = [win, 1.0 - win, over, 1.0 - over][: layout.outcome_count]
    return quotes([round(1_000 / max(price, 1e-4)) for price in prices], layout=layout)


def match(state: MatchState = BEFORE, serves: Sequence[float] = (0.66, 0.62)) -> FixtureState:
    """Return a match that one provider quotes."""
    return folded(said(state, fair_quotes(state, serves)))
