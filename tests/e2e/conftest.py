"""What the end-to-end tests share: recorded data, and a command line that ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.settings import ROOT, Settings
from tests.e2e.pump import priced_fixture
from tests.running_system import RunningSystem

DATA = ROOT.parent / "shared" / "data"
COMMAND_LIMIT_S = 400
PROVIDER_TIMEOUT_MS = 60_000

Run = Callable[..., subprocess.CompletedProcess[str]]
Overround = Callable[[Settings], Run]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test its programs: a round of them at a time, or each on its own in the long form."""
    for marker in metafunc.definition.iter_markers("rounds"):
        (rounds,) = marker.args
        if metafunc.config.getoption("long"):
            rounds = [(program,) for programs in rounds for program in programs]
        metafunc.parametrize("programs", rounds, ids="+".join)


def patient(settings: Settings) -> Settings:
    """Return settings under which a replayed provider stays up for a while after its replay."""
    feeds = settings.feeds.model_copy(update={"provider_timeout_ms": PROVIDER_TIMEOUT_MS})
    return settings.model_copy(update={"feeds": feeds})


@pytest.fixture(scope="session")
def recorded_data() -> Path:
    """The folder of recorded feeds, read in place."""
    if not DATA.is_dir():
        pytest.skip("the recorded feeds are not on this machine (expected in ../shared/data)")
    return DATA


@pytest.fixture(scope="session")
def overround() -> Overround:
    """Run the command line against a system; fails the test with its output where it fails."""

    def bind(settings: Settings) -> Run:
        def run(*arguments: str | int | Path) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "infra.cli", *map(str, arguments)]
            environment = {**os.environ, **settings.environment()}
            done = subprocess.run(
                command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=False
            )
            if done.returncode != 0:
                pytest.fail(
                    f"{' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
                )
            return done

        return run

    return bind


@pytest.fixture
def live_fixture(system: RunningSystem) -> Iterator[str]:
    """A fixture that a provider keeps pricing through the push door."""
    target = f"{system.settings.host}:{system.settings.ports.web}"
    api_key = system.secrets.provider_api_keys["sim-bravo"]
    with priced_fixture(target, provider_id="sim-bravo", api_key=api_key) as fixture_id:
        yield fixture_id
