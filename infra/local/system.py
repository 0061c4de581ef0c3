"""What makes up the whole system on this machine."""

from __future__ import annotations

import asyncio
import dataclasses
import functools

from infra.local.program import Program, Stage
from infra.local.programs.clickhouse import clickhouse_program
from infra.local.programs.envoy_proxy import envoy_program
from infra.local.programs.kafka import kafka_program
from infra.local.programs.ours import own_programs
from infra.local.programs.postgres import postgres_program
from infra.local.programs.redis_server import redis_program
from infra.settings import Settings


def describe_system(settings: Settings) -> list[Program]:
    """Return every program; a server brings its migrations with it."""
    return [
        dataclasses.replace(postgres_program(settings), once_healthy=functools.partial(_set_up_postgres, settings)),
        redis_program(settings),
        dataclasses.replace(clickhouse_program(settings), once_healthy=functools.partial(_set_up_clickhouse, settings)),
        dataclasses.replace(kafka_program(settings), once_healthy=functools.partial(_set_up_kafka, settings)),
        envoy_program(settings),
        *own_programs(settings),
    ]


def choose(programs: list[Program], *, with_simulation: bool, only_servers: bool) -> list[str]:
    """Return the names of what runs from the beginning."""
    return [
        program.name
        for program in programs
        if (program.stage is Stage.SERVER or not only_servers) and (program.name != "simulation" or with_simulation)
    ]


def migrate(settings: Settings) -> dict[str, str]:
    """Apply every migration to running servers; return a line for each server."""
    return {
        "postgres": _set_up_postgres(settings),
        "clickhouse": _set_up_clickhouse(settings),
        "kafka": _set_up_kafka(settings),
    }


def _set_up_postgres(settings: Settings) -> str:
    from infra.local.provisioning import provision  # noqa: PLC0415 - heavy, and only needed here
    from infra.migrations.postgres_migration import migrate_postgres  # noqa: PLC0415 - the same

    done = migrate_postgres(settings)
    asyncio.run(provision(settings))
    return done


def _set_up_clickhouse(settings: Settings) -> str:
    from infra.migrations.clickhouse_migration import migrate_clickhouse  # noqa: PLC0415 - heavy, and only needed here

    return migrate_clickhouse(settings)


def _set_up_kafka(settings: Settings) -> str:
    from infra.migrations.kafka_migration import migrate_kafka  # noqa: PLC0415 - heavy, and only needed here

    return migrate_kafka(settings)
