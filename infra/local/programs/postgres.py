"""PostgreSQL, from Debian's package, on a data folder of our own."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import psutil

from infra.local.launch import as_user, can_user_reach
from infra.local.probes import probe_postgres
from infra.local.program import Port, Program, Stage
from infra.local.secrets import LocalSecrets
from infra.settings import Settings

INSTALLATIONS = Path("/usr/lib/postgresql")
SERVER_USER = "postgres"  # PostgreSQL refuses to run as root
INITDB_TIMEOUT_S = 60
ORPHAN_TIMEOUT_S = 5
DIGEST_DIGITS = 16
ACCESS = """\
# Written by Overround, which sets the password whenever this says another one: {digest}.
local all all scram-sha-256
host all all all scram-sha-256
"""
PARAMETERS = {
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "1GB",
    "checkpoint_completion_target": "0.9",
    "wal_compression": "on",
    "jit": "off",  # our queries are short; compiling them costs more than running them
    "autovacuum_naptime": "15s",
    # What somebody forgot to end keeps the outbox from being told, in whichever database it is.
    "idle_in_transaction_session_timeout": "60s",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


def postgres_program(settings: Settings) -> Program:
    """Describe the database server."""
    data = settings.profile_dir / "postgres"
    port = settings.ports.postgres
    parameters = {"listen_addresses": settings.host, "port": str(port), **PARAMETERS}
    options = [part for name, value in parameters.items() for part in ("-c", f"{name}={value}")]
    return Program(
        name="postgres",
        command=(str(binaries() / "postgres"), "-D", str(data), *options),
        check=functools.partial(probe_postgres, settings.host, port, settings.postgres.user),
        log=settings.profile_dir / "logs" / "postgres.log",
        stage=Stage.SERVER,
        ports=(Port(port, "postgres"),),
        working_dir=data,
        user=server_user(),
        prepare=functools.partial(
            prepare_data, data, settings.postgres.user, LocalSecrets.load(settings).postgres_password
        ),
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGQUIT,
        stop_timeout_s=3.5,
    )


def server_user() -> str | None:
    """Return whom to run the server as; None to run it as ourselves."""
    return SERVER_USER if os.geteuid() == 0 else None


def binaries() -> Path:
    """Return the folder of the newest installed PostgreSQL.

    Raises:
        FileNotFoundError: If there is none.
    """
    versions = [path for path in INSTALLATIONS.glob("*/bin") if (path / "initdb").exists()]
    if not versions:
        raise FileNotFoundError(f"PostgreSQL is not installed below {INSTALLATIONS}: run `make run`, which installs it")
    return max(versions, key=lambda path: float(path.parent.name))


def prepare_data(data: Path, superuser: str, password: str) -> None:
    """Create the data folder where it is missing, clear what a killed server left, and let nobody in without password.

    A folder of a version that asked for none is given one, and so is one whose password has changed since.
    """
    if (data / "PG_VERSION").exists():
        _end_orphans(data)
        (data / "postmaster.pid").unlink(missing_ok=True)
    else:
        _create(data, superuser)
    access = ACCESS.format(digest=hashlib.sha256(f"{superuser} {password}".encode()).hexdigest()[:DIGEST_DIGITS])
    if (data / "pg_hba.conf").read_text(encoding="utf-8") != access:
        _set_password(data, superuser, password)
        (data / "pg_hba.conf").write_text(access, encoding="utf-8")


def _create(data: Path, superuser: str) -> None:
    shutil.rmtree(data, ignore_errors=True)  # where it is a file system of its own the folder itself stays
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    user = server_user()
    if user:
        shutil.chown(data, user, user)
    options = ["--auth=reject", "--encoding=UTF8", "--locale=C.UTF-8", f"--username={superuser}", "--no-instructions"]
    command = [str(binaries() / "initdb"), "-D", str(data), *options]
    subprocess.run([*_prefix(data), *command], check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=INITDB_TIMEOUT_S)


def _set_password(data: Path, superuser: str, password: str) -> None:
    """Have the server do so alone, before it listens to anybody."""
    command = [str(binaries() / "postgres"), "--single", "-D", str(data), "postgres"]
    subprocess.run(
        [*_prefix(data), *command],
        check=True,
        cwd="/",
        input=f"ALTER ROLE \"{superuser}\" PASSWORD '{password}'\n".encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=INITDB_TIMEOUT_S,
    )


def _prefix(data: Path) -> tuple[str, ...]:
    user = server_user()
    return as_user(user, needs_override=bool(user) and not can_user_reach(user or "", data))


def _end_orphans(data: Path) -> None:
    """Backends outlive a killed server by a moment; a second server beside them would ruin the data."""
    orphans = [process for process in psutil.process_iter(["name", "cwd"]) if _is_backend_of(process, data)]
    for process in orphans:
        process.send_signal(signal.SIGQUIT)
    _, alive = psutil.wait_procs(orphans, timeout=ORPHAN_TIMEOUT_S)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=ORPHAN_TIMEOUT_S)


def _is_backend_of(process: psutil.Process, data: Path) -> bool:
    return (process.info["name"], process.info["cwd"]) == ("postgres", str(data))
