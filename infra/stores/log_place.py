"""Which log this is, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from infra.kafka import reader_options
from kernel.errors import Part, Unavailable
from wire.topics import LEDGER_ANCHORS

ANSWER_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class LogPlace:
    """A log as it stands: the cluster's name, and the offset behind its last anchor; anchors are kept for ever."""

    log_id: str
    anchors_end: int


def read_place(client: Mapping[str, str], *, client_id: str) -> LogPlace:
    """Return which log this is and how far it has come; by a connection made anew, as a client asks its name once.

    Raises:
        Unavailable: If the broker does not answer in time, or has no such topic.
    """
    consumer = Consumer(reader_options(client, client_id=client_id))
    try:
        log_id = consumer.list_topics(LEDGER_ANCHORS.name, timeout=ANSWER_TIMEOUT_S).cluster_id
        ends = consumer.get_watermark_offsets(TopicPartition(LEDGER_ANCHORS.name, 0), timeout=ANSWER_TIMEOUT_S)
    except KafkaException as error:
        raise Unavailable(Part.ANCHORS, f"The log must say which it is, but: {error}") from error
    finally:
        consumer.close()
    if not log_id or ends is None:
        raise Unavailable(Part.ANCHORS, f"The log must say which it is within {ANSWER_TIMEOUT_S} s, did not")
    return LogPlace(log_id, ends[1])
