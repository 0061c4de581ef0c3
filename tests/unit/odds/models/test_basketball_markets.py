"""Basketball against games played at random; a table of it is among the reference values."""

import numpy as np
import pytest

from odds.model_input import EXPECTED_BY_FLAG, ModelInputInvalid, RowFlag
from odds.models.basketball import (
    GameForecast,
    GameRules,
    GameScores,
    flag_games,
    home_total,
    result_in_regulation,
    spread,
    swap_sides,
    total,
    win_games,
)

NBA = GameRules(period_count=4, period_s=720.0, overtime_s=300.0)


def forecasts(count: int) -> GameForecast:
    return GameForecast(np.full(count, 3.0), np.full(count, 12.0), np.full(count, 225.0), np.full(count, 18.0))


def scores(home: int, away: int, seconds_left: float) -> GameScores:
    return GameScores(np.array([home]), np.array([away]), np.array([seconds_left]))


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


BAD_GAMES = {
    "no spread": ("margin_sd", 0.0, RowFlag.FORECAST_OUT_OF_RANGE),
    "hardly a spread": ("total_sd", 0.49, RowFlag.FORECAST_OUT_OF_RANGE),
    "endless spread": ("margin_sd", np.inf, RowFlag.FORECAST_OUT_OF_RANGE),
    "no mean": ("margin_mean", np.nan, RowFlag.FORECAST_OUT_OF_RANGE),
    "endless mean": ("total_mean", np.inf, RowFlag.FORECAST_OUT_OF_RANGE),
    "points below none": ("home_points", -1, RowFlag.POINTS_IMPOSSIBLE),
    "away points below none": ("away_points", -1, RowFlag.POINTS_IMPOSSIBLE),
    "time past the end": ("seconds_left", -0.1, RowFlag.POINTS_IMPOSSIBLE),
    "time before the start": ("seconds_left", 2_880.1, RowFlag.POINTS_IMPOSSIBLE),
    "no clock": ("seconds_left", np.nan, RowFlag.POINTS_IMPOSSIBLE),
    "no line": ("line", np.nan, RowFlag.LINE_OUT_OF_RANGE),
    "endless line": ("line", np.inf, RowFlag.LINE_OUT_OF_RANGE),
}


def price_all(columns: dict[str, np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    forecast = GameForecast(*(columns[name] for name in ("margin_mean", "margin_sd", "total_mean", "total_sd")))
    at = GameScores(*(columns[name] for name in ("home_points", "away_points", "seconds_left")))
    line = columns["line"]
    shares = [
        market(forecast, at, NBA, lines=line, has_overtime=has_overtime)
        for market in (total, home_total)
        for has_overtime in (True, False)
    ]
    shares += [spread(forecast, at, NBA, handicaps=line, has_overtime=has_overtime) for has_overtime in (True, False)]
    parts = [part for one in shares for part in (one.over, one.push, one.under)]
    without_line = [win_games(forecast, at, NBA), result_in_regulation(forecast, at, NBA)]
    np.testing.assert_array_equal(np.isnan(without_line[0]), flag_games(forecast, at, NBA) != RowFlag.FINE)
    assert all((one.flags == shares[0].flags).all() for one in shares)
    return [*parts, *without_line], shares[0].flags


@pytest.mark.parametrize(("column", "value", "flag"), BAD_GAMES.values(), ids=BAD_GAMES)
def test_a_game_that_cannot_be_is_flagged_and_leaves_the_others(column: str, value: float, flag: RowFlag) -> None:
    sound = {
        "margin_mean": np.array([3.0, -2.0, 0.5]),
        "margin_sd": np.array([12.0, 11.0, 13.0]),
        "total_mean": np.array([225.0, 210.0, 190.0]),
        "total_sd": np.array([18.0, 17.0, 16.0]),
        "home_points": np.array([0, 50, 90]),
        "away_points": np.array([0, 55, 90]),
        "seconds_left": np.array([2_880.0, 1_400.0, 0.0]),
        "line": np.array([-2.5, 3.0, 190.0]),
    }
    broken = {name: values.copy() for name, values in sound.items()}
    broken[column] = broken[column].astype(np.float64) if isinstance(value, float) else broken[column]
    broken[column][1] = value
    (expected, fine), (found, flags) = price_all(sound), price_all(broken)
    assert fine.tolist() == [RowFlag.FINE] * 3
    assert flags.tolist() == [RowFlag.FINE, flag, RowFlag.FINE]
    assert EXPECTED_BY_FLAG[flag]
    with_line, without_line = found[:-2], found[-2:]
    for values, reference in zip(found, expected, strict=True):
        np.testing.assert_array_equal(values[[0, 2]], reference[[0, 2]])
    for values in with_line if column == "line" else with_line + without_line:
        assert np.isnan(values[1]).all()


def test_games_of_different_counts_and_rules_that_cannot_be_are_refused() -> None:
    with pytest.raises(ModelInputInvalid, match=r"one length were expected, their lengths were \[1, 2\]"):
        GameScores(np.array([1, 2]), np.array([1]), np.array([1.0]))
    with pytest.raises(ModelInputInvalid, match="one length"):
        win_games(forecasts(2), scores(0, 0, 10.0), NBA)
    with pytest.raises(ModelInputInvalid, match="one length"):
        total(forecasts(1), scores(0, 0, 10.0), NBA, lines=np.array([1.0, 2.0]), has_overtime=True)
    with pytest.raises(ModelInputInvalid, match="longer than 0 s"):
        GameRules(4, 0.0, 300.0)
