"""Redis, from Debian's package, on a data folder of our own."""

from __future__ import annotations

import functools
from pathlib import Path

from infra.local.private import write_private
from infra.local.probes import probe_redis
from infra.local.program import Port, Program, Stage
from infra.local.secrets import LocalSecrets
from infra.settings import Settings

CONFIGURATION = """\
bind {host}
port {port}
dir ./
daemonize no
databases 64
save ""
appendonly yes
appendfsync everysec
no-appendfsync-on-rewrite yes
maxmemory {memory_mb_max}mb
maxmemory-policy noeviction
requirepass {password}
client-output-buffer-limit pubsub 16mb 8mb 10
loglevel notice
"""


def redis_program(settings: Settings) -> Program:
    """Describe the Redis server."""
    data = settings.profile_dir / "redis"
    port = settings.ports.redis
    password = LocalSecrets.load(settings).redis_password
    return Program(
        name="redis",
        command=("redis-server", str(data / "redis.conf")),
        check=functools.partial(probe_redis, settings.host, port, password),
        log=settings.profile_dir / "logs" / "redis.log",
        stage=Stage.SERVER,
        ports=(Port(port, "redis"),),
        working_dir=data,
        prepare=functools.partial(_prepare, data, settings, password),
    )


def _prepare(data: Path, settings: Settings, password: str) -> None:
    data.mkdir(parents=True, exist_ok=True)
    text = CONFIGURATION.format(
        host=settings.host,
        port=settings.ports.redis,
        memory_mb_max=settings.redis.memory_mb_max,
        password=password,
    )
    write_private(data / "redis.conf", text)
