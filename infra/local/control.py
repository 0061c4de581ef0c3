"""Ask the running supervisor, from another terminal, to start, stop or kill a program."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from infra.local.private import open_by_short_path

Action = Literal["start", "stop", "kill", "shutdown"]
REQUEST_BYTES_MAX = 4_096
ANSWER_TIMEOUT_S = 90.0
SOCKET_NAME = "control.sock"


class ControlRefused(Exception):
    """The supervisor is not there, or did not do as asked."""


async def serve_control(profile_dir: Path, act: Callable[[Action, str], Awaitable[None]]) -> asyncio.Server:
    """Listen for requests on a socket that only this user can open."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            await act(request["action"], request["name"])
            reply: dict[str, str | None] = {"error": None}
        except Exception as error:
            reply = {"error": str(error) or type(error).__name__}
        writer.write(json.dumps(reply).encode() + b"\n")
        writer.close()

    (profile_dir / SOCKET_NAME).unlink(missing_ok=True)
    with open_by_short_path(profile_dir / SOCKET_NAME) as path:
        server = await asyncio.start_unix_server(answer, path, limit=REQUEST_BYTES_MAX)
    (profile_dir / SOCKET_NAME).chmod(0o600)
    return server


def request(profile_dir: Path, action: Action, name: str) -> None:
    """Have the supervisor do something, and wait until it is done.

    Raises:
        ControlRefused: If no supervisor listens, or it refused.
    """
    try:
        error = _exchange(profile_dir, {"action": action, "name": name})
    except (FileNotFoundError, ConnectionRefusedError):
        raise ControlRefused("Overround is not running: start it with `make run`") from None
    if error:
        raise ControlRefused(error)


def _exchange(profile_dir: Path, message: dict[str, str]) -> str | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_TIMEOUT_S)
        with open_by_short_path(profile_dir / SOCKET_NAME) as path:
            connection.connect(path)
        connection.sendall(json.dumps(message).encode() + b"\n")
        with connection.makefile() as answer:
            reply = json.loads(answer.readline() or '{"error": "the supervisor went away"}')
    error: str | None = reply["error"]
    return error
