"""Make this machine ready: `python3.11 -m infra.bootstrap [--tests] [--peers]`. Needs nothing but Python itself.

Each step says what it does in a line, is skipped where it is up to date, and, where it fails, shows the end of its log
and how to mend it.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.terminal import use_plain_signs

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements.lock"
PEERS = ROOT / "requirements-peers.lock"
LOCAL = ROOT / ".local"
STAMPS = LOCAL / "stamps"
LOG = LOCAL / "bootstrap.log"
WEB = ROOT / "web"
KAFKA_POM = ROOT / "infra" / "local" / "kafka" / "pom.xml"
KAFKA_LIBS = LOCAL / "kafka" / "libs"
POLICY = Path("/usr/sbin/policy-rc.d")
PYTHON_MIN = (3, 11)
UNUSABLE_IN_PATHS = ":\n"
"""Lists of folders, such as the path of programs and that of Java's classes, are cut at a colon."""
UTF8 = {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
"""Steps read and write UTF-8 and find files of any name, whatever the locale."""
STEP_TIMEOUT_S = 1_800
INTERRUPTED = 130
DIE_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")
"""However we end, a step does not go on beside the next set-up."""
LOG_LINES_SHOWN = 25
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


@dataclass(frozen=True)
class Package:
    """A Debian package, and what shows that it, or something as good, is there."""

    name: str
    is_present: Callable[[], bool]


class StepFailed(Exception):
    """A step did not succeed; the message says how to mend it."""


def main() -> int:
    """Run every step that is needed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", action="store_true", help="also what only the tests need: Chromium")
    parser.add_argument(
        "--peers", action="store_true", help="also the packages that the odds engine is measured beside"
    )
    wanted = parser.parse_args()
    use_plain_signs()
    if sys.version_info < PYTHON_MIN:
        sys.stderr.write(f"Python 3.11 or later is needed, this is {sys.version.split()[0]}: apt install python3\n")
        return 1
    try:
        expect_usable_path(ROOT)
        with alone():
            LOG.write_bytes(b"")
            install_packages(PACKAGES + (TEST_PACKAGES if wanted.tests else ()))
            make_environment()
            if wanted.peers:
                install_peers()
            build_front_end()
            fetch_broker()
    except StepFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; what is not done yet is done when it is run again\n")
        return INTERRUPTED
    return 0


def expect_usable_path(path: Path) -> None:
    """Refuse a checkout in a folder that programs we need cannot be pointed at.

    Raises:
        StepFailed: If the path holds a colon or a line break.
    """
    if set(str(path)) & set(UNUSABLE_IN_PATHS):
        raise StepFailed(f"✗ The path of this folder must hold no colon and no line break, is {path}: move the folder")


@contextmanager
def alone() -> Iterator[None]:
    """Wait for another set-up of this checkout to end.

    Raises:
        StepFailed: If nothing can be written here.
    """
    try:
        STAMPS.mkdir(parents=True, exist_ok=True)
        lock = (LOCAL / "bootstrap.lock").open("a", encoding="utf-8")
    except OSError as error:
        raise StepFailed(f"✗ {LOCAL} must be a folder that can be written to: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another set-up of this checkout to end ...", is_last=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_packages(packages: Iterable[Package]) -> None:
    """Install what is missing with apt; the system's own daemons are neither started nor used."""
    missing = [package.name for package in packages if not package.is_present()]
    if not missing:
        return
    root = () if os.geteuid() == 0 else ("sudo",)
    if root and not shutil.which("sudo"):
        raise StepFailed(f"✗ These packages are missing: as root, run `apt install {' '.join(missing)}`")
    if root:
        subprocess.run([*root, "-v"], check=False)
    quiet = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q")
    mend = f"check the network and the package sources, then try `apt-get update; apt install {' '.join(missing)}`"
    run("Reading Debian's package lists", [*root, *quiet, "update"], mend=mend)
    with no_daemons(root):
        install = [*root, *quiet, "install", "--no-install-recommends", *missing]
        run(f"Installing {', '.join(missing)}", install, mend=mend)


@contextmanager
def no_daemons(root: tuple[str, ...]) -> Iterator[None]:
    """Keep packages from starting their daemons: Debian asks this file, which a machine has none of by itself."""
    if POLICY.exists():
        yield
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".sh") as policy:
        policy.write("#!/bin/sh\nexit 101\n")
        policy.flush()
        subprocess.run([*root, "install", "-m", "755", policy.name, str(POLICY)], check=True)
    try:
        yield
    finally:
        subprocess.run([*root, "rm", "-f", str(POLICY)], check=True)


