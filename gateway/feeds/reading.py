"""What an adapter makes of one message of its provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.feeds.refusals import FeedRefused
from overround.feed.v1.feed_pb2 import FeedUpdate, ProviderHeartbeat

RAW_BYTES_MAX: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Reading:
    """One message, read: what it says, what of it was refused, how many parts of it nobody knows."""

    provider_id: str
    updates: Sequence[FeedUpdate] = ()
    heartbeats: Sequence[ProviderHeartbeat] = ()
    refusals: Sequence[FeedRefused] = ()
    unknown_part_count: int = 0


class FeedAdapter(Protocol):
    """Reads the messages of one kind of provider, in the order in which they came."""

    def read(self, raw: bytes) -> Reading:
        """Return what a message says. Never raises for what the message holds: that is in the refusals."""
        ...
