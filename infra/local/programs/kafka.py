"""Apache Kafka: one KRaft broker from Maven's jars."""

from __future__ import annotations

import base64
import functools
import os
import shutil
import subprocess
import uuid
from pathlib import Path

from infra.local.launch import LOCALE
from infra.local.private import write_private
from infra.local.probes import probe_kafka
from infra.local.program import Port, Program, Stage
from infra.local.secrets import LocalSecrets
from infra.settings import ROOT, Settings

LOGGING = ROOT / "infra" / "local" / "kafka" / "log4j2.properties"
FORMAT_TIMEOUT_S = 60
CONFIGURATION = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller_port}
listeners=CLIENT://{host}:{port},CONTROLLER://{host}:{controller_port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.client.plain.sasl.jaas.config={log_in}
listener.name.controller.plain.sasl.jaas.config={log_in}
log.dirs=data
auto.create.topics.enable=false
num.partitions={partitions}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
# A killed worker's partitions move on after its session time-out.
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=4
background.threads=2
num.recovery.threads.per.data.dir=2
log.segment.bytes=67108864
log.retention.hours=72
log.retention.bytes=536870912
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.io.buffer.size=262144
log.cleaner.backoff.ms=5000
message.max.bytes=4194304
replica.fetch.max.bytes=4194304
controlled.shutdown.max.retries=1
"""


# Who may come, and what the broker says of itself at its own doors.
LOG_IN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    'username="{user}" password="{password}" user_{user}="{password}";'
)


def kafka_program(settings: Settings) -> Program:
    """Describe the broker."""
    data = settings.profile_dir / "kafka"
    ports = settings.ports
    heap = settings.kafka.heap_mb_max
    memory = (f"-Xms{heap}m", f"-Xmx{heap}m", "-XX:MaxDirectMemorySize=64m", "-XX:ReservedCodeCacheSize=64m")
    # What requests leave behind is short-lived: the more room it has, the less often and the shorter in all are the
    # pauses that clear it.
    young = f"-Xmn{heap // 2}m"
    return Program(
        name="kafka",
        command=(
            *_java(settings),
            *memory,
            young,
            "-XX:+UseSerialGC",
            f"-Dlog4j2.configurationFile={LOGGING.name}",
            "kafka.Kafka",
            str(data / "server.properties"),
        ),
        check=functools.partial(probe_kafka, settings.host, ports.kafka),
        log=settings.profile_dir / "logs" / "kafka.log",
        stage=Stage.SERVER,
        ports=(Port(ports.kafka, "kafka"), Port(ports.kafka_controller, "kafka_controller")),
        working_dir=data,
        prepare=functools.partial(_prepare, data, settings, LocalSecrets.load(settings).kafka_password),
        stop_timeout_s=3.5,
    )


def _java(settings: Settings) -> tuple[str, ...]:
    return ("java", "-cp", f"{settings.jars_dir}/*")


def _prepare(data: Path, settings: Settings, password: str) -> None:
    data.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(LOGGING, data / LOGGING.name)
    properties = data / "server.properties"
    text = CONFIGURATION.format(
        host=settings.host,
        port=settings.ports.kafka,
        controller_port=settings.ports.kafka_controller,
        partitions=settings.kafka.partitions,
        log_in=LOG_IN.format(user=settings.kafka.user, password=password),
    )
    write_private(properties, text)
    if not (data / "data" / "meta.properties").exists():
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        tool = (*_java(settings), "-XX:TieredStopAtLevel=1", f"-Dlog4j2.configurationFile={LOGGING.name}")
        arguments = ("kafka.tools.StorageTool", "format", "--standalone", "-t", cluster_id, "-c", str(properties))
        environment = {**os.environ, **LOCALE}
        subprocess.run(
            [*tool, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=FORMAT_TIMEOUT_S,
            cwd=data,
            env=environment,
        )
