"""`overround replay` as people run it, against the real Kafka."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from infra.settings import ROOT, Settings
from overround.feed.v1.feed_pb2 import DeadLetter, FeedUpdate, ProviderHeartbeat
from tests.running_system import wait_until
from wire.topics import FEED_DEAD_LETTERS, FEED_PROVIDERS, FEED_UPDATES

DATA = ROOT.parent / "shared" / "data"
CRICKET = DATA / "betfair" / "1.200806927"
STORY = DATA / "uof" / "match_story"
TIMEOUT_S = 240

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the reference data is not beside the repository")


def command(settings: Settings, *arguments: str) -> dict[str, Any]:
    return {
        "args": [sys.executable, "-m", "infra.cli", "replay", *arguments],
        "env": {**os.environ, **settings.environment(), "COLUMNS": "100"},
        "cwd": ROOT,
        "text": True,
    }


def replay(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(**command(settings, *arguments), capture_output=True, timeout=TIMEOUT_S, check=False)


def read_all(settings: Settings, topic: str, key: str | None = None) -> list[bytes]:
    consumer = Consumer({**settings.kafka_client, "group.id": "replay-test"})
    values = []
    for partition in consumer.list_topics(topic, timeout=60).topics[topic].partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=60)
        consumer.assign([TopicPartition(topic, partition, low)])
        deadline_s = time.monotonic() + TIMEOUT_S
        while low < high and time.monotonic() < deadline_s:
            for message in consumer.consume(5_000, 0.2):
                assert message.error() is None
                if key is None or message.key() == key.encode():
                    values.append(message.value() or b"")
                low = (message.offset() or 0) + 1
    consumer.close()
    return values


def updates_of(settings: Settings, fixture_id: str) -> list[FeedUpdate]:
    return [FeedUpdate.FromString(value) for value in read_all(settings, FEED_UPDATES.name, fixture_id)]


def rows_of(output: str) -> dict[str, str]:
    return dict(re.findall(r"│ (\S[^│]*?) +│ +([\d,.]+) │", output))


@pytest.fixture
def number() -> int:
    return random.randrange(10**9, 10**10)


@pytest.fixture
def cricket(tmp_path: Path, number: int) -> Path:
    """The recorded market as one of an event of its own."""
    path = tmp_path / "market"
    path.write_bytes(CRICKET.read_bytes().replace(b'"31573045"', b'"%d"' % number))
    return path


def test_a_recorded_market_goes_to_the_log_the_same_way_every_time(
    settings: Settings, cricket: Path, number: int
) -> None:
    for _ in range(2):
        done = replay(settings, str(cricket))
        assert done.returncode == 0, done.stdout + done.stderr
        rows = rows_of(done.stdout)
        assert (rows["messages read"], rows["updates published"]) == ("18,529", "1,459")
        assert "refused" not in done.stdout
    sequences = [update.sequence for update in updates_of(settings, f"betfair:{number}")]
    assert len(sequences) == 2 * 1_459
    assert sequences[:1_459] == sequences[1_459:] == sorted(set(sequences))


def test_the_match_story_is_replayed_in_name_order_and_signs_of_life_go_on(
    settings: Settings, tmp_path: Path, number: int
) -> None:
    for path in STORY.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes().replace(b"sr:match:90000001", b"sr:match:%d" % number))
    begun_us = time.time_ns() // 1_000
    done = replay(settings, str(tmp_path), "--hold-s", "2.5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (rows_of(done.stdout)["messages read"], rows_of(done.stdout)["updates published"]) == ("16", "12")
    updates = updates_of(settings, f"sr:match:{number}")
    assert [update.provider_time_ms for update in updates] == sorted(update.provider_time_ms for update in updates)
    assert len(updates) == 12
    ever = [ProviderHeartbeat.FromString(value) for value in read_all(settings, FEED_PROVIDERS.name)]
    signs = [sign for sign in ever if sign.received_time_us >= begun_us]
    assert [sign.is_up for sign in signs if sign.provider_id == "uof:1"][-2:] == [False, False]
    assert sum(sign.provider_id == "uof:3" and sign.is_up for sign in signs) >= 3


def test_speed_keeps_the_provider_s_time_and_ctrl_c_ends_it_cleanly(
    settings: Settings, cricket: Path, number: int
) -> None:
    asked = command(settings, str(cricket), "--speed", "1000x")
    asked["args"] = ["env", "--default-signal=INT", *asked["args"]]  # background jobs of a shell ignore Ctrl-C
    running = subprocess.Popen(**asked, stdout=subprocess.PIPE)
    try:
        wait_until(lambda: bool(updates_of(settings, f"betfair:{number}")), TIMEOUT_S, lambda: "nothing was replayed")
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 0, output
    assert "stopped before the end" in output
    rows = rows_of(output)
    published = int(rows["updates published"].replace(",", ""))
    updates = updates_of(settings, f"betfair:{number}")
    assert len(updates) == published > 0
    played_s = (updates[-1].provider_time_ms - updates[0].provider_time_ms) / 1_000
    assert played_s <= float(rows["seconds"].replace(",", "")) * 1_000


def test_the_first_messages_alone_can_be_replayed(settings: Settings, cricket: Path) -> None:
    done = replay(settings, str(cricket), "--first", "100")
    assert (done.returncode, rows_of(done.stdout)["messages read"]) == (0, "100")


def test_what_is_refused_is_counted_and_kept(settings: Settings, tmp_path: Path, number: int) -> None:
    path = tmp_path / "broken"
    path.write_text(f'{{"op":"mcm","pt":{number},\n{{"op":"ocm","pt":{number}}}\n' + "{" + "x" * (1 << 20) + "\n")
    done = replay(settings, str(path))
    assert done.returncode == 0
    rows = rows_of(done.stdout)
    assert [rows[f"refused: {reason}"] for reason in ("MALFORMED", "OVERSIZED", "UNKNOWN_MESSAGE")] == ["1", "1", "1"]
    letters = [DeadLetter.FromString(value) for value in read_all(settings, FEED_DEAD_LETTERS.name)]
    assert f'{{"op":"ocm","pt":{number}}}'.encode() in [letter.raw for letter in letters]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere"], "Expected one of these"),
        ([str(ROOT / "LICENSE")], "Expected one of these"),
        ([str(ROOT / "protos")], "to be named one by one: gen, overround"),
        ([str(CRICKET), "--speed", "fast"], "Speed must be max or a factor like 50x"),
        ([str(CRICKET), "--speed", "0x"], "Speed must be max or a factor like 50x"),
    ],
)
def test_what_cannot_be_replayed_is_said(settings: Settings, arguments: list[str], complaint: str) -> None:
    done = replay(settings, *arguments)
    assert done.returncode == 1
    assert complaint in " ".join(done.stdout.split())
    assert "Traceback" not in done.stderr


def test_without_a_broker_it_says_so(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"ports": settings.ports.model_copy(update={"kafka": 1})})
    done = replay(nowhere, str(CRICKET), "--first", "1")
    assert done.returncode == 1
    assert "Kafka must answer" in done.stdout
