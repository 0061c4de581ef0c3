"""A clock that goes as a test lets it go."""

from __future__ import annotations


class FakeClock:
    """Stands still until it is put on; with a step it moves by that whenever somebody looks at it."""

    def __init__(self, time_us: int = 1_000_000_000, *, step_us: int = 0) -> None:
        self.time_us = time_us
        self.step_us = step_us

    def now_us(self) -> int:
        self.time_us += self.step_us
        return self.time_us

    def monotonic_s(self) -> float:
        return self.now_us() / 1_000_000

    def put_on(self, seconds: float) -> None:
        self.time_us += round(seconds * 1_000_000)
