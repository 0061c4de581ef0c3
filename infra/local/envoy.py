"""Configuration of the proxy in front of the gateway: gRPC, gRPC-web and the front end at one address."""

from __future__ import annotations

import json
from typing import Any, Final

from infra.settings import Settings

CONNECTIONS_MAX: Final = 10_000
STREAMS_PER_CONNECTION_MAX: Final = 1_000
BUFFER_BYTES: Final = 256 * 1024
WINDOW_BYTES: Final = 256 * 1024
CONNECT_TIMEOUT: Final = "0.5s"
UNLIMITED: Final = "0s"

_EXTENSIONS: Final = "type.googleapis.com/envoy.extensions"


def render_envoy_config(settings: Settings) -> str:
    """Return the configuration as JSON, which Envoy reads as YAML."""
    config = {
        "admin": {"address": _address(settings.host, settings.ports.envoy_admin)},
        "static_resources": {
            "listeners": [_listener(settings)],
            "clusters": [
                _cluster("gateway_grpc", settings.host, settings.ports.gateway_grpc, is_http2=True),
                _cluster("gateway_http", settings.host, settings.ports.gateway_http, is_http2=False),
            ],
        },
        "overload_manager": {"resource_monitors": [_connection_limit()]},
    }
    return json.dumps(config, indent=2) + "\n"


def _listener(settings: Settings) -> dict[str, Any]:
    manager = {
        "@type": f"{_EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "web",
        # HTTP/1.1 and HTTP/2 with prior knowledge on one port.
        "codec_type": "AUTO",
        "use_remote_address": True,
        "server_header_transformation": "PASS_THROUGH",
        "stream_idle_timeout": UNLIMITED,
        "request_headers_timeout": "10s",
        "common_http_protocol_options": {"idle_timeout": "300s", "max_headers_count": 64},
        "http2_protocol_options": {
            "max_concurrent_streams": STREAMS_PER_CONNECTION_MAX,
            "initial_stream_window_size": WINDOW_BYTES,
            "initial_connection_window_size": 4 * WINDOW_BYTES,
        },
        "http_filters": [_filter("grpc_web", "GrpcWeb"), _filter("router", "Router")],
        "route_config": {"name": "web", "virtual_hosts": [_virtual_host()]},
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


def _virtual_host() -> dict[str, Any]:
    calls = {"cluster": "gateway_grpc", "timeout": UNLIMITED, "idle_timeout": UNLIMITED}
    return {
        "name": "overround",
        "domains": ["*"],
        "routes": [
            {
                "match": {"prefix": "/overround."},
                "route": {**calls, "max_stream_duration": {"grpc_timeout_header_max": UNLIMITED}},
            },
            # Figures of the process are for those inside.
            {"match": {"path": "/metrics"}, "direct_response": {"status": 404}},
            {"match": {"prefix": "/"}, "route": {"cluster": "gateway_http", "timeout": "15s"}},
        ],
    }


def _filter(name: str, message: str) -> dict[str, Any]:
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": {"@type": f"{_EXTENSIONS}.filters.http.{name}.v3.{message}"},
    }


def _cluster(name: str, host: str, port: int, *, is_http2: bool) -> dict[str, Any]:
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
            "thresholds": [{"max_connections": 1_024, "max_requests": CONNECTIONS_MAX, "max_pending_requests": 1_024}]
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions",
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
