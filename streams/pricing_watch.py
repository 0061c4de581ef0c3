"""What changes prices without any update: a provider that falls silent, a match clock that stands still."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from google.protobuf.message import DecodeError

from odds.policy import PricingPolicy
from odds.providers import ProviderBoard
from odds.suspension import is_clock_stale
from overround.feed.v1 import feed_pb2
from streams.fixtures import Fixtures
from streams.ports import HasValue
from wire.feed import parse_sign

log = structlog.get_logger(__name__)


class Watch:
    """Remembers who was up and which clocks ran, to tell what is different now."""

    def __init__(self, policy: PricingPolicy) -> None:
        self._policy = policy
        self._board = ProviderBoard(default_timeout_us=policy.provider_timeout_us)
        self._up_before: frozenset[str] = frozenset()
        self._stale_before: frozenset[str] = frozenset()

    def take_signs(self, records: Iterable[HasValue]) -> None:
        """Take in what providers say about themselves."""
        for record in records:
            try:
                self._board.note_sign(parse_sign(feed_pb2.ProviderHeartbeat.FromString(record.value or b"")))
            except DecodeError as error:
                log.error("pricing.sign_unreadable", detail=str(error))

    def note_update(self, provider_id: str, received_time_us: int) -> None:
        """Take in that a provider sent an update."""
        self._board.note_update(provider_id, received_time_us)

    def up_providers(self, now_us: int) -> frozenset[str]:
        """Return the providers whose prices count."""
        return self._board.up_providers(now_us=now_us)

    def concerned(self, fixtures: Fixtures, now_us: int) -> set[str]:
        """Return the fixtures to price anew because of what is different since the last call."""
        up_now = self.up_providers(now_us)
        concerned: set[str] = set()
        for provider_id in up_now ^ self._up_before:
            log.info("pricing.provider_changed", provider_id=provider_id, is_up=provider_id in up_now)
            concerned |= fixtures.of_provider(provider_id)
        running = fixtures.running()
        stale = frozenset(state.fixture_id for state in running if is_clock_stale(state, self._policy, now_us))
        concerned |= stale - self._stale_before
        self._up_before, self._stale_before = up_now, stale
        return concerned
