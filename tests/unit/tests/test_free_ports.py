from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

import tests.free_ports
from infra.settings import ROOT
from tests.free_ports import EPHEMERAL_RANGE, HOST, free_port


def test_no_port_is_given_out_twice_also_not_to_a_run_beside_this_one() -> None:
    ours = {free_port() for _ in range(50)}
    told = "from tests.free_ports import free_port; print(*(free_port() for _ in range(50)))"
    beside = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert len(ours) == 50
    assert not ours & set(map(int, beside.stdout.split()))


def test_what_the_kernel_gives_to_any_connection_is_not_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first, last = map(int, EPHEMERAL_RANGE.read_text(encoding="ascii").split())
    assert not first <= free_port() <= last
    wide = tmp_path / "range"
    wide.write_text("1024\t27900\n", encoding="ascii")
    monkeypatch.setattr(tests.free_ports, "EPHEMERAL_RANGE", wide)
    assert free_port() > 27_900


def test_a_port_that_somebody_listens_on_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, free = free_port(), free_port()
    for claim in tests.free_ports._held[-2:]:
        claim.close()
    with socket.create_server((HOST, taken)):
        monkeypatch.setattr(tests.free_ports, "OURS", range(min(taken, free), max(taken, free) + 1, abs(taken - free)))
        assert free_port() == free
        with pytest.raises(OSError, match="no port from"):
            free_port()
