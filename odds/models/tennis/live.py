"""From what a provider tells of a tennis match to the scores and the rules that the model reckons with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from markets.fixture import FixtureStatus, MatchState, Score
from markets.sports.tennis import FinalSet, TennisState
from odds.models.tennis.rules import MatchRules, SetRules, TennisScores

NOT_BEGUN = Score(0, 0)
SETS_TO_WIN_MAX = 3


def rules_of(state: MatchState | None) -> MatchRules | None:
    """Return the rules of a match; None where they are not told."""
    told = None if state is None else state.sport
    if not isinstance(told, TennisState) or told.final_set is FinalSet.UNKNOWN:
        return None
    if not 1 <= told.sets_to_win <= SETS_TO_WIN_MAX:
        return None
    return MatchRules(told.sets_to_win, told.final_set, told.has_deciding_point)


def scores_of(states: Sequence[MatchState]) -> TennisScores:
    """Return where matches stand whose rules are told; before a match nothing is played."""
    rows = [_row(state) for state in states]
    columns = [np.array([row[index] for row in rows], dtype=np.int64).reshape(-1, 2) for index in range(4)]
    sets, games, points, before = columns
    is_serving = np.array([isinstance(state.sport, TennisState) and state.sport.is_home_serving for state in states])
    return TennisScores(sets, games, points, is_serving, before)


def finished_sets(state: MatchState) -> tuple[Score, ...]:
    """Return the sets that are over, in order: as many as were won, and each of them won by the rules.

    What does not fit together is nothing to settle by: then there are none.
    """
    told, rules = state.sport, rules_of(state)
    count = state.home_score + state.away_score
    if rules is None or not isinstance(told, TennisState) or not 0 <= count <= len(told.sets):
        return ()
    over = told.sets[:count]
    is_last = [(index == 2 * rules.sets_to_win - 2) for index in range(count)]
    if not all(is_set_over(played, rules.set_rules(is_final=last)) for played, last in zip(over, is_last, strict=True)):
        return ()
    won = sum(played.home > played.away for played in over)
    return over if (won, count - won) == (state.home_score, state.away_score) else ()


def is_set_over(played: Score, rules: SetRules) -> bool:
    """Return whether a set may end like this."""
    most, least = max(played.home, played.away), min(played.home, played.away)
    if not rules.games_to_win:
        return (most, least) == (1, 0)
    if rules.tie_break_points and most == rules.tie_break_at + 1:
        return least in (rules.tie_break_at, rules.tie_break_at - 1)
    if rules.tie_break_points and most > rules.tie_break_at:
        return False
    return most - least >= 2 if most == rules.games_to_win else most > rules.games_to_win and most - least == 2


def _row(state: MatchState) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Return sets, games of the one being played, points, and games of those before."""
    told = state.sport
    if state.status is not FixtureStatus.IN_PLAY or not isinstance(told, TennisState):
        return (0, 0), (0, 0), (0, 0), (0, 0)
    count = state.home_score + state.away_score
    before = told.sets[:count]
    current = told.sets[count] if len(told.sets) > count else NOT_BEGUN
    return (
        (state.home_score, state.away_score),
        (current.home, current.away),
        (told.home_points, told.away_points),
        (sum(played.home for played in before), sum(played.away for played in before)),
    )
