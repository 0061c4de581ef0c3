"""What the day asks of a simulated fixture, whatever is played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from overround.odds.v1 import fixture_pb2

Results = Mapping[str, Mapping[str, str]]
"""By market and outcome: "won", "lost" or "void"."""


@dataclass(frozen=True, slots=True)
class MarketTruth:
    """One market: outcome ids, the true probability of each."""

    market_id: str
    outcome_ids: tuple[str, ...]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that happens `elapsed_s` after the start and that a provider tells of at once.

    Attributes:
        is_decisive: Betting stops for it, and for a while after it.
        results: What it settles.
    """

    elapsed_s: float
    is_decisive: bool = False
    results: Results = field(default_factory=dict)


def won_by(outcome_ids: Sequence[str], winner: str) -> dict[str, str]:
    """Return the results of a market that one outcome has won."""
    return {outcome_id: "won" if outcome_id == winner else "lost" for outcome_id in outcome_ids}


class Contest(Protocol):
    """A fixture from before its start to after its end, fixed by a seed; seconds count from its start."""

    @property
    def sport(self) -> str:
        """Name of the sport."""

    @property
    def home_name(self) -> str:
        """First-named side; empty where there are none."""

    @property
    def away_name(self) -> str:
        """Second-named side."""

    @property
    def participants(self) -> Sequence[tuple[str, str]]:
        """Ids and names of runners."""

    @property
    def duration_s(self) -> float:
        """Seconds from the start to the end."""

    @property
    def turns(self) -> Sequence[Turn]:
        """What happens, in order of time."""

    @property
    def rushes_s(self) -> Sequence[float]:
        """When people come to bet because of what happened."""

    @property
    def popular_markets(self) -> Sequence[str]:
        """What people who bet for fun bet on, the more often the more often it is named."""

    def state_at(self, elapsed_s: float) -> fixture_pb2.MatchState:
        """Return how it stands; before the start for negative times."""

    def truths(self, elapsed_s: float, error: NDArray[np.float64]) -> list[MarketTruth]:
        """Return every market that providers quote with its probabilities.

        Args:
            elapsed_s: Since the start.
            error: Of an opinion on either side's strength, shape (2,), as a difference of logarithms; zeros for the
                truth.
        """

    def results(self) -> Results:
        """Return how every market comes out that lasts to the end."""
