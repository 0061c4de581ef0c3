"""The examples on the pages for outside parties run as they stand there, against the whole system."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from infra.settings import ROOT
from tests.e2e.client import Prices, wait_for
from tests.running_system import RunningSystem

PROVIDER: Final = "sim-alpha"
LIMIT_S: Final = 120
EXAMPLE: Final = re.compile(r"^## ([^\n]+)\n(?:(?!^## ).)*?^```python\n(.*?)^```$", re.M | re.S)
SAYS: Final = {
    ("for-feed-providers.md", "An example that runs"): (r"the house has everything up to \d+", r"durable: example:\d+"),
    ("for-client-developers.md", "gRPC"): (r"taken: [0-9a-f-]{36}", r"the same by its request id: True"),
    ("for-client-developers.md", "gRPC-web"): (r"books: [1-9]\d* pricing is live: True",),
    ("for-client-developers.md", "REST"): (
        r"(nothing new: 304|it moved meanwhile: 200)",
        r"taken: [0-9a-f-]{36}",
        r"stake -500 leaves 9500",
        r"deposit 10000 leaves 10000",
    ),
    ("for-client-developers.md", "WebSocket"): (
        r"books at first: [1-9]\d*",
        r"newer ones after coming back: \d+ of [1-9]",
    ),
}
"""What each example has to say, in order."""


def examples() -> dict[tuple[str, str], str]:
    """Return the code of every example by page and heading."""
    pages = sorted((ROOT / "docs").glob("for-*.md"))
    return {
        (page.name, heading): code
        for page in pages
        for heading, code in EXAMPLE.findall(page.read_text(encoding="utf-8"))
    }


def test_every_example_is_known() -> None:
    assert set(examples()) == set(SAYS)
    code_blocks = sum(page.read_text(encoding="utf-8").count("```python") for page in (ROOT / "docs").glob("for-*.md"))
    assert code_blocks == len(SAYS)


@pytest.mark.parametrize("place", SAYS, ids="-".join)
def test_an_example_runs_as_it_stands_on_its_page(
    place: tuple[str, str], system: RunningSystem, live_fixture: str, tmp_path: Path
) -> None:
    address = f"{system.settings.host}:{system.settings.ports.web}"
    wait_for(lambda: Prices(address).price(live_fixture, "1x2", "home"), what="open price")
    file = tmp_path / "example.py"
    file.write_text(examples()[place], encoding="utf-8")
    told = {"OVERROUND_ADDRESS": address, "OVERROUND_FEED_KEY": system.secrets.provider_api_keys[PROVIDER]}
    done = subprocess.run(
        [sys.executable, str(file)],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(".*".join(SAYS[place]), done.stdout, re.S), done.stdout
