"""Tennis from live scores, point by point against a chain written another way."""

from collections import defaultdict

import numpy as np
import pytest

from markets.sports.tennis import FinalSet
from odds.model_input import EXPECTED_BY_FLAG, ModelInputInvalid, RowFlag
from odds.models.tennis.match import price_current_sets, price_matches, win_matches
from odds.models.tennis.points import win_game
from odds.models.tennis.rules import ADVANTAGE_GAMES_MAX, FINAL_SET_RULES, ORDINARY_SET, MatchRules, TennisScores

Position = tuple[int, int, int, int, int, int, bool, bool, int, int]


def follow_points(
    serves: tuple[float, float], start: Position, rules: MatchRules
) -> dict[tuple[int, int, int, int], float]:
    """Play every point of every course of the match; positions are sets, games, points, A serves the next point, A
    served first in this game or tie-break, games in all."""
    waiting: dict[Position, float] = {start: 1.0}
    ended: dict[tuple[int, int, int, int], float] = defaultdict(float)
    while waiting and sum(waiting.values()) > 1e-11:
        following: dict[Position, float] = defaultdict(float)
        for position, chance in waiting.items():
            a_wins = serves[0] if position[6] else 1.0 - serves[1]
            for is_a, part in ((True, a_wins), (False, 1.0 - a_wins)):
                if chance * part < 1e-16:
                    continue
                after = play_point(position, is_a, rules)
                if max(after[:2]) == rules.sets_to_win:
                    ended[after[0], after[1], after[8], after[9]] += chance * part
                else:
                    following[after] += chance * part
        waiting = following
    return ended


def play_point(position: Position, is_a: bool, rules: MatchRules) -> Position:
    sets, games, points, totals = [list(position[at : at + 2]) for at in (0, 2, 4, 8)]
    is_a_next, is_a_first, side = position[6], position[7], 0 if is_a else 1
    final = FINAL_SET_RULES[rules.final_set] if sets == [rules.sets_to_win - 1] * 2 else ORDINARY_SET
    is_tie_break = games == [final.tie_break_at] * 2 and final.tie_break_points > 0
    points[side] += 1
    needed = final.tie_break_points if is_tie_break else 4
    clear = 1 if rules.has_deciding_point and not is_tie_break else 2
    if max(points) < needed or abs(points[0] - points[1]) < clear:
        if is_tie_break and sum(points) % 2 == 1:
            is_a_next = not is_a_next
        if min(points) >= needed:
            points = [points[0] - 1, points[1] - 1]
        return (*sets, *games, *points, is_a_next, is_a_first, *totals)  # type: ignore[return-value]
    games[side] += 1
    totals[side] += 1
    if is_tie_break or (max(games) >= final.games_to_win and abs(games[0] - games[1]) >= 2):
        sets[side] += 1
        games = [0, 0]
    return (*sets, *games, 0, 0, not is_a_first, not is_a_first, *totals)  # type: ignore[return-value]


def scores_at(start: Position) -> TennisScores:
    def pair(at: int) -> np.ndarray:
        return np.array([start[at : at + 2]], dtype=np.int64)

    before = pair(8) - pair(2)
    return TennisScores(pair(0), pair(2), pair(4), np.array([start[6]]), before)


STARTS: dict[str, tuple[Position, MatchRules]] = {
    "a set": ((0, 0, 0, 0, 0, 0, True, True, 0, 0), MatchRules(1, FinalSet.LIKE_THE_OTHERS)),
    "a set, long tie-break, B first": ((0, 0, 0, 0, 0, 0, False, False, 0, 0), MatchRules(1, FinalSet.LONG_TIE_BREAK)),
    "a set, tie-break at twelve": ((0, 0, 4, 5, 2, 3, True, True, 4, 5), MatchRules(1, FinalSet.TIE_BREAK_AT_TWELVE)),
    "an advantage set": ((0, 0, 5, 5, 1, 0, False, False, 5, 5), MatchRules(1, FinalSet.ADVANTAGE)),
    "an advantage set gone long": ((1, 1, 9, 8, 3, 3, False, False, 20, 21), MatchRules(2, FinalSet.ADVANTAGE)),
    "no advantages": ((1, 0, 5, 2, 3, 3, False, False, 11, 6), MatchRules(2, FinalSet.LONG_TIE_BREAK, True)),
    "in a tie-break": ((1, 1, 6, 6, 4, 3, False, True, 18, 18), MatchRules(2, FinalSet.LONG_TIE_BREAK)),
    "in a tie-break before another set": (
        (0, 1, 6, 6, 4, 5, True, False, 10, 12),
        MatchRules(2, FinalSet.LIKE_THE_OTHERS),
    ),
    "past six points all": ((0, 1, 6, 6, 8, 7, True, False, 9, 12), MatchRules(2, FinalSet.MATCH_TIE_BREAK)),
    "a match tie-break": ((1, 1, 0, 0, 3, 6, False, True, 9, 12), MatchRules(2, FinalSet.MATCH_TIE_BREAK)),
    "the fifth set": ((2, 2, 3, 4, 4, 3, True, True, 24, 24), MatchRules(3, FinalSet.LIKE_THE_OTHERS)),
    "two sets up": ((2, 1, 5, 6, 1, 3, False, False, 18, 17), MatchRules(3, FinalSet.TIE_BREAK_AT_TWELVE)),
}


