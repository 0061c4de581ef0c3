"""The path of a bet: its order, its stored answers, and what becomes of a reservation."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from bets.answer import BetAnswer
from bets.request import PricePolicy
from gateway.bet_placement import BetPlacement, BettingRules, PricingUnavailable
from kernel.commands import LedgerUnavailable, Overloaded, RequestIdReused
from odds.fixture import MarketStatus
from pam.player import PlayerStatus
from risk.exposure import MarketExposure
from risk.limits import LimitTable
from risk.ports import ReservationKey, RiskUnavailable
from tests.unit.fake_betting import PLAYER, FakeBook, FakeBooks, FakeClock, FakeExposure, FakeFigures, FakeLedger, ask

RULES = BettingRules(
    table=LimitTable(
        stake_minor_min=10,
        stake_minor_max=100_000,
        payout_minor_max=1_000_000,
        market_loss_minor_max=5_000,
        side_market_factor_milli=500,
        in_play_factor_milli=1_000,
    ),
    in_play_delay_ms=30,
    answer_timeout_ms=500,
    in_flight_max=2,
)


class House:
    """A placement with all its fakes."""

    def __init__(self, *, in_play_delay_ms: int = 30, answer_timeout_ms: int = 500) -> None:
        self.books = FakeBooks()
        self.exposure = FakeExposure()
        self.ledger = FakeLedger()
        self.figures = FakeFigures()
        self.placement = BetPlacement(
            books=self.books,
            exposure=self.exposure,
            ledger=self.ledger,
            figures=self.figures,
            clock=FakeClock(),
            rules=replace(RULES, in_play_delay_ms=in_play_delay_ms, answer_timeout_ms=answer_timeout_ms),
        )

    def open_book(self, **changes: object) -> None:
        self.books.book = replace(self.books.book or FakeBook(), **changes)  # type: ignore[arg-type]


def reason_of(answer: BetAnswer) -> str:
    assert answer.refusal is not None
    assert answer.bet is None
    return answer.refusal.reason


async def test_an_accepted_bet_is_reserved_then_placed_then_committed() -> None:
    house = House()
    answer = await house.placement.place(PLAYER, ask())
    assert answer.bet is not None
    assert answer.bet.legs[0].decimal_odds_milli == 2_000
    assert house.exposure.calls == ["reserve", "commit"]
    assert set(house.exposure.bets) == {answer.bet.bet_id}
    assert house.exposure.market == MarketExposure(1_000, {"home": 2_000})
    assert house.figures.noted == [(0.0, True)]


async def test_a_refusal_by_rule_is_stored_and_stays_when_the_rule_would_pass() -> None:
    house = House()
    house.open_book(status=MarketStatus.SUSPENDED)
    request = ask()
    assert reason_of(await house.placement.place(PLAYER, request)) == "MARKET_SUSPENDED"
    house.open_book(status=MarketStatus.OPEN)
    again = await house.placement.place(PLAYER, request)
    assert reason_of(again) == "MARKET_SUSPENDED"
    assert again.is_replay
    assert house.exposure.market == MarketExposure()
    assert house.exposure.reservations == {}


async def test_an_accepted_bet_stays_accepted_and_counts_once_when_asked_again() -> None:
    house = House()
    request = ask()
    first = await house.placement.place(PLAYER, request)
    again = await house.placement.place(PLAYER, request)
    house.open_book(status=MarketStatus.CLOSED)
    after_the_end = await house.placement.place(PLAYER, request)
    assert first.bet == again.bet == after_the_end.bet
    assert house.exposure.market == MarketExposure(1_000, {"home": 2_000})


async def test_a_settled_bet_that_is_asked_for_again_does_not_count_again() -> None:
    house = House()
    request = ask()
    placed = await house.placement.place(PLAYER, request)
    assert placed.bet is not None
    await house.exposure.remove_bet(placed.bet.bet_id, fixture_id="sim:1:1")
    assert (await house.placement.place(PLAYER, request)).bet == placed.bet
    assert house.exposure.market == MarketExposure()


async def test_the_same_request_id_with_another_content_is_refused_and_holds_nothing() -> None:
    house = House()
    await house.placement.place(PLAYER, ask(request_id=UUID(int=1)))
    with pytest.raises(RequestIdReused):
        await house.placement.place(PLAYER, ask(request_id=UUID(int=1), stake_minor=2_000))
    assert house.exposure.market == MarketExposure(1_000, {"home": 2_000})


async def test_the_same_request_id_of_another_player_is_another_request() -> None:
    house = House()
    first = await house.placement.place(PLAYER, ask(request_id=UUID(int=1)))
    other = await house.placement.place(replace(PLAYER, player_id=UUID(int=8)), ask(request_id=UUID(int=1)))
    assert first.bet is not None
    assert other.bet is not None
    assert first.bet.bet_id != other.bet.bet_id


@pytest.mark.parametrize(("stake_minor", "is_taken"), [(5_000, True), (5_001, False)])
async def test_the_liability_limit_holds_to_the_unit(stake_minor: int, is_taken: bool) -> None:
    house = House()
    answer = await house.placement.place(PLAYER, ask(stake_minor=stake_minor))
    assert (answer.bet is not None) is is_taken
    if not is_taken:
        assert answer.refusal is not None
        assert (answer.refusal.reason, answer.refusal.stake_max_minor) == ("LIABILITY_LIMIT_EXCEEDED", 5_000)


async def test_want_of_funds_gives_the_reservation_back() -> None:
    house = House()
    house.ledger.funds_minor = 999
    assert reason_of(await house.placement.place(PLAYER, ask())) == "INSUFFICIENT_FUNDS"
    assert house.exposure.market == MarketExposure()


async def test_a_blocked_player_is_refused_for_ever() -> None:
    house = House()
    request = ask()
    blocked = replace(PLAYER, status=PlayerStatus.BLOCKED)
    assert reason_of(await house.placement.place(blocked, request)) == "PLAYER_BLOCKED"
    assert reason_of(await house.placement.place(PLAYER, request)) == "PLAYER_BLOCKED"


async def test_nothing_is_stored_while_pricing_is_not_heard_of() -> None:
    house = House()
    house.books.is_live = False
    request = ask()
    with pytest.raises(PricingUnavailable):
        await house.placement.place(PLAYER, request)
    house.books.is_live = True
    assert (await house.placement.place(PLAYER, request)).bet is not None


async def test_nothing_is_stored_while_exposure_cannot_be_reserved() -> None:
    house = House()
    house.exposure.is_down = True
    with pytest.raises(RiskUnavailable):
        await house.placement.place(PLAYER, ask())
    assert house.ledger.commands == []


async def test_a_ledger_that_does_not_answer_leaves_the_reservation_to_the_keeper() -> None:
    house = House()
    house.ledger.failure = LedgerUnavailable("Down")
    request = ask()
    with pytest.raises(LedgerUnavailable):
        await house.placement.place(PLAYER, request)
    assert set(house.exposure.reservations) == {ReservationKey(PLAYER.player_id, request.request_id)}


async def test_a_ledger_that_hangs_is_given_up_in_time_and_the_repeat_gets_the_bet() -> None:
    house = House(answer_timeout_ms=30)
    house.ledger.holding = asyncio.Event()
    request = ask()
    with pytest.raises(LedgerUnavailable):
        await house.placement.place(PLAYER, request)
    house.ledger.holding.set()
    answer = await house.placement.place(PLAYER, request)
    assert answer.bet is not None
    assert house.exposure.reservations == {}
    assert house.exposure.market == MarketExposure(1_000, {"home": 2_000})


async def test_an_overloaded_ledger_gives_the_reservation_back() -> None:
    house = House()
    house.ledger.failure = Overloaded("Full")
    with pytest.raises(Overloaded):
        await house.placement.place(PLAYER, ask())
    assert house.exposure.market == MarketExposure()


async def test_a_commit_of_exposure_that_fails_does_not_take_the_bet_from_the_player() -> None:
    house = House()
    house.ledger.holding = asyncio.Event()
    placing = asyncio.create_task(house.placement.place(PLAYER, ask()))
    await asyncio.sleep(0.01)
    house.exposure.is_down = True
    house.ledger.holding.set()
    assert (await placing).bet is not None


async def test_a_bet_in_play_waits_and_is_taken_at_the_price_of_then() -> None:
    house = House()
    house.open_book(is_in_play=True)
    placing = asyncio.create_task(house.placement.place(PLAYER, ask(policy=PricePolicy.ANY)))
    await asyncio.sleep(0.01)
    assert house.ledger.commands == []
    house.open_book(decimal_odds_milli=1_500, version=2)
    answer = await placing
    assert answer.bet is not None
    assert answer.bet.legs[0].decimal_odds_milli == 1_500
    assert house.exposure.market == MarketExposure(1_000, {"home": 1_500})


async def test_a_bet_in_play_is_refused_if_the_market_suspends_meanwhile() -> None:
    house = House()
    house.open_book(is_in_play=True)
    placing = asyncio.create_task(house.placement.place(PLAYER, ask()))
    await asyncio.sleep(0.01)
    assert house.exposure.market == MarketExposure(1_000, {"home": 2_000})
    house.open_book(status=MarketStatus.SUSPENDED)
    assert reason_of(await placing) == "MARKET_SUSPENDED"
    assert house.exposure.market == MarketExposure()


async def test_a_bet_in_play_is_not_taken_if_pricing_falls_silent_meanwhile() -> None:
    house = House()
    house.open_book(is_in_play=True)
    placing = asyncio.create_task(house.placement.place(PLAYER, ask()))
    await asyncio.sleep(0.01)
    house.books.is_live = False
    with pytest.raises(PricingUnavailable):
        await placing
    assert house.exposure.market == MarketExposure()
    assert house.ledger.commands == []


async def test_a_repeat_during_the_delay_shares_the_answer_of_the_first() -> None:
    house = House()
    house.open_book(is_in_play=True)
    request = ask()
    answers = await asyncio.gather(*(house.placement.place(PLAYER, request) for _ in range(3)))
    assert len({answer.bet.bet_id for answer in answers if answer.bet is not None}) == 1
    assert len(house.ledger.commands) == 1
    assert house.exposure.market == MarketExposure(1_000, {"home": 2_000})


async def test_another_content_during_the_delay_is_refused_at_once() -> None:
    house = House()
    house.open_book(is_in_play=True)
    first = asyncio.create_task(house.placement.place(PLAYER, ask(request_id=UUID(int=1))))
    await asyncio.sleep(0)
    with pytest.raises(RequestIdReused):
        await house.placement.place(PLAYER, ask(request_id=UUID(int=1), stake_minor=2_000))
    assert (await first).bet is not None


async def test_a_client_that_leaves_during_the_delay_bets_nothing_and_a_repeat_decides_anew() -> None:
    house = House()
    house.open_book(is_in_play=True)
    request = ask()
    first = asyncio.create_task(house.placement.place(PLAYER, request))
    await asyncio.sleep(0.005)
    repeat = asyncio.create_task(house.placement.place(PLAYER, request))
    await asyncio.sleep(0.005)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await repeat).bet is not None
    assert len(house.ledger.commands) == 1
    assert house.exposure.market == MarketExposure(1_000, {"home": 2_000})


async def test_a_client_that_leaves_alone_frees_what_was_reserved() -> None:
    house = House()
    house.open_book(is_in_play=True)
    placing = asyncio.create_task(house.placement.place(PLAYER, ask()))
    await asyncio.sleep(0.01)
    placing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await placing
    assert house.exposure.market == MarketExposure()
    assert house.ledger.commands == []


async def test_so_many_bets_at_once_and_not_one_more() -> None:
    house = House()
    house.open_book(is_in_play=True)
    under_way = [asyncio.create_task(house.placement.place(PLAYER, ask())) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await house.placement.place(PLAYER, ask())
    assert all(answer.bet is not None for answer in await asyncio.gather(*under_way))


async def test_whoever_asks_for_an_answer_under_way_waits_for_it() -> None:
    house = House()
    house.open_book(is_in_play=True)
    request = ask()
    placing = asyncio.create_task(house.placement.place(PLAYER, request))
    await asyncio.sleep(0.01)
    await house.placement.wait_for(ReservationKey(PLAYER.player_id, request.request_id))
    assert await house.ledger.find_answer(PLAYER.player_id, request.request_id) is not None
    await placing
