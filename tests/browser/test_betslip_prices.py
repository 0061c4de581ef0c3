"""The front and the match page: real prices, moving, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.betslip_page import MATCH_PRICED_MS, expect_accessible, fixture_path, open_match, price
from tests.browser.conftest import OpenPage
from tests.browser.scripted_match import ScriptedMatch

TOUCH_PX_MIN = 44


def test_the_front_finds_a_match_by_team_and_opens_it(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page("/")
    page.get_by_label("Search by team").fill(match.home_name.upper())
    row = page.locator(f'[data-fixture="{match.fixture_id}"]')
    expect(row).to_be_visible(timeout=120_000)
    expect(page.get_by_test_id("fixture-row")).to_have_count(1)
    for button in row.get_by_test_id("price").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= TOUCH_PX_MIN
    expect_accessible(page)
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(match.home_name)
    page.go_back()
    expect(row).to_be_visible()


@pytest.mark.usefixtures("match")
def test_a_search_without_a_match_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page("/")
    # Of the many that earlier tests left behind only the first are drawn.
    expect(page.get_by_test_id("fixture-row").first).to_be_visible(timeout=MATCH_PRICED_MS)
    page.get_by_label("Search by team").fill("no such team")
    expect(page.get_by_role("heading", name="No team like")).to_be_visible()
    expect_accessible(page)


def test_a_match_page_follows_price_score_and_suspension(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    open_match(page, match)
    home = price(page, match, "home")
    expect(page.get_by_role("group", name="Total goals 2.5")).to_be_visible()
    expect_accessible(page)

    match.move_home_price(2_600)
    expect(home).to_contain_text("▲")
    expect(home).not_to_contain_text("▲")

    match.kick_off()
    match.home_score = 1
    expect(page.get_by_test_id("score")).to_have_text(re.compile(r"1\D0"))
    expect(page.get_by_role("list", name="What has happened")).to_contain_text("Goal")

    match.is_suspended = True
    expect(home).to_be_disabled()
    expect(home).to_have_accessible_name(f"{match.home_name} suspended, Match result, {match.name}")
    expect_accessible(page)
    match.is_suspended = False
    expect(home).to_be_enabled()


def test_a_price_is_called_what_it_shows(open_page: OpenPage, match: ScriptedMatch) -> None:
    match.quote_evenly([("1x2", ("home", "draw", "away")), ("double_chance", ("1x", "12", "x2"))])
    page = open_page(fixture_path(match))
    open_match(page, match)
    expect(price(page, match, "1x", market_id="double_chance")).to_be_enabled(timeout=MATCH_PRICED_MS)
    called = page.evaluate(
        """() => [...document.querySelectorAll('[data-testid="price"]:enabled')].map((button) => ({
            seen: button.innerText.replace(/[▲▼]/g, " ").replace(/\\s+/g, " ").trim(),
            name: button.getAttribute("aria-label").replace(/\\s+/g, " "),
        }))"""
    )
    assert len(called) > 3
    assert [button for button in called if not button["name"].startswith(button["seen"])] == []


def test_odds_are_shown_in_the_format_somebody_chose(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page("/account")
    page.get_by_text("+150").click()
    page.goto(page.url.replace("/account", fixture_path(match)))
    open_match(page, match)
    expect(price(page, match, "home")).to_contain_text("+")


def test_an_unknown_match_says_so(open_page: OpenPage) -> None:
    page = open_page("/fixture/none-such")
    expect(page.get_by_role("heading", name="This match is over or not offered")).to_be_visible()
    expect_accessible(page)
