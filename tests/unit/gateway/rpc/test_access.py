"""Who may call what: the table, and the door that goes by it."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

import overround
from gateway.auth import Authenticator
from gateway.rpc.call import Call
from gateway.rpc.door import LOOK_AGAIN_S
from gateway.rpc.methods import ANYBODY, LOGGED_IN, METHOD_BY_PATH
from gateway.rpc.server import make_table
from pam.player import Player, PlayerRole, PlayerStatus
from tests.fakes.fake_betting import PLAYER
from tests.fakes.fake_gateway import TOKEN, Door, Refused, context

TRADER = replace(PLAYER, player_id=UUID(int=7), username="trader", role=PlayerRole.TRADER)
MONEY_AND_BETS = (
    "/overround.bets.v1.",
    "/overround.casino.v1.",
    "/overround.payments.v1.",
    "/overround.wallet.v1.",
    "/overround.pam.v1.ProtectionService/",
)
CALCULATOR = "/overround.bets.v1.BettingService/CalculateReturn"
DESK = "/overround.trading.v1."


def methods_of_the_contracts() -> Iterator[str]:
    for root in map(Path, overround.__path__):
        for file in root.rglob("*_pb2.py"):
            module = importlib.import_module(".".join(("overround", *file.relative_to(root).with_suffix("").parts)))
            for service in module.DESCRIPTOR.services_by_name.values():
                yield from (f"/{service.full_name}/{method.name}" for method in service.methods)


async def answer_yes(_request: Any, _call: Any) -> bytes:
    return b"yes"


async def stream_yes(_requests: Any, _call: Any) -> AsyncIterator[bytes]:
    yield b"yes"


async def admitted(door: Door, token: str | None) -> dict[str, str]:
    """Return what each method of the contracts tells a caller: nothing where it lets them in."""
    before = door.before()
    answers: dict[str, str] = {}
    for path in methods_of_the_contracts():
        method = METHOD_BY_PATH[path]
        request = GetMessageClass(method.contract.input_type)()
        try:
            if method.contract.server_streaming:
                await anext(before.before(method, stream_yes)(request, context(token)))
            else:
                await before.before(method, answer_yes)(request, context(token))
            answers[path] = ""
        except Refused as refused:
            answers[path] = refused.reason
    return answers


def test_the_table_has_every_method_of_the_contracts_and_no_other() -> None:
    assert set(methods_of_the_contracts()) == set(METHOD_BY_PATH)


async def test_a_method_that_is_in_no_table_is_closed_to_everybody() -> None:
    door = Door()
    table: Any = make_table([door.money()], door.before())

    class Details:
        method = "/overround.wallet.v1.WalletService/MintMoney"

    for token in (None, TOKEN, await door.log_in(TRADER)):
        with pytest.raises(Refused) as refused:
            await table.service(Details()).stream_stream(None, context(token))
        assert refused.value.reason == "METHOD_CLOSED"
        assert refused.value.status.code == grpc.StatusCode.UNIMPLEMENTED.value[0]


async def test_a_trader_has_no_money_and_no_bets() -> None:
    door = Door()
    answers = await admitted(door, await door.log_in(TRADER))
    for method, answer in answers.items():
        is_theirs = method.startswith(MONEY_AND_BETS) and method != CALCULATOR
        assert answer == ("BETTOR_REQUIRED" if is_theirs else ""), method


async def test_a_bettor_does_not_command_the_desk() -> None:
    answers = await admitted(Door(), TOKEN)
    for method, answer in answers.items():
        assert answer == ("TRADER_REQUIRED" if method.startswith(DESK) else ""), method


async def test_nobody_gets_only_what_is_public() -> None:
    answers = await admitted(Door(), None)
    for method, answer in answers.items():
        assert answer == ("" if METHOD_BY_PATH[method].access is ANYBODY else "SESSION_REQUIRED"), method


async def test_a_blocked_trader_does_not_command_and_a_blocked_bettor_comes_in() -> None:
    door = Door()
    trader = await admitted(door, await door.log_in(replace(TRADER, status=PlayerStatus.BLOCKED)))
    assert {trader[method] for method in trader if method.startswith(DESK)} == {"PLAYER_BLOCKED"}
    bettor = await admitted(door, await door.log_in(replace(PLAYER, status=PlayerStatus.BLOCKED)))
    # What they had taken they still see; what they may do now is asked where it is known what that is.
    assert {bettor[method] for method in bettor if not method.startswith(DESK)} == {""}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (replace(TRADER, status=PlayerStatus.BLOCKED), "PLAYER_BLOCKED"),
        (replace(TRADER, role=PlayerRole.BETTOR), "TRADER_REQUIRED"),
        (replace(TRADER, session_epoch=1), "SESSION_REQUIRED"),
    ],
)
async def test_a_stream_ends_when_its_caller_may_no_longer_watch(changed: Player, reason: str) -> None:
    door = Door()
    stream = watch(door, "/overround.trading.v1.TradingService/WatchDesk", await door.log_in(TRADER))
    assert await anext(stream) == b"1"
    door.stored_players.put(changed)
    door.clock.time_us += int(LOOK_AGAIN_S * 1_000_000)
    with pytest.raises(Refused) as refused:
        await anext(stream)
    assert refused.value.reason == reason


async def test_a_stream_goes_on_while_who_calls_cannot_be_found_out() -> None:
    door = Door()
    stream = watch(door, "/overround.bets.v1.BettingService/WatchBets", TOKEN)
    assert await anext(stream) == b"1"
    door.sessions.is_down = True
    door.clock.time_us += 3_600_000_000 - 1
    assert await anext(stream) == b"2"


async def test_who_calls_is_looked_up_once_a_call_and_handed_on() -> None:
    door = Door()
    door.auth = Authenticator(door.sessions, door.stored_players, clock=door.clock, cache_ms=0, cache_entries_max=2)
    door.clock.time_us += 1
    callers = []

    async def note(_request: Any, call: Call) -> None:
        door.clock.time_us += 1
        callers.append(call.player)

    method = METHOD_BY_PATH["/overround.wallet.v1.WalletService/GetBalance"]
    await door.before().before(method, note)(GetMessageClass(method.contract.input_type)(), context())
    assert (callers, door.sessions.finds) == ([PLAYER], 1)


def watch(door: Door, path: str, token: str) -> AsyncIterator[bytes]:
    async def count(_request: Any, _call: Any) -> AsyncIterator[bytes]:
        for number in range(1, 10):
            yield str(number).encode()

    method = METHOD_BY_PATH[path]
    request = GetMessageClass(method.contract.input_type)()
    stream: AsyncIterator[bytes] = door.before().before(method, count)(request, context(token))
    return stream


def test_who_is_logged_in_has_a_role_that_the_table_knows() -> None:
    assert LOGGED_IN.roles == frozenset(PlayerRole)
