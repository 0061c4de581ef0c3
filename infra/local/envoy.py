"""Configuration of the proxy in front of gateway and doors: gRPC, gRPC-web, REST and the front end at one address.

What can be bounded by address is bounded here first: requests a second. Envoy does not count connections by address:
of those there is a bound for all, one that asks for nothing is closed soon, and what is open at the gateway has a share
for each address there, which the proxy tells it.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final

from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.code_pb2 import RESOURCE_EXHAUSTED
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from gateway.rpc.errors import DOMAIN, STATUS_DETAILS_KEY
from gateway.source import EDGE_KEY_HEADER, IPV6_PREFIX, SOURCE_HEADER
from infra.settings import Settings

CONNECTIONS_MAX: Final = 10_000
STREAMS_PER_CONNECTION_MAX: Final = 1_000
BUFFER_BYTES: Final = 256 * 1024
WINDOW_BYTES: Final = 256 * 1024
HEADERS_KIB_MAX: Final = 16
CONNECT_TIMEOUT: Final = "0.5s"
UNLIMITED: Final = "0s"
ADMIN_SOCKET: Final = "admin.sock"
FEEDS: Final = "/overround.feed."
REST: Final = "/v1/"
STREAM: Final = "/v1/stream"
CALLBACKS: Final = "/callbacks/"
RETRY_S: Final = 2
WAITING_PAGE: Final = Path(__file__).with_name("waiting.html")
REQUEST_BYTES_MAX: Final = 256 * 1024  # of all but feeds: five hundred names of fixtures are the most that is asked
REST_BYTES_MAX: Final = 160 * 1024  # JSON says a request at more length
CALLBACK_BYTES_MAX: Final = 64 * 1024
HTTP_TIMEOUT: Final = "20s"  # a bet in play waits first

_EXTENSIONS: Final = "type.googleapis.com/envoy.extensions"


def render_envoy_config(settings: Settings, *, edge_key: str) -> str:
    """Return the configuration as JSON, which Envoy reads as YAML.

    Args:
        settings: Of the whole system.
        edge_key: What the gateway knows the proxy by. It makes the configuration a secret.
    """
    config = {
        # In the proxy's working folder, for this user alone.
        "admin": {"address": {"pipe": {"path": ADMIN_SOCKET, "mode": 0o600}}},
        "static_resources": {
            "listeners": [_listener(settings, edge_key)],
            "clusters": [
                _cluster("gateway_grpc", settings.host, settings.ports.gateway_grpc, is_http2=True),
                _cluster("gateway_http", settings.host, settings.ports.gateway_http, is_http2=False),
                # What is silent is let go of here before the doors do: nothing is asked on what they just closed.
                _cluster(
                    "doors",
                    settings.host,
                    settings.ports.doors_http,
                    is_http2=False,
                    idle_timeout="30s",
                    connections_max=settings.doors.connections_max,
                ),
            ],
        },
        "overload_manager": {"resource_monitors": [_connection_limit()]},
    }
    return json.dumps(config, indent=2) + "\n"


def _listener(settings: Settings, edge_key: str) -> dict[str, Any]:
    manager = {
        "@type": f"{_EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "web",
        # HTTP/1.1 and HTTP/2 with prior knowledge on one port.
        "codec_type": "AUTO",
        "use_remote_address": True,
        "xff_num_trusted_hops": settings.sources.trusted_proxies,
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "max_request_headers_kb": HEADERS_KIB_MAX,
        "server_header_transformation": "PASS_THROUGH",
        "stream_idle_timeout": UNLIMITED,
        "request_headers_timeout": "10s",
        "common_http_protocol_options": {"idle_timeout": "60s", "max_headers_count": 64},
        "http2_protocol_options": {
            "max_concurrent_streams": STREAMS_PER_CONNECTION_MAX,
            "initial_stream_window_size": WINDOW_BYTES,
            "initial_connection_window_size": 4 * WINDOW_BYTES,
        },
        "http_filters": [
            _filter("grpc_web", "GrpcWeb"),
            _request_limit(settings),
            _filter("buffer", "Buffer", max_request_bytes=REQUEST_BYTES_MAX),
            _filter("router", "Router"),
        ],
        "route_config": {"name": "web", "virtual_hosts": [_virtual_host(settings, edge_key)]},
        "local_reply_config": {"mappers": [_waiting_page(), _too_hasty(settings)]},
    }
    return {
        "name": "web",
        "address": _address(settings.host, settings.ports.web),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def _connection_limit() -> dict[str, Any]:
    monitor = f"{_EXTENSIONS}.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    return {
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": {"@type": monitor, "max_active_downstream_connections": CONNECTIONS_MAX},
    }


def _virtual_host(settings: Settings, edge_key: str) -> dict[str, Any]:
    feeds = {
        "cluster": "gateway_grpc",
        "timeout": UNLIMITED,
        "idle_timeout": UNLIMITED,
        "max_stream_duration": {"grpc_timeout_header_max": UNLIMITED},
    }
    # Whoever watches hears something every second, so that a stream on which nothing moves is one that nobody reads;
    # and a call on which nothing moves is one that never comes to its end.
    calls = {**feeds, "idle_timeout": f"{settings.sources.unread_stream_s}s"}
    vouching = {
        "request_headers_to_add": [
            _header(EDGE_KEY_HEADER, edge_key),
            _header(SOURCE_HEADER, "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
        ]
    }
    return {
        "name": "overround",
        "domains": ["*"],
        "routes": [
            {"match": {"prefix": FEEDS}, "route": feeds, "typed_per_filter_config": _unbuffered(), **vouching},
            {"match": {"prefix": "/overround."}, "route": calls, **vouching},
            {
                "match": {"path": STREAM},
                "route": _watching(settings),
                "typed_per_filter_config": _unbuffered(),
                **vouching,
            },
            _door(REST, REST_BYTES_MAX, vouching),
            _door(CALLBACKS, CALLBACK_BYTES_MAX, vouching),
            {"match": {"prefix": "/"}, "route": {"cluster": "gateway_http", "timeout": "15s"}},
        ],
    }


def _watching(settings: Settings) -> dict[str, Any]:
    """A WebSocket, for as long as something moves on it."""
    return {
        "cluster": "doors",
        "timeout": UNLIMITED,
        "idle_timeout": f"{settings.sources.unread_stream_s}s",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
    }


def _door(prefix: str, request_bytes_max: int, vouching: dict[str, Any]) -> dict[str, Any]:
    """Let through whole requests that are not too large, with the address they come from."""
    bound = _filter("buffer", "BufferPerRoute", buffer={"max_request_bytes": request_bytes_max})["typed_config"]
    return {
        "match": {"prefix": prefix},
        "route": {"cluster": "doors", "timeout": HTTP_TIMEOUT},
        "typed_per_filter_config": {"envoy.filters.http.buffer": bound},
        **vouching,
    }


def _request_limit(settings: Settings) -> dict[str, Any]:
    """Give each address a bucket of requests; one for all stands behind, so large that it never decides."""
    sources = settings.sources
    every_request = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return _filter(
        "local_ratelimit",
        "LocalRateLimit",
        stat_prefix="by_address",
        token_bucket=_bucket(2**31, 2**31),
        rate_limits=[
            {"actions": [{"masked_remote_address": {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": IPV6_PREFIX}}]}
        ],
        descriptors=[
            {
                "entries": [{"key": "masked_remote_address"}],
                "token_bucket": _bucket(sources.requests_burst_max, sources.requests_per_s_max),
            }
        ],
        max_dynamic_descriptors=sources.addresses_max,
        always_consume_default_token_bucket=False,
        filter_enabled=every_request,
        filter_enforced=every_request,
        rate_limited_as_resource_exhausted=True,
        response_headers_to_add=[
            _header("retry-after", "1"),
            _header(STATUS_DETAILS_KEY, _too_many_requests(sources.requests_per_s_max)),
        ],
    )


def _too_many_requests(requests_per_s_max: int) -> str:
    """Return a refusal as the gateway would tell it, in the form of a header."""
    info = ErrorInfo(reason="TOO_MANY_REQUESTS", domain=DOMAIN)
    info.metadata.update({"requests_per_s_max": str(requests_per_s_max), "retry_s": "1"})
    packed = AnyMessage()
    packed.Pack(info)
    words = _too_many_requests_words(requests_per_s_max)
    status = Status(code=RESOURCE_EXHAUSTED, message=words, details=[packed])
    return base64.b64encode(status.SerializeToString()).decode().rstrip("=")


def _bucket(tokens_max: int, tokens_per_s: int) -> dict[str, Any]:
    return {"max_tokens": tokens_max, "tokens_per_fill": tokens_per_s, "fill_interval": "1s"}


def _waiting_page() -> dict[str, Any]:
    """Show whoever opens a page while no gateway answers one that tries again by itself; calls are told as ever."""
    unavailable = {"comparison": {"op": "GE", "value": {"default_value": 502, "runtime_key": "waiting_page_from"}}}
    for_a_page = {"name": "accept", "string_match": {"contains": "text/html"}}
    return {
        "filter": {
            "and_filter": {"filters": [{"status_code_filter": unavailable}, {"header_filter": {"header": for_a_page}}]}
        },
        "headers_to_add": [_header("retry-after", str(RETRY_S)), _header("cache-control", "no-store")],
        "body_format_override": {
            "text_format_source": {"inline_string": WAITING_PAGE.read_text(encoding="utf-8")},
            "content_type": "text/html; charset=UTF-8",
        },
    }


def _too_hasty(settings: Settings) -> dict[str, Any]:
    """Refuse over REST as the doors would; over gRPC the details say it."""
    requests_per_s_max = settings.sources.requests_per_s_max
    is_too_many = {"comparison": {"op": "EQ", "value": {"default_value": 429, "runtime_key": "too_many_requests"}}}
    over_rest = {"name": ":path", "string_match": {"prefix": REST}}
    figures = {"requests_per_s_max": str(requests_per_s_max), "retry_s": "1"}
    told = {"reason": "TOO_MANY_REQUESTS", "message": _too_many_requests_words(requests_per_s_max), "figures": figures}
    return {
        "filter": {
            "and_filter": {"filters": [{"status_code_filter": is_too_many}, {"header_filter": {"header": over_rest}}]}
        },
        "body_format_override": {"json_format": told},
    }


def _too_many_requests_words(requests_per_s_max: int) -> str:
    return f"At most {requests_per_s_max} requests a second may come from one address: try again in 1 s"


def _header(name: str, value: str) -> dict[str, Any]:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _filter(name: str, message: str, **options: Any) -> dict[str, Any]:
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": {"@type": f"{_EXTENSIONS}.filters.http.{name}.v3.{message}", **options},
    }


def _unbuffered() -> dict[str, Any]:
    """A provider's stream is one request without end."""
    return {"envoy.filters.http.buffer": _filter("buffer", "BufferPerRoute", disabled=True)["typed_config"]}


def _cluster(
    name: str, host: str, port: int, *, is_http2: bool, idle_timeout: str = "3600s", connections_max: int = 1_024
) -> dict[str, Any]:
    http1: dict[str, Any] = {"http_protocol_options": {}}
    http2: dict[str, Any] = {
        "http2_protocol_options": {
            "initial_stream_window_size": WINDOW_BYTES,
            "initial_connection_window_size": 16 * WINDOW_BYTES,
            "connection_keepalive": {"interval": "20s", "timeout": "5s"},
        }
    }
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": CONNECT_TIMEOUT,
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "circuit_breakers": {
            "thresholds": [
                {"max_connections": connections_max, "max_requests": CONNECTIONS_MAX, "max_pending_requests": 1_024}
            ]
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": idle_timeout},
                "explicit_http_config": http2 if is_http2 else http1,
            }
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(host, port)}}]}],
        },
    }


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
