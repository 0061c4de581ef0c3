"""Envoy, from its wheel: the one address of the system."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

from infra.local.envoy import ADMIN_SOCKET, render_envoy_config
from infra.local.private import write_private
from infra.local.probes import probe_http_socket
from infra.local.program import Port, Program, Stage
from infra.local.secrets import LocalSecrets
from infra.settings import Settings


def envoy_program(settings: Settings) -> Program:
    """Describe the proxy."""
    data = settings.profile_dir / "envoy"
    return Program(
        name="envoy",
        command=(
            str(Path(sys.executable).parent / "envoy"),
            *("--config-path", str(data / "envoy.yaml")),
            *("--log-level", "warning", "--concurrency", "1", "--disable-hot-restart"),
            *("--drain-time-s", "1", "--parent-shutdown-time-s", "2"),
        ),
        check=functools.partial(probe_http_socket, data / ADMIN_SOCKET, "/ready"),
        log=settings.profile_dir / "logs" / "envoy.log",
        stage=Stage.EDGE,
        ports=(Port(settings.ports.web, "web"),),
        working_dir=data,
        prepare=functools.partial(_prepare, data, settings),
        stop_timeout_s=2.0,
    )


def _prepare(data: Path, settings: Settings) -> None:
    data.mkdir(parents=True, exist_ok=True)
    (data / ADMIN_SOCKET).unlink(missing_ok=True)
    edge_key = LocalSecrets.load(settings).edge_key
    write_private(data / "envoy.yaml", render_envoy_config(settings, edge_key=edge_key))
