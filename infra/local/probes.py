"""Ask a server whether it works, in the fewest bytes its protocol allows."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

from infra.local.private import open_by_short_path
from infra.local.program import Unhealthy

ANSWER_BYTES_MAX = 65_536
KAFKA_API_VERSIONS = 18


async def probe_http(host: str, port: int, path: str) -> None:
    """Return where `path` answers 200.

    Raises:
        Unhealthy: If it answers anything else; the message carries the start of the body.
        OSError: If nothing listens.
    """
    _expect_ok(await _exchange(*await asyncio.open_connection(host, port), _get(host, path)))


async def probe_http_socket(socket: Path, path: str) -> None:
    """Return where `path` answers 200 at a UNIX socket.

    Raises:
        Unhealthy: If it answers anything else; the message carries the start of the body.
        OSError: If nothing listens.
    """
    with open_by_short_path(socket) as short_path:
        reader, writer = await asyncio.open_unix_connection(short_path)
    _expect_ok(await _exchange(reader, writer, _get("localhost", path)))


def _get(host: str, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


def _expect_ok(answer: bytes) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if status != [b"200"]:
        raise Unhealthy(body[:200].decode(errors="replace").strip() or head[:80].decode(errors="replace"))


async def probe_redis(host: str, port: int, password: str) -> None:
    """Return where Redis lets us in, answers a ping and is not loading its data."""
    request = f"AUTH {password}\r\nPING\r\nQUIT\r\n".encode()
    answer = await _exchange(*await asyncio.open_connection(host, port), request)
    if not answer.startswith(b"+OK\r\n+PONG"):
        refusal = answer.removeprefix(b"+OK\r\n").partition(b"\r\n")[0]
        raise Unhealthy(refusal[:200].decode(errors="replace") or "Redis closed the connection")


async def probe_kafka(host: str, port: int) -> None:
    """Return where the broker answers which requests it understands."""
    client_id = b"probe"
    body = struct.pack(">hhih", KAFKA_API_VERSIONS, 0, 1, len(client_id)) + client_id
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(struct.pack(">i", len(body)) + body)
        answer = await reader.readexactly(10)
    except asyncio.IncompleteReadError:
        raise Unhealthy("the broker closed the connection") from None
    finally:
        writer.close()
    error_code = struct.unpack(">h", answer[8:10])[0]
    if error_code:
        raise Unhealthy(f"the broker answered error {error_code}")


async def probe_postgres(host: str, port: int, user: str) -> None:
    """Return where PostgreSQL asks `user` for the password."""
    body = struct.pack(">i", 196_608) + f"user\0{user}\0database\0postgres\0\0".encode()
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(struct.pack(">i", len(body) + 4) + body)
        kind = await reader.readexactly(1)
        rest = b"" if kind == b"R" else await reader.read(ANSWER_BYTES_MAX)
    except asyncio.IncompleteReadError:
        raise Unhealthy("the server closed the connection") from None
    finally:
        writer.close()
    if kind != b"R":
        raise Unhealthy(rest[4:].replace(b"\0", b" ").decode(errors="replace").strip())


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    try:
        writer.write(request)
        answer = b""
        while len(answer) < ANSWER_BYTES_MAX and (chunk := await reader.read(ANSWER_BYTES_MAX)):
            answer += chunk
        return answer
    finally:
        writer.close()
