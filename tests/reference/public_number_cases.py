"""Cases about formulas and money: margins, models, ratings, settlement, systems, racing, files of seasons."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import replace
from datetime import date
from decimal import Decimal, getcontext
from fractions import Fraction
from itertools import combinations, permutations
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray

from bets.acceptance import BetReason, decide
from bets.answer import BetRefusal
from bets.calculator import CalculatedLeg, RaceFinish, calculate
from bets.request import BetRequest, LegRequest, PricePolicy, SlipRequest
from bets.settlement import return_minor
from bets.systems import SYSTEM_BY_NAME, System
from compliance.jurisdiction import Product
from compliance.permit import Permit
from kernel.money import Money
from markets.odds import FACTOR_ONE_MICRO
from markets.results import OutcomeResult
from markets.sports.tennis import FinalSet
from odds.margin.methods import MarginMethod
from odds.margin.removal import remove_margin
from odds.models.cricket import SECOND, InningsScores, MatchForecast, win_matches
from odds.models.football.goal_family import GoalFamily
from odds.models.football.goal_models import GoalModelSpec, fit_goal_model
from odds.models.football.implied_means import PriceTargets, imply_goal_means
from odds.models.football.match_states import GoalTiming, MatchStates, RedCardEffects
from odds.models.football.results import MatchResults
from odds.models.racing.each_way import EachWayTerms, deduction_percent
from odds.models.tennis.match import price_matches
from odds.models.tennis.match import win_matches as win_tennis_matches
from odds.models.tennis.rules import MatchRules
from risk.limits import LimitTable
from studies.accuracy.metrics import ranked_probability_scores
from studies.accuracy.ratings import EloSettings, PiSettings, PlayedMatches, rate_by_elo, rate_by_pi
from studies.accuracy.seasons import SeasonMalformed, read_season
from tests.currencies import terms
from tests.reference.public_cases import Case, checks
from tests.reference.reference_values import SHARED
from tests.unit.odds.models.tennis.test_tennis_live_scores import follow_points, scores_at

FOOTBALL = SHARED / "data" / "football"
GRID = 15
TABLE = LimitTable(
    stake_minor_min=10,
    stake_minor_max=100_000,
    payout_minor_max=2_500_000,
    market_loss_minor_max=5_000_000,
    side_market_factor_milli=500,
    in_play_factor_milli=500,
)


def row(*values: float) -> NDArray[np.float64]:
    return np.array([values], dtype=np.float64)


@checks("settle.dead_heat.30000_4000_333333", "settle.dead_heat.300_2000_333333", "settle.dead_heat.700_3000_142857")
def check_shared_win(case: Case) -> None:
    given = case["input"]
    outcome = OutcomeResult("x", FACTOR_ONE_MICRO, 0, given["dead_heat_factor_micro"])
    paid_minor = return_minor(
        stake_minor=given["stake_minor"], decimal_odds_milli=given["decimal_odds_milli"], outcome=outcome
    )
    assert paid_minor == case["expected"]


@checks(
    *(f"racing.rule4.{odds}" for odds in ("1_3", "4_9", "5_6", "1_8", "1_2", "10_11")),
    *(f"racing.rule4.decimal_{odds}" for odds in ("1.33", "1.66", "1.83")),
)
def check_deduction(case: Case) -> None:
    assert deduction_percent(case["input"]["decimal_odds_milli"], is_smallest_waived=False) == case["expected"]


@checks("racing.each_way_dead_heat")
def check_each_way(case: Case) -> None:
    given = case["input"]
    terms = EachWayTerms(given["places"], Fraction(given["fraction"]))
    leg = CalculatedLeg(given["decimal_odds_milli"], RaceFinish(given["position"], given["tied"], terms, 0))
    calculated = calculate(System(1, (1,)), [leg], unit_stake_minor=given["stake_minor"], is_each_way=True)
    assert calculated.return_minor == case["expected"]


def expect_grids(results: MatchResults, pairs: list[tuple[str, str]]) -> None:
    """A grid for every fixture, and a rho between the bounds that its means set (Dixon and Coles 1997)."""
    model = fit_goal_model(results, GoalModelSpec(GoalFamily.DIXON_COLES))
    home_means, away_means = model.goal_means([home for home, _ in pairs], [away for _, away in pairs])
    assert model.score_grid(home_means, away_means, size=GRID).sum(axis=(1, 2)) == pytest.approx(1.0)
    least = np.maximum(-1.0 / home_means, -1.0 / away_means)
    most = np.minimum(1.0 / (home_means * away_means), 1.0)
    assert (least - 1e-9 <= model.rho).all()
    assert (model.rho <= most + 1e-9).all()


@checks("football.dixon_coles.12_matches")
def check_twelve_matches(case: Case) -> None:
    given = case["input"]
    results = MatchResults.of(given["home"], given["away"], given["home_goals"], given["away_goals"])
    expect_grids(results, list(permutations("ABCDEF", 2)))


@checks("football.dixon_coles.epl_first_20")
def check_season_starts(case: Case) -> None:
    files = sorted(FOOTBALL.glob("E0_*.csv"))
    assert len(files) == 8
    for file in files:
        with file.open(encoding="latin-1") as lines:
            matches = [match for match in csv.DictReader(lines) if match["FTHG"]]
        for count in case["input"]["n"]:
            first = matches[:count]
            results = MatchResults.of(
                [match["HomeTeam"] for match in first],
                [match["AwayTeam"] for match in first],
                [int(match["FTHG"]) for match in first],
                [int(match["FTAG"]) for match in first],
            )
            teams = sorted({match[side] for match in first for side in ("HomeTeam", "AwayTeam")})
            expect_grids(results, list(permutations(teams, 2)))


@checks("football.goal_expectancy")
def check_goal_means(case: Case) -> None:
    columns = tuple(("1x2", outcome_id) for outcome_id in ("home", "draw", "away"))
    targets = PriceTargets(columns, row(*case["input"]["1x2"]), np.ones(3))
    found = imply_goal_means(
        targets,
        rhos=np.zeros(1),
        states=MatchStates.before_kick_off(1),
        timing=GoalTiming(),
        red_cards=RedCardEffects(),
    )
    means = [float(found.home_means[0]), float(found.away_means[0])]
    assert means == pytest.approx(case["expected"], abs=case["tolerance"])


@checks("football.epl_2018_19_poisson")
def check_poisson_fit(case: Case) -> None:
    pytest.skip(f"{case['input']['file']} is not among the recorded seasons; others are fitted by reference values")


@checks(
    *(f"cricket.last_balls.{chase}" for chase in ("7_off_1_120", "12_off_1_120", "13_off_2_300", "25_off_3_300")),
)
def check_last_balls(case: Case) -> None:
    given = case["input"]
    mean = np.array([float(given["mean"])])
    forecast = MatchForecast(mean, mean, np.array([float(given["dispersion"])]), np.array([given["balls"]]))
    columns = (True, given["runs"], given["wickets"], given["balls_left"], given["target"])
    scores = InningsScores(*(np.array([value]) for value in columns))
    most = float(case["expected"].split()[2])
    assert win_matches(forecast, scores)[0, SECOND] <= most


def written_season(
    folder: Path, *rows: str, head: str = "Date,HomeTeam,AwayTeam,FTHG,FTAG,FTR,B365H,B365D,B365A"
) -> Path:
    file = folder / "season.csv"
    file.write_text("\n".join([head, *rows]) + "\n")
    return file


SOUND_ROW = "14/08/10,Celtic,Rangers,3,0,H,2,3.3,4"


@checks("accuracy.csv.blank_rows")
def check_blank_rows(_case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert len(read_season(written_season(Path(folder), SOUND_ROW, ",,,,,,,,"))) == 1


@checks("accuracy.csv.price_zero")
def check_price_zero(_case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (match,) = read_season(written_season(Path(folder), SOUND_ROW.replace("H,2,", "H,0,")))
        assert np.isnan(match.decimal_odds["B365"]).any()


@checks("accuracy.csv.two_rounds")
def check_two_rounds(_case: Case) -> None:
    later = SOUND_ROW.replace("14/08/10", "12/03/11")
    with tempfile.TemporaryDirectory() as folder:
        assert len(read_season(written_season(Path(folder), SOUND_ROW, later))) == 2


@checks("accuracy.csv.ht_at_headings")
def check_other_headings(_case: Case) -> None:
    """Refused, and the refusal says which heading is missing."""
    with tempfile.TemporaryDirectory() as folder, pytest.raises(SeasonMalformed, match="HomeTeam"):
        read_season(written_season(Path(folder), SOUND_ROW, head="Date,HT,AT,FTHG,FTAG,FTR,B365H,B365D,B365A"))


def bisected(odds: list[float], winner_count: int) -> list[float]:
    """Fair probabilities by the power method, the power found by bisection to 45 digits."""
    getcontext().prec = 50
    logs = [-Decimal(str(price)).ln() for price in odds]
    low, high = Decimal("0.01"), Decimal(100)
    for _ in range(160):
        power = (low + high) / 2
        low, high = (power, high) if sum((power * item).exp() for item in logs) > winner_count else (low, power)
    return [float((low * item).exp()) for item in logs]


@checks("margin.implied_row5", "margin.three_winners")
def check_margin_removed(case: Case) -> None:
    """By power against bisection; by every method to the sum of the winners, and in the order of the odds."""
    odds = row(*case["input"]["odds"])
    winner_count = 3 if case["id"] == "margin.three_winners" else 1
    for method in MarginMethod:
        found = remove_margin(odds, method=method, winner_counts=winner_count).probabilities[0]
        assert found.sum() == pytest.approx(winner_count, abs=case["tolerance"])
        assert (np.diff(found) < 0).all()
    by_power = remove_margin(odds, method=MarginMethod.POWER, winner_counts=winner_count).probabilities[0]
    expected = bisected(case["input"]["odds"], winner_count)
    assert by_power.tolist() == pytest.approx(expected, abs=case["tolerance"])


@checks("margin.hold")
def check_hold(case: Case) -> None:
    rows = remove_margin(row(*case["input"]["odds"]), method=MarginMethod.MULTIPLICATIVE)
    assert 1.0 - 1.0 / rows.parameters[0] == pytest.approx(case["expected"], abs=case["tolerance"])


def one_match(score: str) -> PlayedMatches:
    home_goals, away_goals = map(int, score.split("-"))
    return PlayedMatches(*(np.array([value]) for value in (0, 1, home_goals, away_goals)))


@checks("ratings.pi_example")
def check_pi_ratings(case: Case) -> None:
    given, expected = case["input"], case["expected"]
    settings = PiSettings(np.array([given["lambda"]]), np.array([given["gamma"]]))
    rated = rate_by_pi(one_match(given["score"]), settings, np.array([[given["alpha"], given["beta"]]]))
    wanted = np.array([[expected["alpha"], expected["beta"]]])
    np.testing.assert_allclose(rated.ratings, wanted, atol=case["tolerance"], rtol=0.0)
    assert rated.forecasts[0, 0] == pytest.approx(expected["forecast"], abs=case["tolerance"])


@checks("ratings.elo_draw_margin")
def check_elo_ratings(case: Case) -> None:
    given = case["input"]
    settings = EloSettings(*(np.array([float(value)]) for value in (given["k"], given["margin_power"], 0)))
    rated = rate_by_elo(one_match(given["score"]), settings, row(*given["ratings"]))
    assert rated.ratings[0, 0] - given["ratings"][0] == pytest.approx(case["expected"], abs=case["tolerance"])


@checks("metrics.rps_table")
def check_rank_scores(case: Case) -> None:
    scores = ranked_probability_scores(np.array(case["input"]["forecasts"]), np.array(case["input"]["results"]))
    assert scores.tolist() == pytest.approx(case["expected"], abs=case["tolerance"])


@checks("systems.lucky15_rule4")
def check_lucky_fifteen(case: Case) -> None:
    factors = case["input"]["factors"]
    returned = sum(float(np.prod([factors[leg] for leg in line])) for line in SYSTEM_BY_NAME["lucky15"].lines())
    assert returned == pytest.approx(case["expected"], abs=case["tolerance"])


@checks("systems.each_way_lucky15")
def check_each_way_system(case: Case) -> None:
    """Odds, part for a place, places, first position shared, how many share it, and what is deducted.

    The value is that of a third leg of which half the place is paid: two runners shared the last of its places.
    """
    legs = [
        (Fraction(11, 2), Fraction(1, 5), 3, 1, 1, 0),
        (Fraction(8), Fraction(1, 4), 3, 2, 1, 15),
        (Fraction(5), Fraction(1, 5), 3, 3, 2, 0),
        (Fraction(9, 2), Fraction(1, 4), 2, 1, 2, 10),
    ]
    finished = [
        CalculatedLeg(int(odds * 1_000), RaceFinish(position, tied, EachWayTerms(places, part), deducted))
        for odds, part, places, position, tied, deducted in legs
    ]
    unit_minor = 10**9
    calculated = calculate(SYSTEM_BY_NAME["lucky15"], finished, unit_stake_minor=unit_minor, is_each_way=True)
    assert calculated.return_minor / unit_minor == pytest.approx(case["expected"], abs=case["tolerance"])


@checks("tennis.punto_de_oro")
def check_deciding_point(case: Case) -> None:
    pair = tuple(case["input"]["p"])
    start = (1, 0, 3, 2, 3, 3, False, False, 9, 4)
    rules = MatchRules(2, FinalSet.MATCH_TIE_BREAK, has_deciding_point=True)
    reference = follow_points(pair, start, rules)
    outcomes = price_matches(np.array([pair]), scores_at(start), rules)
    win = sum(chance for (a, b, _, _), chance in reference.items() if a > b)
    assert outcomes.win_probability()[0] == pytest.approx(win, abs=1e-9)
    assert win_tennis_matches(np.array([pair]), scores_at(start), rules)[0] == pytest.approx(win, abs=1e-9)
    for line in (20.5, 22.5, 27.5):
        over = sum(chance for (_, _, a, b), chance in reference.items() if a + b > line)
        assert outcomes.total_games(np.array([line])).over[0] == pytest.approx(over, abs=1e-9)
    for handicap in (-4.5, -1.5, 2.5):
        covered = sum(chance for (_, _, a, b), chance in reference.items() if a - b + handicap > 0)
        assert outcomes.games_handicap(np.array([handicap])).over[0] == pytest.approx(covered, abs=1e-9)


@checks("bets.fingerprint")
def check_fingerprint(_case: Case) -> None:
    first, second = LegRequest("f", "1x2", "home", 2_000, 1), LegRequest("g", "1x2", "away", 3_000, 1)
    bet = BetRequest((first, second), ((0,), (1,)), Money(500, "EUR"))
    request = SlipRequest(UUID(int=1), (bet, bet), PricePolicy.NONE)
    changed = (
        replace(bet, legs=(replace(first, decimal_odds_milli=2_001), second)),
        replace(bet, line_stake=Money(501, "EUR")),
        replace(bet, line_stake=Money(500, "GBP")),
        replace(bet, lines=((0, 1),)),
        replace(bet, lines=((0,), (1,), (0, 1))),
        replace(bet, legs=(second, first)),
        replace(bet, legs=(replace(first, fixture_id="f1", market_id="x2"), second)),
    )
    others = (
        replace(request, price_policy=PricePolicy.ANY),
        replace(request, bets=(bet,)),
        *(replace(request, bets=bets) for other in changed for bets in ((bet, other), (other, bet))),
    )
    assert replace(request, request_id=UUID(int=2)).fingerprint() == request.fingerprint()
    prints = {item.fingerprint() for item in (request, *others)}
    assert len(prints) == 1 + len(others)


@checks("bets.lucky15_bonus")
def check_several_legs(_case: Case) -> None:
    """Bets of several legs are refused with their reason, so that no bonus is owed."""
    legs = tuple(LegRequest(f"f{number}", "1x2", "home", 2_000, 1) for number in range(4))
    lucky15 = tuple(line for size in range(1, 5) for line in combinations(range(4), size))
    bet = BetRequest(legs, lucky15, Money(100, "EUR"))
    permitted = Permit(Product.SPORTS_BET, "somewhere", date(2026, 9, 30))
    decision = decide(
        bet,
        policy=PricePolicy.NONE,
        permitted=permitted,
        find_book=lambda _: None,
        terms=terms(TABLE)["EUR"],
        means=None,
    )
    assert isinstance(decision, BetRefusal)
    assert decision.reason == BetReason.BET_TYPE_UNSUPPORTED
