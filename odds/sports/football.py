"""Football: one joint distribution of goals for the whole book, settled by the scores of the halves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

from markets.catalogue import market_of
from markets.fixture import FOOTBALL
from markets.football.market_ids import RESULT
from markets.layout import MarketLayout
from markets.results import MarketResult
from odds.fixture.book import Evidence, PriceSource
from odds.fixture.state import EMPTY_LAYOUT, Asked, FixtureState, ModelFit, own_key
from odds.models.builder_legs import JointDistribution
from odds.models.football.bet_builder import GoalsTogether
from odds.models.football.book_plans import plan_of
from odds.models.football.catalogue import catalogue
from odds.models.football.joint_book import fit_jointly, joint_scores
from odds.models.football.own_results import PlayedHalves, decide_by_halves, played_halves
from odds.sports.pricer import SportPricer


@dataclass(frozen=True, slots=True)
class Football:
    """Football matches; see `odds.sports.pricer`."""

    sports: tuple[str, ...] = (FOOTBALL,)
    source: PriceSource = PriceSource.GOALS
    main_market_id: str = RESULT

    def knows_offer(self, name: str) -> bool:
        """Return whether a name is a market, or a type of them, that the scores at half-time and the end settle."""
        return bool(_markets_named(name))

    def offer(self, state: FixtureState, names: tuple[str, ...]) -> MarketLayout:
        """Return the markets of these names where the result and a total are quoted."""
        return EMPTY_LAYOUT if plan_of(state.layout, own_key(state)) is None else _offered(names)

    def fit(self, asked: Sequence[Asked], *, error_max: float) -> list[ModelFit | None]:
        """Fit joint distributions of goals."""
        return fit_jointly(asked, error_max=error_max)

    def joint(self, state: FixtureState) -> JointDistribution | None:
        """Return the joint distribution of goals, their order and their minutes."""
        scores = joint_scores(state)
        return None if scores is None else GoalsTogether(scores)

    def evidence(self, state: FixtureState) -> Evidence | None:
        """Return the scores of the halves."""
        return played_halves(state)

    def decide(self, market_id: str, outcome_ids: tuple[str, ...], evidence: Evidence) -> MarketResult | None:
        """Return how a market came out by the scores of the halves."""
        return decide_by_halves(market_id, outcome_ids, cast("PlayedHalves", evidence))


PRICER: Final[SportPricer] = Football()


@lru_cache(maxsize=64)
def _offered(names: tuple[str, ...]) -> MarketLayout:
    known = catalogue().layout
    market_ids = dict.fromkeys(market_id for name in names for market_id in _markets_named(name))
    return MarketLayout.of_markets(
        (market_id, known.outcome_ids_of(known.market_index(market_id))) for market_id in market_ids
    )


def _markets_named(name: str) -> list[str]:
    """Return the markets on scores of the halves with an id, or of a type."""
    columns = catalogue()
    begins = columns.layout.offsets[:-1].tolist()
    return [
        market_id
        for market_id, begin in zip(columns.layout.market_ids, begins, strict=True)
        if begin < columns.orders_begin and name in (market_id, market_of(market_id).name)
    ]
