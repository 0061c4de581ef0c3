"""How players protect themselves, as a client meets it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from compliance.jurisdiction import LimitWindow
from compliance.limits import DepositLimit, DepositLimitExceeded
from compliance.protection import LIMIT_MINOR_MAX, LimitOutOfRange
from gateway.protection_service import ProtectionService
from kernel.money import CurrencyMismatch
from overround.common.v1 import money_pb2
from overround.pam.v1 import protection_service_pb2 as pb
from pam.player import PlayerExcluded, PlayerStatus, PlayerTimedOut
from pam.session import SessionRequired
from tests.fakes.fake_betting import PLAYER
from tests.fakes.fake_gateway import Door, call_by
from tests.unit.gateway.test_player_services import deposit
from wire.requests import RequestMalformed

HOUR_US = 3_600_000_000
BRITISH = replace(PLAYER, jurisdiction="united-kingdom")
MALTESE = replace(PLAYER, jurisdiction="malta")


def at_the_door() -> tuple[Door, ProtectionService]:
    door = Door()
    door.clock.time_us = int(datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()) * 1_000_000
    return door, door.protection


def euros(minor: int, currency: str = "EUR") -> money_pb2.Money:
    return money_pb2.Money(amount_minor=minor, currency=currency)


def limit(minor: int | None, window: pb.LimitWindow.ValueType = pb.LIMIT_WINDOW_DAY) -> pb.SetDepositLimitRequest:
    amount = None if minor is None else euros(minor)
    return pb.SetDepositLimitRequest(request_id=str(uuid4()), window=window, amount=amount)


async def test_a_limit_is_kept_with_what_the_players_rules_say_about_raising_it() -> None:
    door, service = at_the_door()
    for player, needs_confirmation in ((BRITISH, True), (MALTESE, False)):
        await service.set_deposit_limit(limit(5_000, pb.LIMIT_WINDOW_MONTH), call_by(player))
        assert door.protections.told[-1] == ("limit", LimitWindow.MONTH, 5_000, 24 * HOUR_US, needs_confirmation)
    await service.set_deposit_limit(limit(None), call_by(BRITISH))
    assert door.protections.told[-1][:3] == ("limit", LimitWindow.DAY, None)
    confirm = pb.ConfirmDepositLimitRequest(request_id=str(uuid4()), window=pb.LIMIT_WINDOW_WEEK)
    await service.confirm_deposit_limit(confirm, call_by(BRITISH))
    assert door.protections.told[-1] == ("confirm", LimitWindow.WEEK)


async def test_what_is_no_limit_is_refused() -> None:
    door, service = at_the_door()
    with pytest.raises(RequestMalformed):
        await service.set_deposit_limit(limit(1, pb.LIMIT_WINDOW_UNSPECIFIED), call_by())
    for minor in (-1, LIMIT_MINOR_MAX + 1):
        with pytest.raises(LimitOutOfRange):
            await service.set_deposit_limit(limit(minor), call_by())
    request = limit(1)
    request.amount.currency = "GBP"
    with pytest.raises(CurrencyMismatch):
        await service.set_deposit_limit(request, call_by())
    assert door.protections.told == []
    for minor in (0, LIMIT_MINOR_MAX):
        await service.set_deposit_limit(limit(minor), call_by())


@pytest.mark.parametrize(("months", "is_taken"), [(5, False), (6, True), (60, True), (61, False)])
async def test_an_exclusion_is_as_long_as_the_players_rules_say(months: int, is_taken: bool) -> None:
    door, service = at_the_door()
    request = pb.ExcludeSelfRequest(request_id=str(uuid4()), months=months)
    if is_taken:
        await service.exclude_self(request, call_by(BRITISH))
        assert door.protections.told == [("exclusion", months)]
        return
    with pytest.raises(LimitOutOfRange) as refused:
        await service.exclude_self(request, call_by(BRITISH))
    assert refused.value.figures == {"months_min": "6", "months_max": "60"}
    assert door.protections.told == []


@pytest.mark.parametrize(("hours", "is_taken"), [(23, False), (24, True), (1_008, True), (1_009, False)])
async def test_it_is_stepped_back_for_as_long_as_the_players_rules_say(hours: int, is_taken: bool) -> None:
    door, service = at_the_door()
    request = pb.TakeTimeOutRequest(request_id=str(uuid4()), hours=hours)
    if is_taken:
        await service.take_time_out(request, call_by(BRITISH))
    else:
        with pytest.raises(LimitOutOfRange):
            await service.take_time_out(request, call_by(BRITISH))
    assert door.protections.told == ([("time-out", hours)] if is_taken else [])


async def test_nothing_keeps_a_player_from_protecting_themselves() -> None:
    door, service = at_the_door()
    barred = replace(BRITISH, status=PlayerStatus.BLOCKED, excluded_until_us=1, timed_out_until_us=2**60)
    await service.set_deposit_limit(limit(0), call_by(barred))
    await service.exclude_self(pb.ExcludeSelfRequest(request_id=str(uuid4()), months=12), call_by(barred))
    assert len(door.protections.told) == 2


async def test_what_holds_and_what_waits_is_shown_with_what_there_is_to_choose_from() -> None:
    door, service = at_the_door()
    door.protections.limits = [
        DepositLimit(LimitWindow.DAY, 500, 350, 900, 77, True),
        DepositLimit(LimitWindow.MONTH, None, 10),
    ]
    shown = (await service.get_protection(pb.GetProtectionRequest(), call_by(BRITISH))).protection
    day, month = shown.deposit_limits
    assert (day.window, day.amount, day.paid, day.raised) == (pb.LIMIT_WINDOW_DAY, euros(500), euros(350), euros(900))
    assert (day.raise_from_us, day.raise_needs_confirmation) == (77, True)
    assert (month.HasField("amount"), month.HasField("raised"), month.raise_from_us) == (False, False, 0)
    assert list(shown.windows) == [pb.LIMIT_WINDOW_DAY, pb.LIMIT_WINDOW_WEEK, pb.LIMIT_WINDOW_MONTH]
    assert (shown.limits_are_offered, shown.time_out_hours_min, shown.exclusion_months_min) == (True, 24, 6)


async def test_a_deposit_meets_what_the_player_set() -> None:
    door, _ = at_the_door()
    door.protections.limits = [DepositLimit(LimitWindow.DAY, 500, 350)]
    with pytest.raises(DepositLimitExceeded) as refused:
        await door.money().deposit_test_money(deposit(151), call_by())
    assert refused.value.figures == {"amount_minor_max": "150"}
    await door.money().deposit_test_money(deposit(150), call_by())
    with pytest.raises(PlayerExcluded):
        await door.money().deposit_test_money(deposit(1), call_by(replace(PLAYER, excluded_until_us=1)))
    until_us = door.clock.now_us() + 1
    with pytest.raises(PlayerTimedOut):
        await door.money().deposit_test_money(deposit(1), call_by(replace(PLAYER, timed_out_until_us=until_us)))
    assert len(door.wallet.deposits) == 1


async def test_who_is_told_to_have_changed_is_looked_up_anew() -> None:
    door, _ = at_the_door()
    token = await door.log_in(PLAYER)
    other = replace(PLAYER, player_id=uuid4())
    other_token = await door.log_in(other)
    await door.auth.session(token)
    await door.auth.session(other_token)
    door.stored_players.put(replace(PLAYER, timed_out_until_us=5))
    assert (await door.auth.session(token)).player.timed_out_until_us == 0
    door.auth.note_changed(str(PLAYER.player_id))
    finds = door.sessions.finds
    assert (await door.auth.session(token)).player.timed_out_until_us == 5
    assert (await door.auth.session(other_token)).player == other
    assert door.sessions.finds == finds + 1


async def test_who_stepped_back_is_known_to_have_at_their_next_call() -> None:
    door, service = at_the_door()
    token = await door.log_in(PLAYER)
    await door.auth.session(token)
    door.stored_players.put(replace(PLAYER, timed_out_until_us=5))
    await service.take_time_out(pb.TakeTimeOutRequest(request_id=str(uuid4()), hours=24), call_by())
    assert (await door.auth.session(token)).player.timed_out_until_us == 5
    door.stored_players.put(replace(PLAYER, session_epoch=1))
    await service.exclude_self(pb.ExcludeSelfRequest(request_id=str(uuid4()), months=6), call_by())
    with pytest.raises(SessionRequired):
        await door.auth.session(token)
