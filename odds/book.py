"""Books, and why they say what they say."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.fixture import FixtureDescription, MatchState
from markets.layout import MarketLayout
from markets.period_scores import PeriodScores


class StopFlag(IntFlag):
    """What holds of a provider's stop of a market. Numbers travel on the wire."""

    STOPPED = 1
    """Its bet-stop is in force."""
    RESUMED = 2
    """The desk has resumed the market since: what it stopped does not outlast its silence."""


class PriceSource(IntEnum):
    """What a market's fair probabilities were read from. Numbers travel on the wire."""

    NONE = 0
    MARKET = 1
    """The providers' prices for this market by themselves."""
    GOALS = 2
    """The joint distribution of the fixture's goals."""
    MODEL = 3
    """The model of another sport."""


Figures = Mapping[str, float]
"""What the model of a sport was fitted to, by name: only the sport reads it, and the desk is shown it."""

Evidence = Hashable
"""What is certain of a fixture that is over; only its sport reads it."""

NO_FIGURES: Final[Figures] = MappingProxyType({})


class ResultWord(IntFlag):
    """What a provider's results that count say of a market. Numbers travel on the wire."""

    NONE = 0
    SETTLED = 1
    CANCELLED = 2
    WINDOW_CANCELLED = 4
    """Bets of a time window alone."""


@dataclass(frozen=True, slots=True)
class MarketDecided:
    """That a market outside the layout has its result: it left a full layout, or was never quoted.

    Attributes:
        provider_id: Who said so; empty where that is not known any more.
        word: What it said; NONE where a person has to look at it first.
    """

    provider_id: str
    word: ResultWord


ALL_OTHERS: Final = ""
"""Stands for every market outside the layout once there are more with a result than are remembered."""


@dataclass(frozen=True, slots=True)
class OwnSettlement:
    """What we last said of the markets that we alone offer.

    Attributes:
        sequence: Rises with every change of mind; never 0.
        is_standing: False once it was taken back.
        evidence: What it was made from, None for nothing; a market that it does not decide waits.
        referral_time_us: When what waits goes to a person; 0 where nothing waits.
        is_referred: It has gone there.
    """

    sequence: int
    is_standing: bool
    evidence: Evidence | None = None
    referral_time_us: int = 0
    is_referred: bool = False


@dataclass(frozen=True, slots=True)
class EndClaim:
    """The word of a provider that is not the believed one that a match is over, and when it came."""

    provider_id: str
    state: MatchState
    time_us: int


