"""Envoy, from its wheel: the one address of the system."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

from infra.local.envoy import render_envoy_config
from infra.local.probes import probe_http
from infra.local.program import Port, Program, Stage
from infra.settings import Settings


def envoy_program(settings: Settings) -> Program:
    """Describe the proxy."""
    data = settings.profile_dir / "envoy"
    ports = settings.ports
    return Program(
        name="envoy",
        command=(
            str(Path(sys.executable).parent / "envoy"),
            *("--config-path", str(data / "envoy.yaml")),
            *("--log-level", "warning", "--concurrency", "1", "--disable-hot-restart"),
            *("--drain-time-s", "1", "--parent-shutdown-time-s", "2"),
        ),
        check=functools.partial(probe_http, settings.host, ports.envoy_admin, "/ready"),
        log=settings.profile_dir / "logs" / "envoy.log",
        stage=Stage.EDGE,
        ports=(Port(ports.web, "web"), Port(ports.envoy_admin, "envoy_admin")),
        working_dir=data,
        prepare=functools.partial(_prepare, data, settings),
        stop_timeout_s=2.0,
    )


def _prepare(data: Path, settings: Settings) -> None:
    data.mkdir(parents=True, exist_ok=True)
    (data / "envoy.yaml").write_text(render_envoy_config(settings), encoding="utf-8")
