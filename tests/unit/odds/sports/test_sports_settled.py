"""How our own markets on basketball, cricket and races come out: by what is certain, and by nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from markets.fixture import FixtureDescription, FixtureStatus, MatchState, Score, SportState
from markets.periods import PeriodsState
from markets.results import MarketResult, ResultKind
from markets.sports.cricket import CricketState, Innings
from markets.sports.racing import RaceState, Runner
from odds.fixture.state import new_state
from odds.sports.pricer import SportPricer
from odds.sports.registry import PRICERS

ENDED, CANCELLED = FixtureStatus.ENDED, FixtureStatus.CANCELLED
OVER_UNDER, SIDES = ("over", "under"), ("home", "away")
QUARTERS = (Score(30, 20), Score(28, 30), Score(20, 25), Score(22, 25))
GAME = PeriodsState(4, 600, 300, QUARTERS)
MATCH = CricketState(120, (Innings(True, 158, 7, 120), Innings(False, 140, 10, 118)))
RACE = RaceState(
    tuple(Runner(name, position=place) for name, place in (("a", 1), ("b", 2), ("c", 2), ("d", 4), ("e", 0))), True
)


def result(
    sport: str,
    told: SportState,
    market_id: str,
    outcome_ids: tuple[str, ...],
    *,
    score: tuple[int, int] = (0, 0),
    **others: object,
) -> MarketResult | None:
    """Return what is said of a market after an end; None for nothing."""
    end = MatchState(ENDED, home_score=score[0], away_score=score[1], sport=told)
    end = replace(end, **others)  # type: ignore[arg-type]
    pricer: SportPricer = PRICERS[sport]
    evidence = pricer.evidence(replace(new_state("x"), description=FixtureDescription(sport), state=end))
    return None if evidence is None else pricer.decide(market_id, outcome_ids, evidence)


def winner(said: MarketResult | None) -> str:
    """Return what won, "void" where stakes are given back, "nothing" where nothing is said."""
    if said is None:
        return "nothing"
    won = [outcome.outcome_id for outcome in said.outcomes if outcome.win_factor_micro]
    return "void" if said.kind is ResultKind.CANCEL or not won else ", ".join(won)


@pytest.mark.parametrize(
    ("game", "score"),
    [
        (replace(GAME, periods=(*QUARTERS[:3], Score(22, 25))), (100, 100)),
        (replace(GAME, periods=(*QUARTERS, Score(5, 5))), (105, 105)),
        (GAME, (100, 101)),
        (replace(GAME, periods=QUARTERS[:3]), (78, 75)),
        (replace(GAME, period_count=0), (100, 100)),
    ],
)
def test_a_game_that_is_level_or_does_not_add_up_pays_nobody(game: PeriodsState, score: tuple[int, int]) -> None:
    assert result("basketball", game, "total_points:150.5", OVER_UNDER, score=score) is None


def _with_points(home: int, away: int) -> PeriodsState:
    return replace(GAME, periods=(Score(home - 30, away - 30), Score(10, 10), Score(10, 10), Score(10, 10)))


@pytest.mark.parametrize(
    ("market_id", "outcome_ids", "won"),
    [
        ("total_points:199.5", OVER_UNDER, "over"),
        ("total_points:200.5", OVER_UNDER, "under"),
        ("total_points:200", OVER_UNDER, "void"),
        ("points_handicap:-1.5", SIDES, "home"),
        ("points_handicap:-2.5", SIDES, "away"),
        ("points_handicap:-2", SIDES, "void"),
        ("home_points:100.5", OVER_UNDER, "over"),
        ("away_points:99.5", OVER_UNDER, "under"),
    ],
)
def test_the_final_points_decide(market_id: str, outcome_ids: tuple[str, ...], won: str) -> None:
    assert winner(result("basketball", _with_points(101, 99), market_id, outcome_ids, score=(101, 99))) == won


def test_a_basketball_game_called_off_pays_totals_that_were_passed_alone() -> None:
    told = {"score": (101, 99), "status": CANCELLED}
    said = [
        result("basketball", _with_points(101, 99), market_id, sides, **told)  # type: ignore[arg-type]
        for market_id, sides in (
            ("total_points:190.5", OVER_UNDER),
            ("total_points:210.5", OVER_UNDER),
            ("points_handicap:-1.5", SIDES),
        )
    ]
    assert [winner(item) for item in said] == ["over", "void", "void"]


@pytest.mark.parametrize(
    ("market_id", "won"),
    [
        ("first_innings_runs:157.5", "over"),
        ("first_innings_runs:158.5", "under"),
        ("first_innings_runs:158", "void"),
        ("second_innings_runs:140.5", "under"),
        ("second_innings_runs:139.5", "over"),
    ],
)
def test_innings_settle_a_cricket_match(market_id: str, won: str) -> None:
    assert winner(result("cricket", MATCH, market_id, OVER_UNDER, score=(158, 140))) == won
    assert result("cricket", MATCH, market_id, OVER_UNDER, score=(158, 141)) is None, "runs do not add up"


def test_an_innings_that_rain_cut_short_pays_what_was_passed_alone() -> None:
    rain = CricketState(120, (Innings(True, 158, 7, 100),))
    said = [
        result("cricket", rain, market_id, OVER_UNDER, score=(158, 0), status=CANCELLED)
        for market_id in ("first_innings_runs:150.5", "first_innings_runs:160.5", "second_innings_runs:20.5")
    ]
    assert [winner(item) for item in said] == ["over", "void", "void"]


def test_a_chase_that_is_won_is_an_innings_to_its_end() -> None:
    won = replace(MATCH, innings=(MATCH.innings[0], Innings(False, 159, 3, 90)))
    assert winner(result("cricket", won, "second_innings_runs:160.5", OVER_UNDER, score=(158, 159))) == "under"


def test_places_of_a_dead_heat_are_shared() -> None:
    said = result("horse-racing", RACE, "place_2", ("a", "b", "c", "d", "e"))
    assert said is not None
    factors = {
        outcome.outcome_id: outcome.dead_heat_factor_micro for outcome in said.outcomes if outcome.win_factor_micro
    }
    assert factors == {"a": 1_000_000, "b": 500_000, "c": 500_000}
    assert winner(result("horse-racing", RACE, "place_3", ("a", "b", "c", "d", "e"))) == "a, b, c"


def test_a_withdrawn_runner_is_void_and_reduces_the_others_by_its_odds() -> None:
    withdrawn = Runner("w", is_withdrawn=True, withdrawn_time_ms=1_000, withdrawn_odds_milli=3_000)
    race = replace(RACE, runners=(*RACE.runners, withdrawn))
    said = result("horse-racing", race, "place_3", ("a", "b", "c", "d", "e", "w"))
    assert said is not None
    voids = [outcome.outcome_id for outcome in said.outcomes if outcome.void_factor_micro]
    assert voids == ["w"]
    assert [(item.before_ms, item.deduction_micro, item.is_off_winnings_only) for item in said.reductions] == [
        (1_000, 300_000, True)
    ]


@pytest.mark.parametrize(
    "race",
    [
        replace(RACE, is_official=False),
        replace(RACE, runners=(*RACE.runners[:3], Runner("d"), Runner("e"))),
        replace(RACE, runners=(Runner("a", position=2), *RACE.runners[1:])),
        replace(RACE, runners=(*RACE.runners, Runner("w", is_withdrawn=True))),
        replace(RACE, runners=RACE.runners[1:]),
    ],
)
def test_positions_that_are_not_certain_pay_nobody(race: RaceState) -> None:
    assert result("horse-racing", race, "place_2", ("a", "b", "c", "d", "e")) is None


def test_a_race_called_off_is_void() -> None:
    assert winner(result("horse-racing", RACE, "place_2", ("a", "b"), status=CANCELLED)) == "void"
