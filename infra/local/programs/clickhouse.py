"""ClickHouse, from Debian's package, on a data folder of our own."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from infra.local.private import write_private
from infra.local.probes import probe_http
from infra.local.program import Port, Program, Stage
from infra.local.secrets import LocalSecrets
from infra.settings import Settings

SERVER = """\
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>{host}</listen_host>
  <tcp_port>{port}</tcp_port>
  <http_port>{http_port}</http_port>
  <path>data/</path>
  <tmp_path>tmp/</tmp_path>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <timezone>UTC</timezone>
  <mark_cache_size>67108864</mark_cache_size>
  <max_concurrent_queries>50</max_concurrent_queries>
  <merge_tree><max_bytes_to_merge_at_max_space_in_pool>1073741824</max_bytes_to_merge_at_max_space_in_pool></merge_tree>
</yandex>
"""
USERS = """\
<yandex>
  <profiles><default>
    <max_memory_usage>{query_memory}</max_memory_usage>
    <max_memory_usage_for_all_queries>{total_memory}</max_memory_usage_for_all_queries>
    <background_pool_size>2</background_pool_size>
    <background_schedule_pool_size>2</background_schedule_pool_size>
  </default></profiles>
  <users><default>
    <password_sha256_hex>{password_digest}</password_sha256_hex>
    <networks><ip>::1</ip><ip>127.0.0.1</ip><ip>{host}</ip></networks>
    <profile>default</profile>
    <quota>default</quota>
  </default></users>
  <quotas><default/></quotas>
</yandex>
"""
BYTES_PER_MB = 1_000_000


def clickhouse_program(settings: Settings) -> Program:
    """Describe the ClickHouse server."""
    data = settings.profile_dir / "clickhouse"
    ports = settings.ports
    return Program(
        name="clickhouse",
        command=("clickhouse-server", f"--config-file={data / 'config.xml'}"),
        check=functools.partial(probe_http, settings.host, ports.clickhouse_http, "/ping"),
        log=settings.profile_dir / "logs" / "clickhouse.log",
        stage=Stage.SERVER,
        ports=(Port(ports.clickhouse, "clickhouse"), Port(ports.clickhouse_http, "clickhouse_http")),
        working_dir=data,
        prepare=functools.partial(_prepare, data, settings, LocalSecrets.load(settings).clickhouse_password),
        niceness=10,
    )


def _prepare(data: Path, settings: Settings, password: str) -> None:
    (data / "data").mkdir(parents=True, exist_ok=True)
    (data / "tmp").mkdir(exist_ok=True)
    server = SERVER.format(host=settings.host, port=settings.ports.clickhouse, http_port=settings.ports.clickhouse_http)
    write_private(data / "config.xml", server)
    query_memory = settings.clickhouse.query_memory_mb_max * BYTES_PER_MB
    users = USERS.format(
        query_memory=query_memory,
        total_memory=2 * query_memory,
        host=settings.host,
        password_digest=hashlib.sha256(password.encode()).hexdigest(),
    )
    write_private(data / "users.xml", users)
