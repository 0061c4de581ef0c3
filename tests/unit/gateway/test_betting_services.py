"""Bets as a client meets them: placed, looked up, listed, watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from bets.bet import Bet, BetEvent, BetEventKind, BetStatus
from bets.request import SlipUnsupported
from gateway.bet_feed import PENDING_BETS_MAX, BetFeed
from gateway.betting_service import BetUnknown
from gateway.books import TooManyWatchers
from kernel.ids import IdMalformed
from kernel.log import Record
from kernel.money import Money
from markets.fixture import MarketStatus
from overround.bets.v1 import bet_pb2, betting_service_pb2
from overround.common.v1 import money_pb2
from tests.fakes.fake_betting import PLAYER, FakeBook
from tests.fakes.fake_gateway import Door, call_by
from wire.bets import build_bet, build_bet_event
from wire.requests import RequestMalformed
from wire.topics import BET_EVENTS


def bet_request(**changes: Any) -> betting_service_pb2.BetRequest:
    leg = betting_service_pb2.LegRequest(
        fixture_id="sim:1:1", market_id="1x2", outcome_id="home", decimal_odds_milli=2_000, book_version=1
    )
    fields: dict[str, Any] = {
        "legs": [leg],
        "lines": [bet_pb2.Line(legs=[0])],
        "line_stake": money_pb2.Money(amount_minor=1_000, currency="EUR"),
    }
    return betting_service_pb2.BetRequest(**(fields | changes))


def place_request(**changes: Any) -> betting_service_pb2.PlaceSlipRequest:
    fields: dict[str, Any] = {
        "request_id": str(uuid4()),
        "bets": [bet_request()],
        "price_policy": bet_pb2.PRICE_POLICY_NONE,
    }
    return betting_service_pb2.PlaceSlipRequest(**(fields | changes))


async def placed(door: Door, request: betting_service_pb2.PlaceSlipRequest) -> betting_service_pb2.BetAnswer:
    response = await door.betting.place_slip(request, call_by())
    (answer,) = response.answers
    assert response.HasField("balance") is answer.HasField("bet")
    return answer


async def found(door: Door, request_id: str) -> betting_service_pb2.BetAnswer:
    response = await door.betting.get_slip(betting_service_pb2.GetSlipRequest(request_id=request_id), call_by())
    (answer,) = response.answers
    return answer


async def test_a_placed_bet_comes_back_with_the_balance_and_is_found_by_both_ids() -> None:
    door = Door()
    request = place_request()
    response = await door.betting.place_slip(request, call_by())
    (answer,) = response.answers
    assert answer.bet.potential_return.amount_minor == 2_000
    assert list(answer.bet.lines) == [bet_pb2.Line(legs=[0])]
    assert response.balance.available.amount_minor == door.ledger.funds_minor
    by_bet = await door.betting.get_bet(betting_service_pb2.GetBetRequest(bet_id=answer.bet.bet_id), call_by())
    assert by_bet.bet == (await found(door, request.request_id)).bet == answer.bet


async def test_a_refusal_names_its_reason_and_every_figure() -> None:
    door = Door()
    door.books.book = FakeBook(decimal_odds_milli=1_900, version=2)
    request = place_request()
    refusal = (await placed(door, request)).refusal
    (leg,) = refusal.legs
    assert (refusal.reason, leg.leg, leg.reason) == ("PRICE_CHANGED", 0, "PRICE_CHANGED")
    assert (leg.decimal_odds_milli, leg.book_version) == (1_900, 2)
    assert await found(door, request.request_id) == betting_service_pb2.BetAnswer(refusal=refusal)


async def test_a_stake_refusal_carries_the_stake_in_the_players_currency() -> None:
    door = Door()
    stake = money_pb2.Money(amount_minor=100_001, currency="EUR")
    refusal = (await placed(door, place_request(bets=[bet_request(line_stake=stake)]))).refusal
    assert refusal.stake_max == money_pb2.Money(amount_minor=100_000, currency="EUR")


async def test_a_bet_of_more_than_one_leg_is_refused_and_stays_so() -> None:
    door = Door()
    legs = [*bet_request().legs, *bet_request().legs]
    request = place_request(bets=[bet_request(legs=legs, lines=[bet_pb2.Line(legs=[0, 1])])])
    refusal = (await placed(door, request)).refusal
    assert (refusal.reason, refusal.message) == (
        "BET_TYPE_UNSUPPORTED",
        "Bet must be a single, one line of one leg, was 1 lines of 2 legs; bet each by itself",
    )
    assert (await found(door, request.request_id)).refusal == refusal


async def test_a_slip_of_several_bets_decides_nothing_and_says_what_would_work() -> None:
    door = Door()
    request = place_request(bets=[bet_request(), bet_request()])
    with pytest.raises(SlipUnsupported, match="must have one bet, had 2; send each on one of its own"):
        await door.betting.place_slip(request, call_by())
    assert door.ledger.calls == []


LEG_IDS = ("fixture_id", "market_id", "outcome_id")
NO_IDS = ("", "\0", "a b", "1x2\n", "\u202e")


def leg_of(**changes: Any) -> betting_service_pb2.LegRequest:
    return betting_service_pb2.LegRequest(**(dict[str, Any].fromkeys(LEG_IDS, "x") | changes))


NO_BETS: tuple[dict[str, Any], ...] = (
    {"line_stake": money_pb2.Money(amount_minor=1, currency="E\0R")},
    {"legs": [leg_of(fixture_id="x" * 201)]},
    *({"legs": [leg_of(**{name: no_id})]} for name in LEG_IDS for no_id in NO_IDS),
    {"legs": [], "lines": []},
    {"legs": [leg_of()] * 33, "lines": [bet_pb2.Line(legs=range(33))]},
    {"legs": [leg_of()] * 2},
    {"lines": []},
    {"lines": [bet_pb2.Line(legs=[0])] * 2},
    {"lines": [bet_pb2.Line(legs=[1])]},
    {"lines": [bet_pb2.Line(legs=[0, 0])]},
    {"lines": [bet_pb2.Line()]},
    {"legs": [leg_of()] * 2, "lines": [bet_pb2.Line(legs=[1, 0])]},
)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"request_id": "no uuid"}, IdMalformed),
        ({"price_policy": bet_pb2.PRICE_POLICY_UNSPECIFIED}, RequestMalformed),
        ({"price_policy": 9}, RequestMalformed),
        ({"bets": []}, RequestMalformed),
        ({"bets": [bet_request()] * 17}, RequestMalformed),
        *(({"bets": [bet_request(**bet)]}, RequestMalformed) for bet in NO_BETS),
    ],
)
async def test_a_malformed_request_never_reaches_the_ledger(changes: dict[str, Any], error: type[Exception]) -> None:
    door = Door()
    with pytest.raises(error):
        await door.betting.place_slip(place_request(**changes), call_by())
    assert door.ledger.commands == []


async def test_bets_and_answers_of_others_are_unknown() -> None:
    door = Door()
    bet = (await placed(door, place_request())).bet
    other = call_by(replace(PLAYER, player_id=UUID(int=9)))
    with pytest.raises(BetUnknown):
        await door.betting.get_bet(betting_service_pb2.GetBetRequest(bet_id=bet.bet_id), other)
    with pytest.raises(BetUnknown):
        await door.betting.get_slip(betting_service_pb2.GetSlipRequest(request_id=bet.request_id), other)


async def test_bets_are_listed_by_status() -> None:
    door = Door()
    await door.betting.place_slip(place_request(), call_by())
    listed = await door.betting.list_bets(betting_service_pb2.ListBetsRequest(), call_by())
    settled = betting_service_pb2.ListBetsRequest(status=bet_pb2.BET_STATUS_SETTLED)
    assert len(listed.bets) == 1
    assert len((await door.betting.list_bets(settled, call_by())).bets) == 0
    unknown = betting_service_pb2.ListBetsRequest(status=cast("Any", 77))
    with pytest.raises(RequestMalformed):
        await door.betting.list_bets(unknown, call_by())


def changed(bet: Bet, *kinds: BetEventKind) -> Record:
    now = replace(
        bet,
        status=BetStatus.SETTLED if BetEventKind.SETTLED in kinds else BetStatus.OPEN,
        events=(*bet.events, *(BetEvent(kind, 6, 0) for kind in kinds)),
    )
    message = bet_pb2.BetChanged(bet=build_bet(now), event=build_bet_event(now.events[-1], "EUR"))
    return Record(BET_EVENTS.name, 0, 1, 1, str(PLAYER.cash_account_id), message.SerializeToString())


async def watch(door: Door) -> AsyncIterator[betting_service_pb2.WatchBetsResponse]:
    request = betting_service_pb2.WatchBetsRequest()
    async for message in door.betting.watch_bets(request, call_by()):
        yield message


async def first_of(door: Door, **known: int) -> betting_service_pb2.WatchBetsResponse:
    request = betting_service_pb2.WatchBetsRequest(known_event_counts=known)
    async with aclosing(cast("AsyncGenerator[Any, None]", door.betting.watch_bets(request, call_by()))) as messages:
        first: betting_service_pb2.WatchBetsResponse = await anext(messages)
        return first


def only_bet(door: Door) -> Bet:
    ((_, answer),) = door.ledger.answers.values()
    assert answer.bet is not None
    return answer.bet


async def test_a_watcher_sees_what_is_open_then_changes_with_the_balance_then_signs_of_life() -> None:
    door = Door()
    await door.betting.place_slip(place_request(), call_by())
    messages = watch(door)
    first = await anext(messages)
    assert [bet.status for bet in first.bets] == [bet_pb2.BET_STATUS_OPEN]
    assert first.HasField("balance")
    door.feed.apply([changed(only_bet(door))])
    door.wallet.deposits[uuid4()] = Money(2_000, "EUR")
    door.feed.apply([changed(only_bet(door), BetEventKind.SETTLED)])
    second = await anext(messages)
    assert [bet.status for bet in second.bets] == [bet_pb2.BET_STATUS_SETTLED]
    assert second.balance.available.amount_minor == 2_000
    third = await anext(messages)
    assert (len(third.bets), third.HasField("balance")) == (0, False)


async def test_who_comes_back_is_told_what_changed_and_what_became_of_bets_seen_open() -> None:
    door = Door()
    bet_id = (await placed(door, place_request())).bet.bet_id
    known = await first_of(door, **{bet_id: 1})
    assert (list(known.bets), known.HasField("balance")) == ([], True)
    assert [bet.bet_id for bet in (await first_of(door, **{bet_id: 0})).bets] == [bet_id]
    ((key, (fingerprint, answer)),) = door.ledger.answers.items()
    settled = replace(only_bet(door), status=BetStatus.SETTLED)
    settled = replace(settled, events=(*settled.events, BetEvent(BetEventKind.SETTLED, 6, 0)))
    door.ledger.answers[key] = (fingerprint, replace(answer, bet=settled))
    (shown,) = (await first_of(door, **{bet_id: 1})).bets
    assert (shown.bet_id, shown.status) == (bet_id, bet_pb2.BET_STATUS_SETTLED)
    assert list((await first_of(door)).bets) == []


async def test_so_many_bets_may_be_known_and_by_their_ids() -> None:
    door = Door()
    with pytest.raises(RequestMalformed, match="At most 200 bets"):
        await first_of(door, **{str(uuid4()): 1 for _ in range(201)})
    with pytest.raises(IdMalformed, match="bet_id"):
        await first_of(door, x=1)
    assert list((await first_of(door, **{str(uuid4()): 1})).bets) == []


async def test_a_watcher_is_told_of_what_is_held_though_nothing_moved() -> None:
    door = Door()
    door.wallet.deposits[uuid4()] = Money(2_000, "EUR")
    await door.betting.place_slip(place_request(), call_by())
    messages = watch(door)
    assert (await anext(messages)).balance.held.amount_minor == 0
    door.wallet.held_minor = 500
    door.feed.apply([changed(only_bet(door), BetEventKind.SETTLED)])
    balance = (await anext(messages)).balance
    assert (balance.available.amount_minor, balance.held.amount_minor) == (1_500, 500)
    door.wallet.held_minor = 0
    assert (await anext(messages)).balance.available.amount_minor == 2_000


async def test_news_older_than_the_ledgers_answer_is_not_shown() -> None:
    door = Door()
    await door.betting.place_slip(place_request(), call_by())
    messages = watch(door)
    await anext(messages)
    door.feed.apply([changed(only_bet(door))])
    assert list((await anext(messages)).bets) == []


async def test_a_watcher_that_lost_changes_reads_everything_anew() -> None:
    door = Door()
    messages = watch(door)
    await anext(messages)
    await door.betting.place_slip(place_request(), call_by())
    bet = only_bet(door)
    door.feed.apply(changed(replace(bet, bet_id=uuid4())) for _ in range(PENDING_BETS_MAX + 1))
    assert [shown.bet_id for shown in (await anext(messages)).bets] == [str(bet.bet_id)]


async def test_a_watch_holds_so_many_bets_and_then_asks_to_read_anew() -> None:
    feed = BetFeed(watchers_max=1)
    held = feed.watch(1)
    for number in range(PENDING_BETS_MAX):
        held.note(bet_pb2.Bet(bet_id=str(number), events=[bet_pb2.BetEvent()]))
    assert (len(held.take()[0]), held.take()[1]) == (PENDING_BETS_MAX, False)
    for number in range(PENDING_BETS_MAX + 1):
        held.note(bet_pb2.Bet(bet_id=str(number), events=[bet_pb2.BetEvent()]))
    assert held.take() == ([], True)


async def test_so_many_watch_and_a_place_that_is_left_is_free_again() -> None:
    feed = BetFeed(watchers_max=1)
    held = feed.watch(1)
    with pytest.raises(TooManyWatchers):
        feed.watch(2)
    feed.unwatch(1, held)
    feed.unwatch(1, held)
    feed.watch(2)
    with pytest.raises(TooManyWatchers):
        feed.watch(3)


async def test_a_request_under_way_is_waited_for_when_its_answer_is_asked_for() -> None:
    door = Door()
    door.books.book = FakeBook(is_in_play=True, status=MarketStatus.OPEN)
    request = place_request()
    placing = asyncio.create_task(door.betting.place_slip(request, call_by()))
    await asyncio.sleep(0)
    answer = await found(door, request.request_id)
    assert answer.HasField("bet")
    assert [answer] == list((await placing).answers)
