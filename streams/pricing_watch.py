"""What changes prices without any update: a provider that falls silent, and time that passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import Final

import structlog
from google.protobuf.message import DecodeError

from kernel.log import Record
from odds.fixture.state import FixtureState
from odds.fixture.updates import FixtureUpdate
from odds.folding.providers import ProviderBoard, received_sign
from odds.pricing.policy import PricingPolicy
from odds.pricing.suspension import next_change_us
from overround.feed.v1 import feed_pb2
from streams.fixtures import Fixtures
from wire.feed import parse_sign

OUTDATED_MAX: Final = 1_000
"""So many times that no longer hold are kept beside those that do."""

log = structlog.get_logger(__name__)


class Watch:
    """Remembers who was up, and when each fixture's book may become another, to tell what is different now."""

    def __init__(self, policy: PricingPolicy) -> None:
        self._policy = policy
        self._board = ProviderBoard(default_timeout_us=policy.provider_timeout_us)
        self._up_before: frozenset[str] = frozenset()
        self._due_us: dict[str, int] = {}
        self._by_due: list[tuple[int, str]] = []

    def take_signs(self, records: Iterable[Record], now_us: int) -> None:
        """Take in what providers say about themselves."""
        self._board.forget_what_is_ahead(now_us=now_us)
        for record in records:
            try:
                told = parse_sign(feed_pb2.ProviderHeartbeat.FromString(record.value or b""))
            except DecodeError as error:
                log.error("pricing.sign_unreadable", detail=str(error))
                continue
            sign = received_sign(told, now_us=now_us)
            if sign is not None:
                self._board.note_sign(sign)
            else:
                log.error("pricing.sign_from_the_future", provider_id=told.provider_id, time_us=told.received_time_us)

    def note_update(self, update: FixtureUpdate) -> None:
        """Take in that a provider sent an update."""
        self._board.note_update(
            update.provider_id, update.received_time_us, epoch=update.epoch, is_catching_up=update.is_catching_up
        )

    def note_priced(self, state: FixtureState, now_us: int) -> None:
        """Take in what a fixture was priced from."""
        due_us = next_change_us(state, self._policy, now_us)
        if due_us is not None and due_us < self._due_us.get(state.fixture_id, due_us + 1):
            self._due_us[state.fixture_id] = due_us
            heappush(self._by_due, (due_us, state.fixture_id))
        if len(self._by_due) > 2 * len(self._due_us) + OUTDATED_MAX:
            self._by_due = [(time_us, fixture_id) for fixture_id, time_us in self._due_us.items()]
            heapify(self._by_due)

    def forget(self, fixture_ids: Iterable[str]) -> None:
        """Expect nothing of some fixtures any more."""
        for fixture_id in fixture_ids:
            self._due_us.pop(fixture_id, None)

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
        self._up_before = up_now
        concerned.update(fixture_id for fixture_id in self._due(now_us) if fixture_id in fixtures)
        return concerned

    def _due(self, now_us: int) -> Iterator[str]:
        while self._by_due and self._by_due[0][0] <= now_us:
            due_us, fixture_id = heappop(self._by_due)
            if self._due_us.get(fixture_id) == due_us:
                del self._due_us[fixture_id]
                yield fixture_id
