"""What the desk says when there is nobody, the wrong person, nothing, or no connection."""

from __future__ import annotations

import re
import uuid

from playwright.sync_api import BrowserContext, expect

from tests.browser.betslip_page import PASSWORD, expect_accessible, register
from tests.browser.conftest import OpenPage
from tests.browser.desk_page import desk_path, expect_listed, log_in, market, show, wait_priced
from tests.browser.scripted_match import ScriptedMatch
from tests.running_system import RunningSystem

BACK_MS = 180_000
PROVIDER_TIME_OUT_MS = 8_000
WATCH_DESK = "**/overround.trading.v1.TradingService/WatchDesk"


def test_somebody_signed_out_is_asked_who_they_are(open_page: OpenPage) -> None:
    page = open_page("/desk")
    expect(page.get_by_role("heading", name="Trading desk")).to_be_visible()
    expect_accessible(page)
    log_in(page, "trader", f"not the password {uuid.uuid4().hex}")
    expect(page.get_by_role("alert")).to_contain_text("Username or password is wrong.")
    expect_accessible(page)


def test_a_bettor_is_told_where_they_belong(open_page: OpenPage) -> None:
    username = register(open_page("/"))
    page = open_page("/desk")
    log_in(page, username, PASSWORD)
    expect(page.get_by_role("heading", name="The desk is for traders")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text(username)
    expect_accessible(page)
    page.get_by_role("button", name="Log in as somebody else").click()
    expect(page.get_by_label("Username")).to_be_visible()


def test_what_is_not_there_is_said_and_leads_on(
    open_page: OpenPage, system: RunningSystem, match: ScriptedMatch
) -> None:
    page = open_page("/desk/fixture/none-such")
    log_in(page, "trader", system.secrets.trader_password)
    expect(page.get_by_role("heading", name="This fixture is not on the book")).to_be_visible()
    expect_accessible(page)
    page.get_by_role("link", name="Back to the fixtures").click()
    show(page, "Fixtures")
    expect_listed(page, match)
    page.get_by_label("Filter fixtures").fill("no such team")
    expect(page.get_by_role("heading", name="No fixture like that")).to_be_visible()
    expect_accessible(page)
    page.get_by_role("button", name="Show all fixtures").click()
    expect_listed(page, match)


def test_a_desk_that_cannot_be_opened_gives_an_id_to_quote(
    open_page: OpenPage, system: RunningSystem, context: BrowserContext
) -> None:
    context.route(WATCH_DESK, lambda route: route.abort("connectionreset"))
    page = open_page("/desk")
    log_in(page, "trader", system.secrets.trader_password)
    expect(page.get_by_role("heading", name="The desk cannot be opened")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"quote Unavailable|quote Unknown|quote \w+ · \w{6}"))
    expect_accessible(page)
    page.get_by_role("button", name="Try again").click()
    context.unroute(WATCH_DESK)
    expect(page.get_by_test_id("connection")).to_have_text(re.compile("Live"))


def test_without_the_gateway_the_desk_counts_the_seconds_and_recovers(
    open_page: OpenPage, system: RunningSystem, match: ScriptedMatch
) -> None:
    page = open_page(desk_path(match))
    log_in(page, "trader", system.secrets.trader_password)
    wait_priced(page)
    system.stop("gateway")
    try:
        expect(page.get_by_test_id("stale-banner")).to_contain_text(re.compile(r"No data for ([3-9]|[1-9]\d+) s"))
        expect(page.get_by_test_id("connection")).to_have_text(re.compile("Stale"))
        expect(page.get_by_test_id("announcements")).to_contain_text("Connection lost")
        expect(page.get_by_test_id("providers-unknown")).to_have_text(re.compile(r"Unknown since \d+ s"))
        expect(page.get_by_test_id("provider").first).to_contain_text("unknown")
        # Nothing is known of them, so however long it lasts nobody is said to be down.
        page.wait_for_timeout(PROVIDER_TIME_OUT_MS)
        expect(page.get_by_test_id("provider").filter(has_text="down")).to_have_count(0)
        expect_accessible(page)
    finally:
        system.start("gateway")
    expect(page.get_by_test_id("stale-banner")).to_have_count(0, timeout=BACK_MS)
    expect(page.get_by_test_id("connection")).to_have_text(re.compile("Live"))


def test_while_pricing_stands_still_the_desk_says_so_and_is_not_live(
    open_page: OpenPage, system: RunningSystem, match: ScriptedMatch
) -> None:
    page = open_page(desk_path(match))
    log_in(page, "trader", system.secrets.trader_password)
    wait_priced(page)
    grid = page.get_by_test_id("market-grid").bounding_box()
    system.stop("pricing")
    try:
        banner = page.get_by_test_id("paused-banner")
        expect(banner).to_contain_text(re.compile(r"Pricing is paused for \d+ s"))
        expect(page.get_by_test_id("connection")).to_have_text(re.compile("Pricing paused"))
        expect(market(page, "1x2").get_by_test_id("market-status")).to_have_text("Pricing is paused")
        expect(page.get_by_test_id("fixture-status")).to_have_text("Pricing is paused")
        assert page.get_by_test_id("market-grid").bounding_box() == grid
        expect_accessible(page)
    finally:
        system.start("pricing")
    expect(banner).to_have_count(0, timeout=BACK_MS)
    expect(page.get_by_test_id("connection")).to_have_text(re.compile("Live"))
    expect(market(page, "1x2").get_by_test_id("market-status")).to_have_text("Open")


def test_a_log_out_in_another_tab_ends_the_desk_at_once_and_says_so(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page("/desk")
    log_in(page, "trader", system.secrets.trader_password)
    expect(page.get_by_test_id("connection")).to_have_text(re.compile("Live"))
    other = open_page("/desk")
    other.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("status").filter(has_text="Your session has ended")).to_be_visible()
    expect(page.get_by_label("Username")).to_be_visible()


def test_help_and_theme_are_a_key_away(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page("/desk")
    log_in(page, "trader", system.secrets.trader_password)
    expect(page.get_by_test_id("connection")).to_have_text(re.compile("Live"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys of the desk")).to_contain_text("Suspend or resume the market")
    expect_accessible(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Light theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect_accessible(page)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
