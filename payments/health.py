"""How well payment providers do: what each did lately, and who is left out, and until when."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from payments.provider import Method, Outcome, Told

OUTCOMES_KEPT: Final = 20
OUTCOMES_MIN: Final = 5
SUCCESS_MILLI_MIN: Final = 200
PROBE_AFTER_US: Final = 30 * 1_000_000
PROBE_AFTER_US_MAX: Final = 600 * 1_000_000
RETRYABLE: Final = frozenset(
    {"unreachable", "provider_unavailable", "issuer_unavailable", "processing_error", "http_429"}
)
"""Codes of definite failures that are the provider's and not the player's: another provider may do better."""


@dataclass(slots=True)
class _Record:
    """Of one provider by one method."""

    outcomes: deque[bool] = field(default_factory=lambda: deque(maxlen=OUTCOMES_KEPT))
    out_until_us: int = 0
    probe_after_us: int = 0

    @property
    def success_milli(self) -> int:
        return 1_000 * sum(self.outcomes) // len(self.outcomes) if self.outcomes else 1_000

    def leave_out(self, now_us: int) -> None:
        self.probe_after_us = min(2 * self.probe_after_us or PROBE_AFTER_US, PROBE_AFTER_US_MAX)
        self.out_until_us = now_us + self.probe_after_us


class Health:
    """What this process saw of each provider, by method."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, Method], _Record] = {}

    def hear(self, provider: str, method: Method, told: Told, *, now_us: int) -> None:
        """Take in how a call ended; a failure that is the player's says nothing of the provider.

        One of whose last calls too few succeeded is left out for a time; then one call is let through. If it succeeds
        all is forgotten; if not, the provider is left out for twice as long.
        """
        if told.outcome is Outcome.DECLINED and told.code not in RETRYABLE:
            return
        is_well = told.outcome not in (Outcome.NO_ANSWER, Outcome.DECLINED)
        record = self._records.setdefault((provider, method), _Record())
        if is_well and record.probe_after_us:
            del self._records[provider, method]
            return
        record.outcomes.append(is_well)
        is_bad = len(record.outcomes) >= OUTCOMES_MIN and record.success_milli < SUCCESS_MILLI_MIN
        if is_bad and now_us >= record.out_until_us:
            record.leave_out(now_us)

    def success_milli(self, provider: str, method: Method) -> int:
        """Return how many of a thousand of its last calls succeeded; a thousand of who is not known."""
        record = self._records.get((provider, method))
        return 1_000 if record is None else record.success_milli

    def is_out(self, provider: str, method: Method, *, now_us: int) -> bool:
        """Return whether it is left out now."""
        record = self._records.get((provider, method))
        return record is not None and now_us < record.out_until_us

    def begin_probe(self, provider: str, method: Method, *, now_us: int) -> None:
        """Let nobody else try one that was left out while this call shows how it does."""
        record = self._records.get((provider, method))
        if record is not None and record.probe_after_us:
            record.out_until_us = now_us + record.probe_after_us
