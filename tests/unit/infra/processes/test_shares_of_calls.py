"""What one address may have under way, as the settings say it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass

from gateway.rpc.methods import METHOD_BY_PATH
from gateway.source import address_reader
from infra.processes.parts.access import make_door
from infra.settings import Settings
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_gateway import Door, Refused, context

SETTINGS = Settings()
SHARES = {
    "/overround.odds.v1.OddsService/PriceBetBuilder": SETTINGS.sources.address_bet_builders_max,
    "/overround.pam.v1.PlayerService/LogIn": SETTINGS.sources.address_log_ins_max,
    "/overround.pam.v1.PlayerService/Register": SETTINGS.sources.address_registrations_max,
}


@pytest.mark.parametrize(("path", "calls_max"), SHARES.items(), ids=lambda item: str(item).rpartition("/")[2])
async def test_dear_calls_have_a_share_of_their_own(path: str, calls_max: int) -> None:
    door = make_door(SETTINGS, Door().auth, address_of=address_reader(""), clock=FakeClock())
    may_end = asyncio.Event()

    async def wait(_request: Any, _call: Any) -> str:
        await may_end.wait()
        return "done"

    async def call(called: str) -> Any:
        method = METHOD_BY_PATH[called]
        request = GetMessageClass(method.contract.input_type)()
        return await door.before(method, wait)(request, context(None))

    held = [asyncio.create_task(call(path)) for _ in range(calls_max)]
    await asyncio.sleep(0)
    with pytest.raises(Refused, match=f"At most {calls_max} {METHOD_BY_PATH[path].kind} "):
        await call(path)
    held.append(asyncio.create_task(call("/overround.odds.v1.OddsService/GetBooks")))
    may_end.set()
    assert await asyncio.gather(*held) == ["done"] * (calls_max + 1)
