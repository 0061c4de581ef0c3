"""A process loads what it needs: agents and the relay know nothing of doors."""

from __future__ import annotations

import subprocess
import sys

WITHOUT_DOORS = ("pricing", "risk", "settlement", "history", "relay")
DOORS = {"gateway", "grpc", "fastapi", "starlette", "uvicorn"}


def test_processes_without_doors_load_no_door() -> None:
    imports = ", ".join(f"infra.processes.{name}" for name in WITHOUT_DOORS)
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, {imports}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert {module.split(".")[0] for module in told.stdout.split()} & DOORS == set()
