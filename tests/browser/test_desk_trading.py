"""The desk at work: what moves, what it costs, and what a trader stops."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import grpc
import pytest
from playwright.sync_api import Page, expect

from overround.bets.v1 import bet_pb2, betting_service_pb2, betting_service_pb2_grpc
from overround.common.v1 import money_pb2
from overround.odds.v1 import book_pb2, odds_service_pb2, odds_service_pb2_grpc
from overround.pam.v1 import player_service_pb2, player_service_pb2_grpc
from overround.wallet.v1 import wallet_service_pb2, wallet_service_pb2_grpc
from tests.browser.betslip_page import PASSWORD, expect_accessible
from tests.browser.conftest import PROVIDER_ID, OpenPage
from tests.browser.desk_page import desk_path, expect_listed, log_in, market, outcome, show, wait_priced
from tests.browser.scripted_match import ScriptedMatch
from tests.running_system import RunningSystem, wait_until

STAKE_MINOR = 1_000
SHOWN_MS = 60_000
CONFIRMED_S = 60.0
MINUS = "\N{MINUS SIGN}"

OpenDesk = Callable[[str], Page]


@pytest.fixture
def open_desk(open_page: OpenPage, system: RunningSystem) -> OpenDesk:
    """Open an address of the desk as a trader."""

    def open_address(path: str) -> Page:
        page = open_page(path)
        log_in(page, "trader", system.secrets.trader_password)
        return page

    return open_address


@pytest.fixture
def channel(system: RunningSystem) -> grpc.Channel:
    """A client's way to the system."""
    return grpc.insecure_channel(f"{system.settings.host}:{system.settings.ports.web}")


def current_book(channel: grpc.Channel, match: ScriptedMatch) -> book_pb2.Book:
    request = odds_service_pb2.GetBooksRequest(fixture_ids=[match.fixture_id])
    return odds_service_pb2_grpc.OddsServiceStub(channel).GetBooks(request).books[0]


def market_status(channel: grpc.Channel, match: ScriptedMatch, market_id: str) -> int:
    book = current_book(channel, match)
    return book.market_statuses[list(book.market_ids).index(market_id)]


def back_home(channel: grpc.Channel, match: ScriptedMatch) -> bet_pb2.Bet:
    """Have a new player bet on the home side at the price of now."""
    players = player_service_pb2_grpc.PlayerServiceStub(channel)
    name = f"desk.{uuid.uuid4().hex[:12]}"
    registered = players.Register(
        player_service_pb2.RegisterRequest(
            request_id=str(uuid.uuid4()), username=name, password=PASSWORD, currency="EUR"
        )
    )
    metadata = (("authorization", f"Bearer {registered.session.token}"),)
    stake = money_pb2.Money(amount_minor=STAKE_MINOR, currency="EUR")
    wallet_service_pb2_grpc.WalletServiceStub(channel).DepositTestMoney(
        wallet_service_pb2.DepositTestMoneyRequest(request_id=str(uuid.uuid4()), amount=stake), metadata=metadata
    )
    book = current_book(channel, match)
    leg = betting_service_pb2.LegRequest(
        fixture_id=match.fixture_id,
        market_id="1x2",
        outcome_id="home",
        decimal_odds_milli=int.from_bytes(book.decimal_odds_milli[:4], "little"),
        book_version=book.version,
    )
    single = betting_service_pb2.BetRequest(legs=[leg], lines=[bet_pb2.Line(legs=[0])], line_stake=stake)
    request = betting_service_pb2.PlaceSlipRequest(
        request_id=str(uuid.uuid4()), bets=[single], price_policy=bet_pb2.PRICE_POLICY_ANY
    )
    placed = betting_service_pb2_grpc.BettingServiceStub(channel).PlaceSlip(request, metadata=metadata)
    return placed.answers[0].bet


def test_the_strip_says_who_is_there_and_how_the_system_does(open_desk: OpenDesk, match: ScriptedMatch) -> None:
    page = open_desk("/desk")
    provider = page.locator(f'[data-provider="{PROVIDER_ID}"]')
    expect(provider).to_contain_text(re.compile(r"Sim alpha\s*up\s*\d+\.\d s"))
    expect(page.get_by_test_id("connection")).to_have_text(re.compile("Live"))
    expect(page.locator("dl.figures")).to_contain_text("Accepted")
    expect_listed(page, match, timeout_ms=SHOWN_MS)
    scroll_height = page.evaluate("document.documentElement.scrollHeight - window.innerHeight")
    assert scroll_height <= 0
    expect_accessible(page)


