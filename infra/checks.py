"""`make test`: every check, those that share nothing side by side; `make test-long` tries more of what is tried.

Where a check fails, those beside it run on to their end and no other begins; what broke, and how to run that alone,
stands in the last lines.
"""

from __future__ import annotations

import argparse
import codecs
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.local.control import request
from infra.local.locks import hold_use, is_used
from infra.local.state import read_running
from infra.settings import ROOT, load_settings
from infra.terminal import use_plain_signs

BIN = Path(sys.executable).parent
WEB = ROOT / "web"
PACKAGES = (
    *("kernel", "markets", "odds", "risk", "wallet", "pam", "compliance", "bets", "casino", "payments"),
    *("wire", "streams", "gateway", "simulation", "infra"),
)
"""Of the product."""
TYPED = (*PACKAGES, "loadtests", "studies", "tests", "protos/generate.py", "protos/topic_page.py")
CHECK_TIMEOUT_S = 1_800
LONG_CHECK_TIMEOUT_S = 10_800
CORES = os.cpu_count() or 1
BROKEN = re.compile(r"^(?:FAILED|ERROR) (\S+\.py[^\[\s@]*(?:\[.*?\](?=@| - |$))?)", re.MULTILINE)
BROKEN_SHOWN = 10
READ_BYTES_MAX = 65_536
INTERRUPTED = 130
PYTEST = (sys.executable, "-m", "pytest", "-q")


@dataclass(frozen=True, slots=True)
class Check:
    """One command; a talkative one shows its output line by line as it comes."""

    title: str
    command: tuple[str, ...]
    folder: Path = ROOT
    is_talkative: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that failed, and what it said."""

    check: Check
    seconds: float
    output: str


class Console:
    """Lines of checks that run beside each other, each whole and with the name of who says it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: dict[str, str] = {}

    def say(self, line: str) -> None:
        """Write a line."""
        with self._lock:
            sys.stdout.write(f"{line.strip()}\n")
            sys.stdout.flush()

    def pass_on(self, title: str, text: str) -> None:
        """Write what a check says, once a line of it is whole."""
        *lines, self._begun[title] = (self._begun.get(title, "") + text).split("\n")
        for line in lines:
            self.say(f"{title}: {line}")

    def end(self, title: str) -> None:
        """Write what a check said last."""
        if rest := self._begun.pop(title, ""):
            self.say(f"{title}: {rest}")


def main() -> int:
    """Run the checks named on the command line, or all; the exit status tells whether all passed."""
    use_plain_signs()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="only checks with one of these words in their title")
    parser.add_argument(
        "--long", action="store_true", help="more examples, and each process killed in a day of its own"
    )
    wanted = parser.parse_args()
    stages = [
        [check for check in stage if not wanted.words or any(word in check.title for word in wanted.words)]
        for stage in all_checks(is_long=wanted.long)
    ]
    settings = load_settings("test")
    begun_s, console = time.monotonic(), Console()
    with hold_use(settings.profile_dir):
        for stage in stages:
            timeout_s = LONG_CHECK_TIMEOUT_S if wanted.long else CHECK_TIMEOUT_S
            if failures := run_stage(stage, console, timeout_s=timeout_s):
                console.say("\n".join(describe(failure) for failure in failures))
                return 1
    if read_running(settings.profile_dir) is not None and not is_used(settings.profile_dir):
        request(settings.profile_dir, "shutdown", "")
    console.say(f"all {sum(map(len, stages))} checks passed after {time.monotonic() - begun_s:.0f} s")
    return 0


