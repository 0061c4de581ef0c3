"""A page that never says more than it knows: whose slip, whose session, which price, and where it stands."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.betslip_page import (
    expect_accessible,
    fixture_path,
    open_match,
    open_slip,
    press,
    price,
    ready_to_bet,
    register,
    slip_button,
)
from tests.browser.conftest import OpenPage
from tests.browser.scripted_match import ScriptedMatch
from tests.running_system import RunningSystem

PLACE_SLIP = "**/overround.bets.v1.BettingService/PlaceSlip"
GET_SLIP = "**/overround.bets.v1.BettingService/GetSlip"
GET_ME = "**/overround.pam.v1.PlayerService/GetMe"
WATCH_BOOKS = "**/overround.odds.v1.OddsService/WatchBooks"
ANSWER_MS = 120_000
BACK_MS = 180_000

# What is seen of each label: characters inside the box that cuts them.
SEEN_LABELS = """(groups) => groups.map((group) => [...group.querySelectorAll("button .name")].map((name) => {
    const box = name.getBoundingClientRect();
    const text = name.firstChild;
    let seen = "";
    for (let place = 0; text && place < text.length; place++) {
        const range = document.createRange();
        range.setStart(text, place);
        range.setEnd(text, place + 1);
        const at = range.getBoundingClientRect();
        if (at.right <= box.right + 1 && at.bottom <= box.bottom + 1) seen += text.data[place];
    }
    return seen;
}))"""


SIDES = ("home", "draw", "away")
LONG_NAMED = [
    ("1x2", SIDES),
    ("double_chance", ("1x", "12", "x2")),
    ("draw_no_bet", ("home", "away")),
    ("handicap:-1.5", ("home", "away")),
    ("european_handicap:1", SIDES),
    ("half_time_full_time", tuple(f"{half}/{full}" for half in SIDES for full in SIDES)),
    ("winning_margin", ("home:1", "home:2", "home:3+", "away:1", "away:2", "away:3+", "draw")),
]


def log_out(page: Page) -> None:
    page.get_by_test_id("balance").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_test_id("balance")).to_have_count(0)


def log_in(page: Page, username: str, password: str) -> None:
    page.get_by_role("button", name="Log in").first.click()
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("dialog").get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_test_id("balance")).to_be_visible()


def test_a_stake_below_the_least_is_answered_with_the_least(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    ready_to_bet(page, match, balance="50", stake="0.01")
    press(page, "Place €0.01")
    press(page, "Least we can take is €0.10: use it")
    press(page, "Place €0.10")
    expect(page.get_by_test_id("receipt")).to_be_visible(timeout=ANSWER_MS)


def lose_the_answer(route: Route) -> None:
    """Let the server have the request, and the browser nothing."""
    route.fetch()
    route.abort("connectionreset")


def test_a_slip_is_put_away_with_its_player_and_its_bet_is_not_denied_to_another(
    open_page: OpenPage, match: ScriptedMatch
) -> None:
    page = open_page(fixture_path(match))
    ready_to_bet(page, match, balance="100", stake="10")
    page.route(GET_SLIP, lambda route: route.abort("connectionreset"))
    page.route(PLACE_SLIP, lose_the_answer)
    press(page, "Place €10.00")
    expect(slip_button(page)).to_contain_text("Finding out…")
    page.keyboard.press("Escape")
    log_out(page)
    page.unroute(GET_SLIP)
    expect(page.get_by_test_id("slip-bet")).to_have_count(0)
    register(page)
    expect(page.get_by_test_id("slip-bet")).to_have_count(0)
    expect(page.get_by_test_id("open-slip")).to_have_count(0)


def test_another_tab_s_log_out_and_log_in_are_followed_at_once(open_page: OpenPage) -> None:
    first = open_page("/account")
    register(first)
    second = open_page("/account")
    expect(second.get_by_test_id("balance")).to_be_visible()
    log_out(second)
    ended = first.get_by_test_id("session-ended")
    expect(ended).to_contain_text("Your session has ended")
    expect(first.get_by_test_id("balance")).to_have_count(0)
    expect(first.get_by_test_id("announcements")).to_contain_text("Your session has ended")
    expect_accessible(first)
    register(second)
    expect(first.get_by_test_id("balance")).to_be_visible()
    expect(ended).to_have_count(0)
    second.reload()
    expect(second.get_by_test_id("balance")).to_be_visible()


def test_after_a_reload_there_is_nothing_to_press_until_session_and_price_are_known(
    open_page: OpenPage, match: ScriptedMatch, context: BrowserContext
) -> None:
    page = open_page(fixture_path(match))
    ready_to_bet(page, match, balance="100", stake="10")

    def hold(_route: Route) -> None:
        """Leave the request without an answer."""

    context.route(GET_ME, hold)
    page.reload()
    open_slip(page)
    expect(slip_button(page)).to_have_text("Loading price…")
    expect(slip_button(page)).to_be_disabled()
    expect_accessible(page)
    context.unroute(GET_ME)
    expect(slip_button(page)).to_have_text("Place €10.00")
    context.route(WATCH_BOOKS, hold)
    page.reload()
    open_slip(page)
    expect(slip_button(page)).to_have_text("Loading price…")
    context.unroute(WATCH_BOOKS)


def test_a_banner_moves_no_price(open_page: OpenPage, system: RunningSystem, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    open_match(page, match)
    before = price(page, match, "home").bounding_box()
    system.stop("pricing")
    try:
        expect(page.get_by_test_id("paused-banner")).to_contain_text(
            re.compile(r"Pricing is paused for at least \d+ s"), timeout=ANSWER_MS
        )
        assert price(page, match, "home").bounding_box() == before
        expect_accessible(page)
    finally:
        system.start("pricing")
    expect(page.get_by_test_id("paused-banner")).to_have_count(0, timeout=BACK_MS)
    assert price(page, match, "home").bounding_box() == before


@pytest.mark.parametrize("width", [320, 390])
def test_no_two_labels_of_a_market_look_alike(open_page: OpenPage, match: ScriptedMatch, width: int) -> None:
    match.home_name, match.away_name = "Wolverhampton Wanderers", "Wolverhampton Rovers"
    match.quote_evenly(LONG_NAMED)
    page = open_page(fixture_path(match))
    page.set_viewport_size({"width": width, "height": 844})
    expect(page.get_by_role("heading", name=re.compile("Wolverhampton Wanderers")).first).to_be_visible(
        timeout=ANSWER_MS
    )
    open_match(page, match)
    page.evaluate("document.querySelectorAll('details').forEach((group) => (group.open = true))")
    markets = page.get_by_test_id("market")
    expect(markets).to_have_count(len(LONG_NAMED))
    for labels in markets.evaluate_all(SEEN_LABELS):
        assert len(set(labels)) == len(labels), labels


def test_where_motion_is_not_wanted_no_field_changes_its_colour(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    page.emulate_media(reduced_motion="reduce")
    open_match(page, match)
    home = price(page, match, "home")
    before = home.evaluate("button => getComputedStyle(button).backgroundColor")
    match.move_home_price(2_400)
    expect(home).to_contain_text("▲")
    assert home.evaluate("button => getComputedStyle(button).backgroundColor") == before
