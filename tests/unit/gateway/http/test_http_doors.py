"""Signed requests over HTTP, end to end: what is read of them, and what they are told."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gateway.http.app import STATUS_BY_CATEGORY, make_app
from gateway.http.raw import RawAnswer, RawRequest, SignatureWrong, signed
from infra.processes.site import serving
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
    app = make_app(body_bytes_max=BODY_BYTES_MAX)
    options = {"signature": Hmac(), "body_bytes_max": BODY_BYTES_MAX}
    app.router.add_post("/debit", signed(provider.serve, **options, timeout_s=0.2))  # type: ignore[arg-type]
    own = signed(
        provider.serve,
        **options,  # type: ignore[arg-type]
        tell=lambda refusal: RawAnswer(f"ERR {refusal.reason}".encode(), content_type="text/plain"),
    )
    app.router.add_post("/own-words", own)
    async with serving(app, host="127.0.0.1", port=provider.port):
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
    assert (status, b"REQUEST_OVERSIZED" in told) == (400, True)
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
    assert (status, b"DEADLINE_EXCEEDED" in told) == (503, True)


async def test_a_protocol_may_tell_refusals_in_its_own_way(provider: Provider) -> None:
    assert await provider.post(b"refuse", path="/own-words") == (200, b"ERR INSUFFICIENT_FUNDS")
    assert await provider.post(b"{}", path="/own-words", signature="wrong") == (200, b"ERR SIGNATURE_WRONG")


def test_every_category_has_a_status_of_its_own() -> None:
    assert set(STATUS_BY_CATEGORY) == set(Category)
    assert len(set(STATUS_BY_CATEGORY.values())) == len(Category)