def all_checks(*, is_long: bool) -> list[list[Check]]:
    """Return every check by stage: those of a stage run side by side, the slowest is begun first."""
    return [
        [
            _tests("unit and property tests", "-n", str(CORES), "tests/unit", "tests/property", is_long=is_long),
            Check(
                "types (mypy)",
                (_tool("mypy"), "--no-error-summary", *(part for part in TYPED if (ROOT / part).exists())),
            ),
            Check("format (ruff)", (_tool("ruff"), "format", "--check", "--quiet", ".")),
            Check("lint (ruff)", (_tool("ruff"), "check", "--quiet", ".")),
            Check("import contracts (import-linter)", (_tool("lint-imports"),)),
            Check("contracts (buf)", (_tool("npm"), "run", "--silent", "lint:protos"), WEB),
            Check("generated code is up to date", (sys.executable, "protos/generate.py", "--check")),
            Check("front end lint and layers (eslint)", (_tool("npm"), "run", "--silent", "lint"), WEB),
            Check("front end types (svelte-check)", (_tool("npm"), "run", "--silent", "check"), WEB),
            Check("front end units (vitest)", (_tool("npm"), "run", "--silent", "test"), WEB),
        ],
        [
            # The one on servers of its own, the others one after the other on the whole system: all three mostly wait.
            _tests("integration tests", "-n", "2", "tests/integration", is_long=is_long),
            _tests("browser tests", "tests/browser", is_long=is_long),
            _tests("end-to-end tests", "tests/e2e", is_long=is_long),
        ],
    ]


def run_stage(checks: Iterable[Check], console: Console, *, timeout_s: float) -> list[Failure]:
    """Run checks side by side, as many as there are processors; return those that failed.

    Once one has failed none is begun.
    """
    failures: list[Failure] = []

    def run(check: Check) -> None:
        if not failures and (failure := _run(check, console, timeout_s)):
            failures.append(failure)

    with ThreadPoolExecutor(max(2, CORES)) as lanes:
        list(lanes.map(run, checks))
    return failures


def describe(failure: Failure) -> str:
    """Return what a failed check said, unless that was shown, what broke, and how to run that alone."""
    check = failure.check
    broken = list(dict.fromkeys(BROKEN.findall(failure.output)))
    alone = shlex.join([*PYTEST, *broken[:BROKEN_SHOWN]]) if broken else shlex.join(check.command)
    more = f" (and {len(broken) - BROKEN_SHOWN} more)" if len(broken) > BROKEN_SHOWN else ""
    where = "" if check.folder == ROOT else f"cd {shlex.quote(str(check.folder.relative_to(ROOT)))} && "
    return "\n".join(
        [
            *([] if check.is_talkative else [failure.output.rstrip()]),
            f"✗ {check.title} failed after {failure.seconds:.1f} s",
            *(f"  {name}" for name in broken[:BROKEN_SHOWN]),
            f"  alone: {where}{alone}{more}",
        ]
    )


def _tests(title: str, *arguments: str, is_long: bool) -> Check:
    return Check(title, (*PYTEST, *(["--long"] if is_long else []), *arguments), is_talkative=True)


def _run(check: Check, console: Console, timeout_s: float) -> Failure | None:
    begun_s = time.monotonic()
    if check.is_talkative:
        console.say(f"… {check.title}")
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONUTF8": "1"}
    with subprocess.Popen(
        check.command, cwd=check.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        late = threading.Timer(timeout_s, _kill, [process.pid])
        late.start()
        output = "".join(_read(process, check, console))
    console.end(check.title)
    is_late = not late.is_alive()
    late.cancel()
    seconds = time.monotonic() - begun_s
    if process.returncode == 0:
        console.say(f"✓ {check.title}  {seconds:.1f} s")
        return None
    return Failure(check, seconds, output + (f"\nit took longer than {timeout_s:.0f} s\n" if is_late else ""))


def _read(process: subprocess.Popen[bytes], check: Check, console: Console) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while process.stdout and (part := os.read(process.stdout.fileno(), READ_BYTES_MAX)):
        text = decoder.decode(part)
        if check.is_talkative:
            console.pass_on(check.title, text)
        yield text


def _kill(pid: int) -> None:
    process = psutil.Process(pid)
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def _tool(name: str) -> str:
    return str(BIN / name)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
