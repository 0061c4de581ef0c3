"""Tennis: both players' chances on serve for the whole book, settled by the sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

from markets.catalogue import market_of
from markets.contests import AWAY, HOME, OVER, UNDER, WINNER
from markets.fixture import MatchState
from markets.layout import MarketLayout
from markets.results import MarketResult
from markets.sports.tennis import (
    GAMES_HANDICAP,
    SET_BETTING,
    SET_WINNER,
    SETS_HANDICAP,
    TENNIS,
    TOTAL_GAMES,
    TOTAL_SETS,
)
from odds.fixture.book import Evidence, PriceSource
from odds.fixture.state import EMPTY_LAYOUT, Asked, FixtureState, ModelFit, own_key
from odds.models.builder_legs import JointDistribution
from odds.models.tennis.book import fit_tennis, plan_of
from odds.models.tennis.live import rules_of
from odds.models.tennis.settlement import certain_end, decide
from odds.sports.pricer import SportPricer

GAME_LINES: Final = {1: (8.5, 12.5), 2: (16.5, 28.5), 3: (27.5, 47.5)}
"""From and to which total of games, by the sets that win."""
GAME_HANDICAPS: Final = (-6.5, 6.5)


@dataclass(frozen=True, slots=True)
class Tennis:
    """Tennis matches; see `odds.sports.pricer`."""

    sports: tuple[str, ...] = (TENNIS,)
    source: PriceSource = PriceSource.MODEL
    main_market_id: str = WINNER

    def knows_offer(self, name: str) -> bool:
        """Return whether a name is a market on sets or games, or a type of them."""
        known = [market_id for sets_to_win in GAME_LINES for market_id in _markets(sets_to_win)]
        return any(name in (market_id, market_of(market_id).name) for market_id in known)

    def offer(self, state: FixtureState, names: tuple[str, ...]) -> MarketLayout:
        """Return the markets of these names where who wins is quoted and the rules are told."""
        rules = rules_of(state.state)
        if rules is None or plan_of(state.layout, own_key(state)) is None:
            return EMPTY_LAYOUT
        return _offered(names, rules.sets_to_win)

    def fit(self, asked: Sequence[Asked], *, error_max: float) -> list[ModelFit | None]:
        """Fit chances on serve."""
        return fit_tennis(asked, error_max=error_max)

    def joint(self, state: FixtureState) -> JointDistribution | None:  # noqa: ARG002
        """Return none: legs of one fixture are not combined."""
        return None

    def evidence(self, state: FixtureState) -> Evidence | None:
        """Return the end of the match, if its sets tell it."""
        return certain_end(state.state)

    def decide(self, market_id: str, outcome_ids: tuple[str, ...], evidence: Evidence) -> MarketResult | None:
        """Return how a market came out by the sets."""
        return decide(market_id, outcome_ids, cast("MatchState", evidence))


PRICER: Final[SportPricer] = Tennis()


@lru_cache(maxsize=64)
def _offered(names: tuple[str, ...], sets_to_win: int) -> MarketLayout:
    return MarketLayout.of_markets(
        (market_id, outcome_ids)
        for market_id, outcome_ids in _markets(sets_to_win).items()
        if market_id in names or market_of(market_id).name in names
    )


@lru_cache(maxsize=4)
def _markets(sets_to_win: int) -> dict[str, tuple[str, ...]]:
    """Return every market on sets and games of a match, with its outcomes."""
    over_under, sides = (OVER, UNDER), (HOME, AWAY)
    lost = range(sets_to_win)
    markets: dict[str, tuple[str, ...]] = {f"{SET_WINNER}:{number}": sides for number in range(1, 2 * sets_to_win)}
    markets[SET_BETTING] = (*(f"{sets_to_win}-{sets}" for sets in lost), *(f"{sets}-{sets_to_win}" for sets in lost))
    markets |= {f"{TOTAL_SETS}:{sets_to_win + sets + 0.5:g}": over_under for sets in lost[:-1]}
    for sets in range(1, sets_to_win):
        markets |= {f"{SETS_HANDICAP}:{line:g}": sides for line in (-sets - 0.5, sets + 0.5)}
    first, last = GAME_LINES[sets_to_win]
    markets |= {f"{TOTAL_GAMES}:{first + step:g}": over_under for step in range(int(last - first) + 1)}
    first, last = GAME_HANDICAPS
    markets |= {f"{GAMES_HANDICAP}:{first + step:g}": sides for step in range(int(last - first) + 1)}
    return markets
