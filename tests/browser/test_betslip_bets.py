"""From a price to a paid bet, and every way in which that can go otherwise."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.betslip_page import (
    deposit,
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

PLACE_SLIP = "**/overround.bets.v1.BettingService/PlaceSlip"
GET_SLIP = "**/overround.bets.v1.BettingService/GetSlip"
ANSWER_MS = 120_000


def to_my_bets(page: Page) -> None:
    page.keyboard.press("Escape")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="My bets").click()
    expect(page.get_by_role("heading", name="My bets")).to_be_visible()


def test_a_bet_is_placed_and_followed_to_its_payout(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    ready_to_bet(page, match, balance="100", stake="10")
    press(page, "Place €10.00")
    expect(page.get_by_test_id("receipt")).to_contain_text("Bet placed", timeout=ANSWER_MS)
    expect(page.get_by_test_id("balance")).to_have_text(re.compile("€90.00"))
    expect_accessible(page)

    to_my_bets(page)
    bet = page.get_by_test_id("bet")
    expect(bet).to_contain_text(match.name)
    expect(bet.get_by_test_id("bet-result")).to_have_text("Open")
    expect_accessible(page)
    bet.get_by_role("link").click()
    match.settle("1x2", winner="home")
    expect(page.get_by_test_id("bet-result")).to_contain_text("Won €", timeout=ANSWER_MS)
    expect(page.get_by_role("listitem").filter(has_text="Settled")).to_be_visible()
    expect(page.get_by_test_id("balance")).not_to_have_text(re.compile("€90.00"))
    expect_accessible(page)


def test_a_bet_is_in_the_currency_of_its_account(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_label("Currency")).to_have_value("EUR")
    expect_accessible(page)
    page.keyboard.press("Escape")
    ready_to_bet(page, match, balance="50000", stake="1000", currency="JPY", sign="¥")
    press(page, "Place JP¥1,000")
    expect(page.get_by_test_id("receipt")).to_contain_text("Bet placed", timeout=ANSWER_MS)
    expect(page.get_by_test_id("balance")).to_have_text(re.compile("¥49,000"))
    to_my_bets(page)
    expect(page.get_by_test_id("bet")).to_contain_text("JP¥1,000")


def test_a_bet_in_play_counts_its_delay_down(open_page: OpenPage, match: ScriptedMatch) -> None:
    match.kick_off()
    page = open_page(fixture_path(match))
    ready_to_bet(page, match, balance="100", stake="5")
    press(page, "Place €5.00")
    expect(slip_button(page)).to_contain_text(re.compile(r"Placing… \d s"))
    expect(slip_button(page)).to_be_disabled()
    expect(page.get_by_test_id("receipt")).to_be_visible(timeout=ANSWER_MS)


def test_a_shorter_price_is_placed_only_after_it_was_accepted(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    ready_to_bet(page, match, balance="100", stake="10")
    match.move_home_price(1_600)
    press(page, "Price is now")
    press(page, "Place €10.00")
    expect(page.get_by_test_id("receipt")).to_be_visible(timeout=ANSWER_MS)


def test_a_stake_past_the_limit_offers_the_limit(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    ready_to_bet(page, match, balance="9000", stake="5000")
    press(page, "Place €5,000.00")
    press(page, "Most we can take is €")
    press(page, "Place €")
    expect(page.get_by_test_id("receipt")).to_be_visible(timeout=ANSWER_MS)


def test_a_suspended_price_cannot_be_placed(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    ready_to_bet(page, match, balance="100", stake="10")
    match.is_suspended = True
    expect(slip_button(page)).to_have_text("Suspended")
    expect(slip_button(page)).to_be_disabled()
    expect_accessible(page)
    match.is_suspended = False
    expect(slip_button(page)).to_have_text("Place €10.00")


def test_too_little_money_leads_to_a_deposit_and_back(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    register(page)
    deposit(page, "4")
    page.goto(page.url.replace("/account", fixture_path(match)))
    open_match(page, match)
    price(page, match, "home").click()
    open_slip(page).get_by_label("Stake").fill("10")
    press(page, "Deposit to place it")
    expect(page.get_by_label("Amount in EUR")).to_have_value("6.00")
    expect_accessible(page)
    page.get_by_role("button", name="Deposit €6.00").click()
    expect(page.get_by_role("dialog", name="Deposit")).to_have_count(0)
    open_slip(page)
    expect(slip_button(page)).to_have_text("Place €10.00")


def test_somebody_signed_out_is_asked_to_log_in(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    open_match(page, match)
    price(page, match, "home").click()
    open_slip(page)
    press(page, "Log in to bet")
    expect(page.get_by_role("dialog", name="Log in")).to_be_visible()
    expect_accessible(page)


def lose_the_answer(route: Route) -> None:
    """Let the server have the request, and the browser nothing."""
    route.fetch()
    route.abort("connectionreset")


def test_a_lost_answer_is_asked_for_and_the_bet_stands_once(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    ready_to_bet(page, match, balance="100", stake="10")
    page.route(GET_SLIP, lambda route: route.abort("connectionreset"))
    page.route(PLACE_SLIP, lose_the_answer)
    press(page, "Place €10.00")
    expect(slip_button(page)).to_contain_text("Finding out…")
    expect(slip_button(page)).to_be_disabled()
    page.unroute(GET_SLIP)
    expect(page.get_by_test_id("receipt")).to_be_visible(timeout=ANSWER_MS)
    page.unroute(PLACE_SLIP)
    to_my_bets(page)
    expect(page.get_by_test_id("bet")).to_have_count(1)
    expect(page.get_by_test_id("balance")).to_have_text(re.compile("€90.00"))


def test_a_reload_while_the_answer_is_out_asks_too(open_page: OpenPage, match: ScriptedMatch) -> None:
    page = open_page(fixture_path(match))
    ready_to_bet(page, match, balance="100", stake="10")
    page.route(GET_SLIP, lambda route: route.abort("connectionreset"))
    page.route(PLACE_SLIP, lose_the_answer)
    press(page, "Place €10.00")
    expect(slip_button(page)).to_contain_text("Finding out…")
    page.reload()
    page.unroute(GET_SLIP)
    open_slip(page)
    expect(page.get_by_test_id("receipt")).to_be_visible(timeout=ANSWER_MS)
    expect(page.get_by_test_id("balance")).to_have_text(re.compile("€90.00"))