@pytest.mark.parametrize(("start", "rules"), STARTS.values(), ids=STARTS)
def test_every_market_agrees_with_playing_all_points(start: Position, rules: MatchRules) -> None:
    pair = (0.62, 0.57)
    reference = follow_points(pair, start, rules)
    serves, scores = np.array([pair]), scores_at(start)
    outcomes = price_matches(serves, scores, rules)
    by_sets: dict[tuple[int, int], float] = defaultdict(float)
    for (a, b, _, _), chance in reference.items():
        by_sets[a, b] += chance
    for (a, b), chance in zip(outcomes.set_scores.tolist(), outcomes.set_score_probabilities()[0], strict=True):
        assert chance == pytest.approx(by_sets[a, b], abs=1e-9)
    assert win_matches(serves, scores, rules)[0] == pytest.approx(
        sum(chance for (a, b), chance in by_sets.items() if a > b), abs=1e-9
    )
    for line in range(6, 60):
        over = sum(chance for (_, _, a, b), chance in reference.items() if a + b > line)
        push = sum(chance for (_, _, a, b), chance in reference.items() if a + b == line)
        shares = outcomes.total_games(np.array([float(line)]))
        assert shares.over[0] == pytest.approx(over, abs=1e-9)
        assert shares.push[0] == pytest.approx(push, abs=1e-9)
    for handicap in (-6.5, -3.0, -0.5, 0.0, 1.0, 4.5):
        covered = sum(chance for (_, _, a, b), chance in reference.items() if a - b + handicap > 0)
        missed = sum(chance for (_, _, a, b), chance in reference.items() if a - b + handicap < 0)
        shares = outcomes.games_handicap(np.array([handicap]))
        assert shares.over[0] == pytest.approx(covered, abs=1e-9)
        assert shares.under[0] == pytest.approx(missed, abs=1e-9)


def test_a_whole_match_agrees_with_matches_played_at_random() -> None:
    rules, pair, matches = MatchRules(2, FinalSet.LONG_TIE_BREAK), (0.66, 0.6), 2_000
    generator = np.random.default_rng(20_260_101)
    totals, margins, wins = np.zeros((3, matches))
    for match in range(matches):
        position: Position = (0, 0, 0, 0, 0, 0, True, True, 0, 0)
        while max(position[:2]) < 2:
            serve = pair[0] if position[6] else 1.0 - pair[1]
            position = play_point(position, bool(generator.random() < serve), rules)
        totals[match], margins[match], wins[match] = sum(position[8:]), position[8] - position[9], position[0] == 2
    outcomes = price_matches(np.array([pair]), TennisScores.at_the_start(np.array([True])), rules)
    for sample, exact in (
        (wins, outcomes.win_probability()[0]),
        (totals > 22.5, outcomes.total_games(np.array([22.5])).over[0]),
        (margins > 3.5, outcomes.games_handicap(np.array([-3.5])).over[0]),
    ):
        assert abs(sample.mean() - exact) < 4.0 * np.sqrt(exact * (1.0 - exact) / matches)


