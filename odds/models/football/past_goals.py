"""What is known of the goals so far: what the score, that at half-time and the clock tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from markets.fixture import Period
from odds.models.football.goal_paths import AWAY, HOME, Score
from odds.models.football.match_states import HALF_MINUTES, MatchStates
from odds.models.football.order_of_goals import MINUTE_BANDS, NUMBERED_GOALS, RACES

_BEGINS: Final = (0, *MINUTE_BANDS[:-1])
_HALVES: Final = tuple(Period.FIRST_HALF if end <= HALF_MINUTES else Period.SECOND_HALF for end in MINUTE_BANDS)


@dataclass(frozen=True, slots=True)
class PastStretch:
    """Goals that fell one after another, nobody knows in which order.

    Attributes:
        home: Goals of the home side.
        away: As many of the away side.
        minute_bands: In which any of them may have fallen.
    """

    home: int
    away: int
    minute_bands: frozenset[int]


@dataclass(frozen=True, slots=True)
class PastGoals:
    """All goals so far, as stretches."""

    stretches: tuple[PastStretch, ...]

    def answers_to_order(self, number: int) -> frozenset[int]:
        """Return who may have scored a numbered goal, or won a race, that is past: of `HOME` and `AWAY`.

        Args:
            number: Of a numbered goal, from 0; then of a race.
        """
        if number < len(NUMBERED_GOALS):
            stretch = self._stretch_of(NUMBERED_GOALS[number])
            return _sides(bool(stretch.home), bool(stretch.away))
        needed = RACES[number - len(NUMBERED_GOALS)]
        home, away = next(score for score in self._scores() if max(score) >= needed)
        return _sides(home >= needed, away >= needed)

    def answers_to_minute(self, number: int) -> frozenset[int]:
        """Return in which bands of minutes a numbered goal that is past, counted from 0, may have fallen."""
        return self._stretch_of(NUMBERED_GOALS[number]).minute_bands

    def _stretch_of(self, goal: int) -> PastStretch:
        return next(one for one, score in zip(self.stretches, self._scores(), strict=True) if sum(score) >= goal)

    def _scores(self) -> Iterator[Score]:
        """Yield the score at the end of each stretch."""
        home = away = 0
        for one in self.stretches:
            home, away = home + one.home, away + one.away
            yield home, away


def past_goals(states: MatchStates) -> PastGoals:
    """Return what is known of the goals so far of the first match."""
    score = int(states.home_goals[0]), int(states.away_goals[0])
    half_time = score
    if states.is_after_first_half()[0]:
        half_time = int(states.half_time_home_goals[0]), int(states.half_time_away_goals[0])
    bands = _bands_begun(int(states.periods[0]), float(states.minutes[0]))
    firsts = frozenset(band for band in bands if _HALVES[band] is Period.FIRST_HALF)
    later = score[0] - half_time[0], score[1] - half_time[1]
    return PastGoals((PastStretch(*half_time, firsts), PastStretch(*later, bands - firsts)))


def _sides(home: bool, away: bool) -> frozenset[int]:
    return frozenset(side for side, is_possible in ((HOME, home), (AWAY, away)) if is_possible)


def _bands_begun(period: int, minute: float) -> frozenset[int]:
    """Return the bands that goals so far may have fallen in."""
    return frozenset(
        band
        for band, (half, begin) in enumerate(zip(_HALVES, _BEGINS, strict=True))
        if period > half or (period == half and begin <= minute)
    )
