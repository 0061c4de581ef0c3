"""Parts of a book for readers who need no more."""

from __future__ import annotations

from functools import lru_cache

from markets.layout import hash_layout
from overround.odds.v1 import book_pb2
from wire.layouts import COUNT, ODDS, VERSION

LAYOUTS_CACHED_MAX = 4_096


def main_market_of(book: book_pb2.Book) -> book_pb2.Book:
    """Return the book with its first market alone, under the same version."""
    if len(book.market_ids) <= 1:
        return book
    outcome_count = int.from_bytes(book.outcome_counts[: COUNT.itemsize], "little")
    main = book_pb2.Book(
        fixture_id=book.fixture_id,
        version=book.version,
        published_time_us=book.published_time_us,
        feed_time_us=book.feed_time_us,
        market_ids=book.market_ids[:1],
        outcome_counts=book.outcome_counts[: COUNT.itemsize],
        outcome_ids=book.outcome_ids[:outcome_count],
        market_statuses=book.market_statuses[:1],
        suspension_reasons=book.suspension_reasons[:1],
        market_versions=book.market_versions[: VERSION.itemsize],
        decimal_odds_milli=book.decimal_odds_milli[: outcome_count * ODDS.itemsize],
        trader_suspensions=[
            suspension for suspension in book.trader_suspensions if suspension.market_id in ("", book.market_ids[0])
        ],
    )
    main.layout_hash = _hash(main.market_ids[0], main.outcome_counts, tuple(main.outcome_ids))
    if book.HasField("description"):
        main.description.CopyFrom(book.description)
    if book.HasField("state"):
        main.state.CopyFrom(book.state)
    return main


@lru_cache(maxsize=LAYOUTS_CACHED_MAX)
def _hash(market_id: str, outcome_counts: bytes, outcome_ids: tuple[str, ...]) -> int:
    return hash_layout([market_id], outcome_counts, outcome_ids)
