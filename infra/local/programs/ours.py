"""Our own processes."""

from __future__ import annotations

import functools
import sys

from infra.local.probes import probe_http
from infra.local.program import Port, Program, Stage
from infra.settings import ROOT, Settings

NEEDS = {
    "gateway": ("kafka", "redis", "postgres"),
    "doors": ("kafka", "redis", "postgres"),
    "pricing": ("kafka", "redis"),
    "risk": ("kafka", "redis"),
    "settlement": ("kafka", "postgres"),
    "history": ("kafka", "clickhouse"),
    "relay": ("kafka", "postgres"),
    "simulation": ("gateway", "pricing", "envoy"),
    "card_provider": (),
    "exclusion_register": (),
    "bank_provider": (),
}
DOORS = {
    "gateway": ("gateway_grpc", "gateway_http"),
    "doors": ("doors_http",),
    "card_provider": ("card_provider",),
    "bank_provider": ("bank_provider",),
    "exclusion_register": ("exclusion_register",),
}
"""Ports beside that of the health, of those who have some."""
PARTIES = frozenset({"card_provider", "bank_provider", "exclusion_register"})
"""Simulated outside parties, which only the profiles have that simulate them."""
GIVES_WAY = {
    "risk": 5,
    "settlement": 5,
    "history": 10,
    "relay": 5,
    "simulation": 5,
    **dict.fromkeys(PARTIES, 5),
}
SMALL_FOOTPRINT = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"}  # a thread's heap each would cost 100s of MB


def own_programs(settings: Settings) -> list[Program]:
    """Describe every process of ours."""
    return [_describe(name, settings) for name in NEEDS if settings.has_simulated_parties or name not in PARTIES]


def _describe(name: str, settings: Settings) -> Program:
    ports = {port: getattr(settings.ports, port) for port in _port_names(name)}
    return Program(
        name=name,
        command=(sys.executable, "-m", "infra.cli", "process", name),
        check=functools.partial(probe_http, settings.host, ports[_health_port(name)], "/readyz"),
        log=settings.profile_dir / "logs" / f"{name}.log",
        stage=Stage.EDGE if name == "simulation" else Stage.PROCESS,
        ports=tuple(Port(number, port) for port, number in ports.items()),
        needs=NEEDS[name],
        environment={**settings.environment(), **SMALL_FOOTPRINT},
        working_dir=ROOT,
        stop_timeout_s=5.0,
        niceness=GIVES_WAY.get(name, 0),
    )


def _port_names(name: str) -> tuple[str, ...]:
    return (*DOORS.get(name, ()), _health_port(name))


def _health_port(name: str) -> str:
    return f"{name}_health" if name in ("gateway", "doors") else f"{name}_http"
