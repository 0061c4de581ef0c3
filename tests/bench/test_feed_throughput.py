"""How many messages a second go through adapter and intake to a serialised update. Figures, not pass or fail."""

from __future__ import annotations

import time

import pytest

from gateway.feeds.betfair import BetfairAdapter
from gateway.feeds.intake import Intake
from gateway.feeds.reading import FeedAdapter
from gateway.feeds.uof import UofAdapter
from infra.settings import ROOT
from kernel.clock import SystemClock
from kernel.log import OnDelivery
from wire.topics import FEED_UPDATES

DATA = ROOT.parent / "shared" / "data"
REPEATS = 3


class CountingOutlet:
    def __init__(self) -> None:
        self.update_count = 0

    def send(self, topic: str, key: str, value: bytes | None, on_delivery: OnDelivery | None = None) -> None:
        self.update_count += topic == FEED_UPDATES.name


async def run(adapter: FeedAdapter, messages: list[bytes]) -> tuple[int, float]:
    outlet = CountingOutlet()
    intake = Intake(outlet=outlet, clock=SystemClock())
    started_s = time.perf_counter()
    for raw in messages:
        reading = adapter.read(raw)
        if reading.updates or reading.refusals:
            await intake.take_reading(reading, raw=raw, timeout_ms=3_000)
    return outlet.update_count, time.perf_counter() - started_s


@pytest.mark.skipif(not DATA.is_dir(), reason="the reference data is not beside the repository")
@pytest.mark.parametrize(
    ("adapter_type", "path", "update_count"),
    [(BetfairAdapter, "betfair/1.200806927", 1_459), (BetfairAdapter, "betfair/BASIC-1.132153978", 478)],
)
async def test_exchange_stream(adapter_type: type[BetfairAdapter], path: str, update_count: int) -> None:
    messages = (DATA / path).read_bytes().splitlines()
    best_s = float("inf")
    for _ in range(REPEATS):
        count, seconds = await run(adapter_type(), messages)
        assert count == update_count
        best_s = min(best_s, seconds)
    print(f"\n{path}: {len(messages) / best_s:,.0f} messages/s, {count / best_s:,.0f} updates/s")  # noqa: T201


@pytest.mark.skipif(not DATA.is_dir(), reason="the reference data is not beside the repository")
async def test_odds_feed() -> None:
    sample = (DATA / "uof" / "match_story" / "08_odds_change_after_goal.xml").read_text(encoding="utf-8")
    messages = [sample.replace("1700008490000", str(1700008490000 + number)).encode() for number in range(5_000)]
    count, seconds = await run(UofAdapter(), messages)
    assert count == len(messages)
    print(f"\nodds_change: {count / seconds:,.0f} messages/s")  # noqa: T201