@dataclass(frozen=True, slots=True)
class TraderSuspension:
    """A suspension by a person that is in force; of the whole fixture where `market_id` is empty."""

    market_id: str
    trader_name: str
    suspended_time_us: int
    request_id: str


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Our prices for one fixture; replaced whole by a higher version.

    Attributes:
        market_statuses: MarketStatus of each market, uint8.
        suspension_reasons: SuspensionReason of each market, uint8.
        market_versions: Version at which each market last changed, uint64.
        decimal_odds_milli: Our decimal odds times 1000 of each outcome, uint32; 0 where it is not offered.
        provider_ids: Whose prices are in it.
    """

    fixture_id: str
    version: int
    published_time_us: int
    feed_time_us: int
    description: FixtureDescription | None
    state: MatchState | None
    layout: MarketLayout
    market_statuses: NDArray[np.uint8]
    suspension_reasons: NDArray[np.uint8]
    market_versions: NDArray[np.uint64]
    decimal_odds_milli: NDArray[np.uint32]
    trader_suspensions: tuple[TraderSuspension, ...]
    provider_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ProviderColumns:
    """All one provider says about a fixture, in the fixture's layout.

    Attributes:
        sequence: Of its last update folded in.
        epoch: Of the stream that brought that update.
        received_time_us: When its newest quotes arrived; 0 for never.
        market_statuses: MarketStatus of each market, uint8; 0 where it never quoted the market.
        decimal_odds_milli: Decimal odds times 1000 of each outcome, uint32; 0 for none.
        bet_stops: StopFlag of each market, uint8.
        is_behind: It does not know of the last goal, red card or new period yet.
        winner_counts: How many outcomes of each market win, as it tells, uint8; see `odds.winners`. None where it
            leaves it to the types.
        stopped_time_us: When its newest bet-stop arrived; 0 for never.
        result_words: ResultWord of each market, uint8; None where it never told a result that counts.
        brought: 1 for each market that nobody else offered before it did, uint8; None for none.
        told_state: Where the match stands by its last word; None for none.
        told_time_us: When that came.
        is_state_refused: What it last said of the match could not be taken: its bet-stop holds until it says it again.
    """

    provider_id: str
    sequence: int
    received_time_us: int
    market_statuses: NDArray[np.uint8]
    decimal_odds_milli: NDArray[np.uint32]
    bet_stops: NDArray[np.uint8]
    is_behind: bool = False
    winner_counts: NDArray[np.uint8] | None = None
    stopped_time_us: int = 0
    result_words: NDArray[np.uint8] | None = None
    brought: NDArray[np.uint8] | None = None
    told_state: MatchState | None = None
    told_time_us: int = 0

    @property
    def last_word_us(self) -> int:
        """Return when it last quoted or stopped anything."""
        return max(self.received_time_us, self.stopped_time_us)

    epoch: int = 0
    is_state_refused: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why a book says what it says, and what pricing resumes from.

    A price is made in this order: providers blended, the sport's model fitted to that, margin put on, rounded to the
    ladder, kept where it moved by less than a tick. The shift of an outcome leads from its blended to its fair
    probability.

    Attributes:
        fair_probabilities: What is priced, without margin, one an outcome; NaN where there is none.
        blended_probabilities: What the providers say, blended, float32, one an outcome; NaN where there is none.
        price_sources: PriceSource of each market, uint8.
        overrounds: Sum of the implied probabilities of our prices, one a market; NaN where there is no price.
        wanted_overrounds: What the margin policy asked for before rounding, float32, one a market; NaN as above.
        figures: What the sport's model was last fitted to; empty for never.
        margin_removal: Value of the MarginMethod by which the providers' margin was taken out.
        margin_application: Value of the MarginMethod by which ours was put on.
        ladder: Name of the price ladder.
        weights: Share of each provider (first axis) in each market (second axis), float32.
        result_statuses: What results say of each market, as MarketStatus, uint8; SUSPENDED where a person has to look
            at one first, 0 for none.
        published_time_us: When the book was published; 0 before the first.
        market_statuses: The book's, and so with reasons and odds: one record says all of an old price.
        own_markets: 1 for markets that we alone offer, and settle, uint8, one a market; None where there are none.
        own_settlement: What we said of them last; None for nothing yet.
        end_claims: Who says that the match is over, and is not believed yet.
        believed_time_us: When the provider whose word about the match holds last told it; 0 for never.
        decided_markets: Those outside the layout that have their result, by market.
    """

    fixture_id: str
    version: int
    layout: MarketLayout
    fair_probabilities: NDArray[np.float64]
    blended_probabilities: NDArray[np.float32]
    price_sources: NDArray[np.uint8]
    overrounds: NDArray[np.float64]
    wanted_overrounds: NDArray[np.float32]
    figures: Figures
    margin_removal: str
    margin_application: str
    ladder: str
    providers: tuple[ProviderColumns, ...]
    weights: NDArray[np.float32]
    applied_request_ids: tuple[str, ...]
    state_provider_id: str
    state_time_us: int
    incident_time_us: int
    result_statuses: NDArray[np.uint8]
    period_scores: PeriodScores
    published_time_us: int
    market_statuses: NDArray[np.uint8]
    suspension_reasons: NDArray[np.uint8]
    decimal_odds_milli: NDArray[np.uint32]
    own_markets: NDArray[np.uint8] | None
    own_settlement: OwnSettlement | None
    end_claims: tuple[EndClaim, ...] = ()
    believed_time_us: int = 0
    decided_markets: Mapping[str, MarketDecided] = field(default_factory=dict)
