from __future__ import annotations

import asyncio

import pytest

from streams.pricing_inputs import Waiting, WaitingFixtures
from streams.pricing_pace import PricingPace
from tests.fakes.fake_faust import eventually
from tests.fakes.pricing_bench import Bench

PACE = PricingPace(spacing_s_max=0.02, batch_fixtures_max=256, retention_us=1)


@pytest.mark.parametrize(
    ("took_s", "busy_share", "spacing_s"),
    [
        (0.0, 0.0, 0.0),
        (0.002, 0.3, 0.004),  # a machine with time to spare: what pricing itself takes decides
        (0.002, 0.8, 0.004),
        (0.002, 0.85, 0.01),  # half of the way to a machine without
        (0.002, 0.9, 0.02),
        (0.002, 1.0, 0.02),
        (0.008, 0.85, 0.016),
        (0.5, 0.0, 0.02),  # however long pricing takes, others wait no longer than this
    ],
)
def test_fetches_keep_apart_by_what_pricing_takes_and_what_the_machine_has(
    took_s: float, busy_share: float, spacing_s: float
) -> None:
    assert PACE.spacing_s(took_s, busy_share=busy_share) == pytest.approx(spacing_s)


async def test_a_batch_waits_for_what_was_fetched_with_its_first_record() -> None:
    waiting = WaitingFixtures()

    async def hand_over(count: int) -> None:
        for number in range(count):
            waiting.add(f"f{number}", Waiting(0, 1), is_urgent=False)
            await asyncio.sleep(0)

    handing = asyncio.create_task(hand_over(10))
    await waiting.wait()
    await waiting.settle(256)
    assert len(waiting) == 10
    await handing


async def test_a_batch_does_not_wait_for_records_without_end() -> None:
    waiting = WaitingFixtures()

    async def hand_over() -> None:
        while True:
            waiting.add("f", Waiting(0, 1), is_urgent=False)
            await asyncio.sleep(0)

    handing = asyncio.create_task(hand_over())
    async with asyncio.timeout(60.0):
        await waiting.settle(256)
    handing.cancel()


async def test_the_reader_is_told_how_far_apart_to_fetch() -> None:
    bench = Bench()
    await bench.start()
    try:
        bench.quote()
        await eventually(lambda: bench.spacing.seconds > 0.0)
        assert bench.spacing.seconds <= 0.001
    finally:
        await bench.stop()
