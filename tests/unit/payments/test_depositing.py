"""Deposits between a player and a provider: asked for once, credited once, and never guessed about."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest

from kernel.commands import RequestIdReused
from kernel.errors import InvariantBroken
from kernel.money import Money
from pam.player import PlayerBlocked, PlayerStatus
from payments.deposit import AttemptState, Deposit
from payments.depositing import MOVES_TRIED_MAX, Deposits, DepositUnknown, NotificationMismatched
from payments.health import Health
from payments.ports import Notification
from payments.provider import Method, Outcome, Told
from payments.routing import Router, RoutingPolicy, Terms
from tests.builders.deposits import build_asked
from tests.currencies import RATES
from tests.fakes.fake_betting import PLAYER, permits
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_payments import FakeDeposits, FakeProvider

TERMS = Terms(methods=frozenset({Method.CARD}), deposit_minor_min=1, deposit_minor_max=100_000)
POLICY = RoutingPolicy(day=date(2026, 1, 1), providers={"cards": TERMS, "second": TERMS}, preferred={})


class World:
    def __init__(self, outcome: Outcome = Outcome.CAPTURED, *, code: str = "") -> None:
        self.provider, self.second, self.store = FakeProvider(outcome, code=code), FakeProvider(), FakeDeposits()
        clock = FakeClock()
        self.deposits = Deposits(
            providers={"cards": self.provider, "second": self.second},
            permits=permits(),
            router=Router(
                POLICY,
                jurisdiction="somewhere",
                connected=("cards", "second"),
                rates=RATES,
                health=Health(),
                clock=clock,
            ),
            store=self.store,
            clock=clock,
        )

    async def pay(self) -> Deposit:
        return await self.deposits.ask(PLAYER, build_asked(PLAYER, 700))


async def test_a_captured_deposit_is_credited_before_it_is_answered() -> None:
    world = World()
    assert (await world.pay()).state is AttemptState.CREDITED
    assert len(world.store.credits) == 1


async def test_the_same_request_asks_the_provider_once_and_another_content_is_refused() -> None:
    world, request_id = World(Outcome.NO_ANSWER), uuid4()
    asked = build_asked(PLAYER, 700, request_id=request_id)
    first, again = await world.deposits.ask(PLAYER, asked), await world.deposits.ask(PLAYER, asked)
    assert first == again
    assert len(world.provider.asked) == 1
    with pytest.raises(RequestIdReused):
        await world.deposits.ask(PLAYER, build_asked(PLAYER, 701, request_id=request_id))


async def test_who_is_blocked_pays_nothing_in_but_finds_what_they_asked_for_before() -> None:
    world, asked, blocked = World(), build_asked(PLAYER, 700), replace(PLAYER, status=PlayerStatus.BLOCKED)
    with pytest.raises(PlayerBlocked):
        await world.deposits.ask(blocked, asked)
    assert world.provider.asked == []
    deposit = await world.deposits.ask(PLAYER, asked)
    assert await world.deposits.ask(blocked, asked) == deposit


async def test_a_time_out_is_unknown_until_the_provider_says_what_became_of_it() -> None:
    world = World(Outcome.NO_ANSWER)
    deposit = await world.pay()
    assert (deposit.state, world.store.credits) == (AttemptState.UNKNOWN, [])
    world.provider.outcome = Outcome.CAPTURED
    await world.deposits.ask_again(deposit.attempts[0])
    await world.deposits.ask_again(deposit.attempts[0])
    assert world.store.credits == [deposit.attempts[0].reference]


async def test_a_notification_and_the_answer_credit_once_whoever_comes_first() -> None:
    world = World(Outcome.PENDING)
    deposit = await world.pay()
    body = f"{deposit.attempts[0].reference} captured".encode()
    for message_id in range(3):
        await world.deposits.read(Notification(message_id, "cards", body))
    assert world.store.credits == [deposit.attempts[0].reference]


@pytest.fixture
async def open_one() -> tuple[World, Told]:
    world = World(Outcome.PENDING)
    (attempt,) = (await world.pay()).attempts
    return world, Told(attempt.reference, Outcome.CAPTURED, attempt.provider_reference, attempt.amount)


async def test_what_does_not_fit_moves_nothing(open_one: tuple[World, Told]) -> None:
    world, told = open_one
    for wrong in (
        replace(told, reference=uuid4()),
        replace(told, amount=Money(701, "EUR")),
        replace(told, amount=Money(700, "SEK")),
        replace(told, amount=None),
        replace(told, provider_reference="pay-another"),
    ):
        with pytest.raises(NotificationMismatched):
            await world.deposits.hear("cards", wrong)
    with pytest.raises(NotificationMismatched):
        await world.deposits.hear("another", told)
    with pytest.raises(NotificationMismatched):
        await world.deposits.read(Notification(1, "another", b""))
    assert world.store.credits == []
    await world.deposits.hear("cards", told)
    assert len(world.store.credits) == 1


async def test_who_is_overtaken_looks_again_and_gives_up_in_the_end(open_one: tuple[World, Told]) -> None:
    world, told = open_one
    world.store.moved_by_others = MOVES_TRIED_MAX
    with pytest.raises(InvariantBroken):
        await world.deposits.hear("cards", told)
    world.store.moved_by_others = MOVES_TRIED_MAX - 1
    await world.deposits.hear("cards", told)
    assert len(world.store.credits) == 1


async def test_a_deposit_of_nobody_is_unknown() -> None:
    with pytest.raises(DepositUnknown):
        await World().deposits.find(PLAYER.player_id, uuid4())


async def test_where_the_first_fails_for_good_the_second_takes_over() -> None:
    world = World(Outcome.DECLINED, code="unreachable")
    deposit = await world.pay()
    assert [(attempt.provider, attempt.state) for attempt in deposit.attempts] == [
        ("cards", AttemptState.DECLINED),
        ("second", AttemptState.CREDITED),
    ]
    assert deposit.state is AttemptState.CREDITED
    assert world.store.credits == [deposit.last.reference]


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.NO_ANSWER, ""),
        (Outcome.PENDING, ""),
        (Outcome.DECLINED, "insufficient_funds"),
        (Outcome.DECLINED, "stolen_card"),
        (Outcome.CANCELLED, ""),
    ],
)
async def test_nobody_takes_over_what_may_still_come_or_what_is_the_players(outcome: Outcome, code: str) -> None:
    world = World(outcome, code=code)
    await world.pay()
    assert world.second.asked == []


async def test_where_both_fail_it_has_failed_and_nobody_is_asked_twice() -> None:
    world = World(Outcome.DECLINED, code="unreachable")
    world.second.outcome, world.second.code = Outcome.DECLINED, "issuer_unavailable"
    deposit = await world.pay()
    assert (deposit.state, deposit.last.code) == (AttemptState.DECLINED, "issuer_unavailable")
    assert (len(world.provider.asked), len(world.second.asked)) == (1, 1)


async def test_who_may_no_longer_pay_in_is_not_taken_over() -> None:
    world = World(Outcome.DECLINED, code="unreachable")
    world.store.is_blocked = True
    assert (await world.pay()).state is AttemptState.DECLINED
    assert world.second.asked == []


async def test_money_of_the_first_that_comes_after_the_second_is_the_players_too() -> None:
    world = World(Outcome.DECLINED, code="unreachable")
    deposit = await world.pay()
    first = deposit.attempts[0]
    late = Told(first.reference, Outcome.CAPTURED, first.provider_reference, first.amount)
    await world.deposits.hear("cards", late)
    assert sorted(world.store.credits) == sorted(attempt.reference for attempt in deposit.attempts)
