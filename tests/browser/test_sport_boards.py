"""Scoreboards of sports on both screens, of a match that a test directs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Page, expect

from markets.layout import MarketLayout
from overround.odds.v1 import fixture_pb2
from tests.browser.betslip_page import expect_accessible, fixture_path, price
from tests.browser.conftest import PROVIDER_ID, OpenPage
from tests.browser.desk_page import MATCH_PRICED_MS, desk_path, log_in
from tests.browser.scripted_match import ScriptedMatch, playing
from tests.running_system import RunningSystem

Play = Callable[[Callable[[ScriptedMatch], None]], ScriptedMatch]


@pytest.fixture
def play(system: RunningSystem) -> Iterator[Play]:
    """Have a match priced that begins as it is told."""
    with ExitStack() as stack:

        def begin(direct: Callable[[ScriptedMatch], None]) -> ScriptedMatch:
            target = f"{system.settings.host}:{system.settings.ports.web}"
            api_key = system.secrets.provider_api_keys[PROVIDER_ID]
            return stack.enter_context(playing(target, provider_id=PROVIDER_ID, api_key=api_key, direct=direct))

        yield begin


def tennis(match: ScriptedMatch) -> None:
    match.sport = "tennis"
    sides = ("home", "away")
    match.layout = MarketLayout.of_markets([("winner", sides), ("set_winner:2", sides)])
    match.odds_milli = (1_500, 2_500, 2_250, 1_620)
    match.told = fixture_pb2.MatchState(
        status=fixture_pb2.FIXTURE_STATUS_IN_PLAY,
        home_score=1,
        tennis=fixture_pb2.TennisState(
            sets_to_win=2,
            final_set=fixture_pb2.FINAL_SET_LIKE_THE_OTHERS,
            sets=[fixture_pb2.Score(home=6, away=4), fixture_pb2.Score(home=2, away=3)],
            home_points=2,
            away_points=3,
        ),
    )


def ice_hockey(match: ScriptedMatch) -> None:
    match.sport = "ice-hockey"
    match.layout = MarketLayout.of_markets(
        [
            ("1x2", ("home", "draw", "away")),
            ("total:5.5", ("over", "under")),
            ("period_result:2", ("home", "draw", "away")),
        ]
    )
    match.odds_milli = (1_950, 4_100, 3_900, 1_900, 1_900, 2_300, 2_600, 3_300)
    match.told = fixture_pb2.MatchState(
        status=fixture_pb2.FIXTURE_STATUS_IN_PLAY,
        home_score=2,
        away_score=1,
        periods=fixture_pb2.PeriodsState(
            period_count=3,
            period_seconds=1_200,
            overtime_seconds=300,
            periods=[fixture_pb2.Score(home=1, away=1), fixture_pb2.Score(home=1, away=0)],
            seconds_left=755,
        ),
    )


def rows(page: Page) -> list[list[str]]:
    return [
        [cell.inner_text() for cell in row.locator("td").all()]
        for row in page.get_by_test_id("sport-board").locator("tbody tr").all()
    ]


def test_a_tennis_match_shows_sets_games_and_points_and_its_markets(open_page: OpenPage, play: Play) -> None:
    match = play(tennis)
    page = open_page(fixture_path(match))
    expect(price(page, match, "home", "winner")).to_be_enabled(timeout=MATCH_PRICED_MS)
    expect(price(page, match, "home", "set_winner:2")).to_be_enabled()
    expect(page.get_by_role("group", name="Winner of the second set")).to_be_visible()
    assert rows(page) == [["6", "2", "30"], ["4", "3", "40"]]
    expect_accessible(page)
    assert match.told is not None
    after = fixture_pb2.MatchState()
    after.CopyFrom(match.told)
    after.tennis.home_points = 3
    match.told = after
    expect(page.get_by_test_id("sport-board").locator("tbody tr").first).to_contain_text("40")


def test_the_desk_shows_the_same_board(open_page: OpenPage, play: Play, system: RunningSystem) -> None:
    match = play(tennis)
    page = open_page(desk_path(match))
    log_in(page, "trader", system.secrets.trader_password)
    expect(page.get_by_test_id("sport-board")).to_be_visible(timeout=MATCH_PRICED_MS)
    assert rows(page) == [["6", "2", "30"], ["4", "3", "40"]]
    expect(page.get_by_test_id("score")).to_have_text("1\N{EN DASH}0, 2\N{EN DASH}3")
    expect_accessible(page)


def test_an_ice_hockey_game_shows_its_periods_on_both_screens(
    open_page: OpenPage, play: Play, system: RunningSystem
) -> None:
    match = play(ice_hockey)
    page = open_page(fixture_path(match))
    expect(price(page, match, "home", "1x2")).to_be_enabled(timeout=MATCH_PRICED_MS)
    page.get_by_role("heading", name="More", exact=True).click()
    expect(page.get_by_role("group", name="Result of the second period")).to_be_visible()
    assert rows(page) == [["1", "1", "2"], ["1", "0", "1"]]
    expect(page.get_by_test_id("sport-board").locator("thead")).to_contain_text("P2")
    expect_accessible(page)
    desk = open_page(desk_path(match))
    log_in(desk, "trader", system.secrets.trader_password)
    expect(desk.get_by_test_id("sport-board")).to_be_visible(timeout=MATCH_PRICED_MS)
    assert rows(desk) == [["1", "1", "2"], ["1", "0", "1"]]
