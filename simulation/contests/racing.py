"""A horse race for the day: who runs, who is in front, who comes home where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from markets.fixture import FixtureStatus, MatchState
from markets.sports.racing import RACING, WIN, RaceState, Runner
from overround.odds.v1 import fixture_pb2
from simulation.contests.contest import MarketTruth, Results, Turn, won_by
from wire.fixtures import build_state

RUNNERS_MIN, RUNNERS_MAX = 8, 13
STRENGTH_SPREAD: Final = 0.9
RACE_S: Final = 150.0
CALLS: Final = 6
"""How often positions are called in running."""
OFFICIAL_S: Final = 240.0
"""After the finish, until the result is official."""
NAMES: Final = (
    "Amber Tide", "Brass Button", "Cold Harbour", "Distant Bell", "Early Frost", "Fen Lark", "Glass Mountain",
    "High Tor", "Iron Duchess", "Jolly Cooper", "Kettle Drum", "Long Shadow", "Moss Trooper", "Night Ferry",
    "Open Secret", "Paper Crown", "Quick Ledger", "Red Kite", "Salt Road", "Tin Soldier",
)  # fmt: skip


@dataclass(frozen=True)
class RaceContest:
    """A race; see `simulation.contests.contest`.

    Attributes:
        strengths: Chances to win.
        order: Runners in the order of finish.
        calls: Positions in running, each the order of runners.
    """

    participants: Sequence[tuple[str, str]]
    strengths: tuple[float, ...]
    order: tuple[int, ...]
    calls: tuple[tuple[int, ...], ...]
    home_name: str = ""
    away_name: str = ""
    sport: str = RACING[0]
    rushes_s: Sequence[float] = ()
    popular_markets: Sequence[str] = (WIN, WIN, "place_2", "place_3")

    @property
    def duration_s(self) -> float:
        """Seconds from the start until the result is official."""
        return RACE_S + OFFICIAL_S

    @cached_property
    def turns(self) -> Sequence[Turn]:
        """The start, which stops bets, and every call of the positions."""
        return (Turn(0.0, is_decisive=True), *(Turn((call + 1) * RACE_S / CALLS, True) for call in range(CALLS)))

    def state_at(self, elapsed_s: float) -> fixture_pb2.MatchState:
        """Return who runs where."""
        if elapsed_s < 0.0:
            return build_state(MatchState(FixtureStatus.PRE_MATCH, sport=self._race(())))
        if elapsed_s >= self.duration_s:
            return build_state(MatchState(FixtureStatus.ENDED, sport=self._race(self.order, is_official=True)))
        call = min(int(elapsed_s / RACE_S * CALLS), CALLS)
        order = self.order if elapsed_s >= RACE_S else self.calls[call - 1] if call else ()
        return build_state(MatchState(FixtureStatus.IN_PLAY, sport=self._race(order)))

    def truths(self, elapsed_s: float, error: NDArray[np.float64]) -> list[MarketTruth]:
        """Return who wins; the error leans towards the first half of the runners or the other."""
        if elapsed_s >= 0.0:
            return []
        leans = np.where(np.arange(len(self.strengths)) % 2 == 0, error[0], error[1])
        chances = np.array(self.strengths) * np.exp(leans)
        return [MarketTruth(WIN, self._ids, chances / chances.sum())]

    def results(self) -> Results:
        """Return who won."""
        return {WIN: won_by(self._ids, self._ids[self.order[0]])}

    @property
    def _ids(self) -> tuple[str, ...]:
        return tuple(runner_id for runner_id, _ in self.participants)

    def _race(self, order: Sequence[int], *, is_official: bool = False) -> RaceState:
        positions = {runner: place + 1 for place, runner in enumerate(order)}
        runners = tuple(Runner(runner_id, position=positions.get(at, 0)) for at, runner_id in enumerate(self._ids))
        return RaceState(runners, is_official)


def draw_race(_home_name: str, _away_name: str, generator: np.random.Generator) -> RaceContest:
    """Draw the runners and the race: each is as quick as its chance says, with luck on the way."""
    count = int(generator.integers(RUNNERS_MIN, RUNNERS_MAX + 1))
    names = [NAMES[place] for place in generator.permutation(len(NAMES))[:count]]
    weights = np.exp(STRENGTH_SPREAD * generator.standard_normal(count))
    strengths = weights / weights.sum()
    times = generator.exponential(1.0 / strengths)
    order = tuple(int(runner) for runner in np.argsort(times))
    finish = np.argsort(np.argsort(times))
    calls = []
    for call in range(1, CALLS + 1):
        luck = generator.standard_normal(count) * count * (1.0 - call / CALLS)
        calls.append(tuple(int(runner) for runner in np.argsort(finish + luck)))
    participants = tuple((f"runner-{place + 1}", name) for place, name in enumerate(names))
    return RaceContest(participants, tuple(strengths.tolist()), order, tuple(calls))
