"""What a provider is told of words that it had no right to, once pricing has judged them.

Rights hang on all that was said of a fixture, which pricing alone has: the door has acknowledged by then. What does not
count is a dead letter of pricing, a result that a person has to look at first goes on with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import structlog
from google.protobuf.message import DecodeError

from kernel.log import Record
from odds.folding.provider_rights import WORDS_BY_REASON
from overround.feed.v1.feed_pb2 import DeadLetter, FeedUpdate, FixtureResults
from overround.feed.v1.feed_service_pb2 import PushRefusal
from wire.feed import NO_RIGHT
from wire.topics import PRICING_DEAD_LETTERS, RESULTS

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ToldRefusal:
    """A refusal, and the stream whose update it is about."""

    provider_id: str
    epoch: int
    refusal: PushRefusal


def refusals_told(records: Iterable[Record]) -> Iterator[ToldRefusal]:
    """Return what records of pricing's dead letters and of results refuse for want of rights, in order."""
    for record in records:
        try:
            if record.topic == PRICING_DEAD_LETTERS.name:
                yield from _refused_whole(DeadLetter.FromString(record.value or b""))
            elif record.topic == RESULTS.name:
                yield from _refused_results(FixtureResults.FromString(record.value or b""))
        except DecodeError as error:
            log.warning("feed.refusal_unreadable", topic=record.topic, error=str(error))


def _refused_whole(letter: DeadLetter) -> Iterator[ToldRefusal]:
    if letter.reason == NO_RIGHT:
        update = FeedUpdate.FromString(letter.raw)
        refusal = PushRefusal(sequence=update.sequence, reason=NO_RIGHT, message=letter.message)
        yield ToldRefusal(update.provider_id, update.epoch, refusal)


def _refused_results(results: FixtureResults) -> Iterator[ToldRefusal]:
    for result in results.results:
        words = WORDS_BY_REASON.get(result.referral_reason)
        if words is not None:
            message = f"The result of {result.market_id} waits for a person: {words}"
            refusal = PushRefusal(sequence=results.sequence, reason=result.referral_reason, message=message)
            yield ToldRefusal(results.provider_id, results.epoch, refusal)
