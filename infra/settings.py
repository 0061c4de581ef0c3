"""Every setting, with its unit in its name. Nothing else reads the environment.

`OVERROUND_PORTS__KAFKA=19092` sets `Settings.ports.kafka`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Section(BaseModel):
    """A group of settings; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Ports(Section):
    """Where each server listens, on the loopback address in the local profile."""

    web: int = 8080
    gateway_grpc: int = 18081
    gateway_http: int = 18082
    envoy_admin: int = 18083
    kafka: int = 18092
    kafka_controller: int = 18093
    postgres: int = 18432
    redis: int = 18379
    clickhouse: int = 18900
    clickhouse_http: int = 18123


class Kafka(Section):
    """Kafka topics and clients."""

    partitions: int = Field(default=4, ge=1, le=1024)
    replication_factor: int = Field(default=1, ge=1, le=5)
    session_timeout_ms: int = Field(default=3_000, ge=1_000)
    delivery_timeout_ms: int = Field(default=10_000, ge=1_000)


class Settings(BaseSettings):
    """All settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix="OVERROUND_", env_nested_delimiter="__", frozen=True, extra="forbid", env_ignore_empty=True
    )

    profile: Literal["local", "test", "production"] = "local"
    host: str = "127.0.0.1"
    data_dir: Path = Path(".local")
    ports: Ports = Ports()
    kafka: Kafka = Kafka()
