"""The gRPC server: its limits, its table of handlers, its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import grpc

from gateway.rpc.access import MethodClosed
from gateway.rpc.call import Context
from gateway.rpc.door import Door
from gateway.rpc.errors import abort
from gateway.rpc.methods import Service, functions_of

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


class _Table(grpc.GenericRpcHandler):  # type: ignore[type-arg] # not generic when it runs
    """Finds the handler of a call by its path; what is in no row is closed to everybody."""

    def __init__(self, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]) -> None:
        self._handlers = handlers

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        """Return the handler."""
        path = handler_call_details.method
        return self._handlers.get(path) or grpc.stream_stream_rpc_method_handler(partial(_refuse_closed, path))


async def _refuse_closed(path: str, _requests: Any, context: Context) -> None:
    await abort(MethodClosed(f"Method must be one that somebody may call, {path[:128]} is none"), context, path)


def make_server(services: Sequence[Service], *, address: str, door: Door) -> grpc.aio.Server:
    """Return a server that is bound to its address and not started.

    Args:
        services: Those that serve the methods of the table.
        address: "host:port"; port 0 takes a free one.
        door: Stands before every method.

    Raises:
        RuntimeError: If the address is taken.
        InvariantBroken: If a method has no function.
    """
    server = grpc.aio.server(options=SERVER_OPTIONS, maximum_concurrent_rpcs=CONCURRENT_CALLS_MAX)
    server.add_generic_rpc_handlers((make_table(services, door),))
    server.add_insecure_port(address)
    return server


def make_table(services: Sequence[Service], door: Door) -> grpc.GenericRpcHandler[Any, Any]:
    """Return what finds the handler of a call; each is made here, once.

    Raises:
        InvariantBroken: If a method has no function.
    """
    return _Table(
        {
            method.path: method.handler(door.before(method, serve))
            for service in services
            for method, serve in functions_of(service).items()
        }
    )
