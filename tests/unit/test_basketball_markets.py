"""Basketball against the reference table and against games played at random."""

import json
import re

import numpy as np
import pytest

from infra.settings import ROOT
from odds.basketball import (
    GameForecast,
    GameRules,
    GameScores,
    home_total,
    lead_wins,
    result_in_regulation,
    spread,
    swap_sides,
    total,
    win_games,
)
from odds.model_input import ModelInputInvalid

VECTORS = ROOT.parent / "shared" / "vectors" / "odds_vectors.json"
NBA = GameRules(period_count=4, period_s=720.0, overtime_s=300.0)


def forecasts(count: int) -> GameForecast:
    return GameForecast(np.full(count, 3.0), np.full(count, 12.0), np.full(count, 225.0), np.full(count, 18.0))


def scores(home: int, away: int, seconds_left: float) -> GameScores:
    return GameScores(np.array([home]), np.array([away]), np.array([seconds_left]))


@pytest.mark.skipif(not VECTORS.is_file(), reason="the reference values are not beside the repository")
def test_a_lead_wins_as_often_as_the_reference_table_says() -> None:
    (vector,) = [v for v in json.loads(VECTORS.read_text())["vectors"] if v["id"] == "stern1994.table"]
    for key, expected in vector["expected"].items():
        share, lead = (float(number) for number in re.fullmatch(r"t=([\d.]+),l=(-?\d+)", key).groups())  # type: ignore[union-attr]
        won = lead_wins(
            lead=np.array([lead]),
            elapsed_share=np.array([share]),
            margin_mean=np.array([vector["input"]["mu"]]),
            margin_sd=np.array([vector["input"]["sigma"]]),
        )
        assert won[0] == pytest.approx(expected, abs=vector["tolerance"]["abs"])


def test_at_the_end_a_lead_has_won() -> None:
    won = lead_wins(
        lead=np.array([1.0, 0.0, -1.0]), elapsed_share=np.ones(3), margin_mean=np.zeros(3), margin_sd=np.ones(3)
    )
    assert won.tolist() == [1.0, 0.5, 0.0]


def play_games(seconds_left: float, start: tuple[int, int], games: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return margins and totals with overtime, and margins without."""
    generator = np.random.default_rng(7)

    def stage(seconds: float, size: int) -> tuple[np.ndarray, np.ndarray]:
        share = seconds / NBA.regulation_s
        margin = np.rint(generator.normal(3.0 * share, 12.0 * np.sqrt(share), size))
        return margin, np.rint(generator.normal(225.0 * share, 18.0 * np.sqrt(share), size))

    margin, points = stage(seconds_left, games)
    margin, points = margin + start[0] - start[1], points + sum(start)
    regulation = margin.copy()
    while len(tied := np.flatnonzero(margin == 0)):
        margin[tied], more = stage(NBA.overtime_s, len(tied))
        points[tied] += more
    return margin, points, regulation


@pytest.mark.parametrize(("seconds_left", "start"), [(2_880.0, (0, 0)), (300.0, (101, 100)), (0.0, (110, 110))])
def test_markets_agree_with_games_played_at_random(seconds_left: float, start: tuple[int, int]) -> None:
    games = 200_000
    margin, points, regulation = play_games(seconds_left, start, games)
    one, at = forecasts(1), scores(*start, seconds_left)
    checks = [
        (margin > 0, win_games(one, at, NBA)),
        (regulation > 0, result_in_regulation(one, at, NBA)[:, 0]),
        (regulation == 0, result_in_regulation(one, at, NBA)[:, 1]),
    ]
    for handicap in (-6.5, -3.0, 0.0, 2.0, 5.5):
        shares = spread(one, at, NBA, handicaps=np.array([handicap]), has_overtime=True)
        checks += [(margin + handicap > 0, shares.over), (margin + handicap == 0, shares.push)]
        shares = spread(one, at, NBA, handicaps=np.array([handicap]), has_overtime=False)
        checks += [(regulation + handicap > 0, shares.over), (regulation + handicap == 0, shares.push)]
    for line in (215.5, 228.0, 240.0):
        shares = total(one, at, NBA, lines=np.array([line]), has_overtime=True)
        checks += [(points > line, shares.over), (points == line, shares.push)]
    for happened, exact in checks:
        chance = float(exact[0])
        assert abs(happened.mean() - chance) <= 4.5 * np.sqrt(chance * (1.0 - chance) / games) + 2e-4


def test_a_spread_of_none_with_overtime_is_the_winner() -> None:
    one, at = forecasts(1), scores(55, 50, 1_200.0)
    shares = spread(one, at, NBA, handicaps=np.array([0.0]), has_overtime=True)
    assert shares.over[0] == pytest.approx(win_games(one, at, NBA)[0], abs=1e-12)
    assert shares.push[0] == 0.0


def test_a_quarter_is_priced_from_its_own_points_and_clock() -> None:
    one = forecasts(1)
    quarter = result_in_regulation(one, scores(0, 0, NBA.period_s), NBA)
    assert quarter.sum() == pytest.approx(1.0, abs=1e-15)
    assert 0.05 < quarter[0, 1] < 0.08
    assert quarter[0, 0] > quarter[0, 2]
    over = total(one, scores(0, 0, NBA.period_s), NBA, lines=np.array([56.25]), has_overtime=False).over
    assert over[0] == pytest.approx(0.5, abs=0.02)


def test_a_finished_game_is_certain() -> None:
    one, at = forecasts(1), scores(100, 98, 0.0)
    assert win_games(one, at, NBA).tolist() == [1.0]
    assert result_in_regulation(one, at, NBA).tolist() == [[1.0, 0.0, 0.0]]
    shares = total(one, at, NBA, lines=np.array([198.0]), has_overtime=True)
    assert (shares.over[0], shares.push[0], shares.under[0]) == (0.0, 1.0, 0.0)
    shares = spread(one, at, NBA, handicaps=np.array([-2.0]), has_overtime=True)
    assert (shares.over[0], shares.push[0]) == (0.0, 1.0)


def test_team_totals_mirror_each_other() -> None:
    one, at = forecasts(1), scores(30, 40, 2_000.0)
    line = np.array([110.5])
    away = home_total(*swap_sides(one, at), NBA, lines=line, has_overtime=True)
    home = home_total(one, at, NBA, lines=line, has_overtime=True)
    assert away.over[0] > home.over[0]
    even = GameForecast(np.zeros(1), one.margin_sd, one.total_mean, one.total_sd)
    level = scores(30, 30, 2_000.0)
    assert home_total(even, level, NBA, lines=line, has_overtime=True) == home_total(
        *swap_sides(even, level), NBA, lines=line, has_overtime=True
    )


@pytest.mark.parametrize("spread_points", [0.0, -1.0, np.nan, np.inf])
def test_a_spread_that_cannot_be_is_refused(spread_points: float) -> None:
    with pytest.raises(ModelInputInvalid, match="must be above"):
        GameForecast(np.zeros(1), np.array([spread_points]), np.ones(1), np.ones(1))


def test_scores_and_rules_that_cannot_be_are_refused() -> None:
    with pytest.raises(ModelInputInvalid, match="Seconds left must be 0 or more, was -1"):
        scores(0, 0, -1.0)
    with pytest.raises(ModelInputInvalid, match="Home points"):
        scores(-1, 0, 10.0)
    with pytest.raises(ModelInputInvalid, match="longer than 0 s"):
        GameRules(4, 0.0, 300.0)
