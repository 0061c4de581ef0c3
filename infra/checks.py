"""`make test`: every check, in order, a line a step; the first that fails ends the run with its output."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from infra.local.control import request
from infra.local.locks import hold_use, is_used
from infra.local.state import read_running
from infra.settings import ROOT, load_settings
from infra.terminal import use_plain_signs

BIN = Path(sys.executable).parent
WEB = ROOT / "web"
TYPED = (
    *(
        "kernel",
        "markets",
        "odds",
        "risk",
        "wallet",
        "pam",
        "bets",
        "wire",
        "streams",
        "gateway",
        "simulation",
        "infra",
    ),
    *("loadtests", "tests", "protos/generate.py"),
)
CHECK_TIMEOUT_S = 1_800


@dataclass(frozen=True, slots=True)
class Check:
    """One command; a talkative one shows its output as it comes."""

    title: str
    command: tuple[str, ...]
    folder: Path = ROOT
    is_talkative: bool = False


def main() -> int:
    """Run the checks named on the command line, or all; the exit status is that of the first that fails."""
    use_plain_signs()
    wanted = sys.argv[1:]
    checks = [check for check in all_checks() if not wanted or any(word in check.title for word in wanted)]
    settings = load_settings("test")
    begun_s = time.monotonic()
    with hold_use(settings.profile_dir):
        for check in checks:
            if status := _run(check):
                return status
    if read_running(settings.profile_dir) is not None and not is_used(settings.profile_dir):
        request(settings.profile_dir, "shutdown", "")
    _say(f"all {len(checks)} checks passed after {time.monotonic() - begun_s:.0f} s")
    return 0


def all_checks() -> list[Check]:
    """Return every check in the order in which they run: the quick ones first."""
    return [
        Check("format (ruff)", (_tool("ruff"), "format", "--check", "--quiet", ".")),
        Check("lint (ruff)", (_tool("ruff"), "check", "--quiet", ".")),
        Check(
            "types (mypy)", (_tool("mypy"), "--no-error-summary", *(part for part in TYPED if (ROOT / part).exists()))
        ),
        Check("import contracts (import-linter)", (_tool("lint-imports"),)),
        Check("contracts (buf)", (_tool("npm"), "run", "--silent", "lint:protos"), WEB),
        Check("generated code is up to date", (sys.executable, "protos/generate.py", "--check")),
        Check("front end lint and layers (eslint)", (_tool("npm"), "run", "--silent", "lint"), WEB),
        Check("front end types (svelte-check)", (_tool("npm"), "run", "--silent", "check"), WEB),
        Check("front end units (vitest)", (_tool("npm"), "run", "--silent", "test"), WEB),
        _tests("unit and property tests", "tests/unit", "tests/property"),
        _tests("integration tests", "tests/integration"),
        _tests("end-to-end tests", "tests/e2e"),
        _tests("browser tests", "tests/browser"),
    ]


def _tests(title: str, *folders: str) -> Check:
    return Check(title, (sys.executable, "-m", "pytest", "-q", *folders), is_talkative=True)


def _run(check: Check) -> int:
    begun_s = time.monotonic()
    if check.is_talkative:
        _say(f"… {check.title}")
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    try:
        done = subprocess.run(
            check.command,
            cwd=check.folder,
            env={**os.environ, "PATH": path, "PYTHONUTF8": "1"},
            stdout=None if check.is_talkative else subprocess.PIPE,
            stderr=None if check.is_talkative else subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=CHECK_TIMEOUT_S,
        )
        status, output = done.returncode, done.stdout or ""
    except subprocess.TimeoutExpired:
        status, output = 1, f"it took longer than {CHECK_TIMEOUT_S} s"
    seconds = time.monotonic() - begun_s
    if status:
        _say(f"{output.rstrip()}\n✗ {check.title} failed after {seconds:.1f} s; alone: {' '.join(check.command)}")
    else:
        _say(f"✓ {check.title}  {seconds:.1f} s")
    return status


def _tool(name: str) -> str:
    return str(BIN / name)


def _say(line: str) -> None:
    sys.stdout.write(f"{line.lstrip()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
