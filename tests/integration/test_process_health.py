"""What every process does the same, tried on a process of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import aiohttp
import pytest

from infra.processes.health import HealthServer
from infra.settings import ROOT
from tests.free_ports import free_port

PROGRAM = """
import asyncio
from infra.processes.health import run_until_stopped

async def main(stopping):
    print("running", flush=True)
    {body}

run_until_stopped(main)
"""


@pytest.fixture
def port() -> int:
    return free_port()


async def _ask(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


async def _start(body: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM.format(body=body)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"running\n"
    return process


async def test_a_process_that_works_says_so(port: int) -> None:
    async def check() -> None:
        return None

    async with HealthServer("127.0.0.1", port, check):
        assert await _ask(port, "/readyz") == (200, "ok")
        status, text = await _ask(port, "/metrics")
    assert status == 200
    assert "python_info" in text


async def test_a_process_that_does_not_work_says_why_and_that_it_lives(port: int) -> None:
    async def check() -> str | None:
        return "not warmed up"

    async with HealthServer("127.0.0.1", port, check):
        assert await _ask(port, "/readyz") == (503, "not warmed up")
        assert await _ask(port, "/healthz") == (200, "ok")


async def test_a_check_that_raises_is_a_complaint(port: int) -> None:
    async def check() -> str | None:
        raise ConnectionError("nobody there")

    async with HealthServer("127.0.0.1", port, check):
        assert await _ask(port, "/readyz") == (503, "ConnectionError: nobody there")


async def test_a_signal_ends_a_process_in_order() -> None:
    process = await _start("await stopping.wait()")
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


async def test_a_failure_ends_a_process_with_a_logged_reason() -> None:
    process = await _start("raise RuntimeError('out of luck')")
    _, errors = await process.communicate()
    event = json.loads(errors)
    assert process.returncode == 1
    assert event["event"] == "process.failed"
    assert "out of luck" in event["exception"]


async def test_a_process_that_ends_unasked_has_failed() -> None:
    process = await _start("return")
    assert await process.wait() == 1


async def test_a_process_that_does_not_stop_in_time_is_ended() -> None:
    process = await _start("await asyncio.sleep(60)")
    process.send_signal(signal.SIGTERM)
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert json.loads(errors)["event"] == "process.stop_took_too_long"