def test_an_advantage_set_past_the_length_followed_keeps_its_winner_exact() -> None:
    rules = MatchRules(1, FinalSet.ADVANTAGE)
    serves = np.array([[0.95, 0.94]])
    scores = scores_at((0, 0, 0, 0, 0, 0, True, True, 0, 0))
    outcomes = price_matches(serves, scores, rules)
    longest = outcomes.total_games(np.array([2.0 * ADVANTAGE_GAMES_MAX + 1.5]))
    assert longest.over[0] > 0.9, "hardly anyone breaks: the end of the range carries the weight"
    assert outcomes.win_probability()[0] == pytest.approx(win_matches(serves, scores, rules)[0], abs=1e-14)
    later = scores_at((0, 0, 90, 90, 0, 0, True, True, 90, 90))
    assert win_matches(serves, later, rules)[0] == pytest.approx(
        win_matches(serves, scores_at((0, 0, 5, 5, 0, 0, True, True, 5, 5)), rules)[0], abs=1e-14
    )
    assert price_matches(serves, later, rules).total_games(np.array([180.0])).over[0] == pytest.approx(1.0)


def test_sets_markets_follow_from_the_final_score() -> None:
    rules = MatchRules(2, FinalSet.LIKE_THE_OTHERS)
    outcomes = price_matches(np.array([[0.65, 0.6]]), TennisScores.at_the_start(np.array([True])), rules)
    straight, close, close_loss, straight_loss = outcomes.set_score_probabilities()[0]
    assert outcomes.set_scores.tolist() == [[2, 0], [2, 1], [1, 2], [0, 2]]
    assert outcomes.total_sets(2.5).over[0] == pytest.approx(close + close_loss)
    assert outcomes.total_sets(2.0).push[0] == pytest.approx(straight + straight_loss)
    assert outcomes.sets_handicap(-1.5).over[0] == pytest.approx(straight)
    assert outcomes.sets_handicap(1.5).under[0] == pytest.approx(straight_loss)
    assert outcomes.sets_handicap(1.0).push[0] == pytest.approx(close_loss)


def test_the_current_set_and_game_are_priced() -> None:
    rules = MatchRules(2, FinalSet.LIKE_THE_OTHERS)
    scores = scores_at((0, 0, 5, 4, 3, 2, True, True, 5, 4))
    serves = np.array([[0.6, 0.6]])
    outcomes, flags = price_current_sets(serves, scores, rules, is_final=False)
    assert flags.tolist() == [RowFlag.FINE]
    game = win_game(np.array([0.6]), np.array([[3, 2]]), has_deciding_point=False)[0]
    by_score = {
        tuple(score): chance for score, chance in zip(outcomes.scores.tolist(), outcomes.probabilities[0], strict=True)
    }
    assert by_score[6, 4] == pytest.approx(game)
    assert by_score[6, 0] == by_score[4, 6] == 0.0
    assert outcomes.probabilities.sum() == pytest.approx(1.0, abs=1e-15)


def test_a_match_in_another_set_than_is_priced_is_flagged() -> None:
    rules = MatchRules(2, FinalSet.LIKE_THE_OTHERS)
    scores = stacked((1, 1, 3, 2, 0, 0, True, True, 15, 14), (0, 0, 5, 4, 3, 2, True, True, 5, 4))
    outcomes, flags = price_current_sets(np.full((2, 2), 0.6), scores, rules, is_final=True)
    assert flags.tolist() == [RowFlag.FINE, RowFlag.TENNIS_SCORE_IMPOSSIBLE]
    assert outcomes.probabilities[0].sum() == pytest.approx(1.0)
    assert np.isnan(outcomes.probabilities[1]).all()


def stacked(*starts: Position) -> TennisScores:
    rows = [scores_at(start) for start in starts]
    names = ("sets", "games", "points", "is_a_serving", "games_before")
    return TennisScores(*(np.concatenate([getattr(row, name) for row in rows]) for name in names))


