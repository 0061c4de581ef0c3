"""What pricing is told: by providers about fixtures and about themselves, and by traders."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from markets.fixture import FixtureDescription, MatchState
from markets.layout import LayoutMalformed, MarketLayout
from markets.results import ResultKind


class TradingAction(IntEnum):
    """What a trader wants done. Numbers travel on the wire."""

    UNKNOWN = 0
    SUSPEND = 1
    RESUME = 2


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """Prices of one provider as columns.

    Attributes:
        market_statuses: MarketStatus of each market, uint8.
        decimal_odds_milli: Decimal odds times 1000 of each outcome, uint32; 0 where none is offered.
        is_snapshot: The whole offer: markets that are not in here are closed.
        winner_counts: How many outcomes of each market win, uint8; 0 as its type says, `UNKNOWN_WINNERS` where nobody
            knows. None where the types say it of all.
    """

    layout: MarketLayout
    market_statuses: NDArray[np.uint8]
    decimal_odds_milli: NDArray[np.uint32]
    is_snapshot: bool
    winner_counts: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        expected = (self.layout.market_count, self.layout.outcome_count)
        found = (len(self.market_statuses), len(self.decimal_odds_milli))
        if found != expected:
            raise LayoutMalformed(f"Quotes must have {expected} statuses and prices, had {found}")
        if self.winner_counts is not None and len(self.winner_counts) != self.layout.market_count:
            raise LayoutMalformed(
                f"Quotes must have {self.layout.market_count} winner counts or none, had {len(self.winner_counts)}"
            )


@dataclass(frozen=True, slots=True)
class ResultMark:
    """That a market has a result, or lost it; a cancellation of a window that has an end leaves the market open."""

    kind: ResultKind
    market_id: str
    is_windowed: bool


@dataclass(frozen=True, slots=True, eq=False)
class FixtureUpdate:
    """One message of one provider about one fixture.

    Attributes:
        appended_time_us: When the log took it.
        bet_stop_market_ids: None without a bet-stop; empty for one of all markets.
        epoch: Of the provider's stream that brought it; rises with every stream.
        is_catching_up: An earlier stream got further: what it lost is being sent again.
        is_state_refused: It told a state of the match that could not be taken.
    """

    provider_id: str
    fixture_id: str
    sequence: int
    received_time_us: int
    appended_time_us: int
    description: FixtureDescription | None = None
    state: MatchState | None = None
    quotes: Quotes | None = None
    bet_stop_market_ids: tuple[str, ...] | None = None
    result_marks: tuple[ResultMark, ...] = ()
    epoch: int = 0
    is_catching_up: bool = False
    is_state_refused: bool = False


@dataclass(frozen=True, slots=True)
class TraderCommand:
    """What the desk wants for a fixture, or for one market of it."""

    request_id: str
    fixture_id: str
    market_id: str
    action: TradingAction
    trader_name: str
    time_us: int


@dataclass(frozen=True, slots=True)
class ProviderSign:
    """A provider's sign of life, with the epoch of its stream."""

    provider_id: str
    received_time_us: int
    is_up: bool
    timeout_ms: int
    epoch: int = 0
