"""Tennis from point to match; exact figures of it are among the reference values."""

import numpy as np
import pytest

from markets.sports.tennis import FinalSet
from odds.models.tennis.points import serves_first_point, win_game, win_tie_break
from odds.models.tennis.rules import ORDINARY_SET, MatchRules
from odds.models.tennis.sets import play_anew


def test_a_deciding_point_is_one_point() -> None:
    serve = np.array([0.6, 0.6, 0.6])
    score = np.array([[3, 3], [3, 2], [2, 3]])
    np.testing.assert_allclose(win_game(serve, score, has_deciding_point=True), [0.6, 0.84, 0.36], atol=1e-15)


def test_past_deuce_only_the_lead_counts() -> None:
    serve = np.full(4, 0.63)
    score = np.array([[3, 3], [9, 9], [4, 3], [10, 9]])
    won = win_game(serve, score, has_deciding_point=False)
    assert won[0] == won[1] < won[2] == won[3] < 1.0
    behind = win_game(serve[:2], np.array([[3, 4], [12, 13]]), has_deciding_point=False)
    np.testing.assert_allclose(behind, 0.63 * won[0], atol=1e-15)
    np.testing.assert_allclose(won[2], 0.63 + 0.37 * won[0], atol=1e-15)


def test_the_end_of_a_tie_break_hangs_on_who_serves_next() -> None:
    """With serves that nearly always win, only the server of the next point matters."""
    serves = np.tile([1.0 - 1e-12, 1.0 - 1e-12], (4, 1))
    points = np.array([[6, 5], [5, 6], [7, 6], [6, 7]])
    a_next = win_tie_break(serves, points, np.ones(4, dtype=bool), points_to_win=7)
    b_next = win_tie_break(serves, points, np.zeros(4, dtype=bool), points_to_win=7)
    np.testing.assert_allclose(a_next, [1.0, 0.5, 1.0, 0.5], atol=1e-4)
    np.testing.assert_allclose(b_next, [0.5, 0.0, 0.5, 0.0], atol=1e-4)


def test_a_tie_break_is_served_abba() -> None:
    is_a_first = [serves_first_point(np.array([[played, 0]]), np.array([True]))[0] for played in range(9)]
    assert is_a_first == [letter == "A" for letter in "ABBAABBAA"]


def test_who_serves_first_changes_the_score_of_a_set_but_not_its_winner() -> None:
    rules = MatchRules(2, FinalSet.LIKE_THE_OTHERS)
    serves = np.tile([0.7, 0.6], (2, 1))
    outcomes = play_anew(serves, np.array([True, False]), rules, ORDINARY_SET)
    assert len(outcomes.scores) == 14
    assert outcomes.win_probability()[0] == pytest.approx(outcomes.win_probability()[1], abs=1e-14)
    assert np.abs(np.diff(outcomes.probabilities, axis=0)).max() > 0.01
