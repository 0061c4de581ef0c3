"""What the day asks of a simulated fixture, whatever is played."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from markets.fixture import MatchState
from overround.odds.v1 import fixture_pb2
from wire.fixtures import build_state

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


class Timeline:
    """A contest that is drawn as states in time.

    Attributes:
        times: Of everything that happened, seconds from the start.
        states: After each.
        before: The state before the start.
    """

    times: tuple[float, ...]
    states: tuple[MatchState, ...]
    before: ClassVar[MatchState]

    @property
    def duration_s(self) -> float:
        """Seconds from the first thing that happens to the last."""
        return self.times[-1]

    @cached_property
    def turns(self) -> Sequence[Turn]:
        """All that happens but the last, which is the end."""
        return tuple(Turn(time_s) for time_s in self.times[:-1])

    def index_at(self, elapsed_s: float) -> int:
        """Return how many of the states there were by then."""
        return bisect_right(self.times, elapsed_s)

    def at(self, elapsed_s: float) -> MatchState:
        """Return where it stood."""
        index = self.index_at(elapsed_s)
        return self.states[index - 1] if index else self.before

    def state_at(self, elapsed_s: float) -> fixture_pb2.MatchState:
        """Return how it stands, as providers tell it."""
        return build_state(self.at(elapsed_s))

    def changes_s(self, what: Callable[[MatchState], object]) -> tuple[float, ...]:
        """Return when something about the state changed."""
        pairs = zip(self.times[1:], self.states[1:], self.states[:-1], strict=True)
        return tuple(time_s for time_s, after, before in pairs if what(after) != what(before))


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
