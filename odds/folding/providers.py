"""Which providers can be relied on now."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from odds.fixture.updates import ProviderSign

PROVIDERS_MAX: Final = 1_024
AHEAD_US_MAX: Final = 1_000_000
"""Times further ahead of our clock than this are not believed."""


def received_sign(sign: ProviderSign, *, now_us: int) -> ProviderSign | None:
    """Return a sign as of now at the latest, None for one from a clock that is ahead.

    That somebody is down is believed of any clock: it must only not look younger than what comes next.
    """
    if sign.is_up and sign.received_time_us > now_us + AHEAD_US_MAX:
        return None
    return replace(sign, received_time_us=min(sign.received_time_us, now_us))


class ProviderBoard:
    """Each provider's last sign of life, announced or implied by an update."""

    def __init__(self, *, default_timeout_us: int) -> None:
        self._default_timeout_us = default_timeout_us
        self._seen_us: dict[str, int] = {}
        self._timeout_us: dict[str, int] = {}
        self._declared_down: set[str] = set()
        self._word_time: dict[str, tuple[int, int]] = {}

    def note_sign(self, sign: ProviderSign) -> None:
        """Take in an announcement; one of an older stream, or an older one of the same, changes nothing."""
        if not self._has_room_for(sign.provider_id) or not self._is_newest(sign):
            return
        self._see(sign.provider_id, sign.received_time_us)
        if sign.timeout_ms > 0:
            self._timeout_us[sign.provider_id] = sign.timeout_ms * 1_000
        if sign.is_up:
            self._declared_down.discard(sign.provider_id)
        else:
            self._declared_down.add(sign.provider_id)

    def note_update(
        self, provider_id: str, received_time_us: int, *, epoch: int = 0, is_catching_up: bool = False
    ) -> None:
        """Take in that an update came: a sign of life, but no word against a provider that said it is down.

        What is sent again before all that was lost is there says that its provider is down; a sign takes that back.
        """
        if not self._has_room_for(provider_id):
            return
        if is_catching_up:
            self.note_sign(ProviderSign(provider_id, received_time_us, is_up=False, timeout_ms=0, epoch=epoch))
        else:
            self._see(provider_id, received_time_us)

    def forget_what_is_ahead(self, *, now_us: int) -> None:
        """Forget what was heard by a clock that has been put back since: nothing to come would be newer."""
        ahead = [name for name, seen_us in self._seen_us.items() if seen_us > now_us + AHEAD_US_MAX]
        for provider_id in ahead:
            self._seen_us[provider_id] = 0
            epoch, _ = self._word_time.get(provider_id, (0, 0))
            self._word_time[provider_id] = (epoch, 0)

    def is_up(self, provider_id: str, *, now_us: int) -> bool:
        """Return whether a provider's prices count."""
        seen_us = self._seen_us.get(provider_id)
        if seen_us is None or provider_id in self._declared_down:
            return False
        return -AHEAD_US_MAX <= now_us - seen_us <= self._timeout_us.get(provider_id, self._default_timeout_us)

    def up_providers(self, *, now_us: int) -> frozenset[str]:
        """Return all providers whose prices count."""
        return frozenset(provider_id for provider_id in self._seen_us if self.is_up(provider_id, now_us=now_us))

    def _is_newest(self, sign: ProviderSign) -> bool:
        word_time = (sign.epoch, sign.received_time_us)
        if word_time < self._word_time.get(sign.provider_id, (0, 0)):
            return False
        self._word_time[sign.provider_id] = word_time
        return True

    def _see(self, provider_id: str, time_us: int) -> None:
        self._seen_us[provider_id] = max(time_us, self._seen_us.get(provider_id, 0))

    def _has_room_for(self, provider_id: str) -> bool:
        return provider_id in self._seen_us or len(self._seen_us) < PROVIDERS_MAX
