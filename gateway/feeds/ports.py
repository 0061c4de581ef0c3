"""What the doors for feeds need from outside."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from kernel.errors import Category, DomainError
from overround.feed.v1.feed_pb2 import ProviderHeartbeat


@dataclass(frozen=True, slots=True)
class Provider:
    """Who pushes, and the silence after which it counts as down."""

    provider_id: str
    timeout_ms: int


class FeedKeyStore(Protocol):
    """The API keys of providers that push; only their SHA-256 is kept."""

    async def find_provider(self, api_key: str) -> Provider | None:
        """Return whose key this is; None for an unknown or revoked one."""
        ...


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a provider's updates are taken, as its stream begins.

    Attributes:
        epoch: Rises with every stream of the provider, on whatever gateway: only the newest may move the cursor.
        is_exact: The last stream ended in order, so that the log holds nothing beyond `acknowledged_sequence`.
        moved_time_ms: When the cursor last moved, milliseconds since the Unix epoch, UTC.
    """

    epoch: int
    acknowledged_sequence: int
    is_exact: bool
    moved_time_ms: int


class StreamSuperseded(DomainError):
    """A newer stream of the same provider has begun."""

    reason = "STREAM_SUPERSEDED"
    category = Category.CONFLICT


class CursorStore(Protocol):
    """Durable cursors, one a provider."""

    async def begin(self, provider_id: str, *, now_ms: int) -> Cursor:
        """Begin a new epoch and return where the last one left off; from here on the cursor is not exact."""
        ...

    async def move(
        self, provider_id: str, *, epoch: int, acknowledged_sequence: int, is_exact: bool, now_ms: int
    ) -> None:
        """Move the cursor.

        Raises:
            StreamSuperseded: If the epoch is no longer the newest.
        """
        ...


class LoggedUpdate(NamedTuple):
    """What of an update in the log says whether it has to be sent again."""

    epoch: int
    sequence: int
    fixture_id: str


class FeedLog(Protocol):
    """What providers said, read back."""

    async def updates_of(self, provider_id: str, *, since_ms: int, until_ms: int) -> Collection[LoggedUpdate]:
        """Return the updates of a provider among what was appended in this span of time."""
        ...

    async def last_sign(self, provider_id: str) -> ProviderHeartbeat | None:
        """Return a provider's last sign of life, None if there never was any."""
        ...
