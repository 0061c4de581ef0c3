"""The WebSocket of books and bets: the streams of gRPC in the JSON form of their messages, for who has no gRPC.

A client says what it watches, `{"books": {...}, "bets": {...}, "token": "..."}`, by the requests of WatchBooks and
WatchBets; saying it again watches that instead. Each message to it is one of theirs, `{"books": {...}}` or
`{"bets": {...}}`, and one comes at least every second. While it does not read, nothing is written: then it is given the
newest, not what was between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final

import orjson
from google.protobuf.message import Message
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.refusals import DeadlineExceeded, as_told
from gateway.rest.json_form import read_json, write_json
from gateway.rest.requests import encode_public, metadata_of, peer_of
from gateway.rpc.call import Metadata
from gateway.rpc.door import Door, Streaming
from gateway.rpc.methods import BETTING, METHOD_BY_PATH, ODDS, Method
from kernel.errors import Category, DomainError
from overround.bets.v1 import betting_service_pb2
from overround.odds.v1 import odds_service_pb2
from wire.requests import RequestMalformed

PATH: Final = "/v1/stream"
SOCKETS: Final = "sockets"
"""What an address may have open is counted from the beginning: who says nothing yet takes a place as well."""
FIRST_WORD_S: Final = 10.0
UNREAD_S_MAX: Final = 30.0
"""Who reads nothing for so long is let go of."""
INTERVAL_S: Final = 0.05
"""Between two messages of a kind: JSON is dear, and nobody reads faster."""

TRY_AGAIN: Final = 1013
CLOSE_CODES: Final[Mapping[Category, int]] = {
    Category.BUSY: TRY_AGAIN,
    Category.UNAVAILABLE: TRY_AGAIN,
    Category.BROKEN: 1011,
}
REFUSED: Final = 1008

WATCH_BOOKS: Final = METHOD_BY_PATH[f"/{ODDS}/WatchBooks"]
WATCH_BETS: Final = METHOD_BY_PATH[f"/{BETTING}/WatchBets"]


@dataclass(frozen=True, slots=True)
class _Watched:
    """What a client watches: by kind what it asked with."""

    requests: Mapping[str, Message]
    token: str


def make_stream(functions: Mapping[Method, Callable[..., Any]], door: Door) -> WebSocketRoute:
    """Return the route of the stream.

    Args:
        functions: Of all methods, those of WatchBooks and WatchBets among them.
        door: Stands before them.
    """
    streams = {
        "books": door.streaming(WATCH_BOOKS, functions[WATCH_BOOKS]),
        "bets": door.streaming(WATCH_BETS, functions[WATCH_BETS]),
    }

    async def serve(socket: WebSocket) -> None:
        await socket.accept()
        with suppress(WebSocketDisconnect):
            try:
                with door.holding(SOCKETS, metadata_of(socket), peer_of(socket)):
                    await _Client(socket, streams).run()
            except Exception as error:
                await _refuse(socket, as_told(error, door=PATH))

    return WebSocketRoute(PATH, serve)


class _Client:
    """One socket, and the streams that write to it."""

    def __init__(self, socket: WebSocket, streams: Mapping[str, Streaming]) -> None:
        self._socket = socket
        self._streams = streams

    async def run(self) -> None:
        """Serve until the client goes.

        Raises:
            WebSocketDisconnect: When it has gone.
            DomainError: If something that it asks for is refused.
        """
        try:
            async with asyncio.timeout(FIRST_WORD_S):
                watched = await self._hear()
        except TimeoutError as error:
            raise DeadlineExceeded(f"Client must say within {FIRST_WORD_S} s what it watches, did not") from error
        while True:
            watched = await self._show_until_heard(watched)

    async def _hear(self) -> _Watched:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        return _parse(message.get("text") or "")

    async def _show_until_heard(self, watched: _Watched) -> _Watched:
        """Write what is watched until something else is to be; what ends a stream ends all."""
        hearing = asyncio.create_task(self._hear())
        showing = [asyncio.create_task(self._show(kind, watched)) for kind in watched.requests]
        try:
            await asyncio.wait((hearing, *showing), return_when=asyncio.FIRST_COMPLETED)
            for ended in showing:
                if ended.done():
                    ended.result()
            return await hearing
        finally:
            for task in (hearing, *showing):
                task.cancel()
            await asyncio.gather(hearing, *showing, return_exceptions=True)

    async def _show(self, kind: str, watched: _Watched) -> None:
        metadata, peer = self._metadata(watched.token), peer_of(self._socket)
        async with aclosing(self._streams[kind](watched.requests[kind], metadata, peer)) as messages:  # type: ignore[type-var]
            async for message in messages:
                body = await _write_books(message) if kind == "books" else write_json(message)
                await self._send(orjson.dumps({kind: orjson.Fragment(body)}).decode())
                await asyncio.sleep(INTERVAL_S)

    def _metadata(self, token: str) -> Metadata:
        """Return what came with the socket; browsers can give no header, so a token may come with the first word."""
        told = metadata_of(self._socket)
        return (("authorization", f"Bearer {token}"), *told) if token else told

    async def _send(self, text: str) -> None:
        try:
            async with asyncio.timeout(UNREAD_S_MAX):
                await self._socket.send_text(text)
        except TimeoutError as error:
            raise DeadlineExceeded(f"Client must read within {UNREAD_S_MAX} s, did not") from error


def _parse(text: str) -> _Watched:
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestMalformed(f"Message must be JSON, was not: {error}") from error
    if not isinstance(told, dict) or not set(told) <= {"books", "bets", "token"}:
        raise RequestMalformed("Message must be an object of books, bets and token, was another")
    token = told.pop("token", "")
    if not isinstance(token, str) or not told:
        raise RequestMalformed("Message must name books, bets or both, and a token as text, did not")
    requests: dict[str, Message] = {
        "books": odds_service_pb2.WatchBooksRequest(),
        "bets": betting_service_pb2.WatchBetsRequest(),
    }
    for kind, asked in told.items():
        read_json(orjson.dumps(asked), requests[kind])
    return _Watched({kind: requests[kind] for kind in told}, token)


async def _write_books(raw: bytes) -> bytes:
    """Return the message as JSON; others have their turn between two books."""
    message = odds_service_pb2.WatchBooksResponse.FromString(raw)
    books = []
    for book in message.books:
        books.append(orjson.Fragment(encode_public(book)[0]))
        await asyncio.sleep(0)
    del message.books[:]
    told = orjson.loads(write_json(message))
    return orjson.dumps(told | {"books": books})


async def _refuse(socket: WebSocket, refusal: DomainError) -> None:
    told = {"reason": refusal.reason, "message": refusal.message, "figures": dict(refusal.figures)}
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            await socket.send_text(orjson.dumps({"refusal": told}).decode())
            await socket.close(CLOSE_CODES.get(refusal.category, REFUSED), refusal.reason)
