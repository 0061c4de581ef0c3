"""What stands before every method, made once for each: bounds, time, shares, access, and how refusals are told.

A call goes through in one step and not through one wrapper after another: what stands before a method is asked a
thousand times a second, and each message of a stream passes by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from time import perf_counter
from typing import Any, Final

from prometheus_client import Histogram

from gateway.auth import Authenticator
from gateway.refusals import DeadlineExceeded
from gateway.rpc.access import admit
from gateway.rpc.bounds import expect_request_bounded
from gateway.rpc.call import Call, Context, Metadata
from gateway.rpc.errors import abort
from gateway.rpc.methods import Method
from gateway.rpc.shares import Share, Shares
from gateway.source import AddressOf
from kernel.clock import Clock
from kernel.errors import DomainError, Unavailable
from wire.requests import RequestMalformed

LOOK_AGAIN_S: Final = 10.0
"""While a stream runs, its caller's session, role and status are looked at anew so often, and when they are told to
have changed."""

CALL_SECONDS: Final = Histogram(
    "overround_gateway_call_seconds",
    "Time to answer a unary call, by method and outcome.",
    ["method", "outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
_seconds_of = cache(CALL_SECONDS.labels)

Serve = Callable[[Any, Call], Any]
Behaviour = Callable[[Any, Context], Any]
Answering = Callable[[Any, Metadata, str], Awaitable[Any]]
"""Given a request, what came with it, and who is at the other end, by gRPC's name: "ipv4:127.0.0.1:5000"."""
Streaming = Callable[[Any, Metadata, str], AsyncIterator[Any]]


@dataclass(frozen=True, slots=True)
class _Row:
    method: Method
    by_address: Share
    by_account: Share | None
    takes_stream: bool


class Door:
    """Lets calls through to the functions of their methods.

    Args:
        auth: Finds out who calls.
        address_of: Finds out from where.
        clock: Says when a stream's caller is looked at again.
        calls_by_address: How many calls of a kind one address may have under way; "calls" are those of no other kind.
        calls_by_account: The same for one account, of methods that need a session.
    """

    def __init__(
        self,
        auth: Authenticator,
        address_of: AddressOf,
        *,
        clock: Clock,
        calls_by_address: Mapping[str, int],
        calls_by_account: Mapping[str, int],
    ) -> None:
        self._auth = auth
        self._address_of = address_of
        self._clock = clock
        self._calls_by_address = calls_by_address
        self._calls_by_account = calls_by_account
        self._addresses = Shares("address")
        self._accounts = Shares("account")

    def before(self, method: Method, serve: Serve) -> Behaviour:
        """Return what a gRPC server calls for a method: the function behind all that stands before it."""
        if method.contract.server_streaming:
            return _telling_stream(method, self.streaming(method, serve))
        return _telling(method, self.answering(method, serve))

    def answering(self, method: Method, serve: Callable[[Any, Call], Awaitable[Any]]) -> Answering:
        """Return what a door of any protocol asks of a method that gives one answer.

        It raises what is refused; what takes longer than the method may is refused too.
        """
        row = self._row_of(method)

        async def answer(request: Any, metadata: Metadata, peer: str) -> Any:
            started_s = perf_counter()
            outcome = "failed"
            try:
                async with asyncio.timeout(method.timeout_s) as limit:
                    call = await self._enter(row, request, metadata, peer)
                    try:
                        response = await serve(request, call)
                    finally:
                        self._leave(row, call)
                outcome = "answered"
                return response
            except DomainError:
                outcome = "refused"
                raise
            except TimeoutError as error:
                if not limit.expired():
                    raise
                raise DeadlineExceeded(f"Call must be answered within {method.timeout_s} s, was not") from error
            finally:
                _seconds_of(method.path, outcome).observe(perf_counter() - started_s)

        return answer

    def streaming(self, method: Method, serve: Callable[[Any, Call], AsyncIterator[Any]]) -> Streaming:
        """Return what a door of any protocol asks of a method that streams; it raises what is refused."""
        row = self._row_of(method)

        async def stream(request: Any, metadata: Metadata, peer: str) -> AsyncIterator[Any]:
            call = await self._enter(row, request, metadata, peer)
            try:
                looked_s, changes = self._clock.monotonic_s(), self._changes_of(call)
                async with aclosing(serve(request, call)) as responses:  # type: ignore[type-var] # a generator
                    async for response in responses:
                        yield response
                        now_s = self._clock.monotonic_s()
                        if now_s - looked_s >= LOOK_AGAIN_S or self._changes_of(call) != changes:
                            looked_s, changes = now_s, self._changes_of(call)
                            with suppress(Unavailable):  # what runs already goes on without the store
                                await admit(self._auth, method.access, call.metadata)
            finally:
                self._leave(row, call)

        return stream

    @contextmanager
    def holding(self, kind: str, metadata: Metadata, peer: str) -> Iterator[None]:
        """Count something that is open before anything is called, such as a socket, as its address's.

        Raises:
            TooManyCalls: If the address has as many open as it may.
        """
        share, address = _share_of(kind, self._calls_by_address), self._address_of(metadata, peer)
        self._addresses.begin(share, address)
        try:
            yield
        finally:
            self._addresses.end(share, address)

    def _changes_of(self, call: Call) -> int:
        return 0 if call.session is None else self._auth.changes_of(str(call.player.player_id))

    def _row_of(self, method: Method) -> _Row:
        by_account = _share(method, self._calls_by_account) if method.access.roles else None
        return _Row(method, _share(method, self._calls_by_address), by_account, method.contract.client_streaming)

    async def _enter(self, row: _Row, request: Any, metadata: Metadata, peer: str) -> Call:
        """Let a call in, which has to leave, or refuse it."""
        if request is None:
            raise RequestMalformed(f"Request must be a message {row.method.contract.input_type.name}, was none")
        if not row.takes_stream:  # its messages have bounds of their own
            expect_request_bounded(request)
        address = self._address_of(metadata, peer)
        self._addresses.begin(row.by_address, address)
        try:
            session = await admit(self._auth, row.method.access, metadata)
            call = Call(metadata, address, session)
            if row.by_account is not None:
                self._accounts.begin(row.by_account, str(call.player.player_id))
        except BaseException:
            self._addresses.end(row.by_address, address)
            raise
        return call

    def _leave(self, row: _Row, call: Call) -> None:
        self._addresses.end(row.by_address, call.address)
        if row.by_account is not None:
            self._accounts.end(row.by_account, str(call.player.player_id))


def _telling(method: Method, ask: Answering) -> Behaviour:
    async def answer(request: Any, context: Context) -> Any:
        try:
            return await ask(request, _metadata_of(context), context.peer())
        except Exception as error:
            await abort(error, context, method.path)

    return answer


def _telling_stream(method: Method, ask: Streaming) -> Behaviour:
    async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
        try:
            async with aclosing(ask(request, _metadata_of(context), context.peer())) as responses:  # type: ignore[type-var]
                async for response in responses:
                    yield response
        except Exception as error:
            await abort(error, context, method.path)

    return stream


def _metadata_of(context: Context) -> Metadata:
    return tuple(context.invocation_metadata() or ())  # made anew at each asking, so asked for once


def _share(method: Method, calls_max: Mapping[str, int]) -> Share:
    return _share_of(method.kind, calls_max)


def _share_of(kind: str, calls_max: Mapping[str, int]) -> Share:
    """Return the share of a kind: its own where that is counted apart, else that of all calls."""
    counted = kind if kind in calls_max else "calls"
    return Share(counted, calls_max[counted])
