"""Requests whose body is taken as it came: it is signed byte by byte, and read only by who asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.http.answers import JSON, answer_refusal, respond
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
        path: Without the query, not decoded.
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
    content_type: str = JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Signature(Protocol):
    """Knows who signs requests of a kind, and how."""

    def expect(self, request: RawRequest) -> None:
        """Let only a request pass that is signed as it has to be.

        Raises:
            SignatureWrong: If it is not.
        """
        ...


Endpoint = Callable[[Request], Awaitable[Response]]
Serve = Callable[[RawRequest], Awaitable[RawAnswer]]
Tell = Callable[[DomainError], RawAnswer]


def signed(
    serve: Serve, *, signature: Signature, body_bytes_max: int, timeout_s: float = TIMEOUT_S, tell: Tell | None = None
) -> Endpoint:
    """Return what a route for signed requests calls.

    A part brings it as `Route("/callbacks/...", signed(...), methods=["POST"])`.

    Nothing of a request is read but its bytes until its signature is found to be right.

    Args:
        serve: Answers what is asked.
        signature: Looked at before anything else.
        body_bytes_max: The most that a body may have; no more of one is kept.
        timeout_s: An answer comes within so long, or none does.
        tell: Says what was refused in the protocol's own way; None for ours.
    """

    async def answer_in_time(request: Request) -> RawAnswer:
        try:
            async with asyncio.timeout(timeout_s) as limit:
                raw = await read_raw(request, body_bytes_max)
                signature.expect(raw)
                return await serve(raw)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DeadlineExceeded(f"Request must be answered within {timeout_s} s, was not") from error

    async def handle(request: Request) -> Response:
        try:
            return _respond(await answer_in_time(request))
        except ClientDisconnect:
            return respond(b"", status=400)  # nobody is there to read it
        except Exception as error:
            refusal = as_told(error, door=f"{request.method} {request.url.path}")
            return answer_refusal(refusal) if tell is None else _respond(tell(refusal))

    return handle


async def read_raw(request: Request, body_bytes_max: int) -> RawRequest:
    """Return a request as it came.

    Raises:
        RequestOversized: If its body is longer than that; no more of it is kept.
        ClientDisconnect: If it ends before it is whole.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > body_bytes_max:
            raise RequestOversized(
                f"A body must have at most {body_bytes_max} bytes, had more",
                figures={"request_bytes_max": str(body_bytes_max)},
            )
    names = set(request.headers)
    headers = {name: ",".join(request.headers.getlist(name)) for name in names}
    path, query = request.scope["raw_path"], request.scope["query_string"]
    return RawRequest(path.decode("latin-1"), query.decode("latin-1"), headers, bytes(body))


def _respond(answer: RawAnswer) -> Response:
    return respond(answer.body, status=answer.status, content_type=answer.content_type, headers=answer.headers)
