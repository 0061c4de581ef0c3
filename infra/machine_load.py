"""How busy this machine is."""

from __future__ import annotations

from typing import Final

import psutil

from kernel.clock import Clock

INTERVAL_S: Final = 0.5


class MachineLoad:
    """Measures what share of all cores' time is in use, anew after every interval."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._measured_s = clock.monotonic_s()
        self._share = 0.0
        psutil.cpu_percent()  # the first call begins the measurement and says nothing

    def busy_share(self) -> float:
        """Return the share of the last interval, 0.0 to 1.0; 0.0 before the first is over."""
        now_s = self._clock.monotonic_s()
        if now_s - self._measured_s >= INTERVAL_S:
            self._measured_s = now_s
            self._share = psutil.cpu_percent() / 100.0
        return self._share
