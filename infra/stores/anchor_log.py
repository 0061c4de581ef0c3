"""The anchors of the ledger's chains, read back from the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from google.protobuf.message import DecodeError

from infra.kafka_read_back import read_to_ends, reader_of
from kernel.errors import Part, Unavailable
from overround.wallet.v1.anchor_pb2 import LedgerAnchor
from wire.topics import LEDGER_ANCHORS

SILENCE_S: Final = 5.0


def read_anchors(client: Mapping[str, str], *, newest: int | None = None) -> list[LedgerAnchor]:
    """Return every anchor, or the newest ones alone, oldest first.

    Raises:
        Unavailable: If the broker does not answer in time, or one cannot be read.
    """
    try:
        with reader_of(client, client_id="anchors") as consumer:
            offset = OFFSET_BEGINNING if newest is None else _offset_of_newest(consumer, newest)
            messages = read_to_ends(consumer, [TopicPartition(LEDGER_ANCHORS.name, 0, offset)], silence_s=SILENCE_S)
            return [LedgerAnchor.FromString(message.value() or b"") for message in messages]
    except (KafkaException, DecodeError, TimeoutError) as error:
        raise Unavailable(Part.ANCHORS, f"The anchors must be read from the log, but: {error}") from error


def _offset_of_newest(consumer: Consumer, count: int) -> int:
    first, end = consumer.get_watermark_offsets(TopicPartition(LEDGER_ANCHORS.name, 0), timeout=SILENCE_S)
    return int(max(first, end - count))
