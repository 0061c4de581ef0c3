"""Whether an update is one that the log may have: bounded, its columns in line, its ids printable."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import numpy as np

from gateway.feeds.refusals import MessageMalformed, MessageOversized
from odds.layout import LayoutMalformed
from overround.feed.v1.feed_pb2 import FeedUpdate, MarketResult, Quotes, ResultKind
from overround.odds.v1.book_pb2 import MarketStatus
from overround.odds.v1.fixture_pb2 import FixtureDescription, FixtureStatus, MatchState, Period, Score
from wire.feed import parse_quotes
from wire.layouts import expect_layout_hash

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
FACTOR_ONE: Final = 1_000_000
LAYOUTS_REMEMBERED_MAX: Final = 16_384

_ID = re.compile(r"[!-~]{1,200}", re.ASCII)
_IDS = re.compile(r"(?:[!-~]{1,200}\n)*", re.ASCII)
_STATUSES: Final = bytes(status for status in MarketStatus.values() if status)
_ONE: Final = np.uint32(1)
_ODDS_MILLI_MIN: Final = np.uint32(1000)
_ID_RULE: Final = "1 to 200 printable ASCII characters without blanks"


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
        _expect_id(update.fixture_id, "fixture_id")
        _expect_range(update.sequence, 1, SEQUENCE_MAX, "sequence")
        _expect_range(update.provider_time_ms, 0, TIME_MS_MAX, "provider_time_ms")
        if update.HasField("description"):
            _check_description(update.description)
        if update.HasField("state"):
            _check_state(update.state)
        if update.HasField("quotes"):
            self._check_quotes(update.quotes)
        if update.HasField("bet_stop"):
            _expect_count(len(update.bet_stop.market_ids), MARKETS_MAX, "markets in a bet-stop")
            _expect_ids(update.bet_stop.market_ids, "market_ids")
        if update.results:
            _expect_count(len(update.results), RESULTS_MAX, "results")
            for result in update.results:
                _check_result(result)

    def _check_quotes(self, quotes: Quotes) -> None:
        _expect_count(len(quotes.market_ids), MARKETS_MAX, "markets")
        _expect_count(len(quotes.outcome_ids), OUTCOMES_MAX, "outcomes")
        try:
            expect_layout_hash(quotes)
            columns = parse_quotes(quotes)
        except LayoutMalformed as error:
            raise MessageMalformed(error.message) from None
        self._check_ids(quotes)
        odds_milli = columns.decimal_odds_milli
        if quotes.market_statuses.strip(_STATUSES):
            raise MessageMalformed(f"Market statuses must be from 1 to {max(_STATUSES)}")
        # Less one, no odds at all become the highest number.
        if len(odds_milli) and (odds_milli.max() > ODDS_MILLI_MAX or (odds_milli - _ONE < _ODDS_MILLI_MIN).any()):
            raise MessageMalformed(f"Decimal odds must be 0, or above 1000 and at most {ODDS_MILLI_MAX} thousandths")
        starting_odds_milli = quotes.starting_odds_milli
        if starting_odds_milli and len(starting_odds_milli) != len(odds_milli) * np.dtype("<u4").itemsize:
            raise MessageMalformed("Starting odds must be as many as there are outcomes, or none")

    def _check_ids(self, quotes: Quotes) -> None:
        layout = (quotes.layout_hash, quotes.outcome_counts)
        if layout in self._right_layouts:
            return
        _expect_ids(quotes.market_ids, "market_ids")
        _expect_ids(quotes.outcome_ids, "outcome_ids")
        if len(self._right_layouts) >= LAYOUTS_REMEMBERED_MAX:
            del self._right_layouts[next(iter(self._right_layouts))]
        self._right_layouts[layout] = None


def _check_description(description: FixtureDescription) -> None:
    _expect_count(len(description.participants), PARTICIPANTS_MAX, "participants")
    _expect_range(description.start_time_ms, 0, TIME_MS_MAX, "start_time_ms")
    names = [description.sport, description.competition, description.home_name, description.away_name]
    names.extend(participant.name for participant in description.participants)
    longest = max(map(len, names))
    if longest > NAME_LENGTH_MAX:
        raise MessageMalformed(f"Names have at most {NAME_LENGTH_MAX} characters, one had {longest}")
    _expect_ids([participant.id for participant in description.participants], "participants")


def _check_state(state: MatchState) -> None:
    if state.status not in FixtureStatus.values() or state.period not in Period.values():
        raise MessageMalformed(f"Status and period must be known, were {state.status} and {state.period}")
    for field, value in state.ListFields():
        counts = (value.home, value.away) if isinstance(value, Score) else (value,)
        for count in counts:
            _expect_range(count, 0, COUNT_MAX, field.name)


def _check_result(result: MarketResult) -> None:
    _expect_id(result.market_id, "market_id")
    _expect_count(len(result.outcomes), OUTCOMES_MAX, "outcomes of a result")
    _expect_range(result.kind, ResultKind.RESULT_KIND_SETTLEMENT, ResultKind.RESULT_KIND_CANCEL_ROLLBACK, "kind")
    _expect_range(result.window_start_ms, 0, TIME_MS_MAX, "window_start_ms")
    _expect_range(result.window_end_ms, 0, TIME_MS_MAX, "window_end_ms")
    _expect_range(result.certainty, 0, 2, "certainty")
    if result.window_end_ms and result.window_end_ms < result.window_start_ms:
        raise MessageMalformed("A cancellation's window must not end before it starts")
    if len(result.void_reason) > NAME_LENGTH_MAX:
        raise MessageMalformed(f"Reasons have at most {NAME_LENGTH_MAX} characters, one had {len(result.void_reason)}")
    if (result.kind == ResultKind.RESULT_KIND_SETTLEMENT) != bool(result.outcomes):
        raise MessageMalformed("A settlement, and nothing else, must name outcomes")
    _check_outcomes(result)


def _check_outcomes(result: MarketResult) -> None:
    outcome_ids = [outcome.outcome_id for outcome in result.outcomes]
    _expect_ids(outcome_ids, "outcome_ids")
    if len(set(outcome_ids)) != len(outcome_ids):
        raise MessageMalformed(f"Outcomes of the result of {result.market_id} must differ, one appears twice")
    for outcome in result.outcomes:
        _expect_range(outcome.win_factor_micro, 0, FACTOR_ONE, "win_factor_micro")
        _expect_range(outcome.void_factor_micro, 0, FACTOR_ONE, "void_factor_micro")
        _expect_range(outcome.dead_heat_factor_micro, 0, FACTOR_ONE, "dead_heat_factor_micro")


def _expect_id(text: str, name: str) -> None:
    if not _ID.fullmatch(text):
        raise MessageMalformed(f"{name} must be {_ID_RULE}, was {text[:64]!r}")


def _expect_ids(texts: Iterable[str], name: str) -> None:
    joined = "".join(f"{text}\n" for text in texts)
    if not _IDS.fullmatch(joined):
        raise MessageMalformed(f"{name} must be {_ID_RULE} each")


def _expect_range(value: int, minimum: int, maximum: int, name: str) -> None:
    if not minimum <= value <= maximum:
        raise MessageMalformed(f"{name} must be from {minimum} to {maximum}, was {value}")


def _expect_count(count: int, maximum: int, name: str) -> None:
    if count > maximum:
        raise MessageOversized(f"An update holds at most {maximum} {name}, had {count}")
