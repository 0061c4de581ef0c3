"""A match told by the Unified Odds Feed: prices, a bet-stop, a settlement, its rollback, a second settlement."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from overround.bets.v1 import bet_pb2
from overround.odds.v1 import book_pb2
from tests.e2e.client import Bettor, Price, Prices, wait_for
from tests.e2e.conftest import Overround, patient
from tests.running_system import RunningSystem

FIXTURE_ID = "sr:match:90000001"
EVENT_ID = "sr:match:90000001"
STAKE_MINOR = 1_000
DEPOSIT_MINOR = 20_000
# Between the last prices of the story and its final settlement, by its own clock.
SETTLED_MS, ROLLED_BACK_MS, CANCELLED_MS, CANCEL_ROLLED_BACK_MS = (1_700_013_000_000 + step for step in range(4))


@pytest.mark.timeout(900)
def test_the_match_story_settles_rolls_back_and_settles_anew(
    system: RunningSystem, recorded_data: Path, overround: Overround, tmp_path: Path
) -> None:
    settings = system.settings
    run = overround(patient(settings))
    target = f"{settings.host}:{settings.ports.web}"
    prices, bettor = Prices(target), Bettor(target, deposit_minor=DEPOSIT_MINOR)
    story = recorded_data / "uof" / "match_story"

    def tell(*prefixes: str) -> None:
        run("replay", *(next(story.glob(f"{prefix}_*.xml")) for prefix in prefixes))

    def say(name: str, text: str) -> None:
        path = tmp_path / f"{name}.xml"
        path.write_text(text)
        run("replay", path)

    def back(market_id: str, outcome_id: str) -> bet_pb2.Bet:
        price: Price = wait_for(
            lambda: prices.price(FIXTURE_ID, market_id, outcome_id), what=f"price of {market_id} {outcome_id}"
        )
        bet = bettor.place(price, stake_minor=STAKE_MINOR)
        assert isinstance(bet, bet_pb2.Bet), bet
        return bet

    tell("01", "02", "03", "04")
    home, under, quarter = back("1x2", "home"), back("total:2.5", "under"), back("handicap:-0.25", "away")
    staked_minor = 3 * STAKE_MINOR

    tell("01", "05", "06", "07")
    suspended = book_pb2.MARKET_STATUS_SUSPENDED
    wait_for(lambda: prices.market_status(FIXTURE_ID, "1x2") == suspended or None, what="bet-stop in the book")
    tell("08", "09", "10", "11", "12", "13")
    over = back("total:2.5", "over")
    assert over.legs[0].is_in_play
    staked_minor += STAKE_MINOR

    # The feed says home won, takes it back, and at the end says the match was drawn.
    say("settled", settlement(market="1", won="1", lost=("2", "3"), time_ms=SETTLED_MS))
    wrongly_paid_minor = home.potential_return.amount_minor
    expect_balance(bettor, DEPOSIT_MINOR - staked_minor + wrongly_paid_minor)
    say("rolled-back", rollback(market="1", time_ms=ROLLED_BACK_MS))
    expect_balance(bettor, DEPOSIT_MINOR - staked_minor)
    assert bettor.bet(home.bet_id).status == bet_pb2.BET_STATUS_OPEN

    now_ms = time.time_ns() // 1_000_000
    window = (now_ms - 3_600_000, now_ms + 3_600_000)
    say("cancelled", cancel(market="18", specifiers="total=2.5", window=window, time_ms=CANCELLED_MS))
    expect_balance(bettor, DEPOSIT_MINOR - staked_minor + 2 * STAKE_MINOR)
    assert bettor.bet(under.bet_id).status == bet_pb2.BET_STATUS_VOID
    say("uncancelled", uncancel(market="18", specifiers="total=2.5", window=window, time_ms=CANCEL_ROLLED_BACK_MS))
    expect_balance(bettor, DEPOSIT_MINOR - staked_minor)

    tell("14")
    half_won_minor = STAKE_MINOR // 2 + STAKE_MINOR * quarter.legs[0].decimal_odds_milli // 2_000
    returned_minor = under.potential_return.amount_minor + half_won_minor
    expect_balance(bettor, DEPOSIT_MINOR - staked_minor + returned_minor)
    events = [event.kind for event in bettor.bet(home.bet_id).events]
    assert events == [
        bet_pb2.BetEvent.KIND_ACCEPTED,
        bet_pb2.BetEvent.KIND_SETTLED,
        bet_pb2.BetEvent.KIND_SETTLEMENT_ROLLED_BACK,
        bet_pb2.BetEvent.KIND_SETTLED,
    ]
    assert bettor.bet(home.bet_id).return_amount.amount_minor == 0
    run("audit", "--clickhouse")


def expect_balance(bettor: Bettor, balance_minor: int) -> None:
    wait_for(lambda: bettor.balance_minor() == balance_minor or None, what=f"balance of {balance_minor}")


def settlement(*, market: str, won: str, lost: tuple[str, ...], time_ms: int) -> str:
    losers = "".join(f'<outcome id="{outcome}" result="0"/>' for outcome in lost)
    outcomes = f'<market id="{market}"><outcome id="{won}" result="1"/>{losers}</market>'
    return (
        f'<bet_settlement product="1" event_id="{EVENT_ID}" timestamp="{time_ms}" certainty="1">'
        f"<outcomes>{outcomes}</outcomes></bet_settlement>"
    )


def rollback(*, market: str, time_ms: int) -> str:
    return (
        f'<rollback_bet_settlement product="1" event_id="{EVENT_ID}" timestamp="{time_ms}">'
        f'<market id="{market}"/></rollback_bet_settlement>'
    )


def cancel(*, market: str, specifiers: str, window: tuple[int, int], time_ms: int) -> str:
    return (
        f'<bet_cancel product="1" event_id="{EVENT_ID}" timestamp="{time_ms}" start_time="{window[0]}" '
        f'end_time="{window[1]}"><market id="{market}" specifiers="{specifiers}" void_reason="12"/></bet_cancel>'
    )


def uncancel(*, market: str, specifiers: str, window: tuple[int, int], time_ms: int) -> str:
    return (
        f'<rollback_bet_cancel product="1" event_id="{EVENT_ID}" timestamp="{time_ms}" start_time="{window[0]}" '
        f'end_time="{window[1]}"><market id="{market}" specifiers="{specifiers}"/></rollback_bet_cancel>'
    )
