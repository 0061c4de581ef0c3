from __future__ import annotations

import time

from infra.machine_load import INTERVAL_S, MachineLoad
from tests.fakes.fake_clock import FakeClock


def work(seconds: float) -> None:
    end_s = time.process_time() + seconds
    while time.process_time() < end_s:
        pass


def test_the_share_is_that_of_the_last_interval() -> None:
    clock = FakeClock()
    load = MachineLoad(clock)
    work(0.3)
    assert load.busy_share() == 0.0
    clock.put_on(INTERVAL_S)
    share = load.busy_share()
    assert 0.0 < share <= 1.0
    work(0.1)
    assert load.busy_share() == share