def make_environment() -> None:
    """Create .venv and install exactly what the lock file lists, hashes checked.

    One that something was still being installed into when that was cut short is made anew.
    """
    if not (STAMPS / "requirements").exists() or not _works([str(VENV_PYTHON), "-c", "import sys"]):
        shutil.rmtree(VENV, ignore_errors=True)
        _forget("requirements", "peers", "project")
        mend = "apt install python3-venv, then try again"
        run("Creating the virtual environment .venv", [sys.executable, "-m", "venv", str(VENV)], mend=mend)
    with step_due("requirements", [REQUIREMENTS]) as is_due:
        if is_due:
            _install_uv()
            _install_locked("Python packages", REQUIREMENTS)
    with step_due("project", [ROOT / "pyproject.toml"]) as is_due:
        if is_due:
            options = ["--no-deps", "--no-build-isolation", "--quiet", "--editable", str(ROOT)]
            run("Installing Overround itself", [str(VENV_PYTHON), "-m", "pip", "install", *options], mend=PIP_MEND)
            for listed in VENV.glob("lib/python*/site-packages/_overround.pth"):
                make_relative(listed)


def make_relative(listed: Path) -> None:
    """Let a file that lists folders of modules name them from where it stands.

    Python reads it in the encoding of the locale, by which it might not find a folder of any name.
    """
    folders = os.fsdecode(listed.read_bytes()).splitlines()
    relative = [os.path.relpath(folder, listed.parent) if Path(folder).is_absolute() else folder for folder in folders]
    listed.write_text("\n".join(relative) + "\n", encoding="ascii")


def install_peers() -> None:
    """Install what `make bench-odds` measures beside the odds engine into .venv, hashes checked."""
    with step_due("peers", [PEERS]) as is_due:
        if is_due:
            _install_locked("the odds engine's peers", PEERS)


def build_front_end() -> None:
    """Install what the front end needs and build it, with the Node that .venv brings."""
    npm = [str(VENV / "bin" / "npm")]
    sources = [WEB / "package.json", WEB / "package-lock.json"]
    with step_due("web-packages", sources, made=WEB / "node_modules") as is_due:
        if is_due:
            mend = "check the network (npm reads its proxy and registry from ~/.npmrc), then try again"
            run("Installing the front end's packages", [*npm, "ci", "--no-progress"], mend=mend, cwd=WEB)
    with step_due("web-build", list(_web_sources()), made=WEB / "dist") as is_due:
        if is_due:
            mend = "mend what the log names in web/, then try again"
            run("Building the front end", [*npm, "run", "build"], mend=mend, cwd=WEB)


def fetch_broker() -> None:
    """Fetch Kafka's jars."""
    with step_due("kafka", [KAFKA_POM], made=KAFKA_LIBS) as is_due:
        if is_due:
            shutil.rmtree(KAFKA_LIBS, ignore_errors=True)
            options = ["--batch-mode", "--no-transfer-progress", "-f", str(KAFKA_POM)]
            goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={KAFKA_LIBS}"]
            mend = "check the network (Maven reads its proxy and mirrors from ~/.m2/settings.xml), then try again"
            run("Fetching Apache Kafka's jars", ["mvn", *options, *goal], mend=mend)


def run(title: str, command: list[str], *, mend: str, cwd: Path = ROOT) -> None:
    """Run one step's command, its output to the log, with a line about it.

    Raises:
        StepFailed: If it fails or takes too long.
    """
    begun_s = time.monotonic()
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    with LOG.open("a", encoding="utf-8", errors="surrogateescape") as log:
        log.write(f"\n$ {' '.join(command)}\n")
        log.flush()
        process = subprocess.Popen(
            [*DIE_WITH_US, *command],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **UTF8, "PATH": path},
        )
        _show_progress(title, process, begun_s)
    seconds = time.monotonic() - begun_s
    if process.returncode:
        _say("", is_last=False)
        raise StepFailed(f"✗ {title} failed after {seconds:.1f} s\n{_log_end()}\nIts log: {LOG}\nTo mend it: {mend}")
    _say(f"✓ {title}  {seconds:.1f} s", is_last=True)


