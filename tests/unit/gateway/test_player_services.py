"""Players, sessions and test money as a client meets them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from compliance.jurisdiction import Dated, Jurisdiction
from compliance.permit import Permits, ProductNotPermitted
from gateway.auth import OUTAGE_S_MAX, token_of
from gateway.wallet_service import DepositRefused
from kernel.errors import Unavailable
from kernel.ids import IdMalformed
from kernel.money import AmountOutOfRange, CurrencyMismatch
from overround.common.v1 import money_pb2
from overround.pam.v1 import player_service_pb2
from overround.wallet.v1 import wallet_service_pb2
from pam.credentials import LoginRateLimited, LogInRefused, PasswordMalformed, UsernameMalformed
from pam.player import PlayerBlocked, PlayerRole, PlayerStatus, UsernameTaken
from pam.session import SessionRequired
from tests.fakes.fake_betting import PLAYER
from tests.fakes.fake_gateway import PASSWORD, TOKEN, Door, call_by, metadata_of
from wire.requests import RequestMalformed


async def test_a_session_is_looked_up_once_in_two_seconds() -> None:
    door = Door()
    await door.auth.session(TOKEN)
    await door.auth.session(TOKEN)
    assert door.sessions.finds == 1
    door.clock.time_us += 2_000_001
    await door.auth.session(TOKEN)
    assert door.sessions.finds == 2


@pytest.mark.parametrize("token", [None, "unknown", ""])
async def test_no_session_no_call(token: str | None) -> None:
    with pytest.raises(SessionRequired):
        await Door().auth.session(token_of(metadata_of(token)))


async def test_a_session_outlives_its_store_for_a_minute() -> None:
    door = Door()
    await door.auth.session(TOKEN)
    door.sessions.is_down = True
    door.clock.time_us += int(OUTAGE_S_MAX * 1_000_000)
    assert (await door.auth.session(TOKEN)).player == PLAYER
    door.clock.time_us += 1
    with pytest.raises(Unavailable):
        await door.auth.session(TOKEN)


async def test_a_player_is_who_they_are_now_and_not_who_they_were_at_log_in() -> None:
    door = Door()
    assert (await door.auth.session(TOKEN)).player.status == PlayerStatus.ACTIVE
    door.stored_players.put(replace(PLAYER, status=PlayerStatus.BLOCKED, role=PlayerRole.TRADER))
    door.clock.time_us += 2_000_001
    player = (await door.auth.session(TOKEN)).player
    assert (player.status, player.role) == (PlayerStatus.BLOCKED, PlayerRole.TRADER)


async def test_ended_sessions_are_over_within_the_cache_and_new_ones_begin() -> None:
    door = Door()
    await door.auth.session(TOKEN)
    again = replace(PLAYER, session_epoch=1)
    door.stored_players.put(again)
    door.clock.time_us += 2_000_001
    with pytest.raises(SessionRequired):
        await door.auth.session(TOKEN)
    assert (await door.auth.session(await door.log_in(again))).player == again


async def test_a_session_whose_player_cannot_be_read_counts_as_one_whose_store_is_away() -> None:
    door = Door()
    await door.auth.session(TOKEN)
    door.stored_players.is_down = True
    door.clock.time_us += int(OUTAGE_S_MAX * 1_000_000)
    assert (await door.auth.session(TOKEN)).player == PLAYER
    door.clock.time_us += 1
    with pytest.raises(Unavailable):
        await door.auth.session(TOKEN)


async def test_a_session_of_nobody_is_none() -> None:
    door = Door()
    door.stored_players.others.clear()
    with pytest.raises(SessionRequired):
        await door.auth.session(TOKEN)


async def test_a_player_registers_is_known_logs_out_and_in_again() -> None:
    door = Door()
    request = player_service_pb2.RegisterRequest(
        request_id=str(uuid4()), username="bob_1", password=PASSWORD, currency="EUR"
    )
    registered = await door.players.register(request, call_by(None, token=None))
    token = registered.session.token
    player = (await door.auth.session(token)).player
    me = await door.players.get_me(player_service_pb2.GetMeRequest(), call_by(player, token=token))
    assert me.player == registered.player
    await door.players.log_out(player_service_pb2.LogOutRequest(), call_by(None, token=token))
    with pytest.raises(SessionRequired):
        await door.auth.session(token)
    log_in = player_service_pb2.LogInRequest(username="bob_1", password=PASSWORD)
    assert (await door.players.log_in(log_in, call_by(None, token=None))).player == registered.player


async def test_accounts_are_opened_in_every_currency_that_is_listed() -> None:
    door = Door()
    listed = await door.players.list_currencies(player_service_pb2.ListCurrenciesRequest(), call_by(None, token=None))
    assert listed.currencies[0] == "EUR"
    assert {"JPY", "KWD"} <= set(listed.currencies)
    for number, currency in enumerate(listed.currencies):
        request = player_service_pb2.RegisterRequest(
            request_id=str(uuid4()), username=f"bob_{number}", password=PASSWORD, currency=currency
        )
        registered = await door.players.register(request, call_by(None, token=None))
        assert registered.player.currency == currency


@pytest.mark.parametrize(
    ("currency", "amount_minor", "is_taken"),
    [("JPY", 1_840_900, True), ("JPY", 1_840_901, False), ("KWD", 3_610_300, True), ("KWD", 3_610_301, False)],
)
async def test_the_most_of_a_deposit_is_the_same_in_every_currency(
    currency: str, amount_minor: int, is_taken: bool
) -> None:
    door, player = Door(), replace(PLAYER, currency=currency)
    if is_taken:
        await door.money().deposit_test_money(deposit(amount_minor, currency), call_by(player))
        return
    with pytest.raises(AmountOutOfRange) as refused:
        await door.money().deposit_test_money(deposit(amount_minor, currency), call_by(player))
    assert refused.value.figures == {"amount_minor_max": str(amount_minor - 1)}


async def test_a_repeated_registration_logs_in_but_only_with_the_same_password() -> None:
    door = Door()
    request = player_service_pb2.RegisterRequest(
        request_id=str(uuid4()), username="bob", password=PASSWORD, currency="EUR"
    )
    first = await door.players.register(request, call_by(None, token=None))
    again = await door.players.register(request, call_by(None, token=None))
    assert again.player == first.player
    request.password = "another password"
    with pytest.raises(UsernameTaken):
        await door.players.register(request, call_by(None, token=None))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"username": "ab"}, UsernameMalformed),
        ({"username": "a" * 33}, UsernameMalformed),
        ({"username": "Bob"}, UsernameMalformed),
        ({"username": "bob\n"}, UsernameMalformed),
        ({"password": "123456789"}, PasswordMalformed),
        ({"password": "x" * 129}, PasswordMalformed),
        ({"username": "bob.the.builder", "password": "Bob.The.Builder"}, PasswordMalformed),
        ({"currency": "CHF"}, CurrencyMismatch),
        ({"request_id": "1"}, IdMalformed),
    ],
)
async def test_what_is_no_registration_is_refused(changes: dict[str, str], error: type[Exception]) -> None:
    fields: dict[str, Any] = {
        "request_id": str(uuid4()),
        "username": "bob",
        "password": PASSWORD,
        "currency": "EUR",
    } | changes
    with pytest.raises(error):
        await Door().players.register(player_service_pb2.RegisterRequest(**fields), call_by(None, token=None))


@pytest.mark.parametrize("changes", [{"username": "abc"}, {"password": "1234567890"}, {"password": "x" * 128}])
async def test_the_shortest_and_longest_are_taken(changes: dict[str, str]) -> None:
    fields: dict[str, Any] = {
        "request_id": str(uuid4()),
        "username": "b" * 32,
        "password": PASSWORD,
        "currency": "EUR",
    } | changes
    response = await Door().players.register(player_service_pb2.RegisterRequest(**fields), call_by(None, token=None))
    assert response.player.username == fields["username"]


async def test_a_wrong_name_and_a_wrong_password_are_refused_alike_and_cost_alike() -> None:
    door = Door()
    request = player_service_pb2.RegisterRequest(
        request_id=str(uuid4()), username="bob", password=PASSWORD, currency="EUR"
    )
    await door.players.register(request, call_by(None, token=None))
    messages = set()
    for username, password in (
        ("bob", "wrong password"),
        ("nobody", PASSWORD),
        ("NO NAME", PASSWORD),
        ("bob", "x" * 999),
    ):
        with pytest.raises(LogInRefused) as refused:
            await door.players.log_in(
                player_service_pb2.LogInRequest(username=username, password=password), call_by(None, token=None)
            )
        messages.add(refused.value.message)
    assert len(messages) == 1
    assert len(door.passwords.verified) == 4


async def test_passwords_are_not_guessed_by_trying() -> None:
    door = Door()
    wrong = player_service_pb2.LogInRequest(username="bob", password="wrong password")
    for _ in range(3):
        with pytest.raises(LogInRefused):
            await door.players.log_in(wrong, call_by(None, token=None))
    with pytest.raises(LoginRateLimited):
        await door.players.log_in(wrong, call_by(None, token=None))


def deposit(amount_minor: int, currency: str = "EUR") -> wallet_service_pb2.DepositTestMoneyRequest:
    amount = money_pb2.Money(amount_minor=amount_minor, currency=currency)
    return wallet_service_pb2.DepositTestMoneyRequest(request_id=str(uuid4()), amount=amount)


@pytest.mark.parametrize(("amount_minor", "is_taken"), [(0, False), (1, True), (1_000_000, True), (1_000_001, False)])
async def test_test_money_has_bounds(amount_minor: int, is_taken: bool) -> None:
    door = Door()
    if is_taken:
        response = await door.money().deposit_test_money(deposit(amount_minor), call_by())
        assert response.balance.available.amount_minor == amount_minor
    else:
        with pytest.raises(AmountOutOfRange):
            await door.money().deposit_test_money(deposit(amount_minor), call_by())


@pytest.mark.parametrize("currency", ["", "eur", "EU", "EURO", "\u20acUR", "E\0R"])
async def test_test_money_in_what_is_no_currency_is_refused_by_its_form(currency: str) -> None:
    door = Door()
    with pytest.raises(RequestMalformed):
        await door.money().deposit_test_money(deposit(100, currency), call_by())
    assert door.wallet.deposits == {}


async def test_there_is_no_test_money_in_production() -> None:
    door = Door()
    with pytest.raises(DepositRefused):
        await door.money(is_allowed=False).deposit_test_money(deposit(100), call_by())
    assert door.wallet.deposits == {}


async def test_who_may_not_move_money_deposits_none() -> None:
    door, blocked = Door(), replace(PLAYER, status=PlayerStatus.BLOCKED)
    with pytest.raises(PlayerBlocked):
        await door.money().deposit_test_money(deposit(100), call_by(blocked))
    with pytest.raises(CurrencyMismatch):
        await door.money().deposit_test_money(deposit(100), call_by(replace(PLAYER, currency="GBP")))
    assert door.wallet.deposits == {}


async def test_what_the_day_does_not_permit_is_refused_at_every_door() -> None:
    door = Door()
    since = date(1970, 1, 1)
    nothing = Jurisdiction(
        "default", {"products": [Dated(since, frozenset(), "a decision")], "places": [Dated(since, None, "a decision")]}
    )
    door.permits = Permits(nothing, clock=door.clock)
    players = door.players
    fields: dict[str, Any] = {"request_id": str(uuid4()), "username": "bob", "password": PASSWORD, "currency": "EUR"}
    with pytest.raises(ProductNotPermitted):
        await players.register(player_service_pb2.RegisterRequest(**fields), call_by(None, token=None))
    with pytest.raises(ProductNotPermitted):
        await players.log_in(player_service_pb2.LogInRequest(username="bob", password=PASSWORD), call_by(None))
    with pytest.raises(ProductNotPermitted):
        await door.money().deposit_test_money(deposit(100), call_by())
    assert (door.stored_players.by_request, door.passwords.verified, door.wallet.deposits) == ({}, [], {})


async def test_calls_that_come_while_a_session_is_looked_up_wait_for_that_look() -> None:
    door = Door()
    found = await asyncio.gather(*(door.auth.session(TOKEN) for _ in range(5)))
    assert ([session.player for session in found], door.sessions.finds) == ([PLAYER] * 5, 1)
    with pytest.raises(SessionRequired):
        await asyncio.gather(*(door.auth.session("unknown") for _ in range(5)))
    assert door.sessions.finds == 2


async def test_who_leaves_takes_no_look_from_those_who_wait_and_the_last_ends_it() -> None:
    door = Door()
    door.sessions.answers.clear()
    first, second = (asyncio.create_task(door.auth.session(TOKEN)) for _ in range(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    door.sessions.answers.set()
    assert (await second).player == PLAYER
    assert door.sessions.finds == 1

    door.clock.time_us += 2_000_001
    door.sessions.answers.clear()
    alone = asyncio.create_task(door.auth.session(TOKEN))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    alone.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (door.sessions.finds, door.sessions.given_up) == (2, 1)
    door.sessions.answers.set()
    assert (await door.auth.session(TOKEN)).player == PLAYER


async def test_a_session_that_ends_while_it_is_looked_up_is_not_remembered() -> None:
    door = Door()
    door.sessions.answers.clear()
    looking = asyncio.create_task(door.auth.session(TOKEN))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    found = door.sessions.sessions[TOKEN]
    await door.auth.end(TOKEN)
    door.sessions.sessions[TOKEN] = found  # as the look that began before may have found it
    door.sessions.answers.set()
    assert (await looking).player == PLAYER
    del door.sessions.sessions[TOKEN]
    with pytest.raises(SessionRequired):
        await door.auth.session(TOKEN)


async def test_what_was_found_is_as_old_as_the_beginning_of_the_look() -> None:
    door = Door()
    door.sessions.answers.clear()
    looking = asyncio.create_task(door.auth.session(TOKEN))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    door.clock.time_us += 1_500_000
    door.sessions.answers.set()
    await looking
    door.clock.time_us += 500_001
    await door.auth.session(TOKEN)
    assert door.sessions.finds == 2
