from __future__ import annotations

import time

from infra.machine_load import INTERVAL_S, MachineLoad


class HandClock:
    def __init__(self) -> None:
        self.now_s = 10.0

    def now_us(self) -> int:
        return int(self.now_s * 1e6)

    def monotonic_s(self) -> float:
        return self.now_s


def work(seconds: float) -> None:
    end_s = time.process_time() + seconds
    while time.process_time() < end_s:
        pass


def test_the_share_is_that_of_the_last_interval() -> None:
    clock = HandClock()
    load = MachineLoad(clock)
    work(0.3)
    assert load.busy_share() == 0.0
    clock.now_s += INTERVAL_S
    share = load.busy_share()
    assert 0.0 < share <= 1.0
    work(0.1)
    assert load.busy_share() == share
