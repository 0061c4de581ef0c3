"""Whether an update is one that the log may have: bounded, its columns in line, its ids printable."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from gateway.feeds.refusals import MessageMalformed, MessageOversized
from kernel.ids import NAME_RULE, is_name
from markets.layout import LayoutMalformed
from markets.results import ResultMalformed
from overround.feed.v1.feed_pb2 import BetStop, FeedUpdate, MarketResult, Quotes, ResultKind
from overround.odds.v1.book_pb2 import MarketStatus
from overround.odds.v1.fixture_pb2 import FixtureDescription, MatchState
from wire.feed import parse_quotes
from wire.layouts import expect_layout_hash
from wire.results import parse_market_result

UPDATE_BYTES_MAX: Final = 524_288
MARKETS_MAX: Final = 2_048
OUTCOMES_MAX: Final = 16_384
RESULTS_MAX: Final = 2_048
PARTICIPANTS_MAX: Final = 2_048
ODDS_MILLI_MAX: Final = 10_000_000
SEQUENCE_MAX: Final = (1 << 63) - 1
TIME_MS_MAX: Final = (1 << 43) - 1
NAME_LENGTH_MAX: Final = 200
COUNT_MAX: Final = 100_000
STATE_PARTS_MAX: Final = 512
LAYOUTS_REMEMBERED_MAX: Final = 16_384

_MOST: Final = {"withdrawn_time_ms": TIME_MS_MAX, "withdrawn_odds_milli": ODDS_MILLI_MAX}
_IDS = re.compile(r"(?:[!-~]{1,200}\n)*", re.ASCII)
_STATUSES: Final = bytes(status for status in MarketStatus.values() if status)
_ONE: Final = np.uint32(1)
_ODDS_MILLI_MIN: Final = np.uint32(1000)


class UpdateValidator:
    """Checks updates; the ids of a layout that was found right are not read again."""

    def __init__(self) -> None:
        self._right_layouts: dict[tuple[int, bytes], None] = {}

    def check(self, update: FeedUpdate) -> None:
        """Check one update.

        Raises:
            MessageOversized: If it, or a list in it, is too long.
            MessageMalformed: If anything in it is not as it must be.
        """
        if update.ByteSize() > UPDATE_BYTES_MAX:
            raise MessageOversized(f"An update has at most {UPDATE_BYTES_MAX} bytes, had {update.ByteSize()}")
        check_place(update)
        check_time(update)
        if update.HasField("description"):
            check_description(update.description)
        if update.HasField("state"):
            check_state(update.state)
        if update.HasField("quotes"):
            self.check_quotes(update.quotes)
        if update.HasField("bet_stop"):
            check_bet_stop(update.bet_stop)
        if update.results:
            check_count_of_results(update)
            for result in update.results:
                check_result(result)

    def check_quotes(self, quotes: Quotes) -> None:
        """Check one provider's prices.

        Raises:
            MessageOversized: If there are too many.
            MessageMalformed: If the columns are not in line, or anything in them is not as it must be.
        """
        check_size(quotes)
        try:
            expect_layout_hash(quotes)
            columns = parse_quotes(quotes)
        except LayoutMalformed as error:
            raise MessageMalformed(error.message) from None
        self._check_ids(quotes)
        check_cells(quotes.market_statuses, columns.decimal_odds_milli)
        check_starting_odds(quotes)

    def _check_ids(self, quotes: Quotes) -> None:
        layout = (quotes.layout_hash, quotes.outcome_counts)
        if layout in self._right_layouts:
            return
        _expect_ids(quotes.market_ids, "market_ids")
        _expect_ids(quotes.outcome_ids, "outcome_ids")
        if len(self._right_layouts) >= LAYOUTS_REMEMBERED_MAX:
            del self._right_layouts[next(iter(self._right_layouts))]
        self._right_layouts[layout] = None


def check_place(update: FeedUpdate) -> None:
    """Check which fixture an update is about, and where it stands in its stream.

    Raises:
        MessageMalformed: If that cannot be told.
    """
    check_id(update.fixture_id, "fixture_id")
    _expect_range(update.sequence, 1, SEQUENCE_MAX, "sequence")


def check_time(update: FeedUpdate) -> None:
    """Check the provider's time stamp.

    Raises:
        MessageMalformed: If it is no time.
    """
    _expect_range(update.provider_time_ms, 0, TIME_MS_MAX, "provider_time_ms")


def check_size(quotes: Quotes) -> None:
    """Check how many markets and outcomes there are.

    Raises:
        MessageOversized: If there are too many.
    """
    _expect_count(len(quotes.market_ids), MARKETS_MAX, "markets")
    _expect_count(len(quotes.outcome_ids), OUTCOMES_MAX, "outcomes")


def check_cells(market_statuses: bytes, odds_milli: NDArray[np.uint32]) -> None:
    """Check statuses of markets and prices of outcomes.

    Raises:
        MessageMalformed: If one cannot be.
    """
    if market_statuses.strip(_STATUSES):
        raise MessageMalformed(f"Market statuses must be from 1 to {max(_STATUSES)}")
    # Less one, no odds at all become the highest number.
    if len(odds_milli) and (odds_milli.max() > ODDS_MILLI_MAX or (odds_milli - _ONE < _ODDS_MILLI_MIN).any()):
        raise MessageMalformed(f"Decimal odds must be 0, or above 1000 and at most {ODDS_MILLI_MAX} thousandths")


def check_starting_odds(quotes: Quotes) -> None:
    """Check that there are as many starting odds as outcomes, or none.

    Raises:
        MessageMalformed: If there are not.
    """
    if quotes.starting_odds_milli and len(quotes.starting_odds_milli) != len(quotes.decimal_odds_milli):
        raise MessageMalformed("Starting odds must be as many as there are outcomes, or none")


def check_description(description: FixtureDescription) -> None:
    """Check what a fixture is said to be.

    Raises:
        MessageOversized: If it has too many participants.
        MessageMalformed: If anything in it is not as it must be.
    """
    _expect_count(len(description.participants), PARTICIPANTS_MAX, "participants")
    _expect_range(description.start_time_ms, 0, TIME_MS_MAX, "start_time_ms")
    names = [description.sport, description.competition, description.home_name, description.away_name]
    names.extend(participant.name for participant in description.participants)
    longest = max(map(len, names))
    if longest > NAME_LENGTH_MAX:
        raise MessageMalformed(f"Names have at most {NAME_LENGTH_MAX} characters, one had {longest}")
    _expect_ids([participant.id for participant in description.participants], "participants")


def check_state(state: MatchState) -> None:
    """Check what is said to go on in a match.

    Raises:
        MessageOversized: If a list in it is too long.
        MessageMalformed: If a number in it cannot be.
    """
    _check_counts(state)


def _check_counts(message: Message) -> None:
    """Check all that a message and those in it hold: enumerations known, counts in range, lists bounded."""
    for field, value in message.ListFields():
        values = list(value) if field.is_repeated else [value]
        _expect_count(len(values), STATE_PARTS_MAX, field.name)
        for item in values:
            if isinstance(item, Message):
                _check_counts(item)
            elif isinstance(item, str):
                check_id(item, field.name)
            elif field.enum_type is not None and item not in field.enum_type.values_by_number:
                raise MessageMalformed(f"{field.name} must be one that is known, was {item}")
            else:
                _expect_range(item, 0, _MOST.get(field.name, COUNT_MAX), field.name)


def check_bet_stop(bet_stop: BetStop) -> None:
    """Check which markets are to be stopped.

    Raises:
        MessageOversized: If there are too many.
        MessageMalformed: If one cannot be.
    """
    _expect_count(len(bet_stop.market_ids), MARKETS_MAX, "markets in a bet-stop")
    _expect_ids(bet_stop.market_ids, "market_ids")


def check_count_of_results(update: FeedUpdate) -> None:
    """Check how many results an update has.

    Raises:
        MessageOversized: If it has too many.
    """
    _expect_count(len(update.results), RESULTS_MAX, "results")


def check_result(result: MarketResult) -> None:
    """Check one result: settlement, which reads it in the same way, can apply it.

    Raises:
        MessageOversized: If it has too many outcomes.
        MessageMalformed: If it says something that cannot be.
    """
    check_id(result.market_id, "market_id")
    _expect_count(len(result.outcomes), OUTCOMES_MAX, "outcomes of a result")
    _expect_range(result.window_start_ms, 0, TIME_MS_MAX, "window_start_ms")
    _expect_range(result.window_end_ms, 0, TIME_MS_MAX, "window_end_ms")
    _expect_range(result.certainty, 0, 2, "certainty")
    if len(result.void_reason) > NAME_LENGTH_MAX:
        raise MessageMalformed(f"Reasons have at most {NAME_LENGTH_MAX} characters, one had {len(result.void_reason)}")
    if (result.kind == ResultKind.RESULT_KIND_SETTLEMENT) != bool(result.outcomes):
        raise MessageMalformed("A settlement, and nothing else, must name outcomes")
    _expect_ids([outcome.outcome_id for outcome in result.outcomes], "outcome_ids")
    try:
        parse_market_result(result)
    except ResultMalformed as error:
        raise MessageMalformed(error.message) from None


def check_id(text: str, name: str) -> None:
    """Check an id.

    Raises:
        MessageMalformed: If it is none.
    """
    if not is_name(text):
        raise MessageMalformed(f"{name} must be {NAME_RULE}, was {text[:64]!r}")


def _expect_ids(texts: Iterable[str], name: str) -> None:
    joined = "".join(f"{text}\n" for text in texts)
    if not _IDS.fullmatch(joined):
        raise MessageMalformed(f"{name} must be {NAME_RULE} each")


def _expect_range(value: int, minimum: int, maximum: int, name: str) -> None:
    if not minimum <= value <= maximum:
        raise MessageMalformed(f"{name} must be from {minimum} to {maximum}, was {value}")


def _expect_count(count: int, maximum: int, name: str) -> None:
    if count > maximum:
        raise MessageOversized(f"An update holds at most {maximum} {name}, had {count}")
