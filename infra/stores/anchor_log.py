"""The anchors of the ledger's chains, read back from the log."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from google.protobuf.message import DecodeError

from infra.kafka import reader_options
from kernel.errors import Part, Unavailable
from overround.wallet.v1.anchor_pb2 import LedgerAnchor
from wire.topics import LEDGER_ANCHORS

ANSWER_TIMEOUT_S: Final = 5.0
POLL_TIMEOUT_S: Final = 0.5
POLL_RECORDS_MAX: Final = 10_000


def read_anchors(client: Mapping[str, str], *, newest: int | None = None) -> list[LedgerAnchor]:
    """Return every anchor, or the newest ones alone, oldest first.

    Raises:
        Unavailable: If the broker does not answer in time, or one cannot be read.
    """
    consumer = Consumer(reader_options(client, client_id="anchors"))
    try:
        offset = OFFSET_BEGINNING if newest is None else _offset_of_newest(consumer, newest)
        consumer.assign([TopicPartition(LEDGER_ANCHORS.name, 0, offset)])
        return _read_to_end(consumer)
    except (KafkaException, DecodeError) as error:
        raise Unavailable(Part.ANCHORS, f"The anchors must be read from the log, but: {error}") from error
    finally:
        consumer.close()


def _offset_of_newest(consumer: Consumer, count: int) -> int:
    first, end = consumer.get_watermark_offsets(TopicPartition(LEDGER_ANCHORS.name, 0), timeout=ANSWER_TIMEOUT_S)
    return int(max(first, end - count))


def _read_to_end(consumer: Consumer) -> list[LedgerAnchor]:
    anchors: list[LedgerAnchor] = []
    deadline_s = time.monotonic() + ANSWER_TIMEOUT_S
    while time.monotonic() < deadline_s:
        for message in consumer.consume(POLL_RECORDS_MAX, POLL_TIMEOUT_S):
            error = message.error()
            if error is None:
                anchors.append(LedgerAnchor.FromString(message.value() or b""))
            elif error.code() == KafkaError._PARTITION_EOF:
                return anchors
            else:
                raise KafkaException(error)
            deadline_s = time.monotonic() + ANSWER_TIMEOUT_S
    raise Unavailable(Part.ANCHORS, f"The log must tell what was anchored within {ANSWER_TIMEOUT_S} s, did not")
