"""What a trader does on the desk, in their words."""

from __future__ import annotations

from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

from tests.browser.scripted_match import ScriptedMatch

MATCH_PRICED_MS = 120_000
PARTS = ("Fixtures", "Markets", "Risk", "Ticker")


def desk_path(match: ScriptedMatch) -> str:
    return f"/desk/fixture/{quote(match.fixture_id, safe='')}"


def log_in(page: Page, username: str, password: str) -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def show(page: Page, part: str) -> None:
    """Bring a part of the desk into view; a wide screen shows all of them."""
    way = page.get_by_role("navigation", name="Parts of the desk").get_by_role("button", name=part)
    if way.is_visible():
        way.click()


def fixture_row(page: Page, match: ScriptedMatch) -> Locator:
    return page.locator(f'[data-testid="desk-fixture"][data-fixture="{match.fixture_id}"]')


def expect_listed(page: Page, match: ScriptedMatch, *, timeout_ms: float | None = None) -> None:
    """Expect the match in the list of fixtures, which draws only the rows in sight."""
    wanted = page.get_by_label("Filter fixtures")
    wanted.fill(match.home_name)
    expect(fixture_row(page, match)).to_be_visible(timeout=timeout_ms)
    wanted.press("Escape")


def market(page: Page, market_id: str) -> Locator:
    return page.locator(f'[data-testid="desk-market"][data-market="{market_id}"]')


def outcome(page: Page, outcome_id: str, market_id: str = "1x2") -> Locator:
    return market(page, market_id).locator(f'[data-outcome="{outcome_id}"]')


def wait_priced(page: Page) -> None:
    """Wait until the open fixture's main market takes bets."""
    expect(market(page, "1x2").get_by_test_id("market-status")).to_have_text("Open", timeout=MATCH_PRICED_MS)
