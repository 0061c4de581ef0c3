"""What history keeps of each message: one table a topic, one row a message."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from overround.bets.v1 import bet_pb2
from overround.casino.v1 import round_pb2
from overround.odds.v1 import book_pb2
from overround.risk.v1 import risk_pb2
from overround.wallet.v1 import wallet_pb2
from wire import topics
from wire.layouts import COUNT

Row = tuple[object, ...]

NO_CLOCK: Final = -1
KNOWN_LAYOUTS_MAX: Final = 50_000


@dataclass(frozen=True, slots=True)
class HistoryTable:
    """Where the messages of a topic go.

    Attributes:
        topic: Read from.
        name: Written to.
        column_names: Of the row that `read` makes; topic_partition and topic_offset come after them.
        read: Makes the row of a message, text as UTF-8 bytes; raises DecodeError if the message is none.
    """

    topic: str
    name: str
    column_names: tuple[str, ...]
    read: Callable[[bytes], Row]


LAYOUT_TABLE: Final = "book_layouts"
LAYOUT_COLUMN_NAMES: Final = ("layout_hash", "market_ids", "outcome_counts", "outcome_ids")


class LayoutCatalogue:
    """Layouts of books: which are in the history already, and which must go there before their books."""

    def __init__(self, *, known_max: int = KNOWN_LAYOUTS_MAX) -> None:
        self._known: OrderedDict[int, None] = OrderedDict()
        self._known_max = known_max
        self.pending: dict[int, Row] = {}

    def note(self, book: book_pb2.Book) -> None:
        """Make the layout of a book pending unless it is known."""
        if book.layout_hash in self._known:
            self._known.move_to_end(book.layout_hash)
        elif book.layout_hash not in self.pending:
            self.pending[book.layout_hash] = (
                book.layout_hash,
                [market_id.encode() for market_id in book.market_ids],
                np.frombuffer(book.outcome_counts, COUNT).tolist(),
                [outcome_id.encode() for outcome_id in book.outcome_ids],
            )

    def mark_kept(self) -> None:
        """Count what was pending as known; the least used are forgotten, and kept once more when they come again."""
        self._known.update(dict.fromkeys(self.pending))
        self.pending.clear()
        while len(self._known) > self._known_max:
            self._known.popitem(last=False)


def read_book(catalogue: LayoutCatalogue, value: bytes) -> Row:
    """Return the row of a book and note its layout; prices stay packed, as they came."""
    book = book_pb2.Book.FromString(value)
    catalogue.note(book)
    state = book.state
    return (
        book.fixture_id.encode(),
        book.version,
        book.published_time_us,
        book.feed_time_us,
        state.status,
        state.period,
        state.home_score,
        state.away_score,
        state.clock_seconds if state.HasField("clock_seconds") else NO_CLOCK,
        book.layout_hash,
        book.market_statuses,
        book.suspension_reasons,
        book.market_versions,
        book.decimal_odds_milli,
    )


def read_bet_event(value: bytes) -> Row:
    """Return the row of a change of a bet."""
    message = bet_pb2.BetChanged.FromString(value)
    bet, event, legs = message.bet, message.event, message.bet.legs
    return (
        message.position.transaction_id,
        message.position.row_id,
        bet.bet_id.encode(),
        bet.player_id.encode(),
        event.kind,
        event.time_us,
        event.amount.amount_minor,
        bet.stake.currency.encode(),
        bet.status,
        bet.stake.amount_minor,
        bet.potential_return.amount_minor,
        bet.return_amount.amount_minor,
        [leg.fixture_id.encode() for leg in legs],
        [leg.market_id.encode() for leg in legs],
        [leg.outcome_id.encode() for leg in legs],
        [leg.decimal_odds_milli for leg in legs],
        [leg.book_version for leg in legs],
        [int(leg.is_in_play) for leg in legs],
    )


def read_transfer(value: bytes) -> Row:
    """Return the row of a leg of a transfer."""
    transfer = wallet_pb2.TransferPosted.FromString(value)
    return (
        transfer.provider.encode(),
        transfer.key.encode(),
        transfer.leg,
        transfer.transfer_id.encode(),
        transfer.debit_account_id.encode(),
        transfer.credit_account_id.encode(),
        transfer.amount.amount_minor,
        transfer.amount.currency.encode(),
        transfer.kind.encode(),
        transfer.time_us,
        transfer.position.transaction_id,
        transfer.position.row_id,
    )


def read_round(value: bytes) -> Row:
    """Return the row of a round."""
    message = round_pb2.RoundPlayed.FromString(value)
    played = message.round
    return (
        played.round_id.encode(),
        message.player_id.encode(),
        message.account_id.encode(),
        played.game_code.encode(),
        played.game_version,
        list(played.stops),
        played.stake.amount_minor,
        played.win.amount_minor,
        played.stake.currency.encode(),
        played.time_us,
        message.position.transaction_id,
        message.position.row_id,
    )


def read_liability(value: bytes) -> Row:
    """Return the row of a fixture's liability."""
    liability = risk_pb2.FixtureLiability.FromString(value)
    return (
        liability.fixture_id.encode(),
        liability.version,
        liability.time_us,
        liability.currency.encode(),
        liability.worst_loss_minor,
        liability.turnover_minor,
        [market.market_id.encode() for market in liability.markets],
        [market.stake_minor for market in liability.markets],
        [market.worst_loss_minor for market in liability.markets],
        [market.bet_count for market in liability.markets],
    )