def test_a_fixture_is_found_opened_by_keys_and_its_prices_move(open_desk: OpenDesk, match: ScriptedMatch) -> None:
    page = open_desk("/desk")
    expect_listed(page, match, timeout_ms=SHOWN_MS)
    page.keyboard.press("/")
    expect(page.get_by_label("Filter fixtures")).to_be_focused()
    page.keyboard.type(match.home_name.lower())
    expect(page.get_by_test_id("desk-fixture")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(desk_path(match))))
    wait_priced(page)
    home = outcome(page, "home").get_by_test_id("desk-price")
    before = home.inner_text()
    match.move_home_price(2_200)
    expect(home).not_to_have_text(before)
    if outcome(page, "home").get_by_test_id("desk-move").count():
        expect(outcome(page, "home").get_by_test_id("desk-move")).to_contain_text("▲longer")
    page.keyboard.press("e")
    expect(page.get_by_test_id("why-drawer")).to_contain_text("Sim alpha")
    expect(page.get_by_test_id("why-drawer")).to_contain_text("100%")
    expect_accessible(page)
    page.go_back()
    expect(page).to_have_url(re.compile("/desk$"))
    show(page, "Fixtures")
    expect_listed(page, match)


def test_a_price_is_explained_as_of_now_and_as_it_was_made(
    open_desk: OpenDesk, match: ScriptedMatch, channel: grpc.Channel
) -> None:
    page = open_desk(desk_path(match))
    wait_priced(page)
    home = outcome(page, "home").get_by_test_id("desk-price")
    before = home.inner_text()
    match.move_home_price(2_350)
    expect(home).not_to_have_text(before)
    made_by = int.from_bytes(current_book(channel, match).market_versions[:8], "little")
    page.get_by_role("button", name="Why the prices of Match result").click()
    drawer = page.get_by_test_id("why-drawer")
    expect(drawer.get_by_role("row", name="Sim alpha")).to_contain_text("2.35")
    expect(drawer.get_by_test_id("why-ours")).to_contain_text(home.inner_text())
    expect(drawer.get_by_test_id("why-source")).not_to_be_empty()
    expect(drawer.get_by_test_id("why-margin")).to_contain_text(
        re.compile(r"\d% wanted, \d[.\d]*% after the fine ladder")
    )
    expect(drawer.get_by_test_id("why-version")).not_to_contain_text(str(made_by))
    expect_accessible(page)
    drawer.get_by_role("button", name="When made").press("Enter")
    expect(drawer.get_by_test_id("why-version")).to_contain_text(str(made_by))
    expect(drawer.get_by_role("row", name="Sim alpha")).to_contain_text("2.35")
    expect_accessible(page)
    page.keyboard.press("e")
    expect(drawer).to_have_count(0)


def test_a_market_is_suspended_and_resumed_by_key(
    open_desk: OpenDesk, match: ScriptedMatch, channel: grpc.Channel
) -> None:
    page = open_desk(desk_path(match))
    wait_priced(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("button", name="Total goals 2.5", exact=True)).to_be_focused()
    total = market(page, "total:2.5")
    page.keyboard.press("s")
    expect(total.get_by_test_id("market-status")).to_have_text("Suspended: by the desk")
    expect(total).to_contain_text(re.compile(r"trader, \d\d:\d\d:\d\d"))
    expect(page.get_by_test_id("command")).to_contain_text(re.compile(r"Suspended .* by trader at \d\d:\d\d:\d\d"))
    assert market_status(channel, match, "total:2.5") == book_pb2.MARKET_STATUS_SUSPENDED
    assert market_status(channel, match, "1x2") == book_pb2.MARKET_STATUS_OPEN
    expect_accessible(page)
    page.keyboard.press("s")
    expect(total.get_by_test_id("market-status")).to_have_text("Open")
    expect(page.get_by_test_id("command")).to_contain_text("Resumed")
    assert market_status(channel, match, "total:2.5") == book_pb2.MARKET_STATUS_OPEN


def test_a_market_that_is_held_with_its_fixture_says_so_and_has_no_button_of_its_own(
    open_desk: OpenDesk, match: ScriptedMatch
) -> None:
    page = open_desk(desk_path(match))
    wait_priced(page)
    whole = page.get_by_role("button", name="Suspend the fixture", exact=True)
    whole.click()
    expect(page.get_by_test_id("fixture-suspension")).to_contain_text("Suspended by trader at")
    total = market(page, "total:2.5")
    expect(total.get_by_test_id("market-status")).to_have_text("Suspended: with the fixture")
    expect(total.get_by_test_id("suspend")).to_have_count(0)
    expect_accessible(page)
    page.get_by_role("button", name="Resume the fixture", exact=True).click()
    expect(total.get_by_test_id("market-status")).to_have_text("Open")


