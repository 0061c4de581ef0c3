"""The path of a bet: its order, its stored answers, and what becomes of a reservation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from bets.answer import BetAnswer
from bets.in_flight import TooManyUnderWay
from bets.placement import BetPlacement, BettingRules
from bets.request import PricePolicy, SlipRequest
from kernel.commands import UNDECIDED, Overloaded, RequestIdReused
from kernel.errors import DomainError, Part, Unavailable
from markets.fixture import MarketStatus
from pam.player import PlayerRole, PlayerStatus
from risk.exposure import MarketExposure
from risk.limits import LimitTable
from risk.ports import EntryPlace, ReservationKey
from tests.currencies import terms
from tests.fakes.fake_betting import (
    PLAYER,
    FakeBook,
    FakeBooks,
    FakeExposure,
    FakeLedger,
    FakeObserver,
    PlacementOfSingles,
    ask,
    one_turn,
    permits,
)
from tests.fakes.fake_clock import FakeClock

TABLE = LimitTable(
    stake_minor_min=10,
    stake_minor_max=100_000,
    payout_minor_max=1_000_000,
    market_loss_minor_max=5_000,
    side_market_factor_milli=500,
    in_play_factor_milli=1_000,
)
RULES = BettingRules(
    terms=terms(TABLE),
    in_play_delay_ms=30,
    answer_timeout_ms=500,
    in_flight_max=2,
)


class House:
    """A placement with all its fakes."""

    def __init__(
        self,
        *,
        in_play_delay_ms: int = 30,
        answer_timeout_ms: int = 500,
        in_flight_of_player_max: int = 2,
        table: LimitTable = TABLE,
    ) -> None:
        self.books = FakeBooks()
        self.exposure = FakeExposure()
        self.ledger = FakeLedger()
        self.observer = FakeObserver()
        self.tasks: list[asyncio.Task[Any]] = []
        self.rules = replace(
            RULES,
            terms=terms(table),
            in_play_delay_ms=in_play_delay_ms,
            answer_timeout_ms=answer_timeout_ms,
            in_flight_of_player_max=in_flight_of_player_max,
        )
        self.placement = self.rebuilt()

    def rebuilt(self) -> PlacementOfSingles:
        """Make a placement that remembers nothing, as after a restart."""
        placement = BetPlacement(
            permits=permits(),
            books=self.books,
            exposure=self.exposure,
            ledger=self.ledger,
            observer=self.observer,
            clock=FakeClock(),
            rules=self.rules,
        )
        return PlacementOfSingles(placement)

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
    assert house.observer.answers == [(0.0, True)]


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
    await house.exposure.remove_bet(placed.bet.bet_id, EntryPlace("sim:1:1", 0))
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


async def test_who_may_not_bet_is_refused_by_the_rules_of_the_day() -> None:
    house = House()
    trader = replace(PLAYER, role=PlayerRole.TRADER)
    assert reason_of(await house.placement.place(trader, ask())) == "BETTOR_REQUIRED"
    pounds = replace(PLAYER, currency="GBP")
    assert reason_of(await house.placement.place(pounds, ask())) == "CURRENCY_MISMATCH"


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
    with pytest.raises(Unavailable):
        await house.placement.place(PLAYER, request)
    house.books.is_live = True
    assert (await house.placement.place(PLAYER, request)).bet is not None


async def test_nothing_is_stored_while_exposure_cannot_be_reserved() -> None:
    house = House()
    house.exposure.is_down = True
    with pytest.raises(Unavailable):
        await house.placement.place(PLAYER, ask())
    assert house.ledger.commands == []


async def test_a_ledger_that_does_not_answer_leaves_the_reservation_to_the_keeper() -> None:
    house = House()
    house.ledger.failure = Unavailable(Part.LEDGER, "Down")
    request = ask()
    with pytest.raises(Unavailable):
        await house.placement.place(PLAYER, request)
    assert set(house.exposure.reservations) == {ReservationKey(PLAYER.player_id, request.request_id)}
    assert house.observer.left == [ReservationKey(PLAYER.player_id, request.request_id)]
    assert house.observer.errors == ["LEDGER_UNAVAILABLE"]


async def test_a_ledger_that_hangs_is_given_up_in_time_and_the_repeat_gets_the_bet() -> None:
    house = House(answer_timeout_ms=30)
    house.ledger.holding = asyncio.Event()
    request = ask()
    with pytest.raises(Unavailable):
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
    with pytest.raises(Unavailable):
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


TURNS = range(1, 24)


@pytest.mark.parametrize("is_in_play", [False, True])
@pytest.mark.parametrize("turns", TURNS)
async def test_wherever_a_client_leaves_the_bet_is_made_all_the_same(turns: int, is_in_play: bool) -> None:
    house = House(in_play_delay_ms=1)
    house.ledger.pause = house.exposure.pause = one_turn
    house.open_book(is_in_play=is_in_play)
    request = ask()
    await leave_after(house, request, turns)
    await house.placement.wait_for(ReservationKey(PLAYER.player_id, request.request_id))
    answer = await house.ledger.find_answer(PLAYER.player_id, request.request_id)
    assert answer is not None
    assert answer.bet is not None
    assert house.exposure.reservations == {}
    assert house.exposure.market == MarketExposure(1_000, {"home": 2_000})


@pytest.mark.parametrize("turns", TURNS)
async def test_wherever_a_client_leaves_a_refusal_is_stored_all_the_same(turns: int) -> None:
    house = House(in_play_delay_ms=1)
    house.ledger.pause = house.exposure.pause = one_turn
    house.open_book(is_in_play=True)
    house.ledger.has_result = True
    request = ask()
    await leave_after(house, request, turns)
    await house.placement.wait_for(ReservationKey(PLAYER.player_id, request.request_id))
    answer = await house.ledger.find_answer(PLAYER.player_id, request.request_id)
    assert answer is not None
    assert reason_of(answer) == "MARKET_CLOSED"
    assert house.ledger.claims == {}
    assert house.exposure.market == MarketExposure()


async def leave_after(house: House, request: SlipRequest, turns: int) -> None:
    placing = asyncio.create_task(house.placement.place(PLAYER, request))
    for _ in range(turns):
        await asyncio.sleep(0)
    placing.cancel()
    with suppress(asyncio.CancelledError):
        await placing


async def test_a_deadline_within_the_delay_is_no_way_out_of_the_bet() -> None:
    house = House()
    house.open_book(is_in_play=True)
    request = ask()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await house.placement.place(PLAYER, request)
    again = await house.placement.place(PLAYER, request)
    assert again.bet is not None
    assert len(house.ledger.commands) == 1
    assert house.exposure.market == MarketExposure(1_000, {"home": 2_000})


async def test_the_end_of_the_process_waits_for_bets_under_way_and_takes_no_more() -> None:
    house = House()
    house.open_book(is_in_play=True)
    placing = asyncio.create_task(house.placement.place(PLAYER, ask()))
    await asyncio.sleep(0.005)
    closing = asyncio.create_task(house.placement.close(timeout_s=5))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await house.placement.place(PLAYER, ask())
    await closing
    assert (await placing).bet is not None


async def test_what_is_not_decided_when_the_process_has_to_end_is_not_taken_and_says_so() -> None:
    house = House(in_play_delay_ms=60_000)
    house.open_book(is_in_play=True)
    placing = asyncio.create_task(house.placement.place(PLAYER, ask()))
    await asyncio.sleep(0.005)
    await house.placement.close(timeout_s=0.01)
    with pytest.raises(Unavailable):
        await placing
    assert house.ledger.commands == []
    assert house.exposure.market == MarketExposure()


def silence_pricing(house: House) -> None:
    house.books.is_live = False


def lose_exposure(house: House) -> None:
    house.exposure.is_down = True


def fill_up(house: House) -> None:
    house.open_book(is_in_play=True)
    for _ in range(2):
        house.tasks.append(asyncio.create_task(house.placement.place(PLAYER, ask())))


def close_down(house: House) -> None:
    house.tasks.append(asyncio.create_task(house.placement.close(timeout_s=1)))


@pytest.mark.parametrize("happening", [silence_pricing, lose_exposure, fill_up, close_down])
async def test_whatever_happened_since_a_repeat_gets_the_stored_answer(happening: Callable[[House], None]) -> None:
    house = House()
    request = ask()
    first = await house.placement.place(PLAYER, request)
    happening(house)
    await asyncio.sleep(0)
    again = await house.placement.place(PLAYER, request)
    assert again.bet == first.bet is not None
    assert again.is_replay
    await asyncio.gather(*house.tasks)


@pytest.mark.parametrize("happening", [silence_pricing, lose_exposure, fill_up, close_down])
async def test_an_error_before_the_ledger_says_that_this_call_decided_nothing(
    happening: Callable[[House], None],
) -> None:
    house = House()
    happening(house)
    await asyncio.sleep(0)
    with pytest.raises(DomainError) as refused:
        await house.placement.place(PLAYER, ask())
    assert UNDECIDED in refused.value.message
    await asyncio.gather(*house.tasks)


async def test_a_repeat_of_a_bet_in_play_waits_no_second_delay_and_reserves_nothing() -> None:
    house = House(in_play_delay_ms=10)
    house.open_book(is_in_play=True)
    request = ask()
    first = await house.placement.place(PLAYER, request)
    house.exposure.calls.clear()
    slow = House(in_play_delay_ms=60_000)
    slow.ledger, slow.books = house.ledger, house.books
    async with asyncio.timeout(30):
        again = await slow.rebuilt().place(PLAYER, request)
    assert again.bet == first.bet
    assert slow.exposure.calls == []


async def test_a_ledger_that_cannot_be_asked_decides_nothing_and_reserves_nothing() -> None:
    house = House()
    house.ledger.is_deaf = True
    with pytest.raises(Unavailable):
        await house.placement.place(PLAYER, ask())
    assert house.exposure.calls == []
    assert house.ledger.commands == []


async def test_who_has_no_money_reserves_nothing() -> None:
    house = House()
    house.open_book(is_in_play=True)
    house.ledger.funds_minor = 999
    answer = await house.placement.place(PLAYER, ask())
    assert answer.refusal is not None
    assert (answer.refusal.reason, answer.refusal.stake_max_minor) == ("INSUFFICIENT_FUNDS", 999)
    assert answer.refusal.stake_min_minor == 10
    assert house.exposure.calls == []


async def test_bets_under_way_together_reserve_no_more_than_the_player_has() -> None:
    house = House()
    house.open_book(is_in_play=True)
    house.ledger.funds_minor = 1_500
    answers = await asyncio.gather(*(house.placement.place(PLAYER, ask()) for _ in range(2)))
    assert sorted(answer.bet is not None for answer in answers) == [False, True]
    assert house.exposure.calls == ["reserve", "reserve", "commit"]


@pytest.mark.parametrize(("stake_minor", "is_taken"), [(1_000, True), (1_001, False)])
async def test_a_player_has_so_much_open_on_a_market_and_not_one_unit_more(stake_minor: int, is_taken: bool) -> None:
    house = House(table=replace(TABLE, stake_minor_max=2_000, player_stakes_max=2))
    house.exposure.market = MarketExposure(1_000_000)
    for _ in range(3):
        assert (await house.placement.place(PLAYER, ask())).bet is not None
    answer = await house.placement.place(PLAYER, ask(stake_minor=stake_minor))
    assert (answer.bet is not None) is is_taken
    if not is_taken:
        assert answer.refusal is not None
        assert answer.refusal.reason == "PLAYER_STAKE_LIMIT_EXCEEDED"
        assert (answer.refusal.stake_min_minor, answer.refusal.stake_max_minor) == (10, 1_000)


async def test_stakes_under_way_count_towards_what_a_player_may_have_on_a_market() -> None:
    house = House(table=replace(TABLE, stake_minor_max=1_000, player_stakes_max=1))
    house.open_book(is_in_play=True)
    answers = await asyncio.gather(*(house.placement.place(PLAYER, ask()) for _ in range(2)))
    assert sorted(answer.refusal.reason for answer in answers if answer.refusal) == ["PLAYER_STAKE_LIMIT_EXCEEDED"]


async def test_one_player_has_so_many_bets_under_way_and_others_their_own() -> None:
    house = House(in_flight_of_player_max=1)
    house.open_book(is_in_play=True)
    request = ask()
    first = asyncio.create_task(house.placement.place(PLAYER, request))
    await asyncio.sleep(0)
    with pytest.raises(TooManyUnderWay) as refused:
        await house.placement.place(PLAYER, ask())
    assert refused.value.figures == {"under_way_max": "1"}
    other = house.placement.place(replace(PLAYER, player_id=UUID(int=8)), ask())
    answers = await asyncio.gather(first, house.placement.place(PLAYER, request), other)
    assert all(answer.bet is not None for answer in answers)
    assert (await house.placement.place(PLAYER, ask())).bet is not None


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


async def test_a_bet_without_a_delay_is_one_read_and_one_commit() -> None:
    house = House()
    assert (await house.placement.place(PLAYER, ask())).bet is not None
    assert house.ledger.calls == ["look", "place"]
    undelayed = House(in_play_delay_ms=0)
    undelayed.open_book(is_in_play=True)
    assert (await undelayed.placement.place(PLAYER, ask())).bet is not None
    assert undelayed.ledger.calls == ["look", "place"]


async def test_a_stake_is_claimed_before_the_delay_and_before_exposure_and_the_bet_ends_the_claim() -> None:
    house = House(in_play_delay_ms=300)
    house.open_book(is_in_play=True)
    placing = asyncio.create_task(house.placement.place(PLAYER, ask()))
    await asyncio.sleep(0.01)
    (claim,) = house.ledger.claims.values()
    assert (claim.stake_minor, claim.market_stake_minor_max, claim.until_us) == (1_000, 500_000, 800_000)
    assert (await placing).bet is not None
    assert house.ledger.claims == {}
    assert house.ledger.calls == ["look", "claim", "place"]
    assert house.ledger.commands[0].not_after_us == claim.until_us


async def test_what_another_gateway_has_under_way_is_not_there_to_be_spent() -> None:
    house = House(table=replace(TABLE, player_stakes_max=1, stake_minor_max=1_000))
    house.ledger.funds_minor = 1_500
    house.open_book(is_in_play=True)
    placing = asyncio.create_task(house.placement.place(PLAYER, ask()))
    await asyncio.sleep(0.01)
    elsewhere = house.rebuilt()
    answers = [await elsewhere.place(PLAYER, ask(stake_minor=stake_minor)) for stake_minor in (501, 1)]
    house.open_book(is_in_play=False)
    at_once = await elsewhere.place(PLAYER, ask())
    assert {reason_of(answer) for answer in (*answers[:1], at_once)} == {"PLAYER_STAKE_LIMIT_EXCEEDED"}
    assert reason_of(answers[1]) == "STAKE_BELOW_MINIMUM"
    house.open_book(is_in_play=True)
    assert (await placing).bet is not None
    assert house.exposure.calls == ["reserve", "reserve", "commit"]


async def test_means_that_are_claimed_elsewhere_between_look_and_claim_reserve_nothing() -> None:
    house = House()
    house.ledger.funds_minor = 1_500
    house.ledger.pause = house.exposure.pause = one_turn
    house.open_book(is_in_play=True)
    answers = await asyncio.gather(house.placement.place(PLAYER, ask()), house.rebuilt().place(PLAYER, ask()))
    assert sorted(answer.refusal.reason for answer in answers if answer.refusal) == ["INSUFFICIENT_FUNDS"]
    assert house.exposure.calls == ["reserve", "reserve", "commit"]
    assert house.ledger.claims == {}


async def test_no_first_look_of_a_repeat_ends_what_is_claimed() -> None:
    house = House(in_play_delay_ms=300)
    house.open_book(is_in_play=True)
    request = ask()
    placing = asyncio.create_task(house.placement.place(PLAYER, request))
    await asyncio.sleep(0.01)
    house.open_book(status=MarketStatus.SUSPENDED)
    repeat = asyncio.create_task(house.rebuilt().place(PLAYER, request))
    await asyncio.sleep(0.005)
    assert house.ledger.commands == []
    house.open_book(status=MarketStatus.OPEN)
    first = await placing
    again = await repeat
    assert again.bet == first.bet is not None
    assert again.is_replay
    assert house.exposure.market == MarketExposure(1_000, {"home": 2_000})


async def test_a_claim_whose_gateway_is_gone_is_decided_by_who_is_asked_again() -> None:
    house = House(in_play_delay_ms=10)
    house.open_book(is_in_play=True)
    request = ask()
    lost = House(in_play_delay_ms=60_000)
    lost.ledger, lost.books = house.ledger, house.books
    gone = asyncio.create_task(lost.rebuilt().place(PLAYER, request))
    await asyncio.sleep(0.005)
    assert house.ledger.claims
    answer = await house.placement.place(PLAYER, request)
    assert answer.bet is not None
    assert not answer.is_replay
    assert house.ledger.claims == {}
    gone.cancel()


async def test_another_content_under_a_claimed_request_id_decides_nothing() -> None:
    house = House()
    house.open_book(is_in_play=True)
    placing = asyncio.create_task(house.placement.place(PLAYER, ask(request_id=UUID(int=1))))
    await asyncio.sleep(0.01)
    with pytest.raises(RequestIdReused):
        await house.rebuilt().place(PLAYER, ask(request_id=UUID(int=1), stake_minor=2_000))
    assert (await placing).bet is not None


async def test_what_is_answered_elsewhere_just_before_the_claim_is_the_answer_without_a_delay() -> None:
    house, quick = House(in_play_delay_ms=60_000), House(in_play_delay_ms=0)
    house.open_book(is_in_play=True)
    quick.ledger, quick.books, quick.exposure = house.ledger, house.books, house.exposure
    request = ask()

    async def answer_elsewhere() -> None:
        if house.ledger.calls[-1] == "claim" and not house.ledger.answers:
            await quick.rebuilt().place(PLAYER, request)

    house.ledger.pause = answer_elsewhere
    async with asyncio.timeout(5):
        answer = await house.placement.place(PLAYER, request)
    assert answer.bet is not None
    assert answer.is_replay
    assert house.ledger.claims == {}
    assert house.exposure.calls == ["reserve", "commit"]


async def test_a_player_whose_money_is_known_is_one_commit() -> None:
    house = House()
    for _ in range(3):
        assert (await house.placement.place(PLAYER, ask())).bet is not None
    assert house.ledger.calls == ["look", "place", "place", "place"]
    assert house.ledger.commands[-1].not_after_us == 5 + 530_000


async def test_a_bet_in_play_is_a_claim_and_a_commit_once_the_ledger_s_clock_is_known() -> None:
    house = House(in_play_delay_ms=1)
    house.open_book(is_in_play=True)
    for player in (PLAYER, replace(PLAYER, player_id=UUID(int=8))):
        assert (await house.placement.place(player, ask())).bet is not None
    assert house.ledger.calls == ["look", "claim", "place", "claim", "place"]


async def test_whoever_is_not_known_to_have_the_money_is_looked_up_before_exposure() -> None:
    house = House()
    assert (await house.placement.place(PLAYER, ask())).bet is not None
    house.exposure.calls.clear()
    house.ledger.funds_minor = 999
    answer = await house.placement.place(replace(PLAYER, player_id=UUID(int=8)), ask())
    assert reason_of(answer) == "INSUFFICIENT_FUNDS"
    assert house.exposure.calls == []


async def test_a_stake_above_what_was_known_is_looked_up_and_taken_where_money_came_since() -> None:
    house = House()
    house.ledger.funds_minor = 1_500
    assert (await house.placement.place(PLAYER, ask())).bet is not None
    house.ledger.funds_minor = 1_000
    assert (await house.placement.place(PLAYER, ask())).bet is not None
    assert house.ledger.calls == ["look", "place", "look", "place"]


async def test_who_spent_the_money_elsewhere_reserves_for_one_bet_and_then_for_none() -> None:
    house = House()
    assert (await house.placement.place(PLAYER, ask())).bet is not None
    house.exposure.calls.clear()
    house.ledger.funds_minor = 0
    answers = [await house.placement.place(PLAYER, ask()) for _ in range(4)]
    assert {reason_of(answer) for answer in answers} == {"INSUFFICIENT_FUNDS"}
    assert house.exposure.calls == ["reserve", "release"]
    assert house.exposure.market == MarketExposure(1_000, {"home": 2_000})


async def test_who_has_all_he_may_on_a_market_reserves_nothing() -> None:
    house = House(table=replace(TABLE, stake_minor_max=1_000, player_stakes_max=1))
    assert (await house.placement.place(PLAYER, ask())).bet is not None
    house.exposure.calls.clear()
    answers = [await house.placement.place(PLAYER, ask()) for _ in range(4)]
    assert {reason_of(answer) for answer in answers} == {"PLAYER_STAKE_LIMIT_EXCEEDED"}
    assert house.exposure.calls == []


async def test_who_filled_a_market_elsewhere_reserves_for_one_bet_and_then_for_none() -> None:
    house = House(table=replace(TABLE, stake_minor_max=1_000, player_stakes_max=1))
    assert (await house.placement.place(PLAYER, ask(stake_minor=10))).bet is not None
    assert (await house.rebuilt().place(PLAYER, ask(stake_minor=990))).bet is not None
    house.exposure.calls.clear()
    answers = [await house.placement.place(PLAYER, ask(stake_minor=900)) for _ in range(4)]
    assert {reason_of(answer) for answer in answers} == {"PLAYER_STAKE_LIMIT_EXCEEDED"}
    assert house.exposure.calls == ["reserve", "release"]


async def test_what_is_promised_to_one_bet_is_not_known_to_be_there_for_another() -> None:
    house = House()
    house.ledger.funds_minor = 2_500
    assert (await house.placement.place(PLAYER, ask())).bet is not None
    house.exposure.calls.clear()
    house.ledger.pause = one_turn
    answers = await asyncio.gather(*(house.placement.place(PLAYER, ask()) for _ in range(2)))
    assert sorted(answer.refusal.reason for answer in answers if answer.refusal) == ["INSUFFICIENT_FUNDS"]
    assert house.exposure.calls == ["reserve", "commit"]


@pytest.mark.parametrize("happening", [silence_pricing, lose_exposure])
async def test_what_another_gateway_decided_is_looked_up_before_an_error_answers(
    happening: Callable[[House], None],
) -> None:
    house = House()
    assert (await house.placement.place(PLAYER, ask())).bet is not None
    request = ask()
    elsewhere = await house.rebuilt().place(PLAYER, request)
    happening(house)
    again = await house.placement.place(PLAYER, request)
    assert again.bet == elsewhere.bet is not None
    house.ledger.is_deaf = True
    with pytest.raises(Unavailable) as refused:
        await house.placement.place(PLAYER, request)
    assert UNDECIDED in refused.value.message


async def test_want_of_exposure_does_not_end_what_another_gateway_has_claimed() -> None:
    house = House(in_play_delay_ms=300)
    assert (await house.placement.place(PLAYER, ask(stake_minor=10))).bet is not None
    house.open_book(is_in_play=True)
    request = ask(stake_minor=3_000)
    elsewhere = asyncio.create_task(house.rebuilt().place(PLAYER, request))
    await asyncio.sleep(0.01)
    crowded = House(in_play_delay_ms=300)
    crowded.ledger = house.ledger
    placement = crowded.rebuilt()
    assert (await placement.place(PLAYER, ask(stake_minor=10))).bet is not None
    crowded.exposure.market = MarketExposure(0, {"home": 4_999})
    placed = len(house.ledger.commands)
    repeat = asyncio.create_task(placement.place(PLAYER, request))
    await asyncio.sleep(0.01)
    assert len(house.ledger.commands) == placed
    first = await elsewhere
    assert (await repeat).bet == first.bet is not None


async def test_the_ledger_s_clock_is_asked_for_again_once_the_ledger_was_away() -> None:
    house = House()
    assert (await house.placement.place(PLAYER, ask())).bet is not None
    house.ledger.failure = Unavailable(Part.LEDGER, "Away")
    with pytest.raises(Unavailable):
        await house.placement.place(PLAYER, ask())
    house.ledger.failure = None
    assert (await house.placement.place(PLAYER, ask())).bet is not None
    assert house.ledger.calls == ["look", "place", "place", "look", "place"]


async def test_what_a_look_told_is_known_to_the_next_bet() -> None:
    house = House()
    house.ledger.funds_minor = 1_500
    assert reason_of(await house.placement.place(PLAYER, ask(stake_minor=2_000))) == "INSUFFICIENT_FUNDS"
    assert (await house.placement.place(PLAYER, ask())).bet is not None
    assert house.ledger.calls == ["look", "place", "place"]
