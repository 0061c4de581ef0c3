"""A real Chromium at the real system, and a match to bet on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.scripted_match import ScriptedMatch, playing
from tests.running_system import RunningSystem

CHROMIUM = "/usr/bin/chromium"
PROVIDER_ID = "sim-alpha"
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
# What the browser itself says about a connection that a test has cut; our own code must not complain.
CUT_CONNECTION = "Failed to load resource"
ACTION_LIMIT_MS = 60_000
# Far above the longest pause between two attempts to connect, on a machine that is busy.
EXPECT_LIMIT_MS = 60_000

OpenPage = Callable[[str], Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    expect.set_options(timeout=EXPECT_LIMIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(params=list(SIZES))
def size(request: pytest.FixtureRequest) -> str:
    """The screens that both pages are made for."""
    return str(request.param)


@pytest.fixture
def base_url(system: RunningSystem) -> str:
    """Where both screens are served."""
    return f"http://{system.settings.host}:{system.settings.ports.web}"


@pytest.fixture
def context(chromium: Browser, size: str) -> Iterator[BrowserContext]:
    """A browser of somebody who has never been here."""
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, locale="en-GB")
    context.set_default_timeout(ACTION_LIMIT_MS)
    yield context
    context.close()


@pytest.fixture
def open_page(context: BrowserContext, base_url: str) -> Iterator[OpenPage]:
    """Open an address of the site; the test fails where a page logged an error or threw."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and CUT_CONNECTION not in message.text:
            complaints.append(message.text)

    def open_address(path: str) -> Page:
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(base_url + path)
        return page

    yield open_address
    assert complaints == []


@pytest.fixture
def match(system: RunningSystem) -> Iterator[ScriptedMatch]:
    """A match that has just been priced."""
    target = f"{system.settings.host}:{system.settings.ports.web}"
    api_key = system.secrets.provider_api_keys[PROVIDER_ID]
    with playing(target, provider_id=PROVIDER_ID, api_key=api_key) as match:
        yield match
