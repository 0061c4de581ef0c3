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

import overround
from gateway.rpc.access import LOOK_AGAIN_S, AccessInterceptor, MethodClosed
from gateway.rpc.methods import ANYBODY, LOGGED_IN, METHOD_BY_PATH
from kernel.errors import DomainError
from pam.player import Player, PlayerBlocked, PlayerRole, PlayerStatus
from pam.session import BettorRequired, SessionRequired, TraderRequired
from tests.unit.fake_betting import PLAYER
from tests.unit.fake_gateway import Door, context

TRADER = replace(PLAYER, player_id=UUID(int=7), username="trader", role=PlayerRole.TRADER)
MONEY_AND_BETS = ("/overround.bets.v1.", "/overround.wallet.v1.")
DESK = "/overround.trading.v1."


def methods_of_the_contracts() -> Iterator[str]:
    for root in map(Path, overround.__path__):
        for file in root.rglob("*_pb2.py"):
            module = importlib.import_module(".".join(("overround", *file.relative_to(root).with_suffix("").parts)))
            for service in module.DESCRIPTOR.services_by_name.values():
                yield from (f"/{service.full_name}/{method.name}" for method in service.methods)


def make_access(door: Door) -> AccessInterceptor:
    return AccessInterceptor(door.auth, clock=door.clock)


async def call(access: AccessInterceptor, method: str, behaviour: Any, caller: Any) -> Any:
    handler = grpc.unary_unary_rpc_method_handler(behaviour)

    async def continuation(_: Any) -> Any:
        return handler

    class Details:
        pass

    Details.method = method  # type: ignore[attr-defined]
    guarded: Any = await access.intercept_service(continuation, Details())  # type: ignore[arg-type]
    return await guarded.unary_unary(b"", caller)


async def answer_yes(_request: bytes, _context: Any) -> bytes:
    return b"yes"


async def admitted(access: AccessInterceptor, caller: Any) -> dict[str, type[DomainError] | None]:
    """Return what each method of the contracts answers to a caller: None where it lets them in."""
    answers: dict[str, type[DomainError] | None] = {}
    for method in methods_of_the_contracts():
        try:
            await call(access, method, answer_yes, caller)
            answers[method] = None
        except DomainError as error:
            answers[method] = type(error)
    return answers


def test_the_table_has_every_method_of_the_contracts_and_no_other() -> None:
    assert set(methods_of_the_contracts()) == set(METHOD_BY_PATH)


async def test_a_method_that_is_in_no_table_is_closed_to_everybody() -> None:
    door = Door()
    trader = await door.log_in(TRADER)
    for caller in (context(None), context(), trader):
        with pytest.raises(MethodClosed):
            await call(make_access(door), "/overround.pam.v1.PlayerService/MakeTrader", answer_yes, caller)


async def test_a_trader_has_no_money_and_no_bets() -> None:
    door = Door()
    answers = await admitted(make_access(door), await door.log_in(TRADER))
    for method, answer in answers.items():
        assert answer is (BettorRequired if method.startswith(MONEY_AND_BETS) else None), method


async def test_a_bettor_does_not_command_the_desk() -> None:
    door = Door()
    answers = await admitted(make_access(door), context())
    for method, answer in answers.items():
        assert answer is (TraderRequired if method.startswith(DESK) else None), method


async def test_nobody_gets_only_what_is_public() -> None:
    door = Door()
    answers = await admitted(make_access(door), context(None))
    for method, answer in answers.items():
        assert answer is (None if METHOD_BY_PATH[method].access is ANYBODY else SessionRequired), method


async def test_a_blocked_trader_does_not_command_and_a_blocked_bettor_does_not_deposit() -> None:
    door = Door()
    access = make_access(door)
    trader = await admitted(access, await door.log_in(replace(TRADER, status=PlayerStatus.BLOCKED)))
    assert {trader[method] for method in trader if method.startswith(DESK)} == {PlayerBlocked}
    bettor = await admitted(access, await door.log_in(replace(PLAYER, status=PlayerStatus.BLOCKED)))
    assert bettor["/overround.wallet.v1.WalletService/DepositTestMoney"] is PlayerBlocked
    # What they had taken they still see; whether a bet is a new one is only known where it is placed.
    assert bettor["/overround.bets.v1.BettingService/WatchBets"] is None
    assert bettor["/overround.bets.v1.BettingService/PlaceBet"] is None


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        (replace(TRADER, status=PlayerStatus.BLOCKED), PlayerBlocked),
        (replace(TRADER, role=PlayerRole.BETTOR), TraderRequired),
        (replace(TRADER, session_epoch=1), SessionRequired),
    ],
)
async def test_a_stream_ends_when_its_caller_may_no_longer_watch(changed: Player, error: type[Exception]) -> None:
    door = Door()
    stream = await watch(door, "/overround.trading.v1.TradingService/WatchDesk", await door.log_in(TRADER))
    assert await anext(stream) == b"1"
    door.stored_players.put(changed)
    door.clock.time_us += int(LOOK_AGAIN_S * 1_000_000)
    with pytest.raises(error):
        await anext(stream)


async def test_a_stream_goes_on_while_who_calls_cannot_be_found_out() -> None:
    door = Door()
    stream = await watch(door, "/overround.bets.v1.BettingService/WatchBets", context())
    assert await anext(stream) == b"1"
    door.sessions.is_down = True
    door.clock.time_us += 3_600_000_000 - 1
    assert await anext(stream) == b"2"


async def watch(door: Door, method: str, caller: Any) -> AsyncIterator[bytes]:
    async def count(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
        for number in range(1, 10):
            yield str(number).encode()

    async def continuation(_: Any) -> Any:
        return grpc.unary_stream_rpc_method_handler(count)

    class Details:
        pass

    Details.method = method  # type: ignore[attr-defined]
    guarded: Any = await make_access(door).intercept_service(continuation, Details())  # type: ignore[arg-type]
    stream: AsyncIterator[bytes] = guarded.unary_stream(b"", caller)
    return stream


def test_who_is_logged_in_has_a_role_that_the_table_knows() -> None:
    assert LOGGED_IN.roles == frozenset(PlayerRole)
