"""Forecasts of a made-up league: from the past alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from studies.accuracy.choice import base_rates, choose_settings, take_chosen
from studies.accuracy.history import Experience, experience_before, forecast_years, hand_over, rest_leads
from studies.accuracy.rating_walk import walk_elo, walk_pi
from studies.accuracy.seasons import Match, MatchTable
from studies.accuracy.walks import Walks, walk_all

SEASONS = (2010, 2011, 2012, 2014, 2015)
TEAMS = 6


def made_up_league() -> MatchTable:
    """Seasons of six teams, one of which goes down each time, with a gap between the third and the fourth."""
    generator = np.random.default_rng(1)
    matches = []
    for season in SEASONS:
        teams = [f"team {season - 2010 + number}" for number in range(TEAMS)]
        saturday = date(season, 8, 1) + timedelta(days=(5 - date(season, 8, 1).weekday()) % 7)
        for week, pairs in enumerate(double_round_robin(teams)):
            for place, (home, away) in enumerate(pairs):
                day = saturday + timedelta(days=7 * week + (place == 2))
                goals = generator.poisson([1.7, 1.3]).tolist()
                matches.append(Match(season, day, home, away, goals[0], goals[1], {}, {}))
    return MatchTable.of(matches)


@pytest.fixture(scope="module")
def league() -> MatchTable:
    return made_up_league()


@pytest.fixture(scope="module")
def walks(league: MatchTable) -> Walks:
    return walk_all(league, advance=lambda: None, say=lambda _: None)


def double_round_robin(teams: list[str]) -> list[list[tuple[str, str]]]:
    """Everyone at home and away against everyone, by the circle method."""
    circle, rounds = teams[1:], []
    for week in range(len(circle)):
        turned = [teams[0], *circle[week:], *circle[:week]]
        rounds.append([(turned[place], turned[-1 - place]) for place in range(len(teams) // 2)])
    return rounds + [[(away, home) for home, away in pairs] for pairs in rounds]


def with_other_results(table: MatchTable, where: NDArray[np.bool_]) -> MatchTable:
    return replace(
        table,
        home_goals=np.where(where, 5 - table.home_goals.clip(0, 5), table.home_goals),
        away_goals=np.where(where, table.away_goals + 2, table.away_goals),
    )


def test_no_forecast_knows_what_came_after_it(league: MatchTable, walks: Walks) -> None:
    season = np.flatnonzero(league.season_years == 2012)
    half_week = int(league.half_weeks[season[len(season) // 2]])
    changed = with_other_results(league, league.half_weeks >= half_week)
    other = walk_all(changed, advance=lambda: None, say=lambda _: None)
    before = league.half_weeks <= half_week
    for name, forecasts in walks.results.items():
        np.testing.assert_array_equal(forecasts[before], other.results[name][before], err_msg=name)
        assert not np.array_equal(forecasts, other.results[name], equal_nan=True), name
    for name, forecasts in walks.totals.items():
        np.testing.assert_array_equal(forecasts[before], other.totals[name][before], err_msg=name)
        assert not np.array_equal(forecasts, other.totals[name], equal_nan=True), name
    np.testing.assert_array_equal(walks.rhos[before], other.rhos[before])
    for name, chosen in walks.settings.items():
        assert {year: chosen[year] for year in (2011, 2012)} == {
            year: other.settings[name][year] for year in (2011, 2012)
        }


def test_every_forecast_is_a_distribution_and_covers_the_seasons_that_have_a_past(
    league: MatchTable, walks: Walks
) -> None:
    has_past = np.isin(league.season_years, [2011, 2012, 2015])
    for name, forecasts in {**walks.results, **walks.totals}.items():
        np.testing.assert_allclose(forecasts[has_past].sum(axis=1), 1.0, atol=1e-9, err_msg=name)
        assert (forecasts[has_past] > 0.0).all(), name


def test_only_seasons_that_follow_on_one_are_forecast(league: MatchTable) -> None:
    assert forecast_years(league) == [2011, 2012, 2015]


@pytest.mark.parametrize("walk", [walk_elo, walk_pi])
def test_ratings_begin_anew_after_a_gap(walk: Callable[[MatchTable], NDArray[np.float64]]) -> None:
    table = made_up_league()
    other = with_other_results(table, table.season_years < 2014)
    last = table.season_years == 2015
    was, now = (walk(each)[:, last, 0] for each in (table, other))
    assert not np.array_equal(was, now)  # chances are taught by all seasons
    np.testing.assert_array_equal(np.argsort(was, kind="stable"), np.argsort(now, kind="stable"))


@pytest.mark.parametrize("walk", [walk_elo, walk_pi])
def test_a_newcomer_is_rated_as_the_one_team_it_replaced(walk: Callable[[MatchTable], NDArray[np.float64]]) -> None:
    table = made_up_league()
    places = np.array([int(name.removeprefix("team ")) % TEAMS for name in table.teams])
    as_if_nobody_left = replace(table, home=places[table.home], away=places[table.away])
    np.testing.assert_array_equal(walk(table), walk(as_if_nobody_left))


def test_newcomers_inherit_what_the_relegated_played_and_nothing_is_lost() -> None:
    season = Experience(
        sources=np.arange(4), home=np.array([0, 1, 2, 0]), away=np.array([1, 2, 3, 2]), shares=np.ones(4)
    )
    handed = hand_over(season, [0, 1], [7, 8])
    assert handed.shares.sum() == pytest.approx(4.0)
    assert not {0, 1} & {*handed.home.tolist(), *handed.away.tolist()}
    by_source = {
        source: sorted(
            zip(
                handed.home[handed.sources == source].tolist(),
                handed.away[handed.sources == source].tolist(),
                handed.shares[handed.sources == source].tolist(),
                strict=True,
            )
        )
        for source in range(4)
    }
    assert by_source[0] == [(7, 8, 0.5), (8, 7, 0.5)]
    assert by_source[1] == [(7, 2, 0.5), (8, 2, 0.5)]
    assert by_source[2] == [(2, 3, 1.0)]


def test_every_team_of_a_season_has_a_past_and_none_of_it_is_of_the_season() -> None:
    table = made_up_league()
    for year in forecast_years(table):
        known = experience_before(table, year)
        assert table.teams_of(year) <= {*known.home.tolist(), *known.away.tolist()}
        assert (table.season_years[known.sources] < year).all()


def test_the_rested_team_leads_by_the_logarithm_of_the_days() -> None:
    opening, later = date(2015, 8, 8), date(2015, 8, 12)
    rows = [(opening, "a", "b"), (opening + timedelta(days=2), "c", "d"), (later, "a", "c")]
    table = MatchTable.of(Match(2015, day, home, away, 0, 0, {}, {}) for day, home, away in rows)
    np.testing.assert_allclose(rest_leads(table), [0.0, 0.0, np.log(4 / 2)])


def test_settings_are_chosen_by_earlier_seasons_and_the_first_where_there_are_none() -> None:
    table = made_up_league()
    sure = np.eye(3)[table.results] * 0.97 + 0.01
    vague = np.full_like(sure, 1.0 / 3.0)
    chosen = choose_settings(table, np.stack([vague, sure]))
    assert chosen == {2011: 0, 2012: 1, 2015: 1}
    taken = take_chosen(table, np.stack([vague, sure]), chosen)
    np.testing.assert_array_equal(taken[table.season_years == 2011], vague[table.season_years == 2011])
    np.testing.assert_array_equal(taken[table.season_years == 2012], sure[table.season_years == 2012])


def test_the_base_rate_counts_what_was_before_the_half_week() -> None:
    table = made_up_league()
    happened = np.arange(3) == table.results[:, None]
    rates = base_rates(table, happened)
    row = len(rates) // 2
    before = table.days < table.half_weeks[row]
    np.testing.assert_allclose(rates[row], happened[before].mean(axis=0))
    assert np.isnan(rates[0]).all()
