"""The simulated match day: same seed, same day; sound matches, providers and bettors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from markets.fixture import FixtureStatus
from odds.models.tennis.live import finished_sets, scores_of
from odds.models.tennis.match import price_matches
from odds.models.tennis.rules import are_open
from simulation.bettors import (
    SPIN_STAKES_MINOR,
    Arrival,
    BettorKind,
    Selection,
    choose,
    draw_arrivals,
    spin_stake_minor,
)
from simulation.contests.contest import MarketTruth
from simulation.contests.draw import draw_contests
from simulation.contests.football import FootballContest, draw_football
from simulation.contests.tennis import BEFORE, RULES, TennisContest, draw_tennis
from simulation.day import MatchDay, generate_day
from simulation.football import IncidentKind, MatchTimeline, Period, generate_match
from simulation.markets import price_markets, settle_match
from simulation.play import PlayedDay, SimulationPlan, load_played_day, save_played_day
from simulation.providers import PROFILES, quote_markets, report_contest


def day(seed: int, day_id: str = "a") -> MatchDay:
    return generate_day(seed=seed, day_id=day_id, match_count=3, population=20)


def match(seed: int, goal_means: tuple[float, float] = (1.5, 1.1)) -> MatchTimeline:
    return generate_match(
        home_name="Home", away_name="Away", goal_means=goal_means, generator=np.random.default_rng(seed)
    )


def arrival(kind: BettorKind) -> Arrival:
    return Arrival(0.0, 0, kind, 1_000, "1x2", 0.0, accepts_any_price=False)


def test_the_same_seed_gives_the_same_day() -> None:
    assert list(day(5, "a").events()) == list(day(5, "b").events())


def test_a_day_resumed_late_is_the_same_day() -> None:
    late = list(day(5).events(quoted_from_s=3_000.0))
    whole = list(day(5).events())
    assert [event.time_s for event in late] == [event.time_s for event in whole]
    assert [event for event in late if event.time_s > 3_100.0] == [event for event in whole if event.time_s > 3_100.0]
    assert [e.report.results for e in late if e.report] == [e.report.results for e in whole if e.report]


def test_another_seed_gives_another_day() -> None:
    assert list(day(5).events()) != list(day(6).events())


def test_events_come_in_order_of_time() -> None:
    times = [event.time_s for event in day(5).events()]
    assert times == sorted(times)


def test_goals_average_what_was_asked_for() -> None:
    goals = [match(seed).at(1e9).score for seed in range(1_500)]
    assert np.mean(goals, axis=0) == pytest.approx([1.6, 1.17], abs=0.1)


def test_the_scoring_rate_rises_late() -> None:
    seconds = [
        incident.elapsed_s
        for seed in range(1_500)
        for incident in match(seed).incidents
        if incident.kind is IncidentKind.GOAL
    ]
    first_half = sum(1 for elapsed_s in seconds if elapsed_s < 48 * 60)
    assert first_half < 0.48 * len(seconds)


def test_the_clock_counts_stoppage_time_and_stands_at_half_time() -> None:
    timeline = match(3)
    half_time = next(i for i in timeline.incidents if i.kind is IncidentKind.HALF_TIME)
    just_before = timeline.at(half_time.elapsed_s - 1.0)
    assert just_before.clock_s(half_time.elapsed_s - 1.0) > 45 * 60
    assert timeline.at(half_time.elapsed_s + 60.0).clock_s(half_time.elapsed_s + 60.0) == 45 * 60
    assert timeline.at(timeline.duration_s).period is Period.FINISHED


def test_market_probabilities_are_whole_and_agree_with_each_other() -> None:
    markets = {market.market_id: market.probabilities for market in price_markets((1, 0), (0.9, 1.2))}
    assert all(
        probabilities.sum() == pytest.approx(2.0 if market_id == "double_chance" else 1.0, abs=1e-9)
        for market_id, probabilities in markets.items()
    )
    assert markets["double_chance"][0] == pytest.approx(markets["1x2"][0] + markets["1x2"][1])
    assert markets["total:0.5"][0] == pytest.approx(1.0)


def test_exactly_one_outcome_wins_where_only_one_can() -> None:
    results = settle_match(match(11))
    one_winner = [market for market in results if market not in ("double_chance", "draw_no_bet")]
    assert all(list(results[market].values()).count("won") == 1 for market in one_winner)


def test_a_provider_stops_betting_at_each_goal_before_it_prices_again() -> None:
    timeline = next(m for m in map(match, range(50)) if any(i.kind is IncidentKind.GOAL for i in m.incidents))
    goal = next(i for i in timeline.incidents if i.kind is IncidentKind.GOAL)
    after = [
        report
        for report in report_contest(FootballContest(timeline), PROFILES[0], (1,), quoted_from_s=-1e9)
        if report.elapsed_s >= goal.elapsed_s + PROFILES[0].delay_s
    ]
    assert after[0].is_bet_stop
    assert next(iter(after[0].results)) == "next_goal:1"
    assert after[1].elapsed_s - after[0].elapsed_s > 20.0 or after[1].is_bet_stop


def test_provider_prices_carry_its_margin() -> None:
    reports = report_contest(FootballContest(match(2)), PROFILES[1], (1,), quoted_from_s=-1e9)
    main = next(report for report in reports if report.quotes).quotes[0]
    overround = sum(1.0 / odds for odds in main.decimal_odds if odds)
    assert PROFILES[1].overround <= overround < PROFILES[1].overround + 0.02


def test_results_survive_an_outage_of_the_official_provider() -> None:
    simulated = day(5)
    everything_dark = MatchDay(seed=5, fixtures=simulated.fixtures, outages=(((0.0, 9_000.0),), (), ()), population=20)
    results = [event for event in everything_dark.events() if event.report and event.report.results]
    assert {event.fixture for event in results} == {0, 1, 2}
    assert all(event.time_s >= 9_000.0 for event in results if event.provider == 0)


@pytest.mark.parametrize(("edge", "is_taken"), [(0.02, False), (0.04, True)])
def test_a_sharp_bettor_takes_value_only(edge: float, is_taken: bool) -> None:
    offers = [
        Selection("1x2", "home", 2_000, (1.0 + edge) / 2.0),
        Selection("1x2", "away", 2_000, 0.3),
    ]
    assert (choose(arrival(BettorKind.SHARP), offers) is offers[0]) is is_taken


def test_a_bonus_hunter_takes_the_shortest_price_that_counts() -> None:
    offers = [Selection("a", "x", odds, 0.1) for odds in (1_999, 2_000, 2_100)]
    assert choose(arrival(BettorKind.BONUS_HUNTER), offers) is offers[1]


def test_people_come_in_a_rush_before_kick_off_and_after_goals() -> None:
    contests = [draw_football("A", "B", np.random.default_rng((1, seed))) for seed in range(10)]
    arrivals = [
        (contest, a.elapsed_s)
        for contest in contests
        for a in draw_arrivals(contest, population=20, generator=np.random.default_rng(2))
    ]
    late = sum(1 for _, elapsed_s in arrivals if -900 <= elapsed_s < 0)
    early = sum(1 for _, elapsed_s in arrivals if -2_700 <= elapsed_s < -1_800)
    assert late > 2 * early
    goals = [(contest, goal_s) for contest in contests for goal_s in contest.rushes_s]

    def count(shift_s: float) -> int:
        return sum(
            1
            for contest, goal_s in goals
            for other, elapsed_s in arrivals
            if other is contest and 0 <= elapsed_s - goal_s - shift_s < 240
        )

    assert count(0.0) > 2 * count(-240.0)


def test_some_of_those_who_bet_for_fun_play_a_game_meanwhile_and_no_others_do() -> None:
    contest = draw_football("A", "B", np.random.default_rng(1))
    everybody = draw_arrivals(contest, population=20, generator=np.random.default_rng(2))
    for_fun = [spin_stake_minor(each) for each in everybody if each.kind is BettorKind.RECREATIONAL]
    tempted = [stake for stake in for_fun if stake]
    assert 0.15 * len(for_fun) < len(tempted) < 0.45 * len(for_fun)
    assert set(tempted) <= set(SPIN_STAKES_MINOR)
    assert {spin_stake_minor(each) for each in everybody if each.kind is not BettorKind.RECREATIONAL} == {0}


def test_a_provider_keeps_its_margin_beside_a_near_certainty() -> None:
    sure = MarketTruth("handicap:-2.5", ("home", "away"), np.array([0.0085, 0.9915]))
    decided = MarketTruth("total:0.5", ("over", "under"), np.array([1.0, 0.0]))
    quotes = quote_markets([sure, decided], 1.075)
    odds = [price for price in quotes[0].decimal_odds if price is not None]
    assert 1.0 / odds[0] + 1.0 / odds[1] == pytest.approx(1.075, abs=0.006)  # 1.01 is the shortest price
    assert quotes[1].decimal_odds == (None, None)


def plan(state_path: Path, seed: int = 5, speed: float = 10.0) -> SimulationPlan:
    return SimulationPlan(
        target="127.0.0.1:1",
        provider_api_keys={},
        player_password="",
        state_path=state_path,
        seed=seed,
        speed=speed,
        match_count=3,
        population=20,
        days_max=1,
    )


def test_a_noted_day_goes_on_under_the_same_plan_alone(tmp_path: Path) -> None:
    path = tmp_path / "simulation.json"
    assert load_played_day(plan(path)) is None
    third = PlayedDay(seed=7, started_time_us=1_800_000_000_000_000, day_key=plan(path).day_key)
    save_played_day(path, third)
    assert load_played_day(plan(path)) == third
    assert load_played_day(plan(path, seed=6)) is None
    assert load_played_day(plan(path, speed=20.0)) is None


def tennis(seed: int) -> TennisContest:
    return next(contest for _, contest in draw_contests(8, seed) if isinstance(contest, TennisContest))


def test_a_day_has_every_sport_and_nobody_plays_twice_at_once() -> None:
    contests = [contest for _, contest in draw_contests(16, 3)]
    names = [name for contest in contests for name in (contest.home_name, contest.away_name) if name]
    assert len(set(names)) == len(names)


def test_a_tennis_match_is_played_by_the_rules_to_its_end() -> None:
    for seed in range(20):
        contest = tennis(seed)
        end = contest.states[-1]
        assert end.status is FixtureStatus.ENDED
        assert len(finished_sets(end)) == end.home_score + end.away_score
        assert bool(are_open(scores_of(list(contest.states[:-1])), RULES).all())
        assert 40 * 60 < contest.duration_s < 6 * 3_600


def test_a_tennis_player_wins_as_often_as_is_true() -> None:
    contests = [draw_tennis("A", "B", np.random.default_rng((9, seed))) for seed in range(300)]
    serves = np.array([contest.serves for contest in contests])
    chances = price_matches(serves, scores_of([BEFORE] * len(contests)), RULES).win_probability()
    assert contests[0].truths(-60.0, np.zeros(2))[0].probabilities[0] == pytest.approx(chances[0])
    won = np.array([contest.results()["winner"]["home"] == "won" for contest in contests])
    error = np.sqrt((chances * (1.0 - chances)).sum()) / len(contests)
    assert abs(won.mean() - chances.mean()) < 4.0 * error


def test_a_provider_tells_of_every_point_with_prices_for_it() -> None:
    contest = tennis(4)
    reports = list(report_contest(contest, PROFILES[0], (1,), quoted_from_s=-1e9))
    told = {(report.state.tennis.home_points, report.state.tennis.away_points) for report in reports}
    assert {(0, 0), (3, 2), (2, 3)} <= told
    points = [report for report in reports if report.elapsed_s >= 0.0][:-1]
    assert len(points) > len(contest.turns) * 0.9
    assert all(report.quotes for report in points)
    assert reports[-1].results.keys() == contest.results().keys()
