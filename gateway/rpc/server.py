"""The gRPC server: its limits, its deadlines, its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import grpc
from prometheus_client import Histogram

from gateway.rpc.bounds import BoundsInterceptor
from gateway.rpc.errors import ErrorInterceptor, replace_behaviour
from gateway.rpc.guards import Guards
from gateway.rpc.methods import METHOD_BY_PATH, Method, Service, add_service
from kernel.errors import Category, DomainError

GRACE_S: Final = 2.0
CONCURRENT_CALLS_MAX: Final = 4_000
REQUEST_BYTES_MAX: Final = 4 * 1024 * 1024
RESPONSE_BYTES_MAX: Final = 64 * 1024 * 1024

SERVER_OPTIONS: Final = (
    ("grpc.max_receive_message_length", REQUEST_BYTES_MAX),
    ("grpc.max_send_message_length", RESPONSE_BYTES_MAX),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.max_concurrent_streams", 1_000),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # A second gateway on the same port must fail to start, not take half of the calls.
    ("grpc.so_reuseport", 0),
)

CALL_SECONDS: Final = Histogram(
    "overround_gateway_call_seconds",
    "Time to answer a unary call, by method and outcome.",
    ["method", "outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)


class DeadlineExceeded(DomainError):
    """The call was not answered before its deadline; whether it had an effect is to be asked by its request id."""

    reason = "DEADLINE_EXCEEDED"
    category = Category.UNAVAILABLE


class DeadlineInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg] # not generic when it runs
    """Bounds a call that is no stream by its method's time, beside its client's, and notes how long each takes."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return the method's handler, bounded in time if it is unary."""
        handler = await continuation(handler_call_details)
        method = METHOD_BY_PATH.get(handler_call_details.method)
        if handler is None or method is None or handler.request_streaming or handler.response_streaming:
            return handler
        return replace_behaviour(handler, lambda behaviour: self._bound(behaviour, method))

    def _bound(self, behaviour: Callable[..., Any], method: Method) -> Callable[..., Any]:
        async def answer(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            started_s = time.perf_counter()
            outcome = "failed"
            try:
                async with asyncio.timeout(method.timeout_s) as limit:
                    response = await behaviour(request, context)
                outcome = "answered"
                return response
            except DomainError:
                outcome = "refused"
                raise
            except TimeoutError:
                if limit.expired():
                    raise DeadlineExceeded(f"Call must be answered within {method.timeout_s} s, was not") from None
                raise
            finally:
                CALL_SECONDS.labels(method.path, outcome).observe(time.perf_counter() - started_s)

        return answer


def make_server(services: Sequence[Service], *, address: str, guards: Guards) -> grpc.aio.Server:
    """Return a server that is bound to its address and not started.

    Args:
        services: Those that serve the methods of the table.
        address: "host:port"; port 0 takes a free one.
        guards: Stand before every method.

    Raises:
        RuntimeError: If the address is taken.
        InvariantBroken: If a method has no function.
    """
    server = grpc.aio.server(
        interceptors=[ErrorInterceptor(), DeadlineInterceptor(), BoundsInterceptor(), *guards],
        options=SERVER_OPTIONS,
        maximum_concurrent_rpcs=CONCURRENT_CALLS_MAX,
    )
    for service in services:
        add_service(server, service)
    server.add_insecure_port(address)
    return server
