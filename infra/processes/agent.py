"""What the process of every agent does the same: it runs the agent in an app, and says how well that goes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Protocol

import faust

from infra.faust_app import build_app, complaint_of, run_app
from infra.faust_consumer import PROMPT, FetchPolicy, FetchSpacing
from infra.processes.health import HealthServer
from infra.settings import Settings
from streams.retry import complaint_of_waiting


class RunnableAgent(Protocol):
    """An agent as its process sees it."""

    @property
    def is_ready(self) -> bool:
        """Whether it has its partitions, and their state."""
        ...

    def attach(self, app: faust.App) -> None:
        """Make it an agent of the app."""
        ...


class AgentProcess:
    """One agent, its app and its health.

    Args:
        settings: Of the process.
        name: Of the process, of its app, and of its consumer group where no other is said.
        agent: What is run.
        ping: Asks a server without which the agent can do nothing, if there is one; raises where it does not answer.
        obstacle: Returns what has to be gone before it can begin, None for nothing.
        complaint: Returns what a person should look at, None for nothing.
        fetching: How the app fetches.
        spacing: How far apart fetches begin, for who sets it while the app runs.
    """

    def __init__(
        self,
        settings: Settings,
        name: str,
        agent: RunnableAgent,
        *,
        ping: Callable[[], Awaitable[object]] | None = None,
        obstacle: Callable[[], str | None] = lambda: None,
        complaint: Callable[[], str | None] = lambda: None,
        fetching: FetchPolicy = PROMPT,
        spacing: FetchSpacing | None = None,
    ) -> None:
        self._settings = settings
        self._name = name
        self._agent = agent
        self._ping = ping
        self._obstacle = obstacle
        self._complaint = complaint
        self._fetching = fetching
        self._spacing = spacing
        self._app: faust.App | None = None
        self._has_worked = False

    def answering(self, port: int) -> HealthServer:
        """Return what says, while it is entered, how the process is."""
        return HealthServer(self._settings.host, port, self.check)

    async def run(self, stopping: asyncio.Event, *, group: str = "") -> None:
        """Run the agent until stopped; `group` names what it is read for, where that may change.

        Raises:
            AppCrashed: If the app could not start, or ended by itself.
        """
        self._app = build_app(self._settings, self._name, group=group, fetching=self._fetching, spacing=self._spacing)
        self._agent.attach(self._app)
        await run_app(self._app, stopping)

    async def run_unless(self, stopping: asyncio.Event, *, group: str, others: Iterable[Awaitable[object]]) -> bool:
        """Run the agent until stopped, or until one of `others` ends: what it is read for is another one by then.

        Returns:
            Whether it is: who supervises starts the process again, for what there is now.
        """
        running = asyncio.create_task(self.run(stopping, group=group))
        watching = [asyncio.ensure_future(other) for other in others]
        try:
            await asyncio.wait({running, *watching}, return_when=asyncio.FIRST_COMPLETED)
            is_another = not running.done() and not stopping.is_set()
        finally:
            for watch in watching:
                watch.cancel()
        if is_another:
            running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        return is_another

    async def check(self) -> str | None:
        """Return what keeps the agent from working, or what a person should look at; None for nothing."""
        if self._ping is not None:
            await self._ping()
        if (obstacle := self._obstacle()) is not None:
            return obstacle
        if self._app is None or not self._agent.is_ready:
            return "waiting for its share of the log and its state"
        complaint = await complaint_of(self._settings, self._app)
        if complaint is None and not self._has_worked:
            # Who starts the system waits for this answer, and what waits for a person must not keep the system down.
            self._has_worked = True
            return None
        return complaint or self._complaint() or complaint_of_waiting()
