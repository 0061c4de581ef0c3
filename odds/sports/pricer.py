"""The socket of a sport: all that pricing asks about fixtures of one sport and no other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from markets.layout import MarketLayout
from markets.results import MarketResult
from odds.fixture.book import Evidence, PriceSource
from odds.fixture.state import Asked, FixtureState, ModelFit
from odds.models.builder_legs import JointDistribution


@runtime_checkable
class SportPricer(Protocol):
    """What is known of a sport: its model, the markets that it prices, and how they come out.

    Pricers have no state; whatever they remember of a fixture stands, opaque to all others, in its state.
    """

    @property
    def sports(self) -> tuple[str, ...]:
        """Names of the sports, as descriptions of fixtures have them."""

    @property
    def source(self) -> PriceSource:
        """What prices read from the model are said to be from."""

    @property
    def main_market_id(self) -> str:
        """The market that those which we offer ourselves go with: open while it is."""

    def knows_offer(self, name: str) -> bool:
        """Return whether a name is a market, or a type of markets, that we can offer and settle ourselves."""

    def offer(self, state: FixtureState, names: tuple[str, ...]) -> MarketLayout:
        """Return the markets of these names that we can offer on a fixture now, none where the model has no footing.

        The same ones are the same object.
        """

    def fit(self, asked: Sequence[Asked], *, error_max: float) -> list[ModelFit | None]:
        """Fit the model to what the providers say, all fixtures in one batch, and read its markets.

        Args:
            asked: Fixtures of the sports.
            error_max: A fit is of no use if its prices are further from the providers', root mean square.

        Returns:
            One a fixture, None where the model has no footing: the markets are priced one by one. Where all that a fit
            depends on is what it was, the object that the state has.
        """

    def joint(self, state: FixtureState) -> JointDistribution | None:
        """Return what can come of a fixture from where it stands, by the model as it was last fitted.

        None where the sport has no joint distribution, or the fixture has none now.

        Raises:
            LegNotCombinable: If there is one, and it is too large to combine legs.
        """

    def evidence(self, state: FixtureState) -> Evidence | None:
        """Return what is certain of a fixture that is over, as far as markets are settled by it; None for nothing."""

    def decide(self, market_id: str, outcome_ids: tuple[str, ...], evidence: Evidence) -> MarketResult | None:
        """Return how one of our own markets came out by the evidence; None where that does not tell it for certain."""
