"""What a bettor does on the betslip page, in their words."""

from __future__ import annotations

import re
import uuid
from urllib.parse import quote

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.scripted_match import ScriptedMatch

PASSWORD = "correct horse battery"
MATCH_PRICED_MS = 120_000
# What beats for ever, such as the banner of a lost connection, is judged as it is.
NOTHING_FADES = """() => document.getAnimations().every(
    (animation) => animation.playState !== "running" || animation.effect.getComputedTiming().endTime === Infinity
)"""


def fixture_path(match: ScriptedMatch) -> str:
    return f"/fixture/{quote(match.fixture_id, safe='')}"


def price(page: Page, match: ScriptedMatch, outcome_id: str, market_id: str = "1x2") -> Locator:
    """The price button of an outcome, on a page that shows one match."""
    return page.locator(f'[data-testid="price"][data-market="{market_id}"][data-outcome="{outcome_id}"]').first


def open_match(page: Page, match: ScriptedMatch) -> None:
    """Wait until the page of a match shows prices that can be pressed."""
    expect(price(page, match, "home")).to_be_enabled(timeout=MATCH_PRICED_MS)


def register(page: Page, *, currency: str = "EUR") -> str:
    """Open an account in a currency and return its username."""
    username = f"browser.{uuid.uuid4().hex[:12]}"
    page.get_by_role("button", name="Join").click()
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Currency").select_option(currency)
    page.get_by_role("button", name="Open account").click()
    expect(page.get_by_test_id("balance")).to_be_visible()
    return username


def deposit(page: Page, amount: str, *, currency: str = "EUR", sign: str = "€") -> None:
    page.get_by_test_id("balance").click()
    page.get_by_role("button", name="Deposit", exact=True).click()
    page.get_by_label(f"Amount in {currency}").fill(amount)
    page.get_by_role("button", name=re.compile(f"^Deposit .*{sign}")).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def open_slip(page: Page) -> Locator:
    """Return the slip, opening the sheet where the screen is a phone's."""
    sheet = page.get_by_test_id("open-slip")
    slip = page.get_by_test_id("slip")
    if sheet.is_visible() and not slip.is_visible():
        sheet.click()
    expect(slip).to_be_visible()
    return slip


def slip_button(page: Page) -> Locator:
    return page.get_by_test_id("slip-button")


def press(page: Page, label: str) -> None:
    """Press the slip's button once it says this; a button that has just changed does not take a press at once."""
    expect(slip_button(page)).to_contain_text(label)
    page.wait_for_timeout(500)
    slip_button(page).click()


def ready_to_bet(
    page: Page, match: ScriptedMatch, *, balance: str, stake: str, currency: str = "EUR", sign: str = "€"
) -> None:
    """Register, deposit, choose the home price and type a stake."""
    register(page, currency=currency)
    deposit(page, balance, currency=currency, sign=sign)
    page.goto(page.url.split("/account")[0] + fixture_path(match))
    open_match(page, match)
    price(page, match, "home").click()
    open_slip(page).get_by_label("Stake").fill(stake)


def expect_accessible(page: Page) -> None:
    """Check that axe finds nothing on the page as it is now, once colours no longer fade from one into another."""
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_function(NOTHING_FADES)
    results = Axe().run(page)
    page.emulate_media(reduced_motion="null")
    assert results.violations_count == 0, results.generate_report()