BOOK_COLUMN_NAMES: Final = (
    "fixture_id",
    "version",
    "published_time_us",
    "feed_time_us",
    "fixture_status",
    "period",
    "home_score",
    "away_score",
    "clock_seconds",
    "layout_hash",
    "market_statuses_packed",
    "suspension_reasons_packed",
    "market_versions_packed",
    "decimal_odds_milli_packed",
)
BET_EVENTS: Final = HistoryTable(
    topics.BET_EVENTS.name,
    "bet_events",
    (
        "transaction_id",
        "outbox_row_id",
        "bet_id",
        "player_id",
        "kind",
        "time_us",
        "amount_minor",
        "currency",
        "status",
        "stake_minor",
        "potential_return_minor",
        "return_minor",
        "fixture_ids",
        "market_ids",
        "outcome_ids",
        "decimal_odds_milli",
        "book_versions",
        "are_in_play",
    ),
    read_bet_event,
)
LEDGER_TRANSFERS: Final = HistoryTable(
    topics.WALLET_EVENTS.name,
    "ledger_transfers",
    (
        "provider",
        "key",
        "leg",
        "transfer_id",
        "debit_account_id",
        "credit_account_id",
        "amount_minor",
        "currency",
        "kind",
        "time_us",
        "transaction_id",
        "outbox_row_id",
    ),
    read_transfer,
)
CASINO_ROUNDS: Final = HistoryTable(
    topics.CASINO_ROUNDS.name,
    "casino_rounds",
    (
        "round_id",
        "player_id",
        "account_id",
        "game_code",
        "game_version",
        "stops",
        "stake_minor",
        "win_minor",
        "currency",
        "time_us",
        "transaction_id",
        "outbox_row_id",
    ),
    read_round,
)
LIABILITIES: Final = HistoryTable(
    topics.LIABILITIES.name,
    "liabilities",
    (
        "fixture_id",
        "version",
        "time_us",
        "currency",
        "worst_loss_minor",
        "turnover_minor",
        "market_ids",
        "market_stakes_minor",
        "market_worst_losses_minor",
        "market_bet_counts",
    ),
    read_liability,
)


def book_versions(catalogue: LayoutCatalogue) -> HistoryTable:
    """Return the table of books, whose layouts go into the catalogue."""
    return HistoryTable(topics.BOOKS.name, "book_versions", BOOK_COLUMN_NAMES, partial(read_book, catalogue))
