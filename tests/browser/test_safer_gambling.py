"""Limits, breaks and self-exclusion: two taps from anywhere, in plain words, and they hold."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.betslip_page import deposit, expect_accessible, register
from tests.browser.conftest import OpenPage


def to_the_limits(page: Page) -> None:
    """Two taps from anywhere."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Account").click()
    page.get_by_role("link", name="Limits, breaks and self-exclusion").click()
    expect(page.get_by_role("heading", name="Deposit limits")).to_be_visible()


def test_a_limit_that_was_set_holds_and_a_higher_one_waits(open_page: OpenPage) -> None:
    page = open_page("/")
    register(page)
    to_the_limits(page)
    day = page.get_by_test_id("limit-1")
    expect(day).to_contain_text("No limit")
    day.get_by_label("New limit over 24 hours").fill("50")
    day.get_by_role("button", name="Set €50.00").click()
    expect(day).to_contain_text("€50.00, €0.00 of it paid in")
    day.get_by_label("New limit over 24 hours").fill("80")
    day.get_by_role("button", name="Set €80.00").click()
    expect(day).to_contain_text("You asked for €80.00, which waits until")
    expect_accessible(page)

    deposit(page, "40")
    page.get_by_role("button", name="Deposit", exact=True).click()
    page.get_by_label("Amount in EUR").fill("11")
    page.get_by_role("button", name=re.compile(r"^Deposit €")).click()
    expect(page.get_by_role("alert")).to_contain_text("your own deposit limit")
    expect(page.get_by_role("dialog")).to_contain_text("At most €10.00 at once")


def test_a_break_and_an_exclusion_are_asked_for_twice_and_hold(open_page: OpenPage) -> None:
    page = open_page("/")
    username = register(page)
    to_the_limits(page)
    page.get_by_role("button", name="Take a break for 24 hours").click()
    page.get_by_role("button", name="Yes: Take a break for 24 hours").click()
    expect(page.get_by_test_id("timed-out")).to_contain_text("You are taking a break until")

    page.get_by_label("For at least").select_option("6")
    page.get_by_role("button", name="Exclude me for 6 months").click()
    expect(page.get_by_role("group", name="Exclude me for 6 months")).to_contain_text("nobody can end that before")
    expect_accessible(page)
    page.get_by_role("button", name="Yes: Exclude me for 6 months").click()
    expect(page.get_by_role("heading", name="You have excluded yourself")).to_be_visible()
    expect(page.get_by_test_id("balance")).to_have_count(0)

    page.get_by_role("button", name="Log in").first.click()
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("dialog").get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_test_id("balance")).to_be_visible()
    to_the_limits(page)
    expect(page.get_by_test_id("excluded")).to_contain_text("You excluded yourself until")
    page.get_by_test_id("balance").click()
    page.get_by_role("button", name="Deposit", exact=True).click()
    page.get_by_role("button", name=re.compile(r"^Deposit €")).click()
    expect(page.get_by_role("alert")).to_contain_text("You excluded yourself")
