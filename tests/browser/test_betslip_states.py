"""What the page says when there is nothing, nobody, or no connection."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.betslip_page import (
    PASSWORD,
    expect_accessible,
    fixture_path,
    open_match,
    open_slip,
    price,
    register,
    slip_button,
)
from tests.browser.conftest import OpenPage
from tests.browser.scripted_match import ScriptedMatch
from tests.running_system import RunningSystem

WATCH_BOOKS = "**/overround.odds.v1.OddsService/WatchBooks"


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/bets", "Log in to see your bets"),
        ("/bets/none-such", "Log in to see this bet"),
        ("/account", "You are not logged in"),
    ],
)
def test_somebody_signed_out_is_told_what_to_do(open_page: OpenPage, path: str, heading: str) -> None:
    page = open_page(path)
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect_accessible(page)


def test_a_new_player_has_no_bets_and_is_shown_the_way(open_page: OpenPage) -> None:
    page = open_page("/bets")
    register(page)
    expect(page.get_by_role("heading", name="No open bets")).to_be_visible()
    page.get_by_role("link", name="Settled").click()
    expect(page.get_by_role("heading", name="Nothing settled yet")).to_be_visible()
    expect_accessible(page)


def test_a_session_outlives_a_reload_and_ends_with_log_out(open_page: OpenPage) -> None:
    page = open_page("/account")
    username = register(page)
    page.reload()
    expect(page.get_by_test_id("account-balance")).to_have_text("€0.00")
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Log in").first.click()
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("dialog").get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Username or password is wrong.")
    expect_accessible(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("dialog").get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_test_id("balance")).to_have_text(re.compile("€0.00"))


def test_without_data_for_three_seconds_the_page_says_so_and_recovers(
    open_page: OpenPage, system: RunningSystem, match: ScriptedMatch
) -> None:
    page = open_page(fixture_path(match))
    register(page)
    open_match(page, match)
    price(page, match, "home").click()
    open_slip(page).get_by_label("Stake").fill("10")
    banner = page.get_by_test_id("stale-banner")
    system.stop("envoy")
    try:
        expect(banner).to_contain_text(re.compile(r"No data for \d+ s"))
        expect(slip_button(page)).to_have_text("Waiting for the connection")
        expect(page.get_by_test_id("announcements")).to_contain_text("Connection lost")
        expect_accessible(page)
    finally:
        system.start("envoy")
    expect(banner).to_have_count(0)
    expect(slip_button(page)).not_to_have_text("Waiting for the connection")


def test_a_server_that_cannot_be_reached_leaves_an_id_to_quote(open_page: OpenPage, context: BrowserContext) -> None:
    context.route(WATCH_BOOKS, lambda route: route.abort("connectionrefused"))
    page = open_page("/")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("We cannot show prices")
    expect(alert.locator("code")).to_have_text(re.compile(r"\w+ · [A-Z0-9]{6}"))
    expect_accessible(page)
    with page.expect_request(WATCH_BOOKS):
        alert.get_by_role("button", name="Try again").click()
    with page.expect_response(WATCH_BOOKS):
        context.unroute(WATCH_BOOKS)
    expect(alert).to_have_count(0)


def test_the_page_works_by_keyboard_alone(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    open_match(page, match)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to matches")).to_be_focused()
    page.keyboard.press("Enter")
    home = price(page, match, "home")
    for _ in range(12):
        page.keyboard.press("Tab")
        if home.evaluate("button => button === document.activeElement"):
            break
    expect(home).to_be_focused()
    page.keyboard.press("Space")
    expect(home).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id("announcements")).to_contain_text("added to the slip")


def test_nothing_comes_from_another_origin(open_page: OpenPage, base_url: str, context: BrowserContext) -> None:
    addresses: list[str] = []
    context.on("request", lambda request: addresses.append(request.url))
    page = open_page("/")
    expect(page.get_by_label("Search by team")).to_be_visible()
    assert [address for address in addresses if not address.startswith(base_url)] == []
