"""What a Unified Odds Feed message says about a match that is being played.

One part that does not have its form costs that part alone. Money goes by the scores of the halves, so they are passed
on where the message tells them for certain, and not worked out from anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from gateway.feeds.refusals import FeedRefused, MessageMalformed
from gateway.feeds.uof_catalogue import (
    AFTER_MORE_THAN_NORMAL_TIME,
    AWAITING_EXTRA_TIME,
    CALLED_OFF,
    FIRST_HALF,
    FIXTURE_STATUSES,
    PERIODS,
    SECOND_HALF,
)
from gateway.feeds.uof_periods import read_periods
from gateway.feeds.uof_values import COUNT_MAX, attribute, clock_seconds_of, score_of
from markets.goal_games import GoalGame
from overround.odds.v1.fixture_pb2 import FixtureStatus, MatchState, Period, Score

_NOT_BEGUN = frozenset({FixtureStatus.FIXTURE_STATUS_UNSPECIFIED, FixtureStatus.FIXTURE_STATUS_PRE_MATCH})
_OVERTIME = frozenset({Period.PERIOD_EXTRA_TIME, Period.PERIOD_PENALTIES})


@dataclass(slots=True)
class StateReading:
    """A state, read.

    Attributes:
        refusals: Of parts that do not have their form.
        is_uncertain: What prices depend on is among them: nobody may bet until it is told again.
    """

    state: MatchState
    refusals: list[FeedRefused] = field(default_factory=list)
    is_uncertain: bool = False

    def attempt(self, read: Callable[[], None], *, is_needed: bool) -> None:
        """Read a part; note it if it does not have its form."""
        try:
            read()
        except MessageMalformed as refusal:
            self.refusals.append(refusal)
            self.is_uncertain |= is_needed


def state_from(element: etree._Element, game: GoalGame | None = None) -> StateReading:
    """Return the state in a `sport_event_status` element.

    Args:
        element: Of a message.
        game: What games of its sport are like, where goals by periods are played for.
    """
    code = attribute(element, "match_status")
    period = PERIODS.get(code, Period.PERIOD_UNSPECIFIED)
    state = MatchState(status=_status_of(element, code, period), period=period)
    reading = StateReading(state)
    reading.attempt(lambda: _read_score(element, state), is_needed=True)
    state.is_score_unknown |= reading.is_uncertain or _has_ended_nobody_knows_how(state, code)
    clock = element.find("{*}clock")
    if clock is not None:
        reading.attempt(lambda: _read_clock(clock, state), is_needed=True)
    if game is not None:
        reading.attempt(lambda: read_periods(element, game, state), is_needed=True)
    else:
        _read_football(element, reading, code)
    return reading


def _read_football(element: etree._Element, reading: StateReading, code: str) -> None:
    state, clock, statistics = reading.state, element.find("{*}clock"), element.find("{*}statistics")
    if code in AFTER_MORE_THAN_NORMAL_TIME:
        state.football.had_extra_time = True
    reading.attempt(lambda: _read_halves(element, state, code), is_needed=False)
    if clock is not None:
        reading.attempt(lambda: _read_stoppage_time(clock, state), is_needed=False)
    if statistics is not None:
        reading.attempt(lambda: _read_red_cards(statistics, state), is_needed=True)
        reading.attempt(lambda: _read_counts(statistics, state), is_needed=False)


def _status_of(element: etree._Element, code: str, period: Period.ValueType) -> FixtureStatus.ValueType:
    status = FIXTURE_STATUSES.get(attribute(element, "status"), _status_in(period))
    if code in CALLED_OFF and status in (FixtureStatus.FIXTURE_STATUS_UNSPECIFIED, FixtureStatus.FIXTURE_STATUS_ENDED):
        return FixtureStatus.FIXTURE_STATUS_CANCELLED
    return status


def _status_in(period: Period.ValueType) -> FixtureStatus.ValueType:
    if period == Period.PERIOD_UNSPECIFIED:
        return FixtureStatus.FIXTURE_STATUS_UNSPECIFIED
    if period == Period.PERIOD_NOT_STARTED:
        return FixtureStatus.FIXTURE_STATUS_PRE_MATCH
    if period == Period.PERIOD_FINISHED:
        return FixtureStatus.FIXTURE_STATUS_ENDED
    return FixtureStatus.FIXTURE_STATUS_IN_PLAY


def _has_ended_nobody_knows_how(state: MatchState, code: str) -> bool:
    """Return whether a match is over in a way that its score says nothing of: a walkover, a default, a code to come."""
    is_over = state.status == FixtureStatus.FIXTURE_STATUS_ENDED
    return is_over and bool(code) and state.period == Period.PERIOD_UNSPECIFIED


def _read_score(element: etree._Element, state: MatchState) -> None:
    told = [name for name in ("home_score", "away_score") if attribute(element, name)]
    if not told:
        state.is_score_unknown = state.status not in _NOT_BEGUN
        return
    if len(told) == 1:
        raise MessageMalformed(f"Scores must be told of both sides, only {told[0]} was")
    state.home_score, state.away_score = score_of(element, "home_score"), score_of(element, "away_score")


def _read_halves(element: etree._Element, state: MatchState, code: str) -> None:
    scores = _period_scores(element)
    if any(PERIODS.get(played) in _OVERTIME for played in scores):
        state.football.had_extra_time = True
    first, second = scores.get(FIRST_HALF), scores.get(SECOND_HALF)
    if first is not None and (state.period > Period.PERIOD_FIRST_HALF or second is not None):
        state.football.half_time_score.CopyFrom(first)
    is_over = state.status == FixtureStatus.FIXTURE_STATUS_ENDED
    is_after = state.football.had_extra_time or state.period in _OVERTIME or is_over
    if first is not None and second is not None and is_after:
        both = Score(home=first.home + second.home, away=first.away + second.away)
        if max(both.home, both.away) > COUNT_MAX:
            raise MessageMalformed(f"Scores of the halves must sum to at most {COUNT_MAX}")
        state.football.full_time_score.CopyFrom(both)
    if code == AWAITING_EXTRA_TIME and not state.is_score_unknown:
        _take_score_of_the_break(state)


def _take_score_of_the_break(state: MatchState) -> None:
    """Take the score that nobody can change while extra time is awaited, unless the halves say another."""
    score = Score(home=state.home_score, away=state.away_score)
    if state.football.HasField("full_time_score") and state.football.full_time_score != score:
        raise MessageMalformed("Scores of the halves must sum to the score while extra time is awaited")
    state.football.full_time_score.CopyFrom(score)


def _period_scores(element: etree._Element) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    for period in element.iterfind("{*}period_scores/{*}period_score"):
        code = attribute(period, "match_status_code")
        if code in scores:
            raise MessageMalformed(f"Scores of a period must be told once, those of {code[:8]!r} were twice")
        scores[code] = Score(home=score_of(period, "home_score"), away=score_of(period, "away_score"))
    return scores


def _read_clock(clock: etree._Element, state: MatchState) -> None:
    if attribute(clock, "match_time"):
        state.clock_seconds = clock_seconds_of(clock, "match_time")


def _read_stoppage_time(clock: etree._Element, state: MatchState) -> None:
    if state.HasField("clock_seconds"):
        state.clock_seconds = min(state.clock_seconds + clock_seconds_of(clock, "stoppage_time"), COUNT_MAX)
    announced_seconds = clock_seconds_of(clock, "stoppage_time_announced")
    if announced_seconds:
        state.football.stoppage_seconds = announced_seconds


def _read_red_cards(statistics: etree._Element, state: MatchState) -> None:
    home_red, away_red = _pair(statistics, "red_cards")
    home_second_yellow, away_second_yellow = _pair(statistics, "yellow_red_cards")
    state.football.home_red_cards = min(home_red + home_second_yellow, COUNT_MAX)
    state.football.away_red_cards = min(away_red + away_second_yellow, COUNT_MAX)


def _read_counts(statistics: etree._Element, state: MatchState) -> None:
    football = state.football
    football.home_yellow_cards, football.away_yellow_cards = _pair(statistics, "yellow_cards")
    football.home_corners, football.away_corners = _pair(statistics, "corners")


def _pair(statistics: etree._Element, name: str) -> tuple[int, int]:
    found = statistics.find(f"{{*}}{name}")
    return (0, 0) if found is None else (score_of(found, "home"), score_of(found, "away"))