GOOD_STARTS: tuple[Position, Position] = (
    (0, 0, 0, 0, 0, 0, True, True, 0, 0),
    (1, 1, 5, 6, 2, 3, False, False, 17, 18),
)
BAD_MATCHES: dict[str, tuple[Position, tuple[float, float], RowFlag]] = {
    name: (start, (0.6, 0.6), RowFlag.TENNIS_SCORE_IMPOSSIBLE)
    for name, start in {
        "a match over": (2, 0, 0, 0, 0, 0, True, True, 12, 0),
        "a set over": (0, 0, 6, 4, 0, 0, True, True, 6, 4),
        "a tie-break over": (0, 0, 7, 6, 0, 0, True, True, 7, 6),
        "a game over": (0, 0, 0, 0, 4, 2, True, True, 0, 0),
        "a tie-break won": (0, 0, 6, 6, 7, 5, True, True, 6, 6),
        "games below none": (0, 0, -1, 0, 0, 0, True, True, 0, 0),
        "sets below none": (-1, 0, 0, 0, 0, 0, True, True, 0, 0),
        "points below none": (0, 0, 0, 0, -1, 0, True, True, 0, 0),
    }.items()
} | {
    f"a serve of {serve}": ((0, 0, 0, 0, 0, 0, True, True, 0, 0), (0.6, serve), RowFlag.CHANCES_OUT_OF_RANGE)
    for serve in (0.0, 1.0, np.nan, -0.5, 1.5)
}


@pytest.mark.parametrize(("start", "pair", "flag"), BAD_MATCHES.values(), ids=BAD_MATCHES)
def test_a_match_that_cannot_be_is_flagged_and_leaves_the_others(
    start: Position, pair: tuple[float, float], flag: RowFlag
) -> None:
    rules = MatchRules(2, FinalSet.LIKE_THE_OTHERS)
    good = np.array([[0.63, 0.6], [0.58, 0.66]])
    serves, scores = np.insert(good, 1, pair, axis=0), stacked(GOOD_STARTS[0], start, GOOD_STARTS[1])
    outcomes, alone = price_matches(serves, scores, rules), price_matches(good, stacked(*GOOD_STARTS), rules)
    assert outcomes.flags.tolist() == [RowFlag.FINE, flag, RowFlag.FINE]
    assert EXPECTED_BY_FLAG[flag]
    lines = np.array([22.5, 22.5, 36.0])
    for found, expected in (
        (outcomes.set_score_probabilities(), alone.set_score_probabilities()),
        (outcomes.win_probability(), alone.win_probability()),
        (win_matches(serves, scores, rules), win_matches(good, stacked(*GOOD_STARTS), rules)),
        (outcomes.total_games(lines).over, alone.total_games(lines[[0, 2]]).over),
        (outcomes.games_handicap(lines - 20).push, alone.games_handicap(lines[[0, 2]] - 20).push),
        (outcomes.total_sets(2.5).under, alone.total_sets(2.5).under),
    ):
        np.testing.assert_array_equal(found[[0, 2]], expected)
        assert np.isnan(found[1]).all()
    assert outcomes.sets_handicap(1.5).flags.tolist() == outcomes.flags.tolist()


def test_a_line_that_is_no_number_is_flagged() -> None:
    rules = MatchRules(2, FinalSet.LIKE_THE_OTHERS)
    outcomes = price_matches(np.full((2, 2), 0.6), stacked(*GOOD_STARTS), rules)
    shares = outcomes.total_games(np.array([22.5, np.nan]))
    assert shares.flags.tolist() == [RowFlag.FINE, RowFlag.LINE_OUT_OF_RANGE]
    assert np.isnan([shares.over[1], shares.push[1], shares.under[1]]).all()
    assert (outcomes.total_sets(np.nan).flags == RowFlag.LINE_OUT_OF_RANGE).all()


def test_the_last_scores_that_can_be_are_taken() -> None:
    rules = MatchRules(2, FinalSet.LIKE_THE_OTHERS)
    for start in ((1, 1, 6, 6, 6, 6, True, True, 18, 18), (0, 0, 6, 5, 4, 3, True, True, 6, 5)):
        price_matches(np.array([[0.6, 0.6]]), scores_at(start), rules)


def test_columns_of_different_lengths_are_refused() -> None:
    scores = TennisScores.at_the_start(np.array([True, True]))
    rules = MatchRules(2, FinalSet.LIKE_THE_OTHERS)
    with pytest.raises(ModelInputInvalid, match="one length"):
        win_matches(np.array([[0.6, 0.6]]), scores, rules)
    with pytest.raises(ModelInputInvalid, match="Two players"):
        TennisScores(scores.sets[:, :1], scores.games, scores.points, scores.is_a_serving, scores.games_before)


def test_rules_of_more_sets_than_are_played_are_refused() -> None:
    with pytest.raises(ModelInputInvalid, match="1 to 3, was 4"):
        MatchRules(4, FinalSet.LIKE_THE_OTHERS)
