"""Where we listen, and who has a port that we need."""

from __future__ import annotations

from collections.abc import Iterable

import psutil

from infra.local.program import Program

PORTS_NAMED_MAX = 3

EVERY_ADDRESS = ("", "0", "0.0.0.0", "::", "*")  # noqa: S104 - to refuse them


class HostRefused(Exception):
    """We cannot listen there; the message says why, and where we can."""


class PortTaken(Exception):
    """Something else listens where we want to; the message says what, and which setting moves us."""


def expect_one_address(host: str) -> None:
    """Return where servers can tell their clients to come back to `host`.

    Raises:
        HostRefused: If it stands for every address.
    """
    if host in EVERY_ADDRESS:
        raise HostRefused(
            f"OVERROUND_HOST must be one address of this machine, was {host!r}, which is all of them: "
            "name the one that others are to reach"
        )


def expect_free_ports(programs: Iterable[Program]) -> None:
    """Return where nothing listens on any port of the programs.

    Raises:
        PortTaken: With a line for every port that is taken; where they are many, one that says who seems to be us.
    """
    listeners = {
        connection.laddr.port: connection.pid
        for connection in psutil.net_connections(kind="tcp")
        if connection.laddr and connection.status == psutil.CONN_LISTEN
    }
    taken = [(program, port) for program in programs for port in program.ports if port.number in listeners]
    if len(taken) > PORTS_NAMED_MAX:
        program, port = taken[0]
        raise PortTaken(
            f"{len(taken)} of our ports are taken, {port.number} (of {program.name}) by "
            f"{_describe(listeners[port.number])}: another copy of the system seems to run, so stop that one first, or "
            f"give this one other ports by {port.variable}=<port> and its like"
        )
    if taken:
        raise PortTaken(
            "\n".join(
                f"Port {port.number} (of {program.name}) is taken by {_describe(listeners[port.number])}: "
                f"stop that, or move ours with {port.variable}=<port>"
                for program, port in taken
            )
        )


def _describe(pid: int | None) -> str:
    if pid is None:
        return "another user's process"
    try:
        process = psutil.Process(pid)
        return f"process {pid} ({' '.join(process.cmdline())[:100] or process.name()})"
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return f"process {pid}"
