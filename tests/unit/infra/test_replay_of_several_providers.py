"""A message may be of several providers: each has a stream of its own in the log, and nobody else has one."""

from __future__ import annotations

from pathlib import Path

import orjson

from gateway.feeds.intake import Intake
from infra.replay import Replay
from infra.replay_source import find_recordings
from kernel.log import OnDelivery
from overround.feed.v1.feed_pb2 import FeedUpdate
from tests.unit.gateway.feeds.test_the_odds_api import H2H, bookmaker, event
from wire.topics import FEED_UPDATES


class KeptUpdates:
    """A log that has everything at once."""

    def __init__(self) -> None:
        self.updates: list[FeedUpdate] = []

    def send(self, topic: str, key: str, value: bytes | None, on_delivery: OnDelivery | None = None) -> None:
        if topic == FEED_UPDATES.name and value is not None:
            self.updates.append(FeedUpdate.FromString(value))
        if on_delivery is not None:
            on_delivery(None)


class NotedStreams:
    def __init__(self) -> None:
        self.begun: list[str] = []

    async def begin(self, provider_id: str, intake: Intake) -> None:
        self.begun.append(provider_id)
        intake.resume(provider_id, sequence=0, epoch=4)


async def test_each_provider_of_a_message_begins_a_stream(tmp_path: Path) -> None:
    both = event(bookmaker(H2H), bookmaker(H2H, key="unibet_nl"))
    (tmp_path / "1.json").write_bytes(orjson.dumps(["nothing that can be read"]))
    (tmp_path / "2.json").write_bytes(orjson.dumps([both]))
    log, streams = KeptUpdates(), NotedStreams()
    replay = Replay(find_recordings([tmp_path]), outlet=log, streams=streams, speed=None, timeout_ms=1_000)
    await replay.run(lambda _: None)
    assert sorted(streams.begun) == ["the-odds-api:pinnacle", "the-odds-api:unibet_nl"]
    assert [(update.provider_id, update.epoch) for update in log.updates] == [
        ("the-odds-api:pinnacle", 4),
        ("the-odds-api:unibet_nl", 4),
    ]
    assert (replay.report.read_count, replay.report.published_count) == (2, 2)
