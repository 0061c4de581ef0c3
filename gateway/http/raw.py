"""Requests whose body is taken as it came: it is signed byte by byte, and read only by who asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from aiohttp import web

from gateway.http.app import Handler, answer_refusal
from gateway.refusals import DeadlineExceeded, RequestOversized, as_told
from kernel.errors import Category, DomainError

TIMEOUT_S: Final = 5.0


class SignatureWrong(DomainError):
    """A request is not signed by who may send it, or not as it came."""

    reason = "SIGNATURE_WRONG"
    category = Category.UNAUTHENTICATED


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it came.

    Attributes:
        path: Without the query.
        query: As it stands after the question mark, not decoded.
        headers: By name in lower case; of one that came twice, all that was said, joined by commas.
        body: The bytes.
    """

    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it goes out."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200


class Signature(Protocol):
    """Knows who signs requests of a kind, and how."""

    def expect(self, request: RawRequest) -> None:
        """Let only a request pass that is signed as it has to be.

        Raises:
            SignatureWrong: If it is not.
        """
        ...


Serve = Callable[[RawRequest], Awaitable[RawAnswer]]
Tell = Callable[[DomainError], RawAnswer]


def signed(
    serve: Serve, *, signature: Signature, body_bytes_max: int, timeout_s: float = TIMEOUT_S, tell: Tell | None = None
) -> Handler:
    """Return the handler of a door for signed requests.

    Nothing of a request is read but its bytes until its signature is found to be right.

    Args:
        serve: Answers what is asked.
        signature: Looked at before anything else.
        body_bytes_max: The most that a body may have; no more of one is kept.
        timeout_s: An answer comes within so long, or none does.
        tell: Says what was refused in the protocol's own way; None for ours.
    """

    async def answer_in_time(request: web.Request) -> RawAnswer:
        try:
            async with asyncio.timeout(timeout_s) as limit:
                raw = await _read(request, body_bytes_max)
                signature.expect(raw)
                return await serve(raw)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DeadlineExceeded(f"Request must be answered within {timeout_s} s, was not") from error

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return _response(await answer_in_time(request))
        except Exception as error:
            refusal = as_told(error, door=f"{request.method} {request.path}")
            return answer_refusal(refusal) if tell is None else _response(tell(refusal))

    return handle


async def _read(request: web.Request, body_bytes_max: int) -> RawRequest:
    body = bytearray()
    async for chunk in request.content.iter_chunked(16 * 1_024):
        body += chunk
        if len(body) > body_bytes_max:
            raise RequestOversized(
                f"A body must have at most {body_bytes_max} bytes, had more",
                figures={"request_bytes_max": str(body_bytes_max)},
            )
    names = {name.lower() for name in request.headers}
    headers = {name: ",".join(request.headers.getall(name)) for name in names}
    return RawRequest(request.rel_url.raw_path, request.rel_url.raw_query_string, headers, bytes(body))


def _response(answer: RawAnswer) -> web.Response:
    return web.Response(body=answer.body, status=answer.status, content_type=answer.content_type)
