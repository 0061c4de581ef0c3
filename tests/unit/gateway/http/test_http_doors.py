"""Signed requests over HTTP, end to end: what is read of them, and what they are told."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator

import aiohttp
import pytest
from starlette.routing import Route

from gateway.http.answers import STATUS_BY_CATEGORY
from gateway.http.app import make_app
from gateway.http.raw import RawAnswer, RawRequest, SignatureWrong, signed
from infra.processes.asgi_site import serving_asgi
from infra.settings import Doors
from kernel.errors import Category, DomainError
from tests.free_ports import free_port

KEY = b"the provider's key"
BODY_BYTES_MAX = 1_000


class Hmac:
    """The body's HMAC in a header, as many providers have it."""

    def expect(self, request: RawRequest) -> None:
        expected = hmac.new(KEY, request.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(request.headers.get("x-signature", ""), expected):
            raise SignatureWrong("Request must be signed by the provider's key, is not")


class Refused(DomainError):
    reason = "INSUFFICIENT_FUNDS"
    category = Category.RULE


class Unpublished(DomainError):
    reason = "NOT_FOR_ANYBODY"
    category = Category.RULE


class Provider:
    """A door with one address, and what came to it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.taken: list[RawRequest] = []

    async def serve(self, request: RawRequest) -> RawAnswer:
        self.taken.append(request)
        match request.body:
            case b"refuse":
                raise Refused("Stake must be at most 10, was 20", figures={"stake_max_minor": "10"})
            case b"unpublished":
                raise Unpublished("secret inner thing")
            case b"fail":
                raise ValueError("secret inner thing")
            case b"hang":
                await asyncio.Event().wait()
        return RawAnswer(request.body[::-1], content_type="text/plain")

    async def post(
        self, body: bytes, *, path: str = "/debit?b=%20&a=1", signature: str | None = None
    ) -> tuple[int, bytes]:
        given = hmac.new(KEY, body, hashlib.sha256).hexdigest() if signature is None else signature
        headers = {"X-Signature": given, "Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"http://127.0.0.1:{self.port}{path}", data=body, headers=headers) as answer,
        ):
            return answer.status, await answer.read()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider(free_port())
    options = {"signature": Hmac(), "body_bytes_max": BODY_BYTES_MAX}
    debit = signed(provider.serve, **options, timeout_s=0.2)  # type: ignore[arg-type]
    own = signed(
        provider.serve,
        **options,  # type: ignore[arg-type]
        tell=lambda refusal: RawAnswer(f"ERR {refusal.reason}".encode(), content_type="text/plain"),
    )
    app = make_app([Route("/debit", debit, methods=["POST"]), Route("/own-words", own, methods=["POST"])])
    async with serving_asgi(app, host="127.0.0.1", port=provider.port, settings=Doors()):
        yield provider


async def test_a_body_reaches_who_serves_it_byte_by_byte(provider: Provider) -> None:
    body = b'{"amount": 1.10,  "amount": 1.1}\r\n\xff'
    assert await provider.post(body) == (200, body[::-1])
    (request,) = provider.taken
    assert (request.path, request.query, request.body) == ("/debit", "b=%20&a=1", body)
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("signature", ["", "wrong", "0" * 64])
async def test_what_is_not_signed_right_is_not_served(provider: Provider, signature: str) -> None:
    status, told = await provider.post(b"{}", signature=signature)
    assert (status, b"SIGNATURE_WRONG" in told) == (401, True)
    assert provider.taken == []


async def test_a_body_at_its_bound_is_taken_and_a_longer_one_is_refused(provider: Provider) -> None:
    assert (await provider.post(b"x" * BODY_BYTES_MAX))[0] == 200
    status, told = await provider.post(b"x" * (BODY_BYTES_MAX + 1))
    assert (status, b"REQUEST_OVERSIZED" in told) == (413, True)
    assert len(provider.taken) == 1


async def test_a_refusal_is_told_by_its_category_with_what_would_be_accepted(provider: Provider) -> None:
    status, told = await provider.post(b"refuse")
    assert status == STATUS_BY_CATEGORY[Category.RULE] == 422
    assert told == (
        b'{"reason":"INSUFFICIENT_FUNDS","message":"Stake must be at most 10, was 20",'
        b'"figures":{"stake_max_minor":"10"}}'
    )


@pytest.mark.parametrize("body", [b"fail", b"unpublished"])
async def test_what_nobody_foresaw_or_published_is_told_by_an_id_alone(provider: Provider, body: bytes) -> None:
    status, told = await provider.post(body)
    assert (status, b"INTERNAL" in told, b"error_id" in told, b"secret" in told) == (500, True, True, False)


async def test_an_answer_comes_in_time_or_not_at_all(provider: Provider) -> None:
    status, told = await provider.post(b"hang")
    assert (status, b"DEADLINE_EXCEEDED" in told) == (504, True)


async def test_a_body_that_comes_too_slowly_is_no_request(provider: Provider) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(1)
        yield b"}"

    async with (
        aiohttp.ClientSession() as client,
        client.post(f"http://127.0.0.1:{provider.port}/debit", data=slow()) as answer,
    ):
        assert (answer.status, b"DEADLINE_EXCEEDED" in await answer.read()) == (504, True)
    assert provider.taken == []


async def test_a_client_that_leaves_within_its_request_is_served_nothing_and_breaks_nothing(provider: Provider) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    writer.write(b"POST /debit HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await provider.post(b"{}"))[0] == 200
    assert len(provider.taken) == 1


async def test_what_has_no_route_is_told_in_the_same_form(provider: Provider) -> None:
    url = f"http://127.0.0.1:{provider.port}"
    async with aiohttp.ClientSession() as client:
        async with client.post(f"{url}/credit") as unknown:
            assert (unknown.status, (await unknown.json())["reason"]) == (404, "METHOD_CLOSED")
        async with client.get(f"{url}/debit") as closed:
            assert (closed.status, closed.headers["Allow"]) == (405, "POST")
            assert (await closed.json())["reason"] == "METHOD_CLOSED"
            assert closed.headers["Cache-Control"] == "no-store"
            assert closed.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_port_that_is_taken_is_said(provider: Provider) -> None:
    with pytest.raises(OSError, match="in use"):
        async with serving_asgi(make_app([]), host="127.0.0.1", port=provider.port, settings=Doors()):
            pass


async def test_a_protocol_may_tell_refusals_in_its_own_way(provider: Provider) -> None:
    assert await provider.post(b"refuse", path="/own-words") == (200, b"ERR INSUFFICIENT_FUNDS")
    assert await provider.post(b"{}", path="/own-words", signature="wrong") == (200, b"ERR SIGNATURE_WRONG")


def test_every_category_has_a_status_of_its_own() -> None:
    assert set(STATUS_BY_CATEGORY) == set(Category)
    assert len(set(STATUS_BY_CATEGORY.values())) == len(Category)
