"""A whole match day from one seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge

import numpy as np

from simulation.bettors import Arrival, draw_arrivals
from simulation.contests.contest import Contest
from simulation.contests.draw import draw_contests
from simulation.providers import PROFILES, ProviderProfile, ProviderReport, draw_outages, report_contest

FIRST_KICK_OFF_S = 600.0
KICK_OFF_INTERVAL_S = 600.0


@dataclass(frozen=True, slots=True)
class SimulatedFixture:
    """One fixture of the day."""

    fixture_id: str
    competition: str
    kick_off_s: float
    contest: Contest


@dataclass(frozen=True, slots=True)
class DayEvent:
    """Something that happens at a second of the day: a provider's report, or a bettor who comes."""

    time_s: float
    fixture: int
    provider: int | None
    report: ProviderReport | None
    arrival: Arrival | None


@dataclass(frozen=True, slots=True)
class MatchDay:
    """All that will happen, fixed by the seed."""

    seed: int
    fixtures: tuple[SimulatedFixture, ...]
    # By provider: stretches of silence, from and to in seconds of the day.
    outages: tuple[tuple[tuple[float, float], ...], ...]
    population: int

    @property
    def duration_s(self) -> float:
        """Seconds from the start of the day to a while after the last match."""
        return max(fixture.kick_off_s + fixture.contest.duration_s for fixture in self.fixtures) + 120.0

    def is_silent(self, provider: int, time_s: float) -> bool:
        """Say whether a provider is in an outage."""
        return any(start <= time_s < stop for start, stop in self.outages[provider])

    def events(self, *, quoted_from_s: float = 0.0) -> Iterator[DayEvent]:
        """Yield every event in order of time, those before the start of the day left out.

        What a provider would say in an outage is left out as well, except what counts for settlement: that is sent
        when the outage ends, as a provider that recovers does.

        Args:
            quoted_from_s: Reports before this second of the day come without their prices, which take the most work.
        """
        feeds = [
            self._reports(fixture, provider, profile, quoted_from_s)
            for fixture in range(len(self.fixtures))
            for provider, profile in enumerate(PROFILES)
        ]
        arrivals = [self._arrivals(fixture) for fixture in range(len(self.fixtures))]
        return merge(*feeds, *arrivals, key=lambda event: event.time_s)

    def _reports(
        self, fixture: int, provider: int, profile: ProviderProfile, quoted_from_s: float
    ) -> Iterator[DayEvent]:
        match = self.fixtures[fixture]
        seeds = (self.seed, 2, fixture, provider)
        from_s = quoted_from_s - match.kick_off_s
        for report in report_contest(match.contest, profile, seeds, quoted_from_s=from_s):
            time_s = match.kick_off_s + report.elapsed_s
            if self.is_silent(provider, time_s) and not report.results:
                continue
            if time_s >= 0.0:
                yield DayEvent(self._next_voice_s(provider, time_s), fixture, provider, report, None)

    def _next_voice_s(self, provider: int, time_s: float) -> float:
        for start, stop in self.outages[provider]:
            if start <= time_s < stop:
                time_s = stop
        return time_s

    def _arrivals(self, fixture: int) -> Iterator[DayEvent]:
        match = self.fixtures[fixture]
        generator = np.random.default_rng((self.seed, 3, fixture))
        for arrival in draw_arrivals(match.contest, population=self.population, generator=generator):
            if match.kick_off_s + arrival.elapsed_s >= 0.0:
                yield DayEvent(match.kick_off_s + arrival.elapsed_s, fixture, None, None, arrival)


def generate_day(*, seed: int, day_id: str, match_count: int, population: int) -> MatchDay:
    """Draw a day. The same seed and counts give the same day; `day_id` only names its fixtures.

    Args:
        seed: Any whole number from 0.
        day_id: Part of every fixture id, so that a day played twice is two days to the book.
        match_count: Fixtures of the day, one start every ten minutes.
        population: Bettors who come again and again.
    """
    contests = draw_contests(match_count, seed)
    fixtures = tuple(
        SimulatedFixture(
            f"sim:{day_id}:{index + 1}", competition, FIRST_KICK_OFF_S + KICK_OFF_INTERVAL_S * index, contest
        )
        for index, (competition, contest) in enumerate(contests)
    )
    day_s = FIRST_KICK_OFF_S + match_count * KICK_OFF_INTERVAL_S + 7_000.0
    outages = tuple(
        tuple(draw_outages(profile, day_s=day_s, generator=np.random.default_rng((seed, 4, index))))
        for index, profile in enumerate(PROFILES)
    )
    return MatchDay(seed=seed, fixtures=fixtures, outages=outages, population=population)
