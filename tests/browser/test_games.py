"""The lobby and a slot: what is seen is what was kept, once for each press."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.betslip_page import deposit, expect_accessible, register
from tests.browser.conftest import OpenPage

SPIN = "**/overround.casino.v1.CasinoService/Spin"


def to_game(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Games").click()
    expect(page.get_by_role("heading", name="Games")).to_be_visible()
    page.get_by_role("link", name=re.compile("Triple Bell")).click()
    expect(page.get_by_test_id("reels")).to_be_visible()


def choose(page: Page, stake: str) -> None:
    page.get_by_role("group", name="Stake of a spin").get_by_role("button", name=stake).click()


def test_a_spin_is_one_press_and_is_found_among_the_last_rounds(open_page: OpenPage) -> None:
    page = open_page("/games")
    expect(page.get_by_text("Log in to play")).to_be_visible()
    register(page)
    deposit(page, "100")
    to_game(page)
    expect_accessible(page)
    expect(page.get_by_test_id("rules")).to_contain_text("95.10%")
    choose(page, "€1.00")
    button = page.get_by_test_id("spin")
    button.click()
    expect(button).to_be_disabled()
    expect(page.get_by_test_id("result")).to_have_text(re.compile("No win|Returned|Won"))
    expect(button).to_be_enabled()
    expect(page.get_by_test_id("rounds").get_by_role("row")).to_have_count(2)
    first = page.get_by_test_id("rounds").get_by_role("row").nth(1)
    expect(first).to_contain_text("€1.00")
    expect_accessible(page)
    told = page.get_by_test_id("game-balance").inner_text()
    page.reload()
    expect(page.get_by_test_id("game-balance")).to_have_text(told)
    expect(page.get_by_test_id("rounds").get_by_role("row")).to_have_count(2)


def test_after_a_lost_answer_it_is_asked_what_came_of_the_spin_and_it_counts_once(open_page: OpenPage) -> None:
    page = open_page("/games")
    register(page)
    deposit(page, "100")
    to_game(page)
    choose(page, "€5.00")
    asked: list[bytes] = []

    def lose_first(route: Route) -> None:
        asked.append(route.request.post_data_buffer or b"")
        if len(asked) > 1:
            route.continue_()
            return
        route.fetch()
        route.abort()

    page.route(SPIN, lose_first)
    page.get_by_test_id("spin").click()
    expect(page.get_by_test_id("spin")).to_contain_text("asking what came of it")
    expect(page.get_by_test_id("result")).to_have_text(re.compile("No win|Returned|Won"))
    assert len(asked) == 2
    assert asked[0] == asked[1]
    page.unroute(SPIN)
    page.reload()
    expect(page.get_by_test_id("rounds").get_by_role("row")).to_have_count(2)


def test_who_has_too_little_is_asked_to_deposit_and_a_strange_game_is_no_game(open_page: OpenPage) -> None:
    page = open_page("/games")
    register(page)
    to_game(page)
    choose(page, "€2.00")
    page.get_by_role("button", name="Deposit to play for €2.00").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Deposit .*€2.00")).click()
    expect(page.get_by_test_id("game-balance")).to_have_text("€2.00")
    expect(page.get_by_test_id("spin")).to_be_enabled()
    page.goto(page.url.replace("triple_bell", "nothing"))
    expect(page.get_by_text("This game is not offered")).to_be_visible()
    expect_accessible(page)
