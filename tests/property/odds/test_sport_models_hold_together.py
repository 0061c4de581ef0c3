"""What must hold for tennis, basketball and cricket whatever the numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from markets.sports.tennis import FinalSet
from odds.models.basketball import (
    GameForecast,
    GameRules,
    GameScores,
    home_total,
    result_in_regulation,
    spread,
    swap_sides,
    win_games,
)
from odds.models.basketball import total as points_total
from odds.models.cricket import InningsScores, MatchForecast, resources
from odds.models.cricket import win_matches as win_cricket
from odds.models.line_shares import LineShares
from odds.models.tennis.match import MatchOutcomes, price_matches, win_matches
from odds.models.tennis.rules import MatchRules, TennisScores
from tests.tries import tries

NBA = GameRules(4, 720.0, 300.0)
final_sets = st.sampled_from(sorted(set(FinalSet) - {FinalSet.UNKNOWN}))
rules = st.builds(MatchRules, st.integers(1, 3), final_sets, st.booleans())
serves = st.floats(0.3, 0.9)


@st.composite
def tennis_matches(draw: st.DrawFn, rules: MatchRules, count: int) -> tuple[np.ndarray, TennisScores]:
    """Live matches: scores of sets, games and points are drawn from those that can be."""
    rows = []
    for _ in range(count):
        sets = draw(st.tuples(*[st.integers(0, rules.sets_to_win - 1)] * 2))
        of_set = rules.set_rules(is_final=sets == (rules.sets_to_win - 1,) * 2)
        games = draw(st.tuples(*[st.integers(0, 5)] * 2)) if of_set.games_to_win else (0, 0)
        if of_set.tie_break_at in {6, 0} and draw(st.booleans()):
            games = (of_set.tie_break_at,) * 2
        is_tie_break = games == (of_set.tie_break_at,) * 2
        points = draw(st.tuples(*[st.integers(0, of_set.tie_break_points - 1 if is_tie_break else 3)] * 2))
        rows.append((sets, games, points, draw(st.booleans()), draw(st.tuples(*[st.integers(0, 14)] * 2))))
    sets_won, games_won, points_won, serving, before = (np.array(column) for column in zip(*rows, strict=True))
    chances = np.array([[draw(serves), draw(serves)] for _ in range(count)])
    return chances, TennisScores(sets_won, games_won, points_won, serving, before)


def swapped(scores: TennisScores) -> TennisScores:
    return TennisScores(
        scores.sets[:, ::-1],
        scores.games[:, ::-1],
        scores.points[:, ::-1],
        ~scores.is_a_serving,
        scores.games_before[:, ::-1],
    )


def assert_shares(shares: LineShares) -> None:
    for part in (shares.over, shares.push, shares.under):
        assert ((part >= 0.0) & (part <= 1.0 + 1e-12)).all()
    np.testing.assert_allclose(shares.over + shares.push + shares.under, 1.0, atol=1e-12)


def lines(outcomes: MatchOutcomes, value: float, count: int) -> tuple[LineShares, LineShares]:
    at = np.full(count, value)
    return outcomes.total_games(at), outcomes.games_handicap(-at)


@tries(60)
@given(st.data(), rules)
def test_tennis_is_one_distribution_the_same_from_both_sides(data: st.DataObject, rules: MatchRules) -> None:
    chances, scores = data.draw(tennis_matches(rules, 3))
    outcomes = price_matches(chances, scores, rules)
    np.testing.assert_allclose(outcomes.by_total.sum(axis=(1, 2)), 1.0, atol=1e-12)
    np.testing.assert_allclose(outcomes.by_total.sum(axis=2), outcomes.by_margin.sum(axis=2), atol=1e-12)
    np.testing.assert_allclose(outcomes.win_probability(), win_matches(chances, scores, rules), atol=1e-12)
    mirrored = price_matches(chances[:, ::-1], swapped(scores), rules)
    np.testing.assert_allclose(outcomes.win_probability() + mirrored.win_probability(), 1.0, atol=1e-12)
    for value in (-4.0, 1.5, 20.0, 23.5):
        total, handicap = lines(outcomes, value, 3)
        mirrored_total, mirrored_handicap = lines(mirrored, value, 3)
        assert_shares(total)
        assert_shares(handicap)
        np.testing.assert_allclose(total.over, mirrored_total.over, atol=1e-12)
        opposite = mirrored.games_handicap(np.full(3, value))
        np.testing.assert_allclose(handicap.over, opposite.under, atol=1e-12)
        assert_shares(mirrored_handicap)


@tries(40)
@given(st.data(), rules)
def test_a_batch_of_tennis_is_its_matches_one_by_one(data: st.DataObject, rules: MatchRules) -> None:
    chances, scores = data.draw(tennis_matches(rules, 4))
    together = price_matches(chances, scores, rules)
    for row in range(4):
        at = np.array([row])
        alone = price_matches(chances[at], scores.rows(at), rules)
        np.testing.assert_allclose(alone.by_total[0], together.by_total[row], atol=1e-14)
        np.testing.assert_allclose(alone.by_margin[0], together.by_margin[row], atol=1e-14)
        assert alone.least_total[0] == together.least_total[row]


@tries(60)
@given(st.data(), rules, st.floats(0.001, 0.05))
def test_a_better_serve_or_a_point_more_never_wins_less(data: st.DataObject, rules: MatchRules, gain: float) -> None:
    chances, scores = data.draw(tennis_matches(rules, 3))
    before = win_matches(chances, scores, rules)
    assert (win_matches(chances + np.array([gain, 0.0]), scores, rules) >= before - 1e-14).all()
    assert (win_matches(chances + np.array([0.0, gain]), scores, rules) <= before + 1e-14).all()
    behind = (scores.points[:, 0] < scores.points[:, 1]) & (scores.games.sum(axis=1) < 10)
    more = np.stack([behind.astype(np.int64), np.zeros(3, dtype=np.int64)], axis=1)
    # Who serves next is told by the score: in a game the same player, so that only games are compared.
    ahead = TennisScores(scores.sets, scores.games, scores.points + more, scores.is_a_serving, scores.games_before)
    in_game = behind & (rules.set_rules(is_final=True).games_to_win > 0)
    assert (win_matches(chances, ahead, rules)[in_game] >= before[in_game] - 1e-14).all()


games = st.builds(
    lambda margin, margin_sd, total, total_sd, home, away, left: (
        GameForecast(*(np.array([value]) for value in (margin, margin_sd, total, total_sd))),
        GameScores(np.array([home]), np.array([away]), np.array([left])),
    ),
    st.floats(-30, 30),
    st.floats(1.0, 25.0),
    st.floats(100.0, 260.0),
    st.floats(5.0, 30.0),
    st.integers(0, 150),
    st.integers(0, 150),
    st.floats(0.0, 2_880.0),
)


@given(games, st.integers(-60, 60).map(lambda half: half / 2.0), st.booleans())
def test_basketball_is_the_same_from_both_sides(
    game: tuple[GameForecast, GameScores], handicap: float, has_overtime: bool
) -> None:
    forecast, scores = game
    other_side = swap_sides(forecast, scores)
    home, away = win_games(forecast, scores, NBA), win_games(*other_side, NBA)
    np.testing.assert_allclose(home + away, 1.0, atol=1e-12)
    result = result_in_regulation(forecast, scores, NBA)
    np.testing.assert_allclose(result.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(result, result_in_regulation(*other_side, NBA)[:, ::-1], atol=1e-12)
    at = np.array([handicap])
    shares = spread(forecast, scores, NBA, handicaps=at, has_overtime=has_overtime)
    opposite = spread(*other_side, NBA, handicaps=-at, has_overtime=has_overtime)
    np.testing.assert_allclose(shares.over, opposite.under, atol=1e-12)
    better = spread(forecast, scores, NBA, handicaps=at + 0.5, has_overtime=has_overtime)
    assert better.over[0] >= shares.over[0] - 1e-12
    points = points_total(forecast, scores, NBA, lines=200.0 + at, has_overtime=has_overtime)
    for part in (shares.over, shares.push, shares.under, points.over, points.push, points.under, home):
        assert -1e-12 <= part[0] <= 1.0 + 1e-12


@given(st.floats(-20, 20), st.floats(5.0, 20.0), st.integers(0, 150), st.integers(0, 150), st.integers(-80, 600))
def test_a_finished_game_of_basketball_is_what_the_score_says(
    margin: float, margin_sd: float, home: int, away: int, half_points: int
) -> None:
    forecast = GameForecast(*(np.array([value]) for value in (margin, margin_sd, 220.0, 18.0)))
    scores = GameScores(np.array([home]), np.array([away]), np.zeros(1))
    line = np.array([half_points / 2.0])
    lead = home - away
    assert result_in_regulation(forecast, scores, NBA)[0].tolist() == [lead > 0, lead == 0, lead < 0]
    for shares, distance in (
        (spread(forecast, scores, NBA, handicaps=line, has_overtime=False), lead + line[0]),
        (points_total(forecast, scores, NBA, lines=line, has_overtime=False), home + away - line[0]),
        (home_total(forecast, scores, NBA, lines=line, has_overtime=False), home - line[0]),
    ):
        found = shares.over[0], shares.push[0], shares.under[0]
        assert found == (distance > 0, distance == 0, distance < 0)
    if lead:
        assert win_games(forecast, scores, NBA)[0] == (lead > 0)
        with_overtime = spread(forecast, scores, NBA, handicaps=line, has_overtime=True)
        np.testing.assert_allclose(with_overtime.over[0], lead + line[0] > 0, atol=1e-12)


@given(st.integers(0, 400), st.integers(1, 400), st.integers(0, 10), st.booleans())
def test_a_finished_chase_is_what_the_score_says(runs: int, target: int, wickets: int, is_out: bool) -> None:
    balls, lost = (100, 10) if is_out else (0, wickets)
    scores = InningsScores(*(np.array([value]) for value in (True, runs, lost, balls, target)))
    forecast = MatchForecast(np.array([250.0]), np.array([240.0]), np.array([12.0]), np.array([300]))
    needed = target - runs
    assert win_cricket(forecast, scores)[0].tolist() == [needed > 1, needed == 1, needed <= 0]


@given(st.integers(0, 299), st.integers(0, 9))
def test_resources_rise_with_balls_and_fall_with_wickets(balls: int, wickets: int) -> None:
    at = resources(np.array([balls, balls + 1, balls]), np.array([wickets, wickets, wickets + 1]))
    assert at[1] >= at[0]
    assert at[2] <= at[0]
    if 0 < balls < 120 and wickets < 9:
        assert at[2] < at[0] < at[1]
    assert ((at >= 0.0) & (at <= 1.0)).all()


innings = st.tuples(st.booleans(), st.integers(0, 350), st.integers(0, 9), st.integers(1, 299), st.integers(1, 400))


@given(innings, st.floats(50.0, 450.0), st.floats(50.0, 450.0), st.floats(1.5, 20.0))
def test_cricket_moves_the_right_way(
    state: tuple[bool, int, int, int, int], first: float, second: float, dispersion: float
) -> None:
    is_second, runs, wickets, balls, target = state
    rows = [state, (is_second, runs + 1, wickets, balls, target), (is_second, runs, wickets + 1, balls, target)]
    rows += [(is_second, runs, wickets, balls + 1, target), (is_second, runs, wickets, balls, target + 1)]
    scores = InningsScores(*(np.array(column) for column in zip(*rows, strict=True)))
    forecast = MatchForecast(np.full(5, first), np.full(5, second), np.full(5, dispersion), np.full(5, 300))
    chances = win_cricket(forecast, scores)
    assert ((chances >= 0.0) & (chances <= 1.0 + 1e-12)).all()
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, atol=1e-12)
    batting = chances[:, 2] if is_second else chances[:, 0]
    assert batting[1] >= batting[0] - 1e-11
    assert batting[2] <= batting[0] + 1e-11
    assert batting[3] >= batting[0] - 1e-11
    if is_second:
        assert batting[4] <= batting[0] + 1e-11
    for row in range(5):
        alone = InningsScores(*(np.array([value]) for value in rows[row]))
        one = MatchForecast(np.array([first]), np.array([second]), np.array([dispersion]), np.array([300]))
        np.testing.assert_allclose(win_cricket(one, alone)[0], chances[row], atol=1e-11)