def test_the_suspending_keys_act_on_what_the_foot_names(
    open_desk: OpenDesk, match: ScriptedMatch, channel: grpc.Channel, size: str
) -> None:
    if size == "phone":
        pytest.skip("a phone has no keys, so its foot names none")
    page = open_desk(desk_path(match))
    wait_priced(page)
    target = page.get_by_test_id("key-target")
    expect(target).to_contain_text(re.compile(rf"s suspends Match result\s+Shift s suspends {match.name}"))
    page.keyboard.press("Escape")
    expect(target).not_to_contain_text("Match result")
    page.keyboard.press("s")
    expect(page.get_by_test_id("announcements")).to_contain_text("Open a fixture")
    expect(page.get_by_test_id("command")).to_have_count(0)
    assert market_status(channel, match, "1x2") == book_pb2.MARKET_STATUS_OPEN


def test_a_command_shows_itself_pending_until_a_book_confirms_it(
    open_desk: OpenDesk, match: ScriptedMatch, system: RunningSystem
) -> None:
    page = open_desk(desk_path(match))
    wait_priced(page)
    system.stop("pricing")
    try:
        page.keyboard.press("Shift+S")
        expect(page.get_by_role("button", name=re.compile("^(Suspending…|Not confirmed) the fixture$"))).to_be_visible()
        expect(page.get_by_test_id("command")).to_contain_text("not confirmed yet")
        expect(page.get_by_role("button", name="Send again")).to_be_visible()
        expect(page.get_by_test_id("fixture-suspension")).to_have_count(0)
        expect_accessible(page)
    finally:
        system.start("pricing")
    expect(page.get_by_test_id("fixture-suspension")).to_contain_text("Suspended by trader at", timeout=120_000)
    page.keyboard.press("u")
    expect(page.get_by_test_id("fixture-suspension")).to_have_count(0)


def test_everything_in_play_is_suspended_after_asking_and_taken_back(
    open_desk: OpenDesk, match: ScriptedMatch, channel: grpc.Channel
) -> None:
    match.kick_off()
    page = open_desk(desk_path(match))
    wait_priced(page)
    page.get_by_role("button", name="Suspend all in-play").click()
    dialog = page.get_by_role("dialog", name="Suspend all in-play?")
    expect(dialog).to_contain_text(re.compile(r"every market of \d+ fixtures? in play"))
    expect_accessible(page)
    dialog.get_by_role("button", name=re.compile(r"Suspend \d+ fixture")).click()
    expect(page.get_by_test_id("bulk-command")).to_contain_text(re.compile(r"Suspended \d+ fixture"))
    expect(page.get_by_test_id("fixture-suspension")).to_be_visible()
    wait_until(
        lambda: market_status(channel, match, "btts") == book_pb2.MARKET_STATUS_SUSPENDED,
        CONFIRMED_S,
        lambda: "the market bettors see stayed open",
    )
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_test_id("bulk-command")).to_contain_text(re.compile(r"Resumed \d+ fixture"))
    expect(page.get_by_test_id("fixture-suspension")).to_have_count(0)


def test_a_bet_shows_on_the_ticker_and_moves_the_liability(
    open_desk: OpenDesk, match: ScriptedMatch, channel: grpc.Channel
) -> None:
    page = open_desk(desk_path(match))
    wait_priced(page)
    show(page, "Risk")
    expect(page.get_by_text("No open bets on this market.")).to_be_visible()
    bet = back_home(channel, match)
    loss_minor = bet.potential_return.amount_minor - STAKE_MINOR
    loss_rounded = f"{MINUS}€{(loss_minor + 50) // 100}"
    worst = page.get_by_test_id("liability-bars").locator('[data-outcome="home"]')
    expect(worst).to_contain_text(loss_rounded, timeout=SHOWN_MS)
    expect(worst).to_contain_text("worst")
    expect(page.get_by_test_id("liability-bars").locator('[data-outcome="draw"]')).to_contain_text("+€10")
    expect_accessible(page)
    show(page, "Ticker")
    row = page.locator(f'[data-bet="{bet.bet_id}"]')
    expect(row).to_contain_text(match.name)
    expect(row).to_contain_text("€10.00")
    expect_accessible(page)
    row.get_by_role("link").click()
    show(page, "Markets")
    expect(outcome(page, "home").get_by_test_id("desk-profit")).to_have_text(loss_rounded)
    expect(page.get_by_test_id("fixture-worst-loss")).to_have_text(f"{MINUS}€{loss_minor / 100:.2f}")
