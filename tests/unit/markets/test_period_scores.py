"""Which score each half ended with, from what providers say and take back."""

from __future__ import annotations

from markets.fixture import FixtureStatus, MatchState, Period, Score
from markets.period_scores import NO_SCORES, PeriodScores, follow_scores

ENDED = FixtureStatus.ENDED


def at(period: Period, home: int = 0, away: int = 0, *, status: FixtureStatus = FixtureStatus.IN_PLAY) -> MatchState:
    return MatchState(status, period, home, away, 60)


def followed(*states: MatchState) -> PeriodScores:
    """Return what is known after a match went through some states."""
    known, before = NO_SCORES, None
    for state in states:
        known = follow_scores(known, before, state)
        before = state
    return known


def test_the_half_time_score_is_kept_through_the_second_half() -> None:
    known = followed(at(Period.FIRST_HALF, 1), at(Period.HALF_TIME, 1), at(Period.SECOND_HALF, 2, 1))
    assert known == PeriodScores(half_time=Score(1, 0))


def test_a_half_time_score_is_not_known_before_half_time() -> None:
    assert followed(at(Period.FIRST_HALF, 2)).half_time is None


def test_a_correction_at_half_time_counts() -> None:
    known = followed(at(Period.HALF_TIME, 1), at(Period.HALF_TIME, 0), at(Period.SECOND_HALF, 0))
    assert known.half_time == Score(0, 0)


def test_a_half_that_follows_without_a_break_begins_at_the_score_before_it() -> None:
    assert followed(at(Period.FIRST_HALF, 1), at(Period.SECOND_HALF, 1)).half_time == Score(1, 0)


def test_a_goal_between_the_last_word_of_one_half_and_the_first_of_the_next_belongs_to_neither() -> None:
    assert followed(at(Period.FIRST_HALF, 1), at(Period.SECOND_HALF, 2)).half_time is None


def test_a_goal_of_the_first_half_taken_back_in_the_second_leaves_its_score_unknown() -> None:
    assert followed(at(Period.HALF_TIME, 1), at(Period.SECOND_HALF, 0)).half_time is None


def test_a_fixture_first_heard_of_in_the_second_half_has_no_half_time_score() -> None:
    assert followed(at(Period.SECOND_HALF, 1)).half_time is None


def test_the_final_score_is_known_at_the_end_and_follows_corrections() -> None:
    states = [at(Period.HALF_TIME), at(Period.SECOND_HALF, 2, 1), at(Period.FINISHED, 2, 1, status=ENDED)]
    assert followed(*states) == PeriodScores(Score(0, 0), Score(2, 1))
    assert followed(*states, at(Period.FINISHED, 1, 1, status=ENDED)).full_time == Score(1, 1)


def test_goals_of_extra_time_are_not_of_normal_time() -> None:
    states = [at(Period.SECOND_HALF, 1, 1), at(Period.EXTRA_TIME, 1, 1), at(Period.EXTRA_TIME, 2, 1)]
    assert followed(*states) == PeriodScores(full_time=Score(1, 1), had_extra_time=True)
    end = at(Period.FINISHED, 2, 1, status=ENDED)
    assert followed(*states, end, end).full_time == Score(1, 1)


def test_extra_time_first_heard_of_with_another_score_leaves_normal_time_unknown() -> None:
    states = [at(Period.SECOND_HALF, 1, 1), at(Period.EXTRA_TIME, 2, 1)]
    assert followed(*states, at(Period.FINISHED, 2, 1, status=ENDED)).full_time is None


def test_an_end_taken_back_takes_the_final_score_back() -> None:
    states = [at(Period.SECOND_HALF, 1), at(Period.FINISHED, 1, status=ENDED), at(Period.SECOND_HALF, 1)]
    assert followed(*states).full_time is None
