"""Ports for what a test starts, which nobody else takes between the choice and the start."""

from __future__ import annotations

import os
import socket
from pathlib import Path

HOST = "127.0.0.1"
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
OURS = range(20_000, 28_000)
"""Below those of the test profile, above those that people's services have."""

_held: list[socket.socket] = []


def free_port() -> int:
    """Return a port that no program listens on, that no other test run is given until this one ends.

    The kernel gives out by itself, to any connection, the ports of its ephemeral range: none of those is chosen. Who
    holds the UDP port of a number has the TCP port of that number, which stays free for the program to come.
    """
    first_taken, last_taken = map(int, EPHEMERAL_RANGE.read_text(encoding="ascii").split())
    ports = [port for port in OURS if not first_taken <= port <= last_taken] or list(OURS)
    begin = os.getpid() * 97 % len(ports)  # runs beside each other begin apart
    for port in ports[begin:] + ports[:begin]:
        if _take(port):
            return port
    raise OSError(f"no port from {OURS.start} to {OURS.stop} is free")


def _take(port: int) -> bool:
    claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        claim.bind((HOST, port))
        with socket.create_server((HOST, port)):
            pass
    except OSError:
        claim.close()
        return False
    _held.append(claim)
    return True
