"""Ask the running supervisor, from another terminal, to start, stop or kill a program."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

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
    folder = os.open(profile_dir, os.O_PATH)
    try:
        server = await asyncio.start_unix_server(answer, _short_path(folder), limit=REQUEST_BYTES_MAX)
    finally:
        os.close(folder)
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
    folder = os.open(profile_dir, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_TIMEOUT_S)
            connection.connect(_short_path(folder))
            connection.sendall(json.dumps(message).encode() + b"\n")
            with connection.makefile() as answer:
                reply = json.loads(answer.readline() or '{"error": "the supervisor went away"}')
    finally:
        os.close(folder)
    error: str | None = reply["error"]
    return error


def _short_path(folder: int) -> str:
    """A socket's path may have 107 bytes; a checkout can be deeper than that."""
    return f"/proc/self/fd/{folder}/{SOCKET_NAME}"
