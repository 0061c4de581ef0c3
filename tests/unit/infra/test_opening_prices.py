"""The house's opening prices: from files of past results to what it tells at the feed door."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from infra.open_prices import build_opening, open_fixtures, tell
from infra.past_results import FileRefused, FixtureToCome, read_fixtures, read_results
from odds.fixture.book import PriceSource
from odds.fixture.state import new_state
from odds.folding.fold import fold
from odds.models.football.goal_family import GoalFamily
from odds.models.football.goal_models import FittedGoalModel, GoalModelSpec, fit_goal_model
from odds.models.football.opening import opening_chances, opening_layout
from odds.pricing.policy import PricingPolicy
from odds.pricing.repricing import price
from overround.feed.v1 import feed_pb2
from tests.fakes.fake_clock import FakeClock
from wire.feed import parse_update

TEAMS = ("Ashby", "Borton", "Corley", "Denby", "Elford", "Fenwick")
STRENGTHS = dict(zip(TEAMS, (0.5, 0.3, 0.1, -0.1, -0.3, -0.5), strict=True))
TODAY = date(2026, 5, 1)
START = datetime(2026, 5, 2, 15, 0, tzinfo=UTC)
NOW_US = round(START.timestamp() * 1_000_000) - 3_600_000_000
RESULTS_HEAD = "Div,Date,HomeTeam,AwayTeam,FTHG,FTAG"


def season_lines() -> Iterator[str]:
    random = np.random.default_rng(7)
    for turn in range(6):
        for day, (home, away) in enumerate(permutations(TEAMS, 2)):
            gap = STRENGTHS[home] - STRENGTHS[away]
            goals = random.poisson(np.exp([0.3 + gap / 2, -gap / 2]))
            yield f"E0,{1 + day % 28:02}/{1 + turn % 4:02}/2026,{home},{away},{goals[0]},{goals[1]}"


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("past") / "season.csv"
    path.write_text("\n".join([RESULTS_HEAD, *season_lines()]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def model(season: Path) -> FittedGoalModel:
    results = read_results([season], today=TODAY, half_life_days=365.0)
    return fit_goal_model(results, GoalModelSpec(GoalFamily.DIXON_COLES))


def fixture(home: str, away: str, *, start: datetime = START) -> FixtureToCome:
    return FixtureToCome(f"f:{home}-{away}", "Vale League", start, home, away)


def chance(model: FittedGoalModel, home: str, away: str, market_id: str, outcome_id: str) -> float:
    return float(opening_chances(model, [home], [away])[0, opening_layout().outcome_index(market_id, outcome_id)])


def test_better_sides_open_shorter_and_home_is_worth_something(model: FittedGoalModel) -> None:
    assert chance(model, "Ashby", "Fenwick", "1x2", "home") > 0.6
    assert chance(model, "Fenwick", "Ashby", "1x2", "home") < 0.3
    assert chance(model, "Corley", "Denby", "1x2", "home") > chance(model, "Denby", "Corley", "1x2", "away")


@pytest.mark.parametrize("family", GoalFamily)
def test_every_family_of_models_opens_markets_that_agree(season: Path, family: GoalFamily) -> None:
    results = read_results([season], today=TODAY, half_life_days=365.0)
    fitted = fit_goal_model(results, GoalModelSpec(family))
    chances, layout = opening_chances(fitted, ["Ashby"], ["Denby"])[0], opening_layout()
    by_market = np.add.reduceat(chances, layout.offsets[:-1])
    np.testing.assert_allclose(by_market, 1.0, atol=1e-9)
    home = chances[layout.outcome_index("1x2", "home")]
    assert chances[layout.outcome_index("handicap:-0.5", "home")] == pytest.approx(home)
    assert chances[layout.outcome_index("total:1.5", "over")] > chances[layout.outcome_index("total:2.5", "over")]


def test_results_of_today_and_rows_without_goals_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    rows = ["E0,30/04/2026,A,B,1,0", "E0,2026-04-29,B,A,2,2", "E0,01/05/2026,A,B,9,0", "E0,02/05/2026,A,B,,"]
    path.write_text("\n".join([RESULTS_HEAD, *rows]), encoding="utf-8")
    results = read_results([path], today=TODAY, half_life_days=1.0)
    assert results.home_goals.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(results.weights, [0.5, 0.25])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Date,HomeTeam\n", "lacks AwayTeam, FTHG, FTAG"),
        (f"{RESULTS_HEAD}\nE0,31/31/2026,A,B,1,0\n", "row 2: Date must be like"),
        (f"{RESULTS_HEAD}\nE0,01/01/2026,A,B,one,0\n", "row 2: FTHG must be a number of goals, was 'one'"),
        (f"{RESULTS_HEAD}\nE0,01/01/2026,A,B\n", "row 2: must have"),
    ],
)
def test_files_that_cannot_be_read_are_refused_by_row(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "results.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileRefused, match=message):
        read_results([path], today=TODAY, half_life_days=365.0)


def test_fixtures_are_read_with_their_start(tmp_path: Path) -> None:
    path = tmp_path / "fixtures.csv"
    head = "FixtureId,Date,Time,HomeTeam,AwayTeam,Competition"
    path.write_text(f"{head}\nf:Ashby-Borton,2026-05-02,15:00,Ashby,Borton,Vale League\n", encoding="utf-8")
    assert read_fixtures(path) == [fixture("Ashby", "Borton")]
    with pytest.raises(FileRefused, match="readable file"):
        read_fixtures(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("g,2026-05-02,3pm,Corley,Denby,", "row 3: Time must be like 15:00"),
        ("g,2026-05-02,15:00+02:00,Corley,Denby,", "row 3: Time must be UTC"),
        ("f,2026-05-02,15:00,Corley,Denby,", "row 3: FixtureId must be another for each match"),
        ("g,2026-05-02,15:00,Corley,Corley,", "row 3: HomeTeam and AwayTeam must be two"),
    ],
)
def test_what_is_no_fixture_is_refused_by_row(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "fixtures.csv"
    head = "FixtureId,Date,Time,HomeTeam,AwayTeam,Competition"
    path.write_text(f"{head}\nf,2026-05-02,15:00,Ashby,Borton,\n{row}\n", encoding="utf-8")
    with pytest.raises(FileRefused, match=message):
        read_fixtures(path)


def test_what_cannot_be_opened_is_told_apart_and_why(model: FittedGoalModel) -> None:
    begun, far = START.replace(day=1), START.replace(year=9999)
    left_out = {
        "a team without past results": fixture("Ashby", "Newcomer"),
        "has begun": fixture("Corley", "Denby", start=begun),
        "start_time_ms must be": fixture("Corley", "Elford", start=far),
        "fixture_id must": replace(fixture("Ashby", "Denby"), fixture_id=""),
    }
    opening = open_fixtures(model, [*left_out.values(), fixture("Ashby", "Borton")], now_us=NOW_US)
    assert [item.away_name for item in opening.fixtures] == ["Borton"]
    assert opening.chances.shape == (1, opening_layout().outcome_count)
    assert [item for item, _ in opening.left_out] == list(left_out.values())
    for begin, (_, why) in zip(left_out, opening.left_out, strict=True):
        assert why.startswith(begin)
    nothing = open_fixtures(model, [fixture("Ashby", "Newcomer")], now_us=NOW_US)
    assert nothing.chances.shape == (0, opening_layout().outcome_count)


def test_a_match_of_which_too_much_is_certain_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "season.csv"
    rows = [
        f"E0,{1 + day:02}/04/2026,{home},{away},{0 if home == 'Ashby' else 2},{0 if away == 'Ashby' else 2}"
        for day, (home, away) in enumerate(list(permutations(TEAMS[:4], 2)) * 2)
    ]
    path.write_text("\n".join([RESULTS_HEAD, *rows]), encoding="utf-8")
    never_scores = fit_goal_model(
        read_results([path], today=TODAY, half_life_days=365.0), GoalModelSpec(GoalFamily.POISSON)
    )
    opening = open_fixtures(never_scores, [fixture("Ashby", "Denby"), fixture("Borton", "Denby")], now_us=NOW_US)
    assert [item.home_name for item in opening.fixtures] == ["Borton"]
    assert [item.home_name for item, _ in opening.left_out] == ["Ashby"]
    assert "Decimal odds must be" in opening.left_out[0][1]


def test_pricing_makes_a_whole_book_of_an_opening(model: FittedGoalModel) -> None:
    opening = open_fixtures(model, [fixture("Ashby", "Borton")], now_us=NOW_US)
    update = build_opening(opening.fixtures[0], opening.chances[0], now_us=NOW_US)
    update.provider_id, update.received_time_us = "house", NOW_US
    state = fold(new_state(update.fixture_id), parse_update(update, appended_time_us=NOW_US))
    policy = PricingPolicy(own_offers={"football": ("btts", "correct_score")})
    (repricing,) = price([state], up_providers=frozenset({"house"}), policy=policy, now_us=NOW_US)
    layout, explained = repricing.explanation.layout, repricing.explanation
    assert {"1x2", "btts", "correct_score"} <= set(layout.market_ids)
    assert set(explained.price_sources.tolist()) == {PriceSource.GOALS}
    assert explained.figures["error"] < 0.01
    opened = opening.chances[0][: opening_layout().outcome_counts[0]]
    priced = explained.fair_probabilities[layout.offsets[0] : layout.offsets[1]]
    np.testing.assert_allclose(priced, opened, atol=0.01)


async def test_prices_are_told_again_until_the_match_begins(
    model: FittedGoalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock(round(START.timestamp() * 1_000_000) - 2_500_000_000)
    told: list[feed_pb2.FeedUpdate] = []

    async def pass_by(seconds: float) -> None:
        clock.time_us += round(seconds * 1_000_000)

    monkeypatch.setattr(asyncio, "sleep", pass_by)
    later = datetime(2026, 5, 2, 16, 0, tzinfo=UTC)
    fixtures = [fixture("Ashby", "Borton"), fixture("Corley", "Denby", start=later)]
    opening = open_fixtures(model, fixtures, now_us=clock.now_us())
    await tell(opening, told.append, clock)
    assert [update.fixture_id for update in told] == [
        *["f:Ashby-Borton", "f:Corley-Denby"] * 2,
        *["f:Corley-Denby"] * 2,
    ]
    sequences = [update.sequence for update in told]
    assert sequences == sorted(set(sequences))