@contextmanager
def step_due(name: str, sources: list[Path], *, made: Path = ROOT) -> Iterator[bool]:
    """Tell whether the sources changed or what it made is gone since the step last succeeded; note when it succeeds.

    From the begin of a step to its success nothing says that it was done, so one that was cut short is done again.
    """
    digest = hashlib.sha256()
    for source in sources:
        digest.update(f"{source.relative_to(ROOT)}\0".encode() + source.read_bytes())
    stamp = STAMPS / name
    is_due = not stamp.exists() or stamp.read_text(encoding="utf-8") != digest.hexdigest() or not made.exists()
    if is_due:
        stamp.unlink(missing_ok=True)
    yield is_due
    if is_due:
        stamp.write_text(digest.hexdigest(), encoding="utf-8")


def _install_uv() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        only_uv = Path(scratch, "uv.txt")
        only_uv.write_text(_find_requirement(REQUIREMENTS.read_text(encoding="utf-8"), "uv"), encoding="utf-8")
        run("Installing uv", [*PIP_INSTALL, "--no-deps", "-r", str(only_uv)], mend=PIP_MEND)


def _install_locked(what: str, lock: Path) -> None:
    """Install a lock file by uv; by pip where uv cannot, such as behind a private index."""
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--require-hashes", "--python", str(VENV_PYTHON)]
    try:
        run(f"Installing {what}", [*uv, "-r", str(lock)], mend=PIP_MEND)
    except StepFailed:
        run(f"Installing {what} by pip", [*PIP_INSTALL, "-r", str(lock)], mend=PIP_MEND)


def _find_requirement(lock: str, name: str) -> str:
    found = re.search(rf"^{name}==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    if found is None:
        raise StepFailed(f"✗ {name} is not in requirements.lock: run `make lock`")
    return found.group()


def _web_sources() -> Iterator[Path]:
    for path in sorted(WEB.rglob("*")):
        if path.is_file() and not {"node_modules", "dist"} & set(path.relative_to(WEB).parts):
            yield path


def _show_progress(title: str, process: subprocess.Popen[bytes], begun_s: float) -> None:
    deadline_s = begun_s + STEP_TIMEOUT_S
    frame = 0
    while True:
        try:
            process.wait(0.1 if sys.stdout.isatty() else 1.0)
        except subprocess.TimeoutExpired:
            frame += 1
            _say(f"{SPINNER[frame % len(SPINNER)]} {title}  {time.monotonic() - begun_s:.0f} s", is_last=False)
            if time.monotonic() > deadline_s:
                process.kill()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
        else:
            return


def _say(line: str, *, is_last: bool) -> None:
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        sys.stdout.write(f"\r\033[K{line[:width]}" + ("\n" if is_last else ""))
    elif is_last:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _log_end() -> str:
    return "\n".join(
        f"  {line}" for line in LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:]
    )


def _forget(*names: str) -> None:
    for name in names:
        (STAMPS / name).unlink(missing_ok=True)


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True, timeout=30).returncode == 0
    except OSError:
        return False


def _has_command(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is not None


def _has_java_17() -> bool:
    try:
        answer = subprocess.run(["java", "-version"], check=False, capture_output=True, timeout=30).stderr
    except OSError:
        return False
    found = re.search(rb'version "(\d+)', answer)
    return found is not None and int(found.group(1)) >= 17


def _has_venv() -> bool:
    return _works([str(VENV_PYTHON), "-c", ""]) or _works([sys.executable, "-c", "import ensurepip, venv"])


PIP_INSTALL = (str(VENV_PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes")
PIP_MEND = "check the network (pip reads its proxy and index from pip.conf), then try again"
PACKAGES = (
    Package("postgresql", lambda: any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))),
    Package("redis-server", _has_command("redis-server")),
    Package("clickhouse-server", _has_command("clickhouse-server")),
    Package("openjdk-17-jre-headless", _has_java_17),
    Package("maven", _has_command("mvn")),
    Package("python3-venv", _has_venv),
)
TEST_PACKAGES = (Package("chromium", _has_command("chromium")),)

if __name__ == "__main__":
    sys.exit(main())
